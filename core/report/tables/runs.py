"""Runs, their epochs and their steps as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from core.data.catalogue import train_images_of
from core.jobs.store import Run
from core.report.tables.columns import run_columns
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from core.training.step_series import StepSeries
from core.zoo.own_source import KeptSource, Since, since

# An empty table has its columns too, so that its CSV has a header.
_WHICH_RUN = list(run_columns(0, RunSpec(ModelSpec("lenet"), "mnist", Recipe("fast", 1, 1, 0.1))))
_SOURCE = ("source_file", "source_sha256", "source_now")  # of a network of the user's own
EPOCH_COLUMNS = [*_WHICH_RUN, "study", "machine", *EpochMetrics.__dataclass_fields__, *_SOURCE]
STEP_COLUMNS = [
    *_WHICH_RUN,
    *("study", "machine", "images_trained", "epochs_trained", "train_loss", "train_accuracy"),
    *_SOURCE,
]
RUN_COLUMNS = [
    *_WHICH_RUN,
    *("study", "state", "message", "best_epoch", "best_accuracy", "seconds", "created_at"),
    *("machine", "dead_parameters", "note"),
    *_SOURCE,
]


def epoch_frame(runs: Iterable[Run], epochs: Mapping[int, Sequence[EpochMetrics]]) -> pd.DataFrame:
    """One row an epoch of each run, complete in itself."""
    runs = list(runs)
    now = sources_now(runs)
    rows = [
        run_columns(run.id, run.spec)
        | {"study": run.study or "", "machine": run.machine}
        | asdict(metrics)
        | _source_columns(run, now)
        for run in runs
        for metrics in epochs.get(run.id, [])
    ]
    return pd.DataFrame(rows, columns=EPOCH_COLUMNS)


def step_frame(runs: Iterable[Run], series: Mapping[int, StepSeries]) -> pd.DataFrame:
    """One row a point of each run's steps: means over the steps since the row before.

    `images_trained` and `epochs_trained` count from the run's start to the last of these steps; the
    latter is empty for a data set that this lab does not know.
    """
    runs = list(runs)
    now = sources_now(runs)
    rows = [
        run_columns(run.id, run.spec)
        | {"study": run.study or "", "machine": run.machine}
        | values
        | _source_columns(run, now)
        for run in runs
        if run.id in series
        for values in _point_columns(run.spec, series[run.id])
    ]
    return pd.DataFrame(rows, columns=STEP_COLUMNS)


def _point_columns(spec: RunSpec, series: StepSeries) -> Iterator[dict[str, float | None]]:
    """Each point of a run."""
    images: int | None = None
    with suppress(LabError):  # a data set of another lab
        images = train_images_of(spec)
    for point in series.points:
        yield {
            "images_trained": point.images,
            "epochs_trained": point.images / images if images else None,
            "train_loss": point.loss,
            "train_accuracy": point.accuracy,
        }


def run_frame(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a run, with its state, settings and best epoch."""
    runs = list(runs)
    now = sources_now(runs)
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
            | _source_columns(run, now)
            for run in runs
        ],
        columns=RUN_COLUMNS,
    )


def sources_now(runs: Iterable[Run]) -> dict[KeptSource | None, Since]:
    """What has become of the files of these runs' networks, each looked at once."""
    return {source: since(source) for source in {run.source for run in runs} if source}


def _source_columns(run: Run, now: Mapping[KeptSource | None, Since]) -> dict[str, str]:
    """The kept source of the run's network; empty for a network of the lab."""
    if run.source is None:
        return dict.fromkeys(_SOURCE, "")
    values = (Path(run.source.path).name, run.source.sha256, str(now[run.source]))
    return dict(zip(_SOURCE, values, strict=True))


def as_time(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
