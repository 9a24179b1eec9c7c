"""The curves of several runs in one chart."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.step_curves import StepCurve
from core.jobs.store import Run
from core.language import N_, _
from core.report.figures.curves import Curve, accuracy_chart
from core.report.figures.variants import styles_of
from core.report.names import run_titles
from core.report.sentences.findings import overlay_finding
from core.studies.conditions import condition_of
from pages.views.app.charts import chart
from pages.views.app.services import store

_QUANTITY = N_("Test accuracy by epoch")


def overlay(picked: Sequence[Run], name: str) -> None:
    """The accuracy curves of these runs; those under way go on growing. `name`: of a file."""
    epochs = store().epochs([run.id for run in picked])
    under_way = [run for run in picked if not run.state.is_over]
    empty = {run.id: StepCurve.empty(run) for run in under_way}
    steps = empty | store().step_curves(under_way)
    if not any(epochs.values()) and not steps:
        st.caption(_("None of these runs has finished an epoch."))
        return
    curves = [
        Curve(
            title,
            style.color,
            style.marker,
            tuple(epochs[run.id]),
            planned=run.spec.recipe.epochs if run.id in steps else 1,
            steps=steps.get(run.id),
            dash=style.dash,
        )
        for run, title, style in zip(
            picked, run_titles(picked), styles_of([run.spec.model for run in picked]), strict=True
        )
    ]
    are_equal = len({condition_of(run.spec) for run in picked}) == 1
    title = _(_QUANTITY)
    if are_equal and len(picked) > 1 and not under_way and all(epochs.values()):
        title = overlay_finding({run.id: epochs[run.id][-1].test_accuracy for run in picked})
    chart(accuracy_chart(curves, title=title), key="runs_overlay", name=name)
    if not are_equal:
        st.caption(
            _(
                "These runs differ in data, images, epochs or recipe, as their names say: which"
                " network is better they cannot tell."
            )
        )
    if steps:
        st.caption(_("Thin: training accuracy of the runs under way, batch by batch."))
