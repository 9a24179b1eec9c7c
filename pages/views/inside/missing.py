"""What if a part were missing: accuracy over the test set without each part, nothing trained."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.inside.find_parts import channel_layers, parts_of
from core.inside.parts_records import (
    BLOCKS,
    BRANCHES,
    CHANNELS,
    LEVELS,
    SHORTCUTS,
    LeftAlone,
    MissingParts,
)
from core.language import N_, _, either, paragraph, pgettext, read_kept
from core.measure.inside_requests import MissingPartsRequest
from core.report.figures.parts import missing_bars
from core.report.sentences.parts import NOUNS, images_sentence, missing_sentences
from core.report.tables.inside import missing_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.forms.names import pick_name, select_name
from pages.views.inside.chosen import Chosen, Subject
from pages.views.inside.requests import weights_fields

_ABOUT = {
    BLOCKS: N_("A block gives its input as it is; of a residual unit only the shortcut is left."),
    BRANCHES: N_("What one branch adds to a concatenation is zeros."),
    SHORTCUTS: N_("The addition reads zeros from the shortcut: only F(x) is left."),
    CHANNELS: N_("The convolution gives zeros in one of its channels."),
}


def missing_view(chosen: Chosen, other: Subject | None) -> None:
    """The level, and for each network the measurement with its finding, bars and table."""
    level = _choose_level()
    how = _("One part at a time, at test time: nothing is trained anew.")
    caption(paragraph(_(_ABOUT[level]), how))
    subjects = [chosen.subject, *([other] if other else [])]
    for place, (column, subject) in enumerate(
        zip(st.columns(len(subjects)), subjects, strict=True)
    ):
        with column:
            if other is not None:
                st.markdown(f"**{escaped(subject.title)}**")
            _measured(chosen, subject, level, f"in_missing_{place}")


def _choose_level() -> str:
    return pick_name(
        _("Leave out one of the"),
        _titles(),
        BLOCKS,
        "in_missing",
        aliases={level.capitalize(): level for level in LEVELS},  # of earlier addresses
    )


def _titles() -> dict[str, str]:
    """Of the levels, as the control has them."""
    return {
        BLOCKS: _("Blocks"),
        BRANCHES: _("Branches"),
        SHORTCUTS: _("Shortcuts"),
        CHANNELS: pgettext("parts of a network", "Channels"),
    }


def _measured(chosen: Chosen, subject: Subject, level: str, key: str) -> None:
    """The measurement of one network, or why there is none."""
    analysis, layer = subject.analysis, ""
    if level == CHANNELS:
        layers = channel_layers(analysis)
        if not layers:
            st.info(_("This network has no convolution."), icon=":material/info:")
            return
        layer = select_name(
            _("Of layer"), {path: path for path in layers}, layers[-1], f"{key}_layer"
        )
    found = parts_of(analysis, level, layer)
    if not found.parts:
        st.info(_nothing_to_leave_out(analysis, level), icon=":material/info:")
        _left_alone(found.left_alone, key)
        return
    measurement(
        MissingPartsRequest(**weights_fields(subject, chosen.data), level=level, layer=layer),
        key,
        _("Leave out each {part}", part=_(NOUNS[level])),
        _("Over the test set, in a process of its own; seconds for a small network."),
        lambda result: _show(
            MissingParts.from_dict(result), found.left_alone, subject, f"{key}_{level}"
        ),
    )


def _nothing_to_leave_out(analysis: Analysis, level: str) -> str:
    """One sentence, with the levels that do have parts."""
    has_parts = {
        one: bool(channel_layers(analysis) if one == CHANNELS else parts_of(analysis, one).parts)
        for one in LEVELS
    }
    others = [title for one, title in _titles().items() if has_parts[one] and one != level]
    part = _(NOUNS[level])
    if not others:
        return _("There is no {part} that this network could run without.", part=part)
    return _(
        "There is no {part} that this network could run without: choose {levels} above.",
        part=part,
        levels=either(others),
    )


def _show(
    result: MissingParts, left_alone: Sequence[LeftAlone], subject: Subject, key: str
) -> None:
    markdown(paragraph(*map(escaped, missing_sentences(result))))
    caption(images_sentence(result))
    if result.missing:
        name = subject.file_name(f"missing-{result.level}", result.layer)
        chart(missing_bars(result), key=f"{key}_bars", about=subject.title, name=name)
        with st.expander(_("Numbers ({rows})", rows=len(result.missing)), key=f"{key}_numbers"):
            _table(result, key)
        download_csv(
            _("Accuracy without each part as CSV"),
            lambda: missing_frame(result),
            f"{name}.csv",
            f"{key}_csv",
        )
    _left_alone(left_alone, key)


def _table(result: MissingParts, key: str) -> None:
    frame = missing_frame(result)
    table(
        pd.DataFrame(
            {
                N_("without"): frame["part"],
                N_("instead"): frame["instead"],
                N_("accuracy, %"): 100 * frame["accuracy"],
                N_("change, points"): 100 * frame["change"],
                N_("loss"): frame["loss"],
            }
        ),
        key=f"{key}_table",
        column_config={
            "accuracy, %": st.column_config.NumberColumn(format="%.2f"),
            "change, points": st.column_config.NumberColumn(format="%+.2f"),
            "loss": st.column_config.NumberColumn(format="%.4f"),
        },
    )


def _left_alone(found: Sequence[LeftAlone], key: str) -> None:
    """What cannot be left out, with its reason, folded away."""
    if found:
        title = _("What cannot be left out ({rows})", rows=len(found))
        rows = [(one.name, read_kept(one.reason)) for one in found]
        with st.expander(title, key=f"{key}_left_alone"):
            table(
                pd.DataFrame(rows, columns=[N_("layer"), N_("why")]),
                key=f"{key}_reasons",
            )
