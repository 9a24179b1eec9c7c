"""What a page draws of a network's maps. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.analysis.records import Shape


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """The result of one layer for one image, as many of its channels as are drawn."""

    path: str  # of the layer, as in the analysis
    shape: Shape  # of the whole result, without the batch: (C, H, W); (C,) of a linear layer
    low: float  # the smallest and
    high: float  # the largest number of the whole result
    channels: NDArray[np.int64]  # (K,): which are drawn, in this order
    maps: NDArray[np.float32]  # (K, h, w), made smaller where they are large; (1, h, w) of a vector
    means: NDArray[np.float32]  # (C,): the mean activation of every channel
    not_finite: int = 0  # how many numbers are infinite or none at all

    @property
    def is_vector(self) -> bool:
        """Whether the result is one number a channel."""
        return len(self.shape) == 1

    @property
    def has_sign(self) -> bool:
        """Whether numbers lie on both sides of zero."""
        return self.low < 0 < self.high
