"""Batches cut, resized and scaled where the images already are: on the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.data.catalogue import channels_error
from core.specs import LabError

_RESIZED_AT_ONCE = 1_000  # images


def prepare(
    images: Tensor,
    sides: tuple[int, int],
    in_channels: int,
    mean: float | None = None,
    std: float | None = None,
) -> Tensor:
    """uint8 (N, C, H, W) to float32 (N, in_channels, *sides) on the same device.

    Values are 0..1, or (value - mean) / std where both are given. Gray images (C = 1) are
    repeated over `in_channels` without taking memory. Raises LabError for any other mismatch.
    """
    channels = images.shape[1]
    if channels not in (1, in_channels):
        raise LabError(channels_error(in_channels, channels))
    pixels = resize(images, sides).float().div_(255)
    if mean is not None and std is not None:
        pixels.sub_(mean).div_(std)
    return pixels.expand(-1, in_channels, -1, -1)


def resize(images: Tensor, sides: tuple[int, int]) -> Tensor:
    """uint8 (N, C, H, W) to uint8 (N, C, *sides), as torchvision's Resize does to a PIL image.

    Rounded to whole gray levels like PIL's pixels, so that images resized once and kept are the
    same as images resized for each batch.
    """
    if images.shape[-2:] == sides:
        return images
    pixels = functional.interpolate(images.float(), sides, mode="bilinear", antialias=True)
    return pixels.round_().clamp_(0, 255).to(torch.uint8)


@dataclass
class Images:
    """The training or the test images on the device, cut into batches as the network reads them."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)
    sides: tuple[int, int]  # height and width that the network takes, pixels
    in_channels: int
    mean: float | None
    std: float | None

    def batch(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """float32 (B, in_channels, *sides) and int64 (B,)."""
        cut = self.images[index]
        return prepare(cut, self.sides, self.in_channels, self.mean, self.std), self.labels[index]

    @property
    def resized_bytes(self) -> int:
        """Memory that the images take once they are all resized; 0 where they have their size."""
        count, channels, *sides = self.images.shape
        return 0 if tuple(sides) == self.sides else count * channels * prod(self.sides)

    def resize_all(self, chunk: int = _RESIZED_AT_ONCE) -> Iterator[int]:
        """Resize every image now rather than in each epoch again; yields how many are done."""
        count, channels = self.images.shape[:2]
        resized = self.images.new_empty((count, channels, *self.sides))
        for start in range(0, count, chunk):
            resized[start : start + chunk] = resize(self.images[start : start + chunk], self.sides)
            yield min(start + chunk, count)
        self.images = resized


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """A permutation of 0..count-1, (count,) int64 on the CPU, from `seed` and `epoch` alone.

    Drawn by RandomState, whose stream is frozen (numpy's NEP 19), so it is the same on every
    machine and device, with every version, and whatever else a run has drawn before.
    """
    order = np.random.RandomState([seed, epoch]).permutation(count)
    return torch.from_numpy(order.astype(np.int64))


def batch_of(order: Tensor, step: int, batch_size: int) -> Tensor:
    """The images of a step, (batch_size,); the last step of an epoch may have fewer."""
    return order[step * batch_size : (step + 1) * batch_size]
