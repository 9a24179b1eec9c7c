"""What each command of `python -m core` does; `core.__main__` reads the flags.

Everything heavy is imported where it is used, so that `--help` never waits for torch.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from core import formats
from core.specs import MAX_BATCH_SIZE, LabError, ModelSpec, RunSpec, check_whole
from core.training.records import EpochMetrics, Progress

if TYPE_CHECKING:
    import pandas as pd

    from core.analysis import Analysis, LayerCost
    from core.data.load import Dataset
    from core.runs.store import Run
    from core.zoo import Architecture, Option

LAYER_COLUMNS = [
    "layer",
    "operation",
    "input_shape",
    "output_shape",
    "params",
    "macs",
    "elementwise_ops",
    "output_bytes",
    "saved_bytes",
    "receptive_field",
]
EPOCH_COLUMNS = [
    "epoch",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "train_seconds",
    "images_per_second",
]
RUN_COLUMNS = [
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
LAYER_TIME_COLUMNS = ["layer", "macs", "forward_ms", "backward_ms", "gflops_per_second"]
PLAIN_NUMBERS = ("run", "year", "seed")  # names rather than quantities: 2014, not 2,014
REDRAW_SECONDS = 0.1
BAR_WIDTH = 16  # characters


# Writing --------------------------------------------------------------------------------------


def say(sentence: str) -> None:
    """A line for the person, apart from the output."""
    with contextlib.suppress(OSError):  # nobody reads standard error any more
        print(sentence, file=sys.stderr, flush=True)


def write_json(value: Any) -> None:
    """Indented JSON on standard output; `allow_nan=False` keeps it readable for every parser."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def write_csv(frame: pd.DataFrame) -> None:
    """The frame as CSV on standard output."""
    from core.tables import to_csv

    sys.stdout.write(to_csv(frame))


def write_table(frame: pd.DataFrame) -> None:
    """Columns side by side on standard output, text to the left, numbers to the right."""
    frame = frame.convert_dtypes()  # whole numbers stay whole beside missing ones
    columns = []
    for name in frame.columns:
        values = frame[name].astype(object).where(frame[name].notna(), None)
        cells = [str(name), *(cell(name, value) for value in values)]
        width = max(map(len, cells))
        is_text = frame[name].dtype.kind not in "iufb"
        columns.append([text.ljust(width) if is_text else text.rjust(width) for text in cells])
    for line in zip(*columns, strict=True):
        print("  ".join(line).rstrip())


