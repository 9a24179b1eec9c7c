"""The table of runs, with spark lines, as the Overview and the Runs page show it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.jobs.store import JobState, Run, Store
from core.report import formats
from core.report.names import network_title
from core.report.tables.runs import sources_now

STATE_SIGNS = {
    JobState.QUEUED: "○ queued",
    JobState.RUNNING: "▶ running",
    JobState.FINISHED: "✓ finished",
    JobState.STOPPED: "■ stopped",
    JobState.FAILED: "✗ failed",
    JobState.DIVERGED: "↯ diverged",
}


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
    accuracies = store.accuracies([run.id for run in runs])
    frame = pd.DataFrame(
        {
            "run": [f"train?run={run.id}" for run in runs],  # beside this page, whatever its base
            "state": [STATE_SIGNS[run.state] for run in runs],
            "network": [network_title(run.spec.model) for run in runs],
            "data": [run.spec.dataset for run in runs],
            "recipe": [run.spec.recipe.name for run in runs],
            "device": [run.spec.device for run in runs],
            "seed": [run.spec.seed for run in runs],
            "best accuracy": [
                None if run.best_accuracy is None else 100 * run.best_accuracy for run in runs
            ],
            "test accuracy by epoch": [
                [100 * accuracy for accuracy in accuracies[run.id]] for run in runs
            ],
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
            format="%.2f %%", help="Share of the test images that the best epoch got right."
        ),
        "test accuracy by epoch": config.LineChartColumn(y_min=0, y_max=100),
        "file": config.TextColumn(
            help="Of your own network: whether the file still is as the run was started with. The"
            " run keeps what it was, under the digits behind the @."
        ),
    }
    if not selectable:
        st.dataframe(frame, hide_index=True, key=key, column_config=columns)
        return []
    event = st.dataframe(
        frame,
        hide_index=True,
        key=key,
        column_config=columns,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": list(ticked)}},
    )
    return [runs[index] for index in event["selection"]["rows"] if index < len(runs)]
