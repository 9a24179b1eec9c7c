"""How much of the window counts, in words. Imports no torch."""

from __future__ import annotations

from core.analysis.records import Analysis, LayerCost, each_side
from core.inside.effective_field_records import (
    EffectiveField,
    WindowCounts,
    field_area,
    theoretical_window,
)
from core.inside.windows import Box
from core.report import formats


def window_finding(field: EffectiveField, layer: LayerCost) -> str:
    """Of a picture: how large a square counts, and its share of the window."""
    if field.is_nothing:
        return "No gradient arrives"
    share = f", {formats.whole_percent(window_share(field, layer) or 0)} of the window"
    side = round(field.side)
    return f"{side} × {side} px count{share}"


def window_share(field: EffectiveField, layer: LayerCost) -> float | None:
    """The effective area by that of the theoretical window, also beyond the border."""
    area = field_area(layer)
    return field.area / area if area else None


def window_sentences(result: WindowCounts, analysis: Analysis) -> list[str]:
    """What the layer could see, what it sees, and what training has done to it. Plain text."""
    layer = next(row for row in analysis.layers if row.path == result.layer)
    field = result.after or result.before
    window = theoretical_window(analysis, result.layer)
    sides = each_side(layer.receptive_field or 0)
    could = f"{result.layer} could see {sides[0]} × {sides[-1]} px"
    height, width = analysis.spec.sides
    if sides[0] >= height and sides[-1] >= width:
        more = (
            "the whole image"
            if sides[0] == height and sides[-1] == width
            else "more than the image"
        )
        could += f", {more} ({height} × {width} px)"
    if field.is_nothing:
        return [f"{could}; but no gradient arrives at any pixel: it sees nothing."]
    half = f"half of its gradient comes from {_square(field, window)}" if window else "it sees less"
    share = window_share(field, layer)
    sentences = [
        f"{could}; {half}. As many as {field.side:.0f} × {field.side:.0f} px get more than 4.55 %"
        f" of the largest gradient: {formats.whole_percent(share or 0)} of the window."
    ]
    if result.after is not None and not result.before.is_nothing:
        sentences.append(_training_sentence(result.before, result.after))
    return sentences


def _square(field: EffectiveField, window: Box) -> str:
    side = field.half_side(window)
    return f"{side} × {side} px in its middle"


def _training_sentence(before: EffectiveField, after: EffectiveField) -> str:
    """Whether training has widened what counts, as the paper found it to."""
    change = after.side - before.side
    if abs(change) < 1:
        return f"Training has not changed that: {before.side:.0f} px a side before it too."
    word = "widened" if change > 0 else "narrowed"
    return (
        f"Training has {word} what counts from {before.side:.0f} to {after.side:.0f} px a side;"
        " Luo et al. (arXiv 1701.04128, section 4) found that it widens."
    )
