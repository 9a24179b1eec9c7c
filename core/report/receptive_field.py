"""A receptive field beside the image that it is in, as a person says it. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.analysis.records import Sides, each_side
from core.language import _
from core.report import formats


def beside_image(field: Sides | None, image: Sequence[int]) -> str:
    """How much of the image's side it is, along the side of which it sees more.

    `67 % of the image's side`, or where it is larger than the image `9.2 × the image's side`;
    `the whole image` after attention. `field` and `image` are pixels a side.
    """
    if field is None:
        return _("the whole image")
    share = share_of_side(field, image)
    if share > 1:
        return _("{factor} × the image's side", factor=_factor(share))
    return _("{percent} of the image's side", percent=formats.whole_percent(share))


def pixels_or_factor(field: Sides | None, image: Sequence[int]) -> str:
    """For the cell of a table: `150 px`, beyond the image `9.2 × the side`, `all`."""
    if field is None:
        return _("all")
    share = share_of_side(field, image)
    if share > 1:
        return _("{factor} × the side", factor=_factor(share))
    return formats.joined(formats.sides(field), "px")


def share_of_side(field: Sides, image: Sequence[int]) -> float:
    """The larger of both quotients, where height and width differ."""
    pairs = zip(each_side(field) * len(image), image, strict=False)
    return max(pixels / side for pixels, side in pairs)


def _factor(share: float) -> str:
    """9.2; what is barely more than 1 is not told as 1.0."""
    return f"{share:.2f}" if share < 1.05 else f"{share:.1f}"
