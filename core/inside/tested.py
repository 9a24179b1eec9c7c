"""The test images of a data set, in batches as a network reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.data.batches import prepare
from core.data.catalogue import find_dataset
from core.data.load import with_channels
from core.inside.weights import Weights
from core.specs import LabError

_MAP_BYTES = 2**28  # of the maps of a batch together
_LARGEST_BATCH = 250  # images


@dataclass(frozen=True, eq=False)
class TestImages:
    """The first test images, for one network."""

    __test__ = False  # pytest: this is no test

    weights: Weights
    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)
    available: int  # images in the whole test set
    batch_size: int

    @classmethod
    def of(cls, weights: Weights, dataset: str, most: int) -> TestImages:
        """At most so many. Raises LabError for a data set that is not here or does not fit."""
        info, spec = find_dataset(dataset), weights.spec
        if spec.num_classes < len(info.class_names):
            raise LabError(
                f"{info.title} has {len(info.class_names)} classes, so the network needs as many,"
                f" not {spec.num_classes}."
            )
        images, labels = read_arrays(dataset, "test")
        chosen = with_channels(torch.from_numpy(images[:most]))
        map_bytes = max(1, analyze(spec).totals.output_bytes)
        batch_size = max(1, min(_LARGEST_BATCH, _MAP_BYTES // map_bytes))
        return cls(weights, chosen, torch.from_numpy(labels[:most]).long(), len(labels), batch_size)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """float32 (B, in_channels, *sides) and the labels (B,)."""
        spec = self.weights.spec
        for start in range(0, len(self.labels), self.batch_size):
            cut = slice(start, start + self.batch_size)
            images = prepare(
                self.images[cut], spec.sides, spec.in_channels, self.weights.mean, self.weights.std
            )
            yield images, self.labels[cut]
