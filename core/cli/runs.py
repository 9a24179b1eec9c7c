"""python -m core train | submit | runs | stop | resume"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.analysis import analyze as analyze_network
from core.cli.exit_codes import FAILED, INTERRUPTED
from core.cli.flags import (
    RunFlags,
    command,
    csv_option,
    output_option,
    run_argument,
    run_flags,
)
from core.cli.workers import offered_bytes, offers_to, tell_waiting
from core.cli.writing import say, write_csv, write_json, write_table
from core.report import formats
from core.specs import MAX_EPOCHS, LabError, RunSpec, check_whole
from core.training.records import EpochMetrics, Progress

if TYPE_CHECKING:
    from core.data.load import Dataset
    from core.jobs.offers import Offer
    from core.jobs.store import Run, Store

_EPOCH_COLUMNS = [
    "epoch",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "train_seconds",
    "images_per_second",
]
_RUN_COLUMNS = [
    "run",
    "state",
    "network",
    "ratio",
    "image_size",
    "options",
    "dataset",
    "recipe",
    "device",
    "seed",
    "best_epoch",
    "best_accuracy",
    "seconds",
    "created_at",
]


@command("train", "train a network here and now")
@run_flags()
@csv_option(help="write the epochs to FILE")
def train(flags: RunFlags, csv: Path | None) -> int:
    """Train a network in this terminal.

    The run is kept in the store, so the Runs page shows it too; Ctrl-C stops it and keeps the
    epochs that are finished.
    """
    from core.cli.progress_bar import ProgressBar  # tqdm: a tenth of a second
    from core.jobs.execution import execute
    from core.jobs.processes import this_process
    from core.jobs.store import JobState, LostJob, open_store

    spec = flags.run_spec()
    check_run(spec)
    if csv:
        check_writable(csv)
    store = open_store()
    run = store.start_here(spec, this_process())
    say(f"Run {run.id}: {_describe(run.spec)}")
    bar, interrupt, stderr = ProgressBar(sys.stderr), StopOnInterrupt(), sys.stderr

    def leave_now() -> None:
        """Somebody has stopped the run elsewhere, and its step takes too long to wait for."""
        sys.stderr = stderr
        _tell_stopped(store, run, csv)
        sys.stdout.flush()
        os._exit(INTERRUPTED)

    def listen(event: Progress | EpochMetrics) -> None:
        bar.show(event)
        interrupt.check()

    with (
        contextlib.redirect_stderr(io.StringIO()),  # a failed run is told in one sentence
        interrupt,
        contextlib.closing(bar),
    ):
        try:
            execute(store, run, listen, leave_now)
        except KeyboardInterrupt:  # pressed twice: the step under way is not waited for
            with contextlib.suppress(LostJob, LabError):
                store.finish(run, JobState.STOPPED)
    run = store.get(run.id)
    if run.state is JobState.STOPPED:
        _tell_stopped(store, run, csv)
        return INTERRUPTED if interrupt.pressed else FAILED
    _write_run(run, store.epochs([run.id])[run.id], csv)
    if run.state is JobState.FINISHED:
        return 0
    say(run.message)
    return FAILED


def _tell_stopped(store: Store, run: Run, csv: Path | None) -> None:
    """The epochs of a run that was stopped, and how it goes on."""
    _write_run(store.get(run.id), store.epochs([run.id])[run.id], csv)
    say(
        f"Run {run.id} was stopped; what it learned so far is kept, and"
        f" `python -m core resume {run.id}` puts it into the queue."
    )


class StopOnInterrupt:
    """Ctrl-C ends the run after its current step, pressed again the program."""

    def __enter__(self) -> StopOnInterrupt:
        self.pressed = False
        self.before = signal.signal(signal.SIGINT, self.press)
        return self

    def press(self, number: int, frame: Any) -> None:
        """The signal has come."""
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True

    def check(self) -> None:
        """Raise StopRequested once it has come."""
        from core.jobs.heartbeat import StopRequested

        if self.pressed:
            raise StopRequested

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self.before)


def check_run(spec: RunSpec, offers: Sequence[Offer] | None = None) -> None:
    """Raise LabError for whatever can be known before the run is put into the store.

    Its device and memory are those of this machine, or what workers offer.
    """
    from core.data import is_available
    from core.data.load import load
    from core.jobs.offers import is_elsewhere
    from core.training.devices import free_bytes
    from core.training.estimate import check_data, check_feasible

    most = free_bytes(spec.device) if offers is None else offered_bytes(spec.device, offers)
    data = load(spec.dataset) if is_available(spec.dataset) else _outline(spec.dataset)
    check_data(spec, data.info, len(data.first(spec.train_images).train_labels))
    other_machines = offers is not None and is_elsewhere(spec.device, offers)
    check_feasible(spec, analyze_network(spec.model), most, other_machines)


def _outline(name: str) -> Dataset:
    """The data set before it is downloaded: the right sizes, and no memory behind them."""
    import torch

    from core.data import find_dataset
    from core.data.load import Dataset

    info = find_dataset(name)
    image_sets = [
        torch.empty(shape, dtype=dtype, device="meta")
        for count in (info.train_images, info.test_images)
        for shape, dtype in (
            ((count, info.channels, info.image_size, info.image_size), torch.uint8),
            ((count,), torch.int64),
        )
    ]
    return Dataset(info, *image_sets)


def check_writable(path: Path, flag: str = "--csv") -> None:
    """Raise LabError now rather than after the training when `path` cannot be written."""
    existed = path.exists()
    try:
        with path.open("a"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise LabError(
            f"{path} cannot be written ({error.strerror or error}); choose another file for {flag}."
        ) from error


def _describe(spec: RunSpec) -> str:
    """The run in one line."""
    images = f"{spec.train_images:,} images of " if spec.train_images else ""
    recipe = spec.recipe
    return (
        f"{spec.model.arch} at {spec.model.pixels},"
        f" ratio {spec.model.ratio}, on {images}{spec.dataset}, recipe {recipe.name}"
        f" (batch {recipe.batch_size}, rate {recipe.learning_rate:g}), seed {spec.seed},"
        f" {spec.device}."
    )


def _write_run(run: Run, epochs: list[EpochMetrics], csv: Path | None) -> None:
    """The epochs as a table, and as CSV into the file that was asked for."""
    from core.jobs.files import best_address
    from core.report.sentences.guessing import guessing_sentence, has_guessed
    from core.report.tables.csv import to_csv
    from core.report.tables.runs import epoch_frame

    if not epochs:
        return
    frame = epoch_frame([run], {run.id: epochs})
    if csv is not None:
        csv.write_text(to_csv(frame), encoding="utf-8", newline="")
    write_table(frame[_EPOCH_COLUMNS])
    if run.best_accuracy is not None and has_guessed(run):
        print(f"\n{guessing_sentence(run.best_accuracy, run.spec.model.num_classes)}")
        return
    print(
        f"\nBest on the test set, an optimistic figure: {formats.percent(run.best_accuracy)}"
        f" in epoch {run.best_epoch}, kept as {best_address(run)}"
    )


@command("submit", "put a run into the queue")
@run_flags()
def submit(flags: RunFlags) -> int:
    """Puts a run into the queue and prints its number.

    A worker executes it: that of the page server, or `python -m core worker`.
    """
    from core.jobs.offers import device_names
    from core.jobs.store import open_store

    store = open_store()
    offers = offers_to(store)
    spec = flags.run_spec(device_names(offers))
    check_run(spec, offers)
    run = store.get(store.enqueue(spec))
    say(
        f"Run {run.id} is queued: {_describe(run.spec)}"
        " `python -m core worker --drain` executes it."
    )
    if store.workers():
        tell_waiting([run], store)
    print(run.id)
    return 0


@command("stop", "stop a run; what it has learned is kept")
@run_argument
def stop(run: int) -> int:
    """Stop a run; what it has learned is kept."""
    from core.jobs.processes import end_leases_of_the_dead
    from core.jobs.store import open_store

    store = open_store()
    state = store.job(run).state
    if state.is_over:
        raise LabError(f"Run {run} is {state}; there is nothing to stop.")
    end_leases_of_the_dead(store)
    store.request_stop([run])
    when = "is stopped" if store.job(run).state.is_over else "stops after its current step"
    say(f"Run {run} {when}; what it has learned is kept.")
    return 0


@command("resume", "put a stopped or failed run back into the queue")
@run_argument
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="let a finished run with a constant learning rate go on to N epochs",
)
def resume(run: int, epochs: int | None) -> int:
    """Put a stopped or failed run back into the queue."""
    from core.jobs.processes import end_leases_of_the_dead
    from core.jobs.store import open_store

    store = open_store()
    end_leases_of_the_dead(store)
    if epochs is not None:
        check_whole("epochs", epochs, 1, MAX_EPOCHS)
        store.extend(run, epochs)
    else:
        store.resume(run)
    say(f"Run {run} is queued again; `python -m core worker --drain` executes it.")
    return 0


@command("runs", "every run so far, the newest first")
@output_option
def list_runs(output: str) -> int:
    """Every run so far, the newest first."""
    from core.jobs.store import JobState, open_store

    store = open_store()
    runs = store.runs()
    tell_waiting((run for run in runs if run.state is JobState.QUEUED), store)
    if output == "json":
        write_json([_run_json(run) for run in runs])
        return 0
    if not runs:
        say("There are no runs yet; `python -m core train course-residual` makes one.")
        if output == "table":
            return 0
    from core.report.tables.runs import run_frame

    if output == "csv":
        write_csv(run_frame(runs))
    else:
        own = ["source_now"] if any(run.source for run in runs) else []
        write_table(run_frame(runs)[[*_RUN_COLUMNS, *own]])
    return 0


def _run_json(run: Run) -> dict[str, Any]:
    """Every field of the run as plain values; times are seconds since 1970, UTC."""
    from core.zoo.own_source import since

    fields = {name.removeprefix("kept_"): value for name, value in asdict(run).items()}
    said = {"message": run.message, "note": run.note}
    values = fields | said | {"spec": run.spec.to_dict(), "seconds": run.seconds}
    if run.source is not None:
        values["source"]["now"] = since(run.source)
    return values
