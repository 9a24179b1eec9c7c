"""How each variant is drawn, the same on every page: color, marker, line. Imports no torch."""

from __future__ import annotations

from core.report.figures.palette import MARKERS, VARIANT_COLORS, LineStyle, colors_and_markers
from core.zoo.variants import VARIANTS, Variant

_FIRST = {  # the four of the course note, easy to tell apart; the others share what is left
    name: LineStyle(color, marker)
    for (name, color), marker in zip(VARIANT_COLORS.items(), MARKERS, strict=False)
}


def variant_styles() -> dict[str, LineStyle]:
    """The style of every variant by its name.

    A block as published is drawn as the corrected one, but open and dotted.
    """
    taken = {style.marker for style in _FIRST.values()}  # other markers come first
    left = iter(sorted(colors_and_markers(48), key=lambda pair: pair[1] in taken))
    corrected = [variant for variant in VARIANTS.values() if not variant.as_published]
    styles = {
        variant.name: _FIRST.get(variant.name) or LineStyle(*next(left)) for variant in corrected
    }
    by_shortcut = {variant.shortcut: styles[variant.name] for variant in reversed(corrected)}
    for variant in VARIANTS.values():
        if variant.as_published:
            like = by_shortcut[variant.shortcut]
            styles[variant.name] = LineStyle(like.color, f"{like.marker}-open", "dot")
    return styles


def style_of(variant: Variant | None, position: int = 0) -> LineStyle:
    """Of a variant, or of another network that stands at this position."""
    if variant is not None:
        return variant_styles()[variant.name]
    return LineStyle(*colors_and_markers(position + 1)[-1])
