"""The test images of a data set, in batches as a network reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.data.catalogue import find_dataset
from core.inside.one_image import read_batch
from core.inside.weights import Weights
from core.specs import LabError

_MAP_BYTES = 2**28  # of the maps of a batch together
_LARGEST_BATCH = 250  # images
_WORK = 5 * 10**11  # multiply-adds that a measurement may take: half a minute on two cores
_FEWEST = 1_000  # images, whatever they cost


def images_within(macs: int) -> int:
    """How many test images a measurement looks at that spends so many multiply-adds on each."""
    return max(_FEWEST, _WORK // max(1, macs))


@dataclass(frozen=True, eq=False)
class TestImages:
    """The first test images, for one network."""

    __test__ = False  # pytest: this is no test

    weights: Weights
    images: NDArray[np.uint8]  # (N, H, W) or (N, C, H, W)
    labels: Tensor  # int64 (N,)
    available: int  # images in the whole test set
    batch_size: int

    @classmethod
    def of(cls, weights: Weights, dataset: str, most: int) -> TestImages:
        """At most so many. Raises LabError for a data set that is not here or does not fit."""
        info, spec = find_dataset(dataset), weights.spec
        if spec.num_classes < len(info.class_names):
            raise LabError(
                "{title} has {classes} classes, so the network needs as many, not {outputs}.",
                title=info.title,
                classes=len(info.class_names),
                outputs=spec.num_classes,
            )
        images, labels = read_arrays(dataset, "test")
        map_bytes = max(1, analyze(spec).totals.output_bytes)
        batch_size = max(1, min(_LARGEST_BATCH, _MAP_BYTES // map_bytes))
        return cls(
            weights, images[:most], torch.from_numpy(labels[:most]).long(), len(labels), batch_size
        )

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """float32 (B, in_channels, *sides) and the labels (B,)."""
        for start in range(0, len(self.labels), self.batch_size):
            cut = slice(start, start + self.batch_size)
            yield read_batch(self.weights, self.images[cut]), self.labels[cut]
