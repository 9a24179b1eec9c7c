"""The Architecture page's five numbers: parameters, MACs, memory, receptive field, depth."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.analysis.records import Analysis, each_side
from core.explain.glossary import explained
from core.report import formats
from pages.views.app.cards import metric_card
from pages.views.app.glances import BATCH_SIZE
from pages.views.architecture.strip import TOTALS_KEY


def totals_row(analysis: Analysis, default: Analysis, is_save: bool = False) -> None:
    """Five totals, each with its change against `default`, the network's own default setting.

    With `is_save`, that is the network before its file was last saved.
    """
    change = _change_by_save if is_save else _change_of_default
    totals, default_totals = analysis.totals, default.totals
    memory, default_memory = analysis.training_bytes(BATCH_SIZE), default.training_bytes(BATCH_SIZE)
    with st.container(horizontal=True, key=TOTALS_KEY):
        metric_card(
            "Parameters",
            formats.short(totals.params),
            explained("parameter"),
            change(totals.params, default_totals.params),
        )
        metric_card(
            "MACs an image",
            formats.short(totals.macs),
            _macs_help(analysis),
            change(totals.macs, default_totals.macs),
        )
        metric_card(
            f"Memory, batch {BATCH_SIZE}",
            formats.mebibytes(memory),
            explained("training memory"),
            _change_by_save(memory, default_memory, formats.mebibytes)
            if is_save
            else change(memory, default_memory),
        )
        _receptive_field_card(analysis, default, change)
        metric_card(
            "Depth",
            f"{totals.depth} layers",
            explained("depth"),
            change(totals.depth, default_totals.depth),
        )


def _change_of_default(value: float, default: float) -> str | None:
    """What the value is of the default's, such as `×0.25 of default`; None where it is equal."""
    factor = formats.change(value, default)
    return f"{factor} of default" if factor else None


def _change_by_save(
    value: float, before: float, text_of: Callable[[float], str] = formats.short
) -> str | None:
    """What the last save of the file has added, such as `+1.73 k since save`."""
    difference = value - before
    sign = "+" if difference > 0 else "−"
    return f"{sign}{text_of(abs(difference))} since save" if difference else None


def _macs_help(analysis: Analysis) -> str:
    """What a MAC is, and how many more a training step takes."""
    totals = analysis.totals
    training = (totals.macs + totals.backward_macs) / max(1, totals.macs)
    return (
        f"{explained('MACs')} A training step, forward and backward, takes {training:.2f} times as"
        " many: the first layer needs no gradient of its input."
    )


def _receptive_field_card(
    analysis: Analysis, default: Analysis, change: Callable[[float, float], str | None]
) -> None:
    """Pixels a side, and how much of the image that is."""
    field = analysis.totals.receptive_field
    if field is None:
        explanation = "Attention looks at every part of the image."
        note = change(0, 1 if default.totals.receptive_field else 0)
    else:
        sides = analysis.input_shape[1:] or analysis.spec.sides
        seen = each_side(field) * len(sides) if isinstance(field, int) else field
        share = min(1.0, max(px / side for px, side in zip(seen, sides, strict=False)))
        note = f"{formats.joined(f'{100 * share:.0f}', '%')} of the side"
        explanation = f"The image has {analysis.spec.size_label}: one unit sees {note}."
    metric_card(
        "Receptive field",
        formats.joined(formats.sides(field), "px") if field else "all",
        f"{explained('receptive field')} {explanation}",
        note,
    )
