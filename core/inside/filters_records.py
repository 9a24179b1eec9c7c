"""The filters of a convolution, and what excites them, as pages draw them. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Kernels:
    """Some filters of a convolution, as initialized and as they are."""

    path: str
    filters: NDArray[np.int64]  # (K,): which, in this order
    before: NDArray[np.float32]  # (K, inputs, H, W), as initialized
    after: NDArray[np.float32]  # (K, inputs, H, W)
    moved: NDArray[np.float32]  # (all filters,): length of the change ÷ length as initialized
    inputs: int  # channels that a filter reads, of which the first are here

    @property
    def change(self) -> NDArray[np.float32]:
        """(K, inputs, H, W)"""
        return self.after - self.before


@dataclass(frozen=True, eq=False)
class Patches:
    """For each filter of a convolution the test images that excite it most, and where."""

    path: str
    searched: int  # test images, from the first on
    images: NDArray[np.int64]  # (filters, K): indices in the test set, the most exciting first
    rows: NDArray[np.int64]  # (filters, K): where in the map
    columns: NDArray[np.int64]
    values: NDArray[np.float32]  # (filters, K): what the filter gives there


@dataclass(frozen=True, eq=False)
class WeightSpread:
    """How the weights of some layers are spread, as initialized and as they are."""

    paths: tuple[str, ...]
    before: NDArray[np.float32]  # (layers, BINS): shares
    after: NDArray[np.float32]
    edges: NDArray[np.float32]  # (layers, 2): the lowest and the highest weight, of both
