"""The maps of one image, small enough for a page; and what the network says to it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isfinite, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data.batches import resize
from core.data.load import with_channels
from core.inside.maps_records import LayerMaps
from core.inside.one_image import see
from core.inside.weights import Weights

_SIDE = 48  # pixels of a small map's larger side


def probabilities(weights: Weights, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """(classes,) for one image; None where the network gives no scores. LabError as `see`."""
    return see(weights, pixels).probabilities


def layer_maps(
    weights: Weights,
    pixels: NDArray[np.uint8],
    paths: Sequence[str],
    most: int,
    by_mean: bool = True,
    side: int = _SIDE,
) -> list[LayerMaps]:
    """What these layers give for one image, up to `most` channels each; rows that did not run are
    left out.

    Channels come in their order, or those with the highest mean activation first; a map larger than
    `side` pixels is averaged down. Raises LabError as `see`.
    """
    steps = see(weights, pixels).steps
    return [
        _of_layer(path, steps[path].of_image, most, by_mean, side)
        for path in paths
        if path in steps
    ]


def _of_layer(path: str, values: Tensor, most: int, by_mean: bool, side: int) -> LayerMaps:
    clean, lost = values.float(), 0
    low, high = (float(edge) for edge in clean.aminmax())
    if not (isfinite(low) and isfinite(high)):  # one pass instead of three where all is well
        lost = int(clean.numel() - clean.isfinite().sum())
        clean = clean.nan_to_num(0.0, 0.0, 0.0)
        low, high = (float(edge) for edge in clean.aminmax())
    shape = tuple(clean.shape)
    maps = as_maps(clean)
    means = maps.mean((1, 2))
    if len(shape) <= 1 or maps.shape[1:] == (1, 1):
        drawn, order = _vector(clean.flatten()), torch.arange(clean.numel())
        shape = (clean.numel(),)
    else:
        order = means.argsort(descending=True, stable=True) if by_mean else torch.arange(len(maps))
        order = order[:most]
        drawn = _reduced(maps[order], side)
    return LayerMaps(
        path, shape, low, high, order.numpy(), drawn.numpy(), means.numpy(), not_finite=lost
    )


def as_maps(values: Tensor) -> Tensor:
    """One image's result as (C, H, W): a vector has maps of one pixel, tokens are one map."""
    if values.dim() <= 1:
        return values.reshape(-1, 1, 1)
    if values.dim() == 2:
        return values[None]
    return values.reshape(-1, *values.shape[-2:])


def _vector(values: Tensor) -> Tensor:
    """One map of a vector's numbers in rows, (1, h, w); what is left of the last row is nan."""
    width = max(1, min(len(values), ceil(sqrt(2 * len(values)))))
    rows = -(-len(values) // width)
    padded = functional.pad(values, (0, rows * width - len(values)), value=float("nan"))
    return padded.reshape(1, rows, width)


def _reduced(maps: Tensor, side: int) -> Tensor:
    """(K, H, W) with no side above `side`: means of the pixels that become one."""
    height, width = maps.shape[1:]
    shrink = max(height, width) / side
    if shrink <= 1:
        return maps
    sides = (max(1, round(height / shrink)), max(1, round(width / shrink)))
    return functional.adaptive_avg_pool2d(maps[None], sides)[0]


def resized(pixels: NDArray[np.uint8], sides: tuple[int, int]) -> NDArray[np.uint8]:
    """uint8 (H, W) or (C, H, W) with these sides, as the network reads it before scaling."""
    image = resize(with_channels(torch.from_numpy(np.ascontiguousarray(pixels))[None]), sides)[0]
    found: NDArray[np.uint8] = (image[0] if pixels.ndim == 2 else image).numpy()
    return found
