"""The Architecture page's five numbers: parameters, MACs, memory, receptive field, depth."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.analysis.glance import Glance, glance_at
from core.analysis.records import Analysis
from core.explain.glossary import explained
from core.language import _, paragraph
from core.report import formats, glance
from core.report.glance import BATCH_SIZE
from pages.views.app.cards import metric_card
from pages.views.architecture.strip import TOTALS_KEY


def totals_row(analysis: Analysis, default: Analysis, is_save: bool = False) -> None:
    """Five totals, each beside that of `default`, the network's own default setting.

    With `is_save`, that is the network before its file was last saved.
    """
    seen, before = (glance_at(one, BATCH_SIZE) for one in (analysis, default))
    values, notes = glance.totals(seen), glance.notes(seen, before)
    changes = _changes_by_save(seen, before) if is_save else {}
    titles = {
        "params": (_("Parameters"), explained("parameter")),
        "macs": (_("MACs an image"), _macs_help(analysis)),
        "memory": (
            _("Memory, batch {batch_size}", batch_size=BATCH_SIZE),
            explained("training memory"),
        ),
        "field": (_("Receptive field"), _field_help(analysis, notes["field"])),
        "depth": (_("Depth"), explained("depth")),
    }
    with st.container(horizontal=True, key=TOTALS_KEY):
        for name, (title, explanation) in titles.items():
            note = changes[name] if name in changes else notes[name]
            metric_card(title, values[name], explanation, note)


def _changes_by_save(seen: Glance, before: Glance) -> dict[str, str | None]:
    """What the last save of the file has added to each total."""
    return {
        "params": _change_by_save(seen.params, before.params),
        "macs": _change_by_save(seen.macs, before.macs),
        "memory": _change_by_save(seen.training_bytes, before.training_bytes, formats.mebibytes),
        "depth": _change_by_save(seen.depth, before.depth),
    }


def _change_by_save(
    value: float, before: float, text_of: Callable[[float], str] = formats.short
) -> str | None:
    """What the last save of the file has added, such as `+1.73 k since save`."""
    difference = value - before
    if not difference:
        return None
    sign = "+" if difference > 0 else "−"
    return _("{change} since save", change=f"{sign}{text_of(abs(difference))}")


def _macs_help(analysis: Analysis) -> str:
    """What a MAC is, and how many more a training step takes."""
    totals = analysis.totals
    training = (totals.macs + totals.backward_macs) / max(1, totals.macs)
    return paragraph(
        explained("MACs"),
        _(
            "A training step, forward and backward, takes {training:.2f} times as many: the first"
            " layer needs no gradient of its input.",
            training=training,
        ),
    )


def _field_help(analysis: Analysis, note: str) -> str:
    """What a receptive field is, and how much of the image this one is."""
    word = explained("receptive field")
    if analysis.totals.receptive_field is None:
        return paragraph(word, _("Attention looks at every part of the image."))
    size = analysis.spec.size_label
    return paragraph(word, _("The image has {size}: one unit sees {share}.", size=size, share=note))