def cell(column: str, value: Any) -> str:
    """A number with its thousands apart and four digits after the point; nothing for no value."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if column in PLAIN_NUMBERS else f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4f}"
    return str(value)


# list -----------------------------------------------------------------------------------------


def list_networks(arguments: Namespace) -> int:
    """python -m core list"""
    from core.zoo import CATALOGUE

    rows = [network_row(architecture) for architecture in CATALOGUE.values()]
    if arguments.format == "json":
        write_json(rows)
        return 0
    import pandas as pd

    texts = {"options": [options_text(row.options) for row in CATALOGUE.values()]}
    frame = pd.DataFrame(rows).assign(**texts)
    if arguments.format == "csv":
        write_csv(frame)
    else:
        write_table(frame.drop(columns=["config", "ratio"]))
    return 0


def network_row(architecture: Architecture) -> dict[str, Any]:
    """One network as plain values."""
    default = architecture.default
    return {
        "name": architecture.name,
        "title": architecture.title,
        "family": architecture.family,
        "year": architecture.year,
        "config": architecture.config,
        "ratio": default.ratio,
        "image_size": default.image_size,
        "in_channels": default.in_channels,
        "num_classes": default.num_classes,
        "source": architecture.source,
        "options": [option_row(option) for option in architecture.options],
    }


def option_row(option: Option) -> dict[str, Any]:
    """One option as plain values; `values` says what it takes."""
    return {
        "name": option.name,
        "title": option.title,
        "help": option.help,
        "default": option.default,
        "values": option_values(option),
    }


def option_values(option: Option) -> list[str] | str:
    """The values to choose from, or what a value looks like."""
    if option.choices:
        return [value for value, _ in option.choices]
    if isinstance(option.default, bool):
        return ["false", "true"]
    if isinstance(option.default, int):
        return f"{option.minimum} to {option.maximum}"
    return f"text like {option.default}"


def options_text(options: Iterable[Option]) -> str:
    """`shortcut=identity (identity, conv, none)`: each default, and what else there is."""
    shown = []
    for option in options:
        values = option_values(option)
        default = str(option.default)
        if isinstance(option.default, bool):
            default = default.lower()
        text = ", ".join(values) if isinstance(values, list) else values
        shown.append(f"{option.name}={default} ({text})")
    return "; ".join(shown)


# analyze --------------------------------------------------------------------------------------


def network_spec(arguments: Namespace) -> ModelSpec:
    """The network that the flags describe, every option filled in. Raises LabError."""
    from core.zoo import complete, find

    default = find(arguments.arch).default
    given = {
        "ratio": arguments.ratio,
        "image_size": arguments.size,
        "in_channels": arguments.in_channels,
        "num_classes": arguments.classes,
    }
    chosen = [read_option(text) for text in arguments.option]
    kept = [pair for pair in default.options if pair[0] not in dict(chosen)]
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return complete(replace(default, **changes, options=(*kept, *chosen)))


def read_option(text: str) -> tuple[str, str]:
    """NAME=VALUE as a pair. Raises LabError."""
    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise LabError(f"An option is given as NAME=VALUE, like shortcut=conv, not {text!r}.")
    return name.strip(), value.strip()


def analyze(arguments: Namespace) -> int:
    """python -m core analyze"""
    from core.analysis import analyze as analyze_network
    from core.tables import layer_frame

    batch_size = arguments.batch_size
    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    level = arguments.level.replace("-", " ")
    analysis = analyze_network(network_spec(arguments))
    if arguments.format == "json":
        write_json(analysis_json(analysis, level, batch_size))
        return 0
    for warning in analysis.warnings:
        say(f"Warning: {warning}")
    frame = layer_frame(analysis, level, batch_size=batch_size)
    if arguments.format == "csv":
        write_csv(frame)
        return 0
    write_table(frame[LAYER_COLUMNS])
    print()
    for name, value in totals_json(analysis, batch_size).items():
        print(f"{name:<16} {cell(name, value):>16}")
    return 0


def analysis_json(analysis: Analysis, level: str, batch_size: int) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    return {
        "spec": analysis.spec.to_dict(),
        "totals": totals_json(analysis, batch_size),
        "layers": [layer_json(layer, batch_size) for layer in analysis.rows(level)],
        "warnings": list(analysis.warnings),
    }


def totals_json(analysis: Analysis, batch_size: int) -> dict[str, Any]:
    """The totals, and the memory that a training step with such a batch takes at its peak."""
    return asdict(analysis.totals) | {
        "batch_size": batch_size,
        "training_bytes": analysis.training_bytes(batch_size),
        "inference_bytes": analysis.inference_bytes(batch_size),
    }


def layer_json(layer: LayerCost, batch_size: int) -> dict[str, Any]:
    """Every field of the row and its FLOPs; shapes with N = `batch_size`."""
    shapes = {
        name: [batch_size * sizes[0], *sizes[1:]] if sizes else []
        for name, sizes in (
            ("input_shape", layer.input_shape),
            ("output_shape", layer.output_shape),
        )
    }
    return asdict(layer) | shapes | {"flops": layer.flops}


# time -----------------------------------------------------------------------------------------


def time_layers(arguments: Namespace) -> int:
    """python -m core time"""
    from core.analysis import analyze as analyze_network
    from core.runs.launch import layer_times_name
    from core.runs.store import open_store
    from core.runs.worker import leave_with_parent
    from core.tables import layer_time_frame
    from core.training.devices import available_devices
    from core.training.layer_times import MAX_PASSES, measure_layers

    batch_size, passes = arguments.batch_size, arguments.passes
    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    check_whole("passes", passes, 1, MAX_PASSES)
    device = arguments.device or available_devices()[0]
    analysis = analyze_network(network_spec(arguments))
    store = open_store() if arguments.keep else None
    if arguments.exit_with_parent and store:
        leave_with_parent(store)
    name = layer_times_name(analysis.spec, device, batch_size)
    try:
        for times in measure_layers(analysis, device, batch_size, passes):
            if store:
                store.keep_measured(name, {"of": passes, "times": times.to_dict()})
                continue
            say(f"pass {times.passes} of {passes}: {formats.duration(times.step_seconds)} a step")
    except (LabError, RuntimeError, MemoryError) as error:
        if store:
            store.keep_measured(name, {"of": passes, "error": in_words(error)})
        raise LabError(in_words(error)) from error
    if store:
        return 0
    frame = layer_time_frame(analysis, times)
    if arguments.format == "json":
        write_json(times.to_dict())
    elif arguments.format == "csv":
        write_csv(frame)
    else:
        shown = frame.assign(
            forward_ms=1e3 * frame["forward_seconds"],
            backward_ms=1e3 * frame["backward_seconds"],
            gflops_per_second=frame["achieved_flops_per_second"] / 1e9,
        )
        write_table(shown[LAYER_TIME_COLUMNS])
    return 0


def in_words(error: Exception) -> str:
    """One sentence for an error of a measurement."""
    from core.runs.worker import in_words as run_error

    return str(error) if isinstance(error, LabError) else run_error(error)


# train ----------------------------------------------------------------------------------------


def train(arguments: Namespace) -> int:
    """python -m core train"""
    from core.runs.store import RunState, open_store
    from core.runs.worker import end, execute

    spec = run_spec(arguments)
    check_run(spec)
    if arguments.csv:
        check_writable(arguments.csv)
    store = open_store()
    run = store.start_here(spec)
    say(f"Run {run.id}: {describe(spec)}")
    bar = ProgressBar(sys.stderr)
    interrupted = False
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # a failed run is told in one sentence
            execute(store, run, bar.show)
    except KeyboardInterrupt:
        interrupted = True
        end(store, run, RunState.STOPPED)
    finally:
        bar.clear()
    run = store.get(run.id)
    write_run(run, store.epochs([run.id])[run.id], arguments.csv)
    if run.state is RunState.FINISHED:
        return 0
    say(run.message or f"Run {run.id} was stopped; what it learned so far is kept.")
    return 130 if interrupted else 1


def run_spec(arguments: Namespace) -> RunSpec:
    """The run that the flags describe. Raises LabError."""
    from core.data import find_dataset
    from core.training.devices import available_devices
    from core.training.recipes import recipe

    info = find_dataset(arguments.dataset)
    images = info.train_images if arguments.train_images is None else arguments.train_images
    return RunSpec(
        network_spec(arguments),
        arguments.dataset,
        recipe(arguments.recipe, images, arguments.epochs, arguments.batch_size, arguments.lr),
        images,
        arguments.device or available_devices()[0],
        arguments.seed,
    )


def check_run(spec: RunSpec) -> None:
    """Raise LabError for whatever can be known before the run is put into the store."""
    from core.analysis import analyze as analyze_network
    from core.data import is_available
    from core.data.load import load
    from core.training.devices import available_bytes, find_device
    from core.training.estimate import check_data, check_memory

    device = find_device(spec.device)
    data = load(spec.dataset) if is_available(spec.dataset) else outline(spec.dataset)
    check_data(spec, data.info, len(data.first(spec.train_images).train_labels))
    check_memory(spec, analyze_network(spec.model), available_bytes(device))


def outline(name: str) -> Dataset:
    """The data set before it is downloaded: the right sizes, and no memory behind them."""
    import torch

    from core.data import find_dataset
    from core.data.load import Dataset

    info = find_dataset(name)
    halves = [
        torch.empty(shape, dtype=dtype, device="meta")
        for count in (info.train_images, info.test_images)
        for shape, dtype in (
            ((count, info.channels, info.image_size, info.image_size), torch.uint8),
            ((count,), torch.int64),
        )
    ]
    return Dataset(info, *halves)


def check_writable(path: Path) -> None:
    """Raise LabError now rather than after the training when `path` cannot be written."""
    existed = path.exists()
    try:
        with path.open("a"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise LabError(
            f"{path} cannot be written ({error.strerror or error}); choose another file for --csv."
        ) from error


def describe(spec: RunSpec) -> str:
    """The run in one line."""
    images = f"{spec.train_images:,} images of " if spec.train_images else ""
    chosen = spec.recipe
    return (
        f"{spec.model.arch} at {spec.model.image_size}×{spec.model.image_size},"
        f" ratio {spec.model.ratio}, on {images}{spec.dataset}, recipe {chosen.name}"
        f" (batch {chosen.batch_size}, rate {chosen.learning_rate:g}), seed {spec.seed},"
        f" {spec.device}."
    )


def write_run(run: Run, epochs: list[EpochMetrics], csv: Path | None) -> None:
    """The epochs as a table, and as CSV into the file that was asked for."""
    from core.runs.files import best_path
    from core.tables import epoch_frame, to_csv

    if not epochs:
        return
    frame = epoch_frame([run], {run.id: epochs})
    if csv is not None:
        csv.write_text(to_csv(frame), encoding="utf-8", newline="")
    write_table(frame[EPOCH_COLUMNS])
    print(
        f"\nBest on the test set, an optimistic figure: {formats.percent(run.best_accuracy)}"
        f" in epoch {run.best_epoch}, kept as {best_path(run)}"
    )


class ProgressBar:
    """A line on a terminal that is drawn over; a plain line an epoch anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.began: float | None = None  # downloads excluded
        self.drawn = 0.0
        self.epochs, self.fraction = 0, 0.0  # of the last event

    def show(self, event: Progress | EpochMetrics) -> None:
        """Listener of a run."""
        if isinstance(event, EpochMetrics):
            self.clear()
            self.write(f"{epoch_line(event, self.epochs)}{self.left()}\n")
            return
        now = time.monotonic()
        if self.began is None and event.phase != "downloading":
            self.began = now
        self.epochs, self.fraction = event.epochs, event.fraction
        if self.is_terminal and now - self.drawn >= REDRAW_SECONDS:
            self.drawn = now
            width = shutil.get_terminal_size().columns - 1
            self.write("\r" + f"{bar_line(event)}{self.left()}"[:width].ljust(width))

    def left(self) -> str:
        """The time that the rest takes if it goes on like this, as the end of a line."""
        if self.began is None or not 0 < self.fraction < 1:
            return ""
        spent = time.monotonic() - self.began
        if spent < 1:
            return ""  # too early to tell
        return f", {formats.duration(spent * (1 / self.fraction - 1))} left"

    def clear(self) -> None:
        """Take the line away."""
        if self.is_terminal:
            self.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")

    def write(self, text: str) -> None:
        """To the terminal, if it is still there: a closed one must not end the run."""
        with contextlib.suppress(OSError):
            self.stream.write(text)
            self.stream.flush()


