"""From the name of a data set to uint8 tensors in memory. Needs torch, not torchvision."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from core.data.arrays import read_arrays
from core.data.catalogue import DatasetInfo, find_dataset
from core.specs import LabError

_SUBSET_SEED = 0


@dataclass(frozen=True, eq=False)
class Dataset:
    """A whole data set in memory, on the CPU."""

    info: DatasetInfo
    train_images: Tensor  # (N, channels, S, S) uint8
    train_labels: Tensor  # (N,) int64
    test_images: Tensor  # (M, channels, S, S) uint8
    test_labels: Tensor  # (M,) int64

    def to(self, device: torch.device) -> Dataset:
        """This set in the memory of `device`."""
        names = ("train_images", "train_labels", "test_images", "test_labels")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def first(self, train_images: int | None) -> Dataset:
        """This set with `train_images` training images, drawn at random; None: all.

        The test images stay as they are. The draw is the same on every machine, and a smaller one
        is a subset of a larger one. Raises LabError if there are not so many images.
        """
        if train_images is None:
            return self
        count = len(self.train_labels)
        if isinstance(train_images, bool) or not 1 <= train_images <= count:
            raise LabError(
                "{title} has {count:,} training images: take from 1 to {count:,} of them, not"
                " {train_images:,}.",
                title=self.info.title,
                count=count,
                train_images=train_images,
            )
        # RandomState's stream is frozen (numpy's NEP 19), those of newer generators are not.
        drawn = np.random.RandomState(_SUBSET_SEED).permutation(count)[:train_images]
        index = torch.from_numpy(np.sort(drawn))  # in the set's own order: all of them is the set
        return replace(
            self,
            train_images=self.train_images[index],
            train_labels=self.train_labels[index],
        )


def load(name: str) -> Dataset:
    """The data set called `name`.

    Raises LabError if there is none, it is not on this machine yet, or a file of it is broken.
    """
    train_images, train_labels = _load_split(name, "train")
    test_images, test_labels = _load_split(name, "test")
    return Dataset(find_dataset(name), train_images, train_labels, test_images, test_labels)


def _load_split(name: str, split: str) -> tuple[Tensor, Tensor]:
    """Images (N, channels, S, S) uint8 and labels (N,) int64 of the `split` "train" or "test"."""
    images, labels = read_arrays(name, split)
    return with_channels(torch.from_numpy(images)), torch.from_numpy(labels).long()


def with_channels(images: Tensor) -> Tensor:
    """(N, S, S) as (N, 1, S, S); color images as they are."""
    return images.unsqueeze(1) if images.ndim == 3 else images
