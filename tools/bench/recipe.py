"""What each part of the fast recipe is worth: the same runs without it, over several seeds.

Runs that docs/measured/fast_recipe.csv does not have yet are trained and added to it, so that it
can be made in pieces; the table in docs/recipe.md is printed from it.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from tools.bench.figures import SEEDS, Row, machine, row, run_spec

if TYPE_CHECKING:
    from core.specs import RunSpec

MEASURED = Path(__file__).parents[2] / "docs" / "measured" / "fast_recipe.csv"
_COLUMNS = (
    *("network", "dataset", "train_images", "epochs", "without", "seed"),
    *("test_accuracy", "train_seconds", "machine", "date"),
)
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
_NEW = ("nothing", "Muon", "label smoothing", "both")
_RUNS = (  # network, data set, its first so many images, what is left out; one epoch each
    ("course-residual", "mnist", 30_000, tuple(PARTS)),
    ("course-residual", "fashion-mnist", 60_000, _NEW),
    ("course-inception", "mnist", 50_000, _NEW),
)


def recipe() -> list[Row]:
    """Train what is missing; accuracy and seconds of the whole recipe."""
    known = measured()
    done = {(r["network"], r["dataset"], r["without"], int(r["seed"])) for r in known}
    for network, dataset, images, parts in _RUNS:
        known += _train(network, dataset, images, parts, done)
    for line in table(known):
        print(line)
    return [
        row(f"{network} on {dataset}: accuracy without {part}", 100 * mean(accuracies), "%", "")
        for network, dataset, _images, parts in _RUNS
        for part in parts
        if (accuracies := _values(known, network, dataset, part, "test_accuracy"))
    ]


def measured() -> list[dict[str, str]]:
    """The runs that there are, the oldest first."""
    if not MEASURED.exists():
        return []
    with open(MEASURED, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _train(
    network: str,
    dataset: str,
    images: int,
    parts: tuple[str, ...],
    done: set[tuple[str, str, str, int]],
) -> Iterator[dict[str, str]]:
    """The runs that are not `done`: in turns, so that all share what else the machine does."""
    from core.data.load import load
    from core.training.compute_plan import choose_compute_plan

    spec = replace(run_spec(f"{network}/1/28/1/10", dataset, "fast"), train_images=images)
    missing = [
        (seed, part)
        for seed in range(SEEDS)
        for part in parts
        if (network, dataset, part, seed) not in done
    ]
    if missing:
        plan, data = choose_compute_plan(spec, steps=1_000), load(dataset)
    for seed, part in missing:
        changed = replace(spec.recipe, epochs=1, **PARTS[part])  # type: ignore[arg-type]
        accuracy, seconds = _result(replace(spec, recipe=changed, seed=seed), plan, data)
        values = (network, dataset, images, 1, part, seed, accuracy, round(seconds, 2))
        yield _keep((*values, machine(), time.strftime("%Y-%m-%d")))


def _result(spec: RunSpec, plan: object, data: object) -> tuple[float, float]:
    """Test accuracy after the last epoch, and the seconds of all."""
    from core.training.fit import fit, start
    from core.training.records import EpochMetrics

    training = start(spec, plan)  # type: ignore[arg-type]
    epochs = [e for e in fit(spec, data, training) if isinstance(e, EpochMetrics)]  # type: ignore[arg-type]
    return epochs[-1].test_accuracy, sum(epoch.train_seconds for epoch in epochs)


def _keep(values: tuple[object, ...]) -> dict[str, str]:
    """Write one run down at once."""
    is_new = not MEASURED.exists()
    with open(MEASURED, "a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(_COLUMNS)
        writer.writerow(values)
    print(*values[:8], flush=True)
    return dict(zip(_COLUMNS, map(str, values), strict=True))


def _values(
    known: list[dict[str, str]], network: str, dataset: str, part: str, column: str
) -> list[float]:
    """A column of the runs over all seeds."""
    return [
        float(r[column])
        for r in known
        if (r["network"], r["dataset"], r["without"]) == (network, dataset, part)
    ]


def table(known: list[dict[str, str]]) -> list[str]:
    """Lines of Markdown: mean accuracy ± deviation, and mean seconds, without each part."""
    names = [f"{network}, {dataset}" for network, dataset, *_ in _RUNS]
    lines = [f"| without | {' | '.join(names)} |", "|---|" + "---|" * len(_RUNS)]
    for part in PARTS:
        cells = []
        for network, dataset, *_ in _RUNS:
            accuracies = _values(known, network, dataset, part, "test_accuracy")
            seconds = _values(known, network, dataset, part, "train_seconds")
            if len(accuracies) < SEEDS:
                cells.append("")
                continue
            spread = f"{100 * mean(accuracies):.2f} ± {100 * stdev(accuracies):.2f} %"
            cells.append(f"{spread}, {mean(seconds):.1f} s")
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return lines
