"""What each part of the fast recipe is worth: the same runs without it, over several seeds.

Runs that docs/measured/fast_recipe.csv does not have yet are trained and added to it, so that it
can be made in pieces; `recipe-rates` measures how fast they are. `python -m tools.bench.recipe`
prints the table of docs/recipe.md from both.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from tools.bench.figures import ROUNDS, SEEDS, Row, machine, row, run_spec

if TYPE_CHECKING:
    from core.specs import RunSpec
    from core.training.records import EpochMetrics

_FOLDER = Path(__file__).parents[2] / "docs" / "measured"
ACCURACIES, RATES = _FOLDER / "fast_recipe.csv", _FOLDER / "fast_recipe_rates.csv"
_COLUMNS = {
    ACCURACIES: ("network", "dataset", "without", "seed", "test_accuracy", "machine", "date"),
    RATES: ("network", "dataset", "without", "round", "images_per_second", "machine", "date"),
}
PARTS: dict[str, dict[str, object]] = {  # what is left out, and what stands in its place
    "nothing": {},
    "Muon": {"optimizer": "sgd"},
    "label smoothing": {"label_smoothing": 0.0},
    "both": {"optimizer": "sgd", "label_smoothing": 0.0},
    "one-cycle": {"schedule": "constant"},
    "Nesterov momentum": {"nesterov": False},
    "weight decay": {"weight_decay": 0.0},
    "shortened gradients": {"max_gradient_norm": 0.0},
    "Xavier initialization": {"initialization": "default"},
}
_NEW = ("nothing", "Muon", "label smoothing")
# Network, data set, its first so many images, what is left out; one epoch each
_Setting = tuple[str, str, int, tuple[str, ...]]
_SETTINGS: tuple[_Setting, ...] = (
    ("course-residual", "mnist", 30_000, tuple(PARTS)),
    ("course-inception", "mnist", 50_000, _NEW),
    ("course-residual", "fashion-mnist", 60_000, _NEW),
)
_TIMED = (*_NEW, "shortened gradients")  # the others change no step's work
_TIMED_IMAGES = 3_840  # a rate needs no more
Known = list[dict[str, str]]


def recipe() -> list[Row]:
    """Train what is missing; the mean accuracy without each part."""
    known = read(ACCURACIES)
    done = {(run["network"], run["dataset"], run["without"], run["seed"]) for run in known}
    for setting in _SETTINGS:
        for seed in range(SEEDS):
            for network, dataset, part, spec in _specs(setting):
                if (network, dataset, part, str(seed)) not in done:
                    accuracy = _epoch(replace(spec, seed=seed)).test_accuracy
                    _keep(ACCURACIES, network, dataset, part, seed, accuracy)
    known = read(ACCURACIES)
    return [
        row(f"{network}, {dataset}: without {part}", 100 * mean(reached), "%", "")
        for setting in _SETTINGS
        for network, dataset, part, _spec in _specs(setting)
        if (reached := _values(known, network, dataset, part, "test_accuracy"))
    ]


def recipe_rates() -> list[Row]:
    """Images a second of MNIST with and without each part, and as published, all in turns."""
    RATES.unlink(missing_ok=True)
    for turn in range(ROUNDS + 1):  # the first one warms up
        for setting in _SETTINGS[:2]:
            for network, dataset, part, spec in _timed_specs(setting):
                rate = _rate(replace(spec, train_images=_TIMED_IMAGES))
                if turn:
                    _keep(RATES, network, dataset, part, turn, round(rate, 1))
    return []


def _specs(setting: _Setting) -> Iterator[tuple[str, str, str, RunSpec]]:
    """Network, data set, what is left out, and the run without it."""
    network, dataset, images, parts = setting
    spec = replace(run_spec(f"{network}/1/28/1/10", dataset, "fast"), train_images=images)
    for part in parts:
        changed = replace(spec.recipe, epochs=1, **PARTS[part])  # type: ignore[arg-type]
        yield network, dataset, part, replace(spec, recipe=changed)


def _timed_specs(setting: _Setting) -> Iterator[tuple[str, str, str, RunSpec]]:
    """The runs whose steps do more or less than those of others, and the published one."""
    network, dataset, *_ = setting
    for run in _specs(setting):
        if run[2] in _TIMED:
            yield run
    published = run_spec(f"{network}/1/28/1/10", dataset, "published-course")
    once = replace(published.recipe, epochs=1)
    yield network, dataset, "as published", replace(published, recipe=once)


def _epoch(spec: RunSpec) -> EpochMetrics:
    """The only epoch of the run."""
    from core.training.fit import fit
    from core.training.records import EpochMetrics

    return next(event for event in fit(spec) if isinstance(event, EpochMetrics))


def _rate(spec: RunSpec) -> float:
    """Images a second of an epoch's steps on one thread.

    By the clock of this process, which stands still while another one has the processor.
    """
    from core.training.fit import fit, start
    from core.training.records import ComputePlan, Progress

    def is_step(event: object) -> bool:
        return isinstance(event, Progress) and event.phase == "training"

    events = fit(spec, training=start(spec, ComputePlan(1, channels_last=True)))
    clock = [time.process_time() for _step in takewhile(is_step, events)]
    return spec.recipe.batch_size * (len(clock) - 1) / (clock[-1] - clock[0])


def read(path: Path) -> Known:
    """The rows that there are, the oldest first."""
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _keep(path: Path, *values: object) -> None:
    """Write one row down at once."""
    columns = _COLUMNS[path]
    is_new = not path.exists()
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(columns)
        writer.writerow((*values, machine(), time.strftime("%Y-%m-%d")))
    print(*values, flush=True)


def _values(known: Known, network: str, dataset: str, part: str, column: str) -> list[float]:
    """A column of the rows without this part."""
    wanted = (network, dataset, part)
    return [
        float(run[column])
        for run in known
        if (run["network"], run["dataset"], run["without"]) == wanted
    ]


def table() -> list[str]:
    """Lines of Markdown: without each part mean accuracy ± deviation, and images a second."""
    accuracies, rates = read(ACCURACIES), read(RATES)
    titles = [f"{network}, {dataset}" for network, dataset, *_ in _SETTINGS]
    lines = [f"| without | {' | '.join(titles)} |", "|---|" + "---|" * len(titles)]
    for part in PARTS:
        cells = []
        for network, dataset, *_ in _SETTINGS:
            reached = _values(accuracies, network, dataset, part, "test_accuracy")
            cell = ""
            if len(reached) == SEEDS:
                cell = f"{100 * mean(reached):.2f} ± {100 * stdev(reached):.2f} %"
            if rate := _values(rates, network, dataset, part, "images_per_second"):
                cell += f", {mean(rate):,.0f} ± {stdev(rate):,.0f} images/s"
            cells.append(cell)
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
