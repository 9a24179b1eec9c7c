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
from core.language import _
from core.report import formats


def window_finding(field: EffectiveField, layer: LayerCost) -> str:
    """Of a picture: how large a square counts, and its share of the window."""
    if field.is_nothing:
        return _("No gradient arrives")
    return _(
        "{side} × {side} px count, {share} of the window",
        side=round(field.side),
        share=formats.whole_percent(window_share(field, layer) or 0),
    )


def window_share(field: EffectiveField, layer: LayerCost) -> float | None:
    """The effective area by that of the theoretical window, also beyond the border."""
    area = field_area(layer)
    return field.area / area if area else None


def window_sentences(result: WindowCounts, analysis: Analysis) -> list[str]:
    """What the layer could see, what it sees, and what training has done to it. Plain text."""
    layer = next(row for row in analysis.layers if row.path == result.layer)
    field = result.after or result.before
    window = theoretical_window(analysis, result.layer)
    could = _could_see(layer, analysis.spec.sides)
    if field.is_nothing:
        return [_("{could}; but no gradient arrives at any pixel: it sees nothing.", could=could)]
    sentences = [
        _(
            "{could}; {sees}. As many as {side:.0f} × {side:.0f} px get more than 4.55 % of the"
            " largest gradient: {share} of the window.",
            could=could,
            sees=_sees(field, window),
            side=field.side,
            share=formats.whole_percent(window_share(field, layer) or 0),
        )
    ]
    if result.after is not None and not result.before.is_nothing:
        sentences.append(_training_sentence(result.before, result.after))
    return sentences


def _could_see(layer: LayerCost, image: tuple[int, int]) -> str:
    """`block5.pool could see 150 × 150 px`, and whether that is all of the image."""
    seen = each_side(layer.receptive_field or 0)
    values = {
        "layer": layer.path, "seen_height": seen[0], "seen_width": seen[-1],
        "height": image[0], "width": image[1],
    }  # fmt: skip
    if seen[0] < image[0] or seen[-1] < image[1]:
        return _("{layer} could see {seen_height} × {seen_width} px", **values)
    if (seen[0], seen[-1]) == image:
        return _(
            "{layer} could see {seen_height} × {seen_width} px, the whole image"
            " ({height} × {width} px)",
            **values,
        )
    return _(
        "{layer} could see {seen_height} × {seen_width} px, more than the image"
        " ({height} × {width} px)",
        **values,
    )


def _sees(field: EffectiveField, window: Box | None) -> str:
    if window is None:
        return _("it sees less")
    return _(
        "half of its gradient comes from {side} × {side} px in its middle",
        side=field.half_side(window),
    )


def _training_sentence(before: EffectiveField, after: EffectiveField) -> str:
    """Whether training has widened what counts, as the paper found it to."""
    change = after.side - before.side
    if abs(change) < 1:
        return _(
            "Training has not changed that: {before:.0f} px a side before it too.",
            before=before.side,
        )
    if change > 0:
        return _(
            "Training has widened what counts from {before:.0f} to {after:.0f} px a side; Luo et"
            " al. (arXiv 1701.04128, section 4) found that it widens.",
            before=before.side,
            after=after.side,
        )
    return _(
        "Training has narrowed what counts from {before:.0f} to {after:.0f} px a side; Luo et al."
        " (arXiv 1701.04128, section 4) found that it widens.",
        before=before.side,
        after=after.side,
    )
