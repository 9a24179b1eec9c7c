"""Maps as pictures: the pixels of the PNG stand for the numbers."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from core.report.figures.palette import DIVERGING, GRAY, NEGATIVE, POSITIVE, SEQUENTIAL
from core.report.maps import map_png, range_of, scale_colors, tiles_png


def _pixels(png: bytes) -> np.ndarray:
    """(H, W, 4)."""
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA"))


def _rgb(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def test_zero_is_white_where_values_have_a_sign() -> None:
    pixels = _pixels(map_png(np.array([[-2.0, 0.0, 2.0]]), -2, 2))[..., :3].astype(int)
    assert pixels[0, 0].tolist() == _rgb(DIVERGING[0])
    assert pixels[0, 1].min() >= 253
    assert pixels[0, 2].tolist() == _rgb(DIVERGING[-1])


def test_half_of_the_range_has_the_colors_of_the_palette() -> None:
    pixels = _pixels(map_png(np.array([[-1.0, 1.0]]), -2, 2))[..., :3].astype(int)
    assert np.abs(pixels[0] - [_rgb(NEGATIVE), _rgb(POSITIVE)]).max() <= 3


def test_values_without_a_sign_become_brighter() -> None:
    values = np.linspace(0, 5, 64).reshape(8, 8)
    pixels = _pixels(map_png(values, 0, 5))[..., :3]
    luminance = (pixels @ [0.2126, 0.7152, 0.0722]).ravel()
    assert (np.diff(luminance) >= 0).all()
    assert pixels[0, 0].tolist() == _rgb(SEQUENTIAL[0])
    assert pixels[-1, -1].tolist() == _rgb(SEQUENTIAL[-1])


def test_what_lies_beyond_the_range_has_its_last_color_and_no_number_is_gray() -> None:
    pixels = _pixels(map_png(np.array([[-1.0, 9.0, np.nan, np.inf]]), 0, 5))[0, :, :3].tolist()
    assert pixels == [_rgb(SEQUENTIAL[0]), _rgb(SEQUENTIAL[-1]), _rgb(GRAY), _rgb(GRAY)]


def test_tiles_stand_row_by_row_with_clear_pixels_between() -> None:
    maps = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 2, 4), np.float32)
    pixels = _pixels(tiles_png(maps, 0, 2, columns=2))
    assert pixels.shape == (2 + 1 + 2, 4 + 1 + 4, 4)
    assert (pixels[2, :, 3] == 0).all() and (pixels[:, 4, 3] == 0).all()
    assert (pixels[3:, 5:, 3] == 0).all()  # no fourth map
    one_by_one = [_pixels(map_png(values, 0, 2)) for values in maps]
    np.testing.assert_array_equal(pixels[:2, :4], one_by_one[0])
    np.testing.assert_array_equal(pixels[:2, 5:], one_by_one[1])
    np.testing.assert_array_equal(pixels[3:, :4], one_by_one[2])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-3.0, 1.0], (-3.0, 3.0)),
        ([0.5, 4.0], (0.0, 4.0)),
        ([0.0, 0.0], (0.0, 1.0)),
        ([np.nan, np.inf], (0.0, 1.0)),
    ],
)
def test_a_range_is_about_zero_or_from_zero(
    values: list[float], expected: tuple[float, float]
) -> None:
    assert range_of(np.array(values)) == expected


def test_the_colors_of_a_scale_are_those_of_its_pictures() -> None:
    for low in (-1.0, 0.0):
        drawn = _pixels(map_png(np.linspace(low, 1, 254)[None], low, 1))[0, :, :3]
        colors = scale_colors(low, 254)
        assert [_rgb(color) for color in colors] == drawn.tolist()
