"""A receptive field beside the image."""

from __future__ import annotations

import pytest

from core.report.receptive_field import beside_image, pixels_or_factor


@pytest.mark.parametrize(
    ("field", "image", "told", "cell"),
    [
        (150, (224, 224), "67\u2009% of the image's side", "150\u2009px"),
        (224, (224, 224), "100\u2009% of the image's side", "224\u2009px"),
        (225, (224, 224), "1.00 × the image's side", "1.00 × the side"),
        (2071, (224, 224), "9.2 × the image's side", "9.2 × the side"),
        ((30, 90), (60, 60), "1.5 × the image's side", "1.5 × the side"),
        ((30, 40), (60, 80), "50\u2009% of the image's side", "30×40\u2009px"),
        (None, (224, 224), "the whole image", "all"),
    ],
)
def test_it_is_told_in_the_image_s_sides(field, image, told, cell):
    assert (beside_image(field, image), pixels_or_factor(field, image)) == (told, cell)
