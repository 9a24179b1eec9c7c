"""A map over its image: color where it speaks, the image where it does not."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from core.report.figures.palette import NEGATIVE, POSITIVE
from core.report.overlay import overlay_png


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png))).astype(int)


def test_zero_leaves_the_image_gray_and_signs_have_their_colors() -> None:
    image = np.full((1, 4), 255, np.uint8)
    values = np.array([[0.0, 2.0, -2.0, np.nan]])
    pixels = _pixels(overlay_png(image, values, 2.0))
    side = pixels.shape[1] // 4
    assert side * 4 == pixels.shape[1] >= 224 and pixels.shape[0] == side  # square pixels
    zero, positive, negative, none = (pixels[0, side * index] for index in range(4))
    assert zero.tolist() == none.tolist() == [255, 255, 255]
    for pixel, color in ((positive, POSITIVE), (negative, NEGATIVE)):
        full = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)])
        assert np.abs(pixel - (0.85 * full + 0.15 * 255)).max() <= 1


def test_half_the_limit_has_half_the_color_and_more_than_it_no_more() -> None:
    image = np.zeros((3, 1, 3), np.uint8)  # black is lifted, so that color shows on it
    pixels = _pixels(overlay_png(image, np.array([[0.0, 0.5, 9.0]]), 1.0))
    side = pixels.shape[1] // 3
    black, half, full = (pixels[0, side * index] for index in range(3))
    assert black.min() > 0
    assert np.abs(half - (black + full) / 2).max() <= 1
