"""One study: progress, chart, verdict in words, table, downloads, and what can be done with it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import streamlit as st

from core.data import find_dataset
from core.jobs.database import database_url
from core.jobs.step_curves import StepCurve
from core.jobs.store import JobState, Run, Study
from core.language import _, comma, language, paragraph, semicolon
from core.report import formats
from core.report.figures.final_accuracies import final_accuracies, final_accuracy_chart
from core.report.figures.studies import study_chart, study_lines
from core.report.names import condition_parts, safe_name
from core.report.sentences.dead_parameters import dead_sentence
from core.studies.conditions import condition_of
from core.studies.study import Group, by_variant, comparable, grouped, progress_of
from core.training.records import EpochMetrics
from pages.views.app.charts import Drawing, chart
from pages.views.app.live import live, progress_bar
from pages.views.app.messages import escaped, show_error
from pages.views.app.prose import caption
from pages.views.app.services import start_waiting_workers, store
from pages.views.app.watched import LIVE_SECONDS, Progress, Watched
from pages.views.residual.reference import reference_lines
from pages.views.residual.study_actions import actions
from pages.views.residual.study_numbers import curves_in_numbers, downloads, variants_table
from pages.views.residual.verdict import verdict, verdict_details

# While runs go on their curves stand first, then what the verdict will be about. The charts keep
# their places among the page's elements: another order of those would mount them anew
_CURVES_FIRST = "<style>.st-key-study_charts > :first-child { order: 1; }</style>"
_FINALS_FIRST = "<style>.st-key-study_charts > :first-child { order: 0; }</style>"
_SHARED = 4  # stages of studies whose epochs and charts are remembered


def study_view(study_id: str) -> None:
    """The study, live while its runs go on."""

    def read() -> tuple[Study, list[Run]]:
        return store().study(study_id), store().runs(study=study_id)

    watched = Watched(
        _live_name(study_id),
        read,
        is_over=lambda state: _all_over(state[1]),
        stage=lambda state: tuple(run.stage for run in state[1]),
        progress=lambda state: _progress(state[1]),
        curves=lambda state: store().step_curves(_running(state[1])),
        every_seconds=LIVE_SECONDS,
    )
    live(watched, lambda state: _show_study(*state))


def _live_name(study_id: str) -> str:
    return f"study-{study_id}"


def _running(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.state is JobState.RUNNING]


def _all_over(runs: Sequence[Run]) -> bool:
    """Whether none of them waits or goes on."""
    return all(run.state.is_over for run in runs)


def _show_study(study: Study, runs: Sequence[Run]) -> None:
    """Everything about the study, which has these runs."""
    over = _all_over(runs)
    # What comes and goes above a chart must not move it: it would be mounted anew
    above = st.container()
    st.html(_FINALS_FIRST if over else _CURVES_FIRST)
    with st.container(key="study_charts"):
        finals, curves = st.container(), st.container()
    below = st.container()
    key = database_url(), tuple(run.stage for run in runs)
    epochs, groups = _found(key, runs)
    has_epochs = any(epochs.values())
    with above:
        _head(study, runs, over)
        if has_epochs and over:
            verdict(groups, over)
    if has_epochs or not over:
        with curves:
            _chart(key, groups)
            if not over:
                caption(_("Thin: training accuracy of the runs under way, batch by batch."))
        with finals:
            _finals_chart(key, groups)
    if has_epochs:
        with below:
            if not over:
                verdict(groups, over)
            variants_table(groups)
            _dead_parameters(groups)
            if over:
                verdict_details(groups)
            curves_in_numbers(groups)
            downloads(study, runs, groups, epochs)


def _head(study: Study, runs: Sequence[Run], over: bool) -> None:
    """What it is, how far it is, what can be done with it, and why runs failed."""
    caption(escaped(_setting(study, runs)))
    if not over:
        start_waiting_workers()  # also in place of those that died
        progress_bar(_live_name(study.id), _progress(runs))
    _failures(runs)
    actions(study, runs, over)


def _setting(study: Study, runs: Sequence[Run]) -> str:
    """`4 variants × 5 seeds of … on MNIST · 5,000 images, 5 epochs, fast · cpu · its name`."""
    conditions = dict.fromkeys(condition_of(run.spec) for run in runs)
    data = dict.fromkeys(find_dataset(condition.dataset).title for condition in conditions)
    parts = [study.title, *(title for title in data if title not in study.title)]
    parts.append(semicolon().join(comma().join(condition_parts(one)[1:]) for one in conditions))
    devices = dict.fromkeys(run.spec.device for run in runs)
    return " · ".join([*parts, comma().join(devices), study.id])


# While it goes on ----------------------------------------------------------------------------


def _progress(runs: Sequence[Run]) -> Progress:
    """How far the whole study is, with the time left."""
    running = sum(run.state is JobState.RUNNING for run in runs)
    progress = progress_of(runs, running)
    if progress.seconds_left is not None:
        left = _("about {time} left", time=formats.duration(progress.seconds_left))
    elif running:
        left = _("the first runs have begun")
    else:
        left = _("waiting for the workers")
    done = _("{done} of {total} runs done", done=progress.done, total=progress.total)
    return progress.fraction, f"{done} · {left}"


def _failures(runs: Sequence[Run]) -> None:
    """Why runs failed, each reason once."""
    failed = (run for run in runs if run.state.has_failed)
    for reason, members in grouped(failed, lambda run: run.message).items():
        if len(members) == 1:
            show_error(_("Run {id}: {reason}", id=members[0].id, reason=reason))
        else:
            show_error(_("{number} runs: {reason}", number=len(members), reason=reason))


# What it has found ---------------------------------------------------------------------------

_Key = tuple[str, tuple[Hashable, ...]]  # the store, and the stage of each run
_Epochs = dict[int, list[EpochMetrics]]


@st.cache_resource(show_spinner=False, max_entries=_SHARED)
def _found(key: _Key, _runs: Sequence[Run]) -> tuple[_Epochs, list[Group]]:
    """The epochs and the runs by variant, read once for all who look at this stage."""
    epochs = store().epochs([run.id for run in _runs])
    return epochs, by_variant(_runs, epochs)


def _chart(key: _Key, groups: Sequence[Group]) -> None:
    """Test accuracy by epoch, with the shipped curves of the same setting behind it."""
    name = f"study-{groups[0].runs[0].study}-accuracy"
    chart(_drawing(key, language(), groups), key="res_chart", name=safe_name(name))


def _finals_chart(key: _Key, groups: Sequence[Group]) -> None:
    """The accuracies that the verdict is about."""
    name = f"study-{groups[0].runs[0].study}-final-accuracies"
    chart(_finals_drawing(key, language(), groups), key="res_finals", name=safe_name(name))


@st.cache_resource(show_spinner=False, max_entries=_SHARED)
def _finals_drawing(key: _Key, spoken: str, _groups: Sequence[Group]) -> Drawing:
    """Drawn once for all who look at this stage and speak this."""
    data = find_dataset(_groups[0].runs[0].spec.dataset).title
    grows = not _all_over([run for group in _groups for run in group.runs])
    title = _("Final test accuracy on {data}", data=data)
    return Drawing.of(final_accuracy_chart(final_accuracies(_groups), title, grows))


@st.cache_resource(show_spinner=False, max_entries=_SHARED)
def _drawing(key: _Key, spoken: str, _groups: Sequence[Group]) -> Drawing:
    """The chart, drawn once for all who look at this stage and speak this."""
    running = _running([run for group in _groups for run in group.runs])
    steps = {run.id: StepCurve.empty(run) for run in running} | store().step_curves(running)
    spec = _groups[0].runs[0].spec
    condition = comparable(_groups)[0].condition
    models, mark = [group.model for group in _groups], _("shipped")
    shipped_lines = reference_lines(models, condition, f" · {mark}")
    data = find_dataset(spec.dataset).title
    several = max(len(group.runs) for group in _groups) > 1
    title = (
        _("Test accuracy on {data}<br>bold: mean of the seeds", data=data)
        if several
        else _("Test accuracy on {data}<br>one seed each", data=data)
    )
    figure = study_chart(
        [*shipped_lines, *study_lines(_groups, steps)],
        title,
        spec.recipe.epochs,
        grows=not _all_over([run for group in _groups for run in group.runs]),
    )
    return Drawing.of(figure)


def _dead_parameters(groups: Sequence[Group]) -> None:
    """Which variants have parameters that got no gradient (Q15)."""
    sentences = [
        _(
            "**{variant}**: {finding}",
            variant=escaped(group.title),
            finding=escaped(dead_sentence(dead, group.runs[0].spec.recipe)),
        )
        for group in groups
        if (dead := group.dead_parameters)
    ]
    if sentences:
        text = paragraph(_("Dead parameters."), *sentences)
        st.warning(text, icon=":material/heart_broken:")
    elif all(run.dead_parameters is not None for group in groups for run in group.runs):
        caption(_("Every parameter of every variant got a gradient."))
