"""Dead channels: those that are never positive over the test set, counted and named."""

from __future__ import annotations

import streamlit as st

from core.inside.activity_records import Activity
from core.language import N_, _
from core.measure.inside_requests import ActivityRequest
from core.report.sentences.activity import dead_sentences
from core.report.tables.inside import activity_frame, dead_frame
from pages.views.app.columns import share_column
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.inside.chosen import Chosen, Subject
from pages.views.inside.requests import weights_fields

_COLUMNS = {
    "layer": N_("layer"),
    "read_at": N_("read behind"),
    "channels": N_("channels"),
    "dead": N_("dead"),
    "which": N_("dead channels"),
    "never_positive": N_("never positive"),
    "active_images": N_("positive in"),
}


def dead_channels_view(chosen: Chosen) -> None:
    """The measurement; how many channels are dead, in which layers, and every channel as CSV."""
    subject = chosen.subject
    caption(
        _(
            "Every channel of every convolution over the test set, read behind its ReLU where one"
            " follows. A dead channel is never positive: no layer behind learns anything from it."
        )
    )
    measurement(
        ActivityRequest(**weights_fields(subject, chosen.data)),
        "in_dead",
        _("Look for dead channels"),
        _("Over the test set, in a process of its own; seconds for a small network."),
        lambda result: _show(Activity.from_dict(result), subject),
    )


def _show(activity: Activity, subject: Subject) -> None:
    for sentence in dead_sentences(activity):
        markdown(escaped(sentence))
    frame = dead_frame(activity)
    table(
        frame.assign(active_images=100 * frame["active_images"])
        .drop(columns="dead_share")
        .rename(columns=_COLUMNS),
        key="in_dead_table",
        column_config={
            "positive in": share_column(
                _(
                    "Images in which a channel is positive somewhere, mean over the layer's"
                    " channels."
                )
            ),
            "never positive": st.column_config.NumberColumn(
                help=_("Dead ones, and those that are read all the same as no ReLU follows."),
            ),
        },
    )
    download_csv(
        _("Every channel as CSV"),
        lambda: activity_frame(activity),
        f"{subject.file_name('channels')}.csv",
        "in_dead_csv",
    )
