"""Runs and their epochs as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd

from core.jobs.store import Run
from core.report.tables.columns import run_columns
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics

# An empty table has its columns too, so that its CSV has a header.
_WHICH_RUN = list(run_columns(0, RunSpec(ModelSpec("lenet"), "mnist", Recipe("fast", 1, 1, 0.1))))
EPOCH_COLUMNS = [*_WHICH_RUN, "study", "machine", *EpochMetrics.__dataclass_fields__]
RUN_COLUMNS = [
    *_WHICH_RUN,
    *("study", "state", "message", "best_epoch", "best_accuracy", "seconds", "created_at"),
    *("machine", "dead_parameters", "note"),
]


def epoch_frame(runs: Iterable[Run], epochs: Mapping[int, Sequence[EpochMetrics]]) -> pd.DataFrame:
    """One row an epoch of each run, complete in itself."""
    rows = [
        run_columns(run.id, run.spec)
        | {"study": run.study or "", "machine": run.machine}
        | asdict(metrics)
        for run in runs
        for metrics in epochs.get(run.id, [])
    ]
    return pd.DataFrame(rows, columns=EPOCH_COLUMNS)


def run_frame(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a run, with its state, settings and best epoch."""
    return pd.DataFrame(
        [
            run_columns(run.id, run.spec)
            | {
                "study": run.study or "",
                "state": str(run.state),
                "message": run.message,
                "best_epoch": run.best_epoch,
                "best_accuracy": run.best_accuracy,
                "seconds": run.seconds,
                "created_at": as_time(run.created_at),
                "machine": run.machine,
                "dead_parameters": sum((run.dead_parameters or {}).values()),
                "note": run.note,
            }
            for run in runs
        ],
        columns=RUN_COLUMNS,
    )


def as_time(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
