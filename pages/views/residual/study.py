"""One study: progress, chart, verdict in words, table, downloads, and what can be done with it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd
import streamlit as st

from core.data import find_dataset
from core.explain.glossary import explained
from core.jobs.database import database_url
from core.jobs.files import delete_study
from core.jobs.step_curves import StepCurve
from core.jobs.store import JobState, Run, Study
from core.report import formats
from core.report.figures.studies import StudyLine, study_chart
from core.report.figures.variants import style_of
from core.report.names import condition_label, safe_name
from core.report.sentences.dead_parameters import dead_sentence
from core.report.tables.runs import epoch_frame
from core.report.tables.studies import pair_frame, summary_frame
from core.studies.conditions import condition_of
from core.studies.statistics import Mean
from core.studies.study import Group, by_variant, comparable, grouped, progress_of, verdicts
from core.training.records import EpochMetrics
from pages.views.app.charts import Drawing, chart
from pages.views.app.downloads import download_csv
from pages.views.app.live import live, progress_bar
from pages.views.app.messages import errors_in_one_sentence, escaped, show_error
from pages.views.app.prose import caption
from pages.views.app.services import start_waiting_workers, store
from pages.views.app.watched import LIVE_SECONDS, Progress, Watched
from pages.views.app.with_torch import analysis_of
from pages.views.residual.reproduction import reference_lines
from pages.views.residual.verdict import verdict

_SHARED = 4  # stages of studies whose epochs and charts are remembered
MEANS, SEEDS = "mean and 95 % interval", "every seed"


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
    # What comes and goes above the chart must not move it: it would be mounted anew
    above, curves, below = st.container(), st.container(), st.container()
    key = database_url(), tuple(run.stage for run in runs)
    epochs, groups = _found(key, runs)
    with above:
        _head(study, runs, over)
    if any(epochs.values()) or not over:
        with curves:
            _chart(key, groups)
            if not over:
                caption("Thin: training accuracy of the runs under way, batch by batch.")
    if any(epochs.values()):
        with below:
            verdict(groups, over)
            st.dataframe(
                _table(groups), hide_index=True, key="res_table", column_config=_COLUMN_HELP
            )
            _dead_parameters(groups)
            _downloads(study, runs, groups, epochs)


def _head(study: Study, runs: Sequence[Run], over: bool) -> None:
    """What it is, how far it is, what can be done with it, and why runs failed."""
    st.header(escaped(study.title), anchor=False)
    conditions = dict.fromkeys(condition_label(condition_of(run.spec)) for run in runs)
    devices = dict.fromkeys(run.spec.device for run in runs)
    caption(escaped(f"{study.id} · {'; '.join(conditions)} · {', '.join(devices)}"))
    if not over:
        start_waiting_workers()  # also in place of those that died
        progress_bar(_live_name(study.id), _progress(runs))
    _actions(study, runs, over)
    _failures(runs)


# While it goes on ----------------------------------------------------------------------------


def _progress(runs: Sequence[Run]) -> Progress:
    """How far the whole study is, with the time left."""
    running = sum(run.state is JobState.RUNNING for run in runs)
    progress = progress_of(runs, running)
    if progress.seconds_left is not None:
        left = f"about {formats.duration(progress.seconds_left)} left"
    else:
        left = "the first runs have begun" if running else "waiting for the workers"
    return progress.fraction, f"{progress.done} of {progress.total} runs done · {left}"


def _actions(study: Study, runs: Sequence[Run], over: bool) -> None:
    """Stop, continue, delete: the whole study at once."""
    with st.container(horizontal=True):
        if not over and st.button(
            "Stop the study",
            icon=":material/stop:",
            key="res_stop",
            help="Ends its runs after their current step; what they have learned is kept.",
        ):
            store().stop_study(study.id)
            st.rerun(scope="fragment")
        ended = [run for run in runs if run.state.can_go_on]
        if (
            over
            and ended
            and st.button(
                f"Continue {len(ended)} runs" if len(ended) > 1 else "Continue one run",
                type="primary",
                icon=":material/play_arrow:",
                key="res_continue",
                help="Queues every stopped or failed run again; each goes on where it was.",
            )
        ):
            store().continue_study(study.id)
            st.rerun()
        if over and st.button(
            "Delete…",
            icon=":material/delete:",
            key="res_delete",
            help="Removes the study with its runs, curves and files; asks once.",
        ):
            _confirm_delete(study, len(runs))


@st.dialog("Delete this study?")
def _confirm_delete(study: Study, runs: int) -> None:
    """Name what goes, ask once."""
    st.write(
        f"{escaped(study.title)}: its {runs} runs, their curves and their saved parameters are"
        " removed. This cannot be undone."
    )
    if st.button("Delete", type="primary", icon=":material/delete:", key="res_delete_now"):
        with errors_in_one_sentence():
            delete_study(store(), study.id)
            st.query_params.pop("study", None)
            st.rerun()


def _failures(runs: Sequence[Run]) -> None:
    """Why runs failed, each reason once."""
    failed = (run for run in runs if run.state.has_failed)
    for reason, members in grouped(failed, lambda run: run.message).items():
        which = f"Run {members[0].id}" if len(members) == 1 else f"{len(members)} runs"
        show_error(f"{which}: {reason}")


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
    shown_as = st.segmented_control(
        "Curves",
        (MEANS, SEEDS),
        default=MEANS,
        required=True,
        key="res_curves",
        label_visibility="collapsed",
        help="The mean of the seeds with its 95 % interval, or a curve for every seed.",
    )
    name = f"study-{groups[0].runs[0].study}-accuracy"
    chart(_drawing(key, str(shown_as), groups), key="res_chart", name=safe_name(name))


@st.cache_resource(show_spinner=False, max_entries=_SHARED)
def _drawing(key: _Key, shown_as: str, _groups: Sequence[Group]) -> Drawing:
    """The chart, drawn once for all who look at this stage."""
    running = _running([run for group in _groups for run in group.runs])
    steps = {run.id: StepCurve.empty(run) for run in running} | store().step_curves(running)
    lines = [
        StudyLine(
            escaped(group.title),
            style_of(group.variant, position),
            tuple(
                (run.spec.seed, metrics)
                for run, metrics in zip(group.runs, group.epochs, strict=True)
                if metrics
            ),
            under_way=tuple(steps[run.id] for run in group.runs if run.id in steps),
        )
        for position, group in enumerate(_groups)
    ]
    spec = _groups[0].runs[0].spec
    condition = comparable(_groups)[0].condition
    shipped_lines = reference_lines([group.model for group in _groups], condition, " · shipped")
    data = find_dataset(spec.dataset).title
    several = max(len(group.runs) for group in _groups) > 1
    means = "mean of the seeds with its 95 % interval" if several else "one seed each"
    title = f"Test accuracy on {data}<br>" + ("every seed a curve" if shown_as == SEEDS else means)
    figure = study_chart(
        [*shipped_lines, *lines],
        title,
        shown_as == SEEDS,
        spec.recipe.epochs,
        grows=not _all_over([run for group in _groups for run in group.runs]),
    )
    return Drawing.of(figure)


_COLUMN_HELP = {
    "final": st.column_config.TextColumn(
        "final accuracy",
        help=f"Mean of the seeds after the last epoch. {explained('confidence interval')}",
    ),
    "best": st.column_config.TextColumn(
        "best epoch (optimistic)",
        help=explained("best epoch"),
    ),
    "MACs": st.column_config.TextColumn("MACs an image", help=explained("MACs")),
    "seconds": st.column_config.TextColumn(
        "time a run", help="Training and evaluation, mean of the seeds."
    ),
}


def _table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row a variant."""
    rows = []
    for group in groups:
        totals = analysis_of(group.model).totals
        rows.append(
            {
                "variant": group.title,
                "finished seeds": f"{len(group.final_accuracies)} of {len(group.runs)}",
                "final": _with_interval(group.final),
                "best": _with_interval(group.best),
                "parameters": f"{totals.params:,}",
                "MACs": formats.short(totals.macs),
                "seconds": formats.duration(group.seconds),
            }
        )
    return pd.DataFrame(rows)


