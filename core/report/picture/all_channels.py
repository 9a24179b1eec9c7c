"""Every channel of a layer as one picture. Imports no torch."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from core.report.maps import range_of, tiles_png

_SMALLEST = 24  # pixels of a map's larger side at least


def as_maps(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """One image's result as (C, H, W): a vector has maps of one number, tokens are one map."""
    if values.ndim <= 1:
        return values.reshape(-1, 1, 1)
    if values.ndim == 2:
        return values[None]
    return values.reshape(-1, *values.shape[-2:])


def channels_png(values: NDArray[np.floating]) -> bytes:
    """All channels in rows from left to right, on one scale, as a PNG.

    Small maps are enlarged by a whole factor, so that every number is a square.
    """
    maps = as_maps(values)
    scale = max(1, ceil(_SMALLEST / max(maps.shape[1:])))
    enlarged = maps.repeat(scale, axis=1).repeat(scale, axis=2)
    columns = max(1, ceil(sqrt(len(maps) * maps.shape[1] / maps.shape[2])))
    return tiles_png(enlarged, *range_of(values), columns, gap=max(1, scale // 4))
