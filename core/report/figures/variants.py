"""How each variant is drawn, the same on every page: color, marker, line."""

from __future__ import annotations

from dataclasses import dataclass

from core.report.figures import charts as figures
from core.zoo.variants import VARIANTS, Variant


@dataclass(frozen=True)
class Style:
    """A block as published is drawn as the corrected one, but open and dotted."""

    color: str
    marker: str
    dash: str = "solid"


FIRST = {  # the course note's four, far apart; all others get what is left
    "identity": Style(figures.BLUE, "circle"),
    "constant-scaling": Style(figures.ORANGE, "square"),
    "conv": Style(figures.GREEN, "diamond"),
    "none": Style(figures.VERMILLION, "triangle-up"),
}


def variant_styles() -> dict[str, Style]:
    """The style of every variant by its name."""
    taken = {(style.color, style.marker) for style in FIRST.values()}
    colors = {style.color for style in FIRST.values()}
    pairs = [pair for pair in figures.styles(64) if pair not in taken]
    left = iter(sorted(pairs, key=lambda pair: pair[0] in colors))  # unused colors first
    corrected = [one for one in VARIANTS.values() if not one.as_published]
    found = {one.name: FIRST.get(one.name) or Style(*next(left)) for one in corrected}
    by_shortcut = {one.shortcut: found[one.name] for one in reversed(corrected)}
    for one in VARIANTS.values():
        if one.as_published:
            like = by_shortcut[one.shortcut]
            found[one.name] = Style(like.color, f"{like.marker}-open", "dot")
    return found


def style_of(variant: Variant | None, position: int = 0) -> Style:
    """Of a variant, or of another network that stands at this position."""
    if variant is not None:
        return variant_styles()[variant.name]
    return Style(*figures.styles(position + 1)[-1])
