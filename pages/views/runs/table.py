"""The table of runs, with spark lines, as the Overview and the Runs page show it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.jobs.store import JobState, Run, Store
from core.report import formats
from core.report.names import condition_parts, network_title
from core.report.sentences.guessing import guesses
from core.report.tables.runs import sources_now
from core.studies.conditions import condition_of

STATE_SIGNS = {
    JobState.QUEUED: "○ queued",
    JobState.RUNNING: "▶ running",
    JobState.FINISHED: "✓ finished",
    JobState.STOPPED: "■ stopped",
    JobState.FAILED: "✗ failed",
    JobState.DIVERGED: "↯ diverged",
}


def _guesses(run: Run) -> bool:
    """Whether its best epoch is no better than guessing."""
    return run.best_accuracy is not None and guesses(run.spec, run.best_accuracy)


def _state(run: Run) -> str:
    """`✓ finished`, and of a run that is over whether it has learned nothing."""
    told = ", guesses" if run.state.is_over and _guesses(run) else ""
    return f"{STATE_SIGNS[run.state]}{told}"


def run_table(
    store: Store,
    runs: Sequence[Run],
    key: str,
    selectable: bool = False,
    ticked: Sequence[int] = (),
) -> list[Run]:
    """Show the runs; with `selectable` return those that the reader has picked.

    The rows numbered `ticked` are picked when a table with this key is first shown.
    """
    conditions = [condition_parts(condition_of(run.spec)) for run in runs]
    accuracies = store.accuracies([run.id for run in runs])
    frame = pd.DataFrame(
        {
            "run": [f"train?run={run.id}" for run in runs],  # beside this page, whatever its base
            "state": [_state(run) for run in runs],
            "network": [network_title(run.spec.model) for run in runs],
            "best accuracy": [
                None if run.best_accuracy is None or _guesses(run) else 100 * run.best_accuracy
                for run in runs
            ],
            "data": [", ".join(parts[:2]) for parts in conditions],
            "recipe": [", ".join(parts[2:]) for parts in conditions],
            "test accuracy by epoch": [
                [100 * accuracy for accuracy in accuracies[run.id]] for run in runs
            ],
            "device": [run.spec.device for run in runs],
            "seed": [run.spec.seed for run in runs],
            "duration": [formats.duration(run.seconds) for run in runs],
        }
    )
    if now := sources_now(runs):
        after_network = 1 + frame.columns.get_loc("network")
        frame.insert(after_network, "file", [now.get(run.source, "") for run in runs])
    config = st.column_config
    columns = {
        "run": config.LinkColumn(
            display_text=r"run=(\d+)", width="small", help="Opens the run's own record."
        ),
        "best accuracy": config.NumberColumn(
            format="%.2f %%",
            help="Share of the test images that the best epoch got right; empty where guessing"
            " gets as many. Comparable only where data and recipe are the same.",
        ),
        "test accuracy by epoch": config.LineChartColumn(y_min=0, y_max=100),
        "file": config.TextColumn(
            help="Of your own network: whether the file still is as the run was started with. The"
            " run keeps what it was, under the digits behind the @."
        ),
    }
    if not selectable:
        st.dataframe(
            frame, hide_index=True, key=key, column_config=columns, placeholder=formats.NOTHING
        )
        return []
    event = st.dataframe(
        frame,
        hide_index=True,
        key=key,
        column_config=columns,
        placeholder=formats.NOTHING,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(ticked)}},
    )
    return [runs[index] for index in event["selection"]["rows"] if index < len(runs)]