def _with_interval(mean: Mean | None) -> str:
    """`82.41 ± 1.20 %`."""
    return formats.NOTHING if mean is None else formats.percent_within(mean.mean, mean.half)


def _dead_parameters(groups: Sequence[Group]) -> None:
    """Which variants have parameters that got no gradient (Q15)."""
    sentences = [
        f"**{escaped(group.title)}**: {escaped(dead_sentence(dead, group.runs[0].spec.recipe))}"
        for group in groups
        if (dead := group.dead_parameters)
    ]
    if sentences:
        st.warning("Dead parameters. " + " ".join(sentences), icon=":material/heart_broken:")
    elif all(run.dead_parameters is not None for group in groups for run in group.runs):
        caption("Every parameter of every variant got a gradient.")


def _downloads(
    study: Study, runs: Sequence[Run], groups: Sequence[Group], epochs: dict[int, list]
) -> None:
    """Every number as CSV."""
    with st.container(horizontal=True):
        download_csv(
            "Every epoch of every seed as CSV",
            lambda: epoch_frame(sorted(runs, key=lambda run: run.id), epochs),
            f"study-{study.id}-epochs.csv",
            "res_csv",
        )
        download_csv(
            "Summary as CSV",
            lambda: summary_frame(groups, _costs(groups)),
            f"study-{study.id}-summary.csv",
            "res_summary_csv",
        )
        download_csv(
            "Every pair as CSV",
            lambda: pair_frame(verdicts(groups)),
            f"study-{study.id}-pairs.csv",
            "res_pairs_csv",
        )


def _costs(groups: Sequence[Group]) -> dict:
    """Parameters and multiply-adds of each network."""
    totals = {group.model: analysis_of(group.model).totals for group in groups}
    return {model: (total.params, total.macs) for model, total in totals.items()}
