"""The Train page's view Find a rate: which learning rates the network takes, measured on demand."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.data.catalogue import train_images_of
from core.language import N_, _, paragraph
from core.measure.learning_rate_records import STEPS, LearningRates
from core.measure.requests import LearningRatesRequest
from core.report import formats
from core.report.figures.learning_rates import learning_rate_chart
from core.report.names import file_name, network_title
from core.report.sentences.learning_rates import (
    rate_limits,
    rate_text,
    rate_verdict,
    suggested_rate,
)
from core.report.tables.measurements import reading_frame, sweep_frame
from core.specs import RunSpec
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement
from pages.views.app.messages import escaped
from pages.views.app.offers import hardware_of
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.forms.estimates import cost_of, newest_runs

_TOLD_SECONDS = 60  # a longer measurement says before its start how long it takes


def learning_rates_view(spec: RunSpec) -> None:
    """The measurement, and what it has found. Raises LabError for what cannot be trained."""
    cost = cost_of(spec, newest_runs(spec.model.arch))
    caption(
        _(
            "Is the learning rate too large, or smaller than need be? A learning-rate range test"
            " trains fresh networks for some ten seconds, with a larger rate at each step, and"
            " shows from where on the loss rises. The recipe's own rate and its schedule play no"
            " part in it."
        )
    )
    steps = spec.recipe.epochs * train_images_of(spec) / spec.recipe.batch_size
    seconds = cost.seconds and cost.seconds / steps * STEPS
    if seconds and seconds > _TOLD_SECONDS:
        st.warning(
            _("This takes about {time} here.", time=formats.duration(seconds)),
            icon=":material/hourglass_top:",
        )
    measurement(
        LearningRatesRequest(spec, hardware=hardware_of(spec.device) or ""),
        "train_rates",
        _("Find a rate"),
        _("In a process of its own; the page stays usable."),
        lambda result: _show_rates(LearningRates.from_dict(result), spec),
    )


def _show_rates(found: LearningRates, spec: RunSpec) -> None:
    """Chart, verdict with its button, table, CSV."""
    own = spec.recipe
    name = f"{file_name(spec.model)}-learning-rates"
    about = network_title(spec.model)
    chart(
        learning_rate_chart(found, own.learning_rate), "train_rates_chart", about=about, name=name
    )
    markdown(escaped(paragraph(*rate_verdict(found, own))))
    rate = suggested_rate(found, own.schedule)
    if rate is not None and rate != own.learning_rate:
        is_used = st.button(
            _("Use {rate}", rate=rate_text(rate)),
            key="train_rates_use",
            icon=":material/check:",
            on_click=_use,
            args=(rate,),
        )
        if is_used:
            st.rerun()  # the form, which is not drawn with what is measured
    if found.over:
        table(
            reading_frame(found).rename(columns=_COLUMNS),
            height="content",
            key="train_rates_table",
            placeholder=formats.NOTHING,
            column_config=_columns(),
        )
    caption(escaped(paragraph(*rate_limits(found))))
    download_csv(
        _("Every step as CSV"), lambda: sweep_frame(found), f"{name}.csv", "train_rates_csv"
    )


def _use(rate: float) -> None:
    """Set the form's learning rate."""
    st.session_state["train_rate"] = rate


_COLUMNS = {
    "seed": N_("seed"),
    "steps": N_("steps taken"),
    "steepest": N_("falls fastest at"),
    "rise": N_("begins to rise at"),
    "lowest_loss": N_("lowest loss"),
}


def _columns() -> dict[str, Any]:
    """How each column is shown."""
    return {
        "falls fastest at": st.column_config.NumberColumn(format="%.2g"),
        "begins to rise at": st.column_config.NumberColumn(format="%.2g"),
        "lowest loss": st.column_config.NumberColumn(
            format="%.2f", help=_("Smoothed cross-entropy, in nats.")
        ),
    }
