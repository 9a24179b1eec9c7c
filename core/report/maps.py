"""Arrays of numbers as small pictures: PNG files of one pixel a value, to be enlarged unsmoothed.

Values with a sign go from blue over white (zero) to vermillion, others from dark to bright. The
colors of a picture stand for numbers only together with its range, which the page writes beside it.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.report.figures.palette import DIVERGING, GRAY, SEQUENTIAL

_LEVELS = 254  # colors of a scale
_NO_NUMBER, _GAP = 254, 255  # places in the palette: not finite (gray), between tiles (no color)

Values = NDArray[np.floating]


def range_of(values: Values) -> tuple[float, float]:
    """Where the scale of these values begins and ends: 0 to the largest, about 0 with a sign."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    largest = max(-low, high) or 1.0
    return (-largest if low < 0 else 0.0), largest


def map_png(values: Values, low: float, high: float) -> bytes:
    """A map (H, W) as a PNG of W × H pixels; what lies beyond low or high has the color there.

    A scale that begins below zero has white in its middle: give it -high as `low`.
    """
    return _png(_levels(values, low, high), low)


def tiles_png(maps: Values, low: float, high: float, columns: int, gap: int = 1) -> bytes:
    """Maps (C, H, W) side by side, row by row, with `gap` clear pixels between them."""
    count, height, width = maps.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), _GAP, np.uint8)
    for index, levels in enumerate(_levels(maps, low, high)):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = levels
    return _png(sheet, low)


def png_address(png: bytes) -> str:
    """A PNG as an address that holds it, for a page."""
    return f"data:image/png;base64,{b64encode(png).decode()}"


def scale_colors(low: float, count: int = 33) -> tuple[str, ...]:
    """`count` colors #RRGGBB of the scale that begins at `low`, at equal distances."""
    table = _table(low < 0)
    indices = np.linspace(0, _LEVELS - 1, count).round().astype(int)
    return tuple(f"#{red:02X}{green:02X}{blue:02X}" for red, green, blue in table[indices])


def _levels(values: Values, low: float, high: float) -> NDArray[np.uint8]:
    """The place in the palette of each value."""
    span = (high - low) or 1.0
    with np.errstate(invalid="ignore"):
        shares = np.clip((np.asarray(values, np.float64) - low) / span, 0, 1)
    levels = np.where(np.isfinite(values), np.rint(shares * (_LEVELS - 1)), _NO_NUMBER)
    return levels.astype(np.uint8)


def _png(levels: NDArray[np.uint8], low: float) -> bytes:
    """(H, W) places in the palette as a PNG: a page makes twenty while somebody waits, and Pillow
    takes four times as long for each.
    """
    height, width = levels.shape
    rows = np.zeros((height, 1 + width), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = levels
    header = struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0)  # 8 bits a pixel, from a palette
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", _palette(low < 0)),
            _chunk(b"tRNS", bytes(_GAP * [255] + [0])),  # how opaque each color is
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


@cache
def _palette(diverging: bool) -> bytes:
    gray = [int(GRAY[start : start + 2], 16) for start in (1, 3, 5)]
    return _table(diverging).tobytes() + bytes([*gray, 0, 0, 0])


@cache
def _table(diverging: bool) -> NDArray[np.uint8]:
    """(levels, 3): the scale's colors with straight lines of red, green and blue between them."""
    named = DIVERGING if diverging else SEQUENTIAL
    parts = [[int(color[start : start + 2], 16) for color in named] for start in (1, 3, 5)]
    stops, levels = np.linspace(0, 1, len(named)), np.linspace(0, 1, _LEVELS)
    table = np.stack([np.interp(levels, stops, part) for part in parts], axis=1)
    return table.round().astype(np.uint8)
