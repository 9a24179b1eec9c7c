"""The table of runs, with spark lines, as the Overview and the Runs page show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from core.jobs.store import JobState, Run, Store, Study, StudyKind
from core.language import N_, _, comma
from core.report import formats
from core.report.names import condition_parts, network_title
from core.report.sentences.guessing import has_guessed
from core.report.tables.runs import sources_now
from core.studies.conditions import condition_of
from pages.views.app.language import in_this_language
from pages.views.app.tables import table
from pages.views.people.ownership import owner_names

STATE_SIGNS = {
    JobState.QUEUED: N_("○ queued"),
    JobState.RUNNING: N_("▶ running"),
    JobState.FINISHED: N_("✓ finished"),
    JobState.STOPPED: N_("■ stopped"),
    JobState.FAILED: N_("✗ failed"),
    JobState.DIVERGED: N_("↯ diverged"),
}
_DURATIONS = {N_("duration (h)"): 3600, N_("duration (min)"): 60, N_("duration (s)"): 1}
_ROW, _MOST_ROWS = 33, 15  # pixels of a row; rows that are seen at once
_SPARK = N_("test accuracy by epoch")
_STUDY_PAGES = {  # where a study is shown
    StudyKind.VARIANTS: "residual?study={}",
    StudyKind.STACK: "gradients",
    StudyKind.REPRODUCTION: "residual",
}
_NO_STUDIES: Mapping[str, Study] = MappingProxyType({})


def run_table(
    store: Store,
    runs: Sequence[Run],
    key: str,
    selectable: bool = False,
    ticked: Sequence[int] = (),
    studies: Mapping[str, Study] = _NO_STUDIES,
) -> list[Run]:
    """Show the runs; with `selectable` return those that the reader has picked.

    The rows numbered `ticked` are picked when a table with this key is first shown. `studies`, by
    their ids, have a column of their own.
    """
    frame = _frame(store, runs, studies)
    shown: dict[str, Any] = {
        "height": _ROW * (1 + min(len(runs), _MOST_ROWS)) + 2,
        "key": key,
        "column_config": _columns(frame),
        "placeholder": formats.NOTHING,
    }
    if not selectable:
        table(frame, **shown)
        return []
    event = table(
        frame,
        **shown,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(ticked)}},
    )
    return [runs[index] for index in event["selection"]["rows"] if index < len(runs)]


def _frame(store: Store, runs: Sequence[Run], studies: Mapping[str, Study]) -> pd.DataFrame:
    """A row a run: what a phone has room for comes first. No column is empty in all rows."""
    conditions = [condition_parts(condition_of(run.spec)) for run in runs]
    accuracies = store.accuracies([run.id for run in runs])
    now = sources_now(runs)
    duration, seconds = _duration_and_unit(runs)
    names = owner_names()
    frame = pd.DataFrame(
        {
            # Beside this page, whatever its base
            N_("run"): [in_this_language(f"train?run={run.id}") for run in runs],
            N_("best accuracy"): [
                None if run.best_accuracy is None or has_guessed(run) else 100 * run.best_accuracy
                for run in runs
            ],
            N_("network"): [network_title(run.spec.model) for run in runs],
            N_("state"): [_state(run) for run in runs],
            N_("whose"): [_whose(run, names) for run in runs],
            N_("study"): [_study_link(studies.get(run.study or "")) for run in runs],
            _SPARK: [[100 * accuracy for accuracy in accuracies[run.id]] for run in runs],
            N_("data"): [comma().join(parts[:2]) for parts in conditions],
            N_("recipe"): [comma().join(parts[2:]) for parts in conditions],
            duration: [None if run.seconds is None else run.seconds / seconds for run in runs],
            N_("seed"): [run.spec.seed for run in runs],
            N_("device"): [run.spec.device for run in runs],
            N_("file"): [now.get(run.source, "") for run in runs],
        }
    )
    says_nothing = {
        "whose": not names,
        "study": not any(frame["study"]),
        _SPARK: not any(accuracies.values()),
        duration: all(run.seconds is None for run in runs),
        "device": frame["device"].nunique() < 2,
        "file": not now,
    }
    return frame.drop(columns=[name for name, empty in says_nothing.items() if empty])


def _duration_and_unit(runs: Sequence[Run]) -> tuple[str, int]:
    """One unit for all durations of the column, so that they sort: its heading and its seconds."""
    longest = max((run.seconds or 0.0 for run in runs), default=0.0)
    return next(
        (title, unit) for title, unit in _DURATIONS.items() if longest >= 2 * unit or unit == 1
    )


def _columns(frame: pd.DataFrame) -> dict[str, Any]:
    """How each column is shown; spark lines share the range of all of them."""
    config = st.column_config
    accuracies = [value for values in frame.get(_SPARK, ()) for value in values]
    return {
        "run": config.LinkColumn(
            display_text=r"run=(\d+)", width=56, help=_("Opens the run's own record.")
        ),
        "best accuracy": config.NumberColumn(
            _("best"),
            format="%.2f %%",
            width=88,
            help=_(
                "Test accuracy of the best epoch; empty where guessing gets as many right."
                " Comparable only where data and recipe are the same."
            ),
        ),
        _SPARK: config.LineChartColumn(
            width=136, y_min=min(accuracies, default=0.0), y_max=max(accuracies, default=100.0)
        ),
        "study": config.LinkColumn(display_text=r"#(.+)", width=152, help=_("Opens the study.")),
        **dict.fromkeys(_DURATIONS, config.NumberColumn(format="%.1f")),
        "network": config.TextColumn(width=264),
        "state": config.TextColumn(width=128),
        "file": config.TextColumn(
            help=_(
                "Of your own network: whether the file still is as the run was started with. The"
                " run keeps what it was, under the digits behind the @."
            )
        ),
    }


def _study_link(study: Study | None) -> str:
    """The address of a study, which ends with its title; empty for a single run."""
    if study is None:
        return ""
    page = in_this_language(_STUDY_PAGES[study.kind].format(study.id))
    return f"{page}#{quote(study.title)}"


def _whose(run: Run, names: Mapping[str, str]) -> str:
    """Who has started it, and whether the class may see it; empty where nobody signs in."""
    name = names.get(run.owner, "")
    return name if run.is_shared or not name else _("{name}, private", name=name)


def _state(run: Run) -> str:
    """`✓ finished`, and of a run that is over whether it has learned nothing."""
    state = _(STATE_SIGNS[run.state])
    if run.state.is_over and has_guessed(run):
        return _("{state}, guesses", state=state)
    return state
