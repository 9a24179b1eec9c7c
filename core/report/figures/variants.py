"""How each variant is drawn, the same on every page: color, marker, line. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from core.report.figures.palette import (
    BLACK,
    DASHES,
    MARKERS,
    PURPLE,
    SERIES,
    VARIANT_COLORS,
    LineStyle,
    colors_and_markers,
)
from core.specs import ModelSpec
from core.zoo.variants import VARIANTS, Variant, variant_of

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


def styles_of(models: Sequence[ModelSpec]) -> list[LineStyle]:
    """Of runs in one chart: a variant has its own color, any other network one of the series.

    Runs of one variant, or of one network, differ by dash and marker.
    """
    variants = [variant_of(model) for model in models]
    # Beside variants first the colors that are least like theirs
    series = list(dict.fromkeys((PURPLE, BLACK, *SERIES))) if any(variants) else SERIES
    places: dict[ModelSpec, int] = {}  # of networks that are no variants
    before: Counter[Hashable] = Counter()
    key: Hashable
    styles = []
    for model, variant in zip(models, variants, strict=True):
        if variant:
            key, style = variant.name, style_of(variant)
        else:
            place = places.setdefault(model, len(places))
            key, style = (
                model,
                LineStyle(series[place % len(series)], MARKERS[place % len(MARKERS)]),
            )
        styles.append(_varied(style, before[key]))
        before[key] += 1
    return styles


def _varied(style: LineStyle, place: int) -> LineStyle:
    """The same color for another run: its own dash, and once all came another marker."""
    if not place:
        return style
    dash = DASHES[(DASHES.index(style.dash) + place) % len(DASHES)]
    marker, is_open = style.marker.removesuffix("-open"), style.marker.endswith("-open")
    marker = MARKERS[(MARKERS.index(marker) + place) % len(MARKERS)]
    return LineStyle(style.color, f"{marker}-open" if is_open else marker, dash)
