"""Test images in two dimensions, by what a network's last layer reads. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_IMAGES = 2_000
_LEAST_IMAGES = 100
_MOST_MACS = 400e9  # of all images together: some seconds on a CPU
NEIGHBORS = 10  # images that are looked at around each one


@dataclass(frozen=True, eq=False)
class Embedding:
    """N test images by their features, in the plane of the two largest principal components."""

    positions: NDArray[np.float32]  # (N, 2)
    variance: tuple[float, float]  # share of the features' variance along each of the two
    layer: str  # the linear layer whose input the features are; "": the scores themselves
    features: int
    images: NDArray[np.int64]  # (N,): index in the test set
    labels: NDArray[np.int64]  # (N,): true classes
    predicted: NDArray[np.int64]  # (N,)
    confidence: NDArray[np.float32]  # (N,): probability of the predicted class
    around: NDArray[np.int64]  # (N,): the class that most of the nearest images by features have

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(N,): whether the prediction is a mistake."""
        return self.predicted != self.labels

    @property
    def among_others(self) -> NDArray[np.bool_]:
        """(N,): whether the image lies among another class's images."""
        return self.around != self.labels


def image_count(macs: int, available: int) -> int:
    """At most `available` test images; fewer for a network of many multiply-adds."""
    affordable = int(_MOST_MACS / max(1, macs))
    return min(available, max(_LEAST_IMAGES, min(MOST_IMAGES, affordable)))


def drawn(count: int, available: int) -> NDArray[np.int64]:
    """(count,): test images drawn at random, always the same ones, in the set's own order."""
    order = np.random.RandomState(0).permutation(available)[:count]  # a stream that is frozen
    return np.sort(order).astype(np.int64)
