"""Batches cut, resized and scaled where the images already are: on the device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.specs import LabError


def prepare(
    images: Tensor,
    size: int,
    in_channels: int,
    mean: float | None = None,
    std: float | None = None,
) -> Tensor:
    """uint8 (N, C, H, W) to float32 (N, in_channels, size, size) on the same device.

    Values are 0..1, or (value - mean) / std where both are given. Grey images (C = 1) are
    repeated over `in_channels` without taking memory. Raises LabError for any other mismatch.
    """
    channels = images.shape[1]
    if channels not in (1, in_channels):
        raise LabError(
            f"The network takes {in_channels} channels and the images have {channels}: "
            f"give the network {channels}, or take grey images."
        )
    pixels = images.float() / 255
    if pixels.shape[-2:] != (size, size):
        pixels = resize(pixels, size)
    if mean is not None and std is not None:
        pixels = (pixels - mean) / std
    return pixels.expand(-1, in_channels, -1, -1)


def resize(pixels: Tensor, size: int) -> Tensor:
    """(N, C, H, W) in 0..1 to (N, C, size, size) in 0..1, the tensor form of torchvision's Resize.

    The clamp takes back what rounding adds: weights may sum to a little over 1.
    """
    resized = functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
    return resized.clamp_(0, 1)


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """A permutation of 0..count-1, (count,) int64 on the CPU, from `seed` and `epoch` alone.

    Drawn by RandomState, whose stream is frozen (numpy's NEP 19), so it is the same on every
    machine and device, with every version, and whatever else a run has drawn before.
    """
    order = np.random.RandomState([seed, epoch]).permutation(count)
    return torch.from_numpy(order.astype(np.int64))


def shuffled_batches(order: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Slices of `order`, each (batch_size,); the last may be smaller and is never dropped."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