def bar_line(event: Progress) -> str:
    """`epoch 2/5 [####    ] training, 1,200 images/s`."""
    if event.phase == "downloading":
        share = event.step / event.steps if event.steps else 0.0
        return f"{bar(share)} downloading, {formats.mebibytes(event.step)}"
    rate = f", {event.images_per_second:,.0f} images/s" if event.images_per_second else ""
    return f"epoch {event.epoch}/{event.epochs} {bar(event.fraction)} {event.phase}{rate}"


def bar(share: float) -> str:
    """`[######      ]  50 %`."""
    return f"[{'#' * round(BAR_WIDTH * share):<{BAR_WIDTH}}] {100 * share:3.0f} %"


def epoch_line(metrics: EpochMetrics, epochs: int) -> str:
    """What an epoch brought."""
    return (
        f"epoch {metrics.epoch}/{epochs}: train loss {metrics.train_loss:.4f},"
        f" test accuracy {formats.percent(metrics.test_accuracy)},"
        f" {metrics.images_per_second:,.0f} images/s"
    )


# runs, worker ---------------------------------------------------------------------------------


def list_runs(arguments: Namespace) -> int:
    """python -m core runs"""
    from core.runs.store import open_store

    runs = open_store().runs()
    if arguments.format == "json":
        write_json([run_json(run) for run in runs])
        return 0
    if not runs:
        say("There are no runs yet; `python -m core train course-residual` makes one.")
        if arguments.format == "table":
            return 0
    from core.tables import run_frame

    if arguments.format == "csv":
        write_csv(run_frame(runs))
    else:
        write_table(run_frame(runs)[RUN_COLUMNS])
    return 0


def run_json(run: Run) -> dict[str, Any]:
    """Every field of the run as plain values; times are seconds since 1970, UTC."""
    return asdict(run) | {"spec": run.spec.to_dict(), "seconds": run.seconds}


def work(arguments: Namespace) -> int:
    """python -m core worker"""
    from core.runs.worker import main

    return main(drain=arguments.drain, exit_with_parent=arguments.exit_with_parent)
