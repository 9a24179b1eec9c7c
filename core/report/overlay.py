"""A map laid over the image it is about: the image in gray, the map's values as color on it.

Orange speaks for, blue against; where the map is zero the image stays as it is.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.report.figures.palette import NEGATIVE, POSITIVE

_SIDE = 224  # pixels that the longer side has at least
_DARKEST = 0.25  # of white: color shows on black, too
_STRONGEST = 0.85  # of the color where the map is strongest


def overlay_png(image: NDArray[np.uint8], values: NDArray[np.floating], limit: float) -> bytes:
    """`image` uint8 (H, W) or (3, H, W) beneath `values` (H, W) as a PNG, enlarged unsmoothed.

    Values from `limit` on, and from its negative down, have the full color; those that are no
    finite number have none.
    """
    gray = image.mean(0) if image.ndim == 3 else image.astype(np.float64)
    light = 255 * _DARKEST + (1 - _DARKEST) * gray
    finite = np.where(np.isfinite(values), values, 0)
    shares = np.clip(finite / (limit or 1.0), -1, 1)[..., None]
    colors = np.where(shares > 0, _rgb(POSITIVE), _rgb(NEGATIVE))
    opacity = _STRONGEST * np.abs(shares)
    mixed = (1 - opacity) * light[..., None] + opacity * colors
    times = max(1, -(-_SIDE // max(gray.shape)))
    pixels = mixed.round().astype(np.uint8).repeat(times, 0).repeat(times, 1)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], np.float64)
