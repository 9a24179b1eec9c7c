"""The published runs, trained again with this lab: what the shipped CSV holds, beside its sources.

Imports no torch.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from core.language import N_
from core.specs import LabError, ModelSpec, OptionValue
from core.studies.published import PUBLISHED, SMALL_VGG, PublishedRun, residual
from core.studies.statistics import Mean, mean_interval
from core.zoo.variants import variant_of

SHIPPED = Path(__file__).parent / "shipped" / "reproduction.csv"
_NOTABLE = 0.003  # a difference of more than 0.3 points
_COURSE_SIZE = 28  # pixels a side, where the file has no column for it


@dataclass(frozen=True)
class ReproducedEpoch:
    """One row of the file: losses in nats, accuracies as fractions."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    train_seconds: float
    evaluation_seconds: float


@dataclass(frozen=True)
class ReproducedRun:
    """One run that the lab ships: a network, a seed."""

    model: ModelSpec
    dataset: str
    recipe: str
    epochs: int
    batch_size: int
    seed: int
    machine: str
    torch: str
    date: str  # ISO 8601
    metrics: tuple[ReproducedEpoch, ...]

    @property
    def is_complete(self) -> bool:
        """Whether all its epochs are there."""
        return len(self.metrics) == self.epochs

    @property
    def final(self) -> float:
        """The test accuracy after the last epoch."""
        return self.metrics[-1].test_accuracy


def read_runs(path: Path | None = None) -> list[ReproducedRun]:
    """The runs of the file, default: the shipped one; none where there is no file.

    Raises LabError for a broken one.
    """
    path = path or SHIPPED
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return [run_of(list(rows_of_run)) for _, rows_of_run in groupby(rows, key=_which_run)]
    except (KeyError, ValueError, TypeError) as error:
        raise LabError(
            "{name} is not the file that the lab ships ({error}); restore it.",
            name=path.name,
            error=str(error),
        ) from error


def _which_run(row: dict[str, str]) -> tuple[str, ...]:
    """What the rows of one run share."""
    names = (
        *("arch", "ratio", "image_size", "shortcut", "as_published", "options"),
        *("seed", "dataset", "epochs"),
    )
    return tuple(row.get(name) or "" for name in names)


def run_of(rows: Sequence[dict[str, str]]) -> ReproducedRun:
    """The rows of one run, by epoch."""
    first = rows[0]
    return ReproducedRun(
        _read_model(first),
        first["dataset"],
        first["recipe"],
        int(first["epochs"]),
        int(first["batch_size"]),
        int(first["seed"]),
        first["machine"],
        first["torch"],
        first["date"],
        tuple(
            ReproducedEpoch(
                int(row["epoch"]),
                *(
                    float(row[name])
                    for name in ReproducedEpoch.__dataclass_fields__
                    if name != "epoch"
                ),
            )
            for row in sorted(rows, key=lambda row: int(row["epoch"]))
        ),
    )


def _read_model(row: dict[str, str]) -> ModelSpec:
    """The network of a row; `ratio` and `image_size` are 1 and 28 where there is no column.

    Values in the column `options` stay words until `core.zoo.complete`.
    """
    options: tuple[tuple[str, OptionValue], ...] = ()
    if shortcut := row["shortcut"]:
        options = (("as_published", _is_true(row["as_published"])), ("shortcut", shortcut))
    for pair in filter(None, (row.get("options") or "").split("; ")):
        name, _, value = pair.partition("=")
        options += ((name, value),)
    size = int(row.get("image_size") or _COURSE_SIZE)
    return ModelSpec(row["arch"], int(row.get("ratio") or 1), size, options=options)


def _is_true(text: str) -> bool:
    """Of `True`, `true` and `1`, as CSV files have them."""
    return text.strip().lower() in ("true", "1")


_CORRECTED = {  # shortcut → title
    "constant-scaling": N_("constant scaling, corrected"),
    "conv": N_("conv shortcut, corrected"),
}
_SMALL_TITLE = N_("VGG-11, ratio 4, at 64 px instead of 224")

# Beside what was published -------------------------------------------------------------------


@dataclass(frozen=True)
class Reproduction:
    """One setting: the published run, where there is one, and ours."""

    title: str  # translated where it is shown
    model: ModelSpec
    dataset: str
    recipe: str
    epochs: int
    published: PublishedRun | None  # None: a corrected block, or a size that nobody has published
    runs: tuple[ReproducedRun, ...]  # complete ones, by seed

    @cached_property
    def final(self) -> Mean | None:
        """Mean of our final test accuracies."""
        return mean_interval([run.final for run in self.runs])

    @property
    def difference(self) -> float | None:
        """Our mean − the published value."""
        if self.final is None or self.published is None:
            return None
        return self.final.mean - self.published.final

    @property
    def machines(self) -> str:
        """What ours ran on."""
        return "; ".join(dict.fromkeys(run.machine for run in self.runs))

    @property
    def torch(self) -> str:
        """The versions of PyTorch that ours ran with."""
        return "; ".join(dict.fromkeys(run.torch for run in self.runs))

    @property
    def uses_bfloat16(self) -> bool:
        """Whether any of ours computed in bfloat16, as the machine's text says."""
        return any("bfloat16" in run.machine for run in self.runs)

    @property
    def date(self) -> str:
        """When the last of ours was trained."""
        return max((run.date for run in self.runs), default="")

    @property
    def is_notable(self) -> bool:
        """Whether ours is over 0.3 points away."""
        return self.difference is not None and round(abs(self.difference), 6) > _NOTABLE


def reproductions(runs: Sequence[ReproducedRun]) -> list[Reproduction]:
    """Every published run, its VGG at a size for CPUs, the homework blocks corrected; and ours."""
    settings: list[tuple[str, ModelSpec, PublishedRun, PublishedRun | None]] = []
    for row in PUBLISHED:
        settings.append((row.title, row.model, row, row))
        if row.model.option("as_published"):
            shortcut = str(row.model.option("shortcut"))
            settings.append((_CORRECTED[shortcut], residual(shortcut, False), row, None))
    settings.insert(1, (_SMALL_TITLE, SMALL_VGG, PUBLISHED[0], None))
    return [
        Reproduction(
            title,
            model,
            like.dataset,
            like.recipe,
            like.epochs,
            published,
            tuple(
                run
                for run in runs
                if (run.model, run.dataset, run.recipe, run.epochs)
                == (model, like.dataset, like.recipe, like.epochs)
                and run.is_complete
            ),
        )
        for title, model, like, published in settings
    ]


def course_accuracies(
    rows: Sequence[Reproduction], as_published: bool | None = None
) -> dict[str, dict[int, float]]:
    """Of the course's residual blocks: title → seed → our final test accuracy.

    As published or corrected ones only, or both.
    """
    return {
        row.title: {run.seed: run.final for run in row.runs}
        for row in rows
        if row.runs
        and variant_of(row.model)
        and as_published in (None, bool(row.model.option("as_published")))
    }
