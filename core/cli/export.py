"""python -m core export"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.cli.flags import command, csv_option, run_argument
from core.cli.runs import check_writable
from core.cli.writing import say, write_csv
from core.specs import LabError

if TYPE_CHECKING:
    from pandas import DataFrame

    from core.jobs.store import Measurement, Run, Store


@command("export", "the epochs of a run, or what a measurement has found, as CSV")
@run_argument
@csv_option(show_default="standard output")
@click.option(
    "--steps",
    is_flag=True,
    show_default=False,
    help="loss and accuracy between the ends of the epochs instead: some hundred points",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="write the source of your own network, as the run keeps it, into FOLDER",
)
def export(run: int, csv: Path | None, steps: bool, source: Path | None) -> int:
    """The epochs of a run, or what a measurement has found, as CSV."""
    from core.jobs.store import open_store
    from core.report.tables.csv import to_csv

    store = open_store()
    job = store.job(run)
    if source is not None:
        return _export_source(job, source)
    frame, what = _exported(store, job, steps)
    if csv is None:
        write_csv(frame)
        return 0
    check_writable(csv)
    csv.write_text(to_csv(frame), encoding="utf-8", newline="")
    say(f"{len(frame)} {what} {run} are in {csv}.")
    return 0


def _exported(store: Store, job: Run | Measurement, steps: bool) -> tuple[DataFrame, str]:
    """What is known of a job, and what its rows are; raises LabError where steps are not known."""
    from core.cli.measurements import measured_frame
    from core.jobs.store import Run
    from core.report.tables.runs import epoch_frame, step_frame

    if not steps:
        if isinstance(job, Run):
            return epoch_frame([job], store.epochs([job.id])), "epochs of run"
        return measured_frame(store, job), "rows of measurement"
    if not isinstance(job, Run):
        raise LabError(f"Job {job.id} has no steps: it is a measurement, no run.")
    series = store.step_series([job.id])
    if not series:
        raise LabError(
            f"Run {job.id} has no points of its steps: it has not begun, or it was trained before"
            " this lab kept them; leave --steps out for its epochs."
        )
    return step_frame([job], series), "points of run"


def _export_source(job: Run | Measurement, folder: Path) -> int:
    """Write the kept source; raises LabError where there is none, or another file is there."""
    from core.jobs.store import Run
    from core.zoo.own_source import kept_source

    if not isinstance(job, Run) or job.source is None:
        raise LabError(f"Job {job.id} keeps no source: it is no run of a network of your own.")
    files = kept_source(job.source).files
    for name, text in files:
        path = folder / name
        if path.exists() and (not path.is_file() or path.read_bytes() != text):
            raise LabError(f"{path} is there and is another; choose an empty folder.")
    try:
        for name, text in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text)
    except OSError as error:
        raise LabError(
            f"{folder} cannot be written ({error.strerror or error}); choose another folder."
        ) from error
    say(f"The source of run {job.id} is {folder / files[0][0]}.")
    return 0
