"""Small trained networks that come with the lab, so that there is something to see at once.

`python -m tools.make_shipped_networks` trains them again. Imports no torch.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.data.catalogue import DatasetInfo, find_dataset
from core.inside.weights import Weights
from core.language import N_
from core.specs import ModelSpec, OptionValue, Recipe, RunSpec
from core.zoo.catalogue import complete

FOLDER = Path(__file__).with_name("shipped_networks")
TABLE = FOLDER / "trained.csv"  # a row for each, as Known
EPOCHS = 3
_PART_OF = {"fashion-mnist": "fashion-mini"}  # which comes with the lab, with the same classes


@dataclass(frozen=True)
class Known:
    """What is known of one of them since it was trained."""

    name: str
    sha256: str  # of its file
    accuracy: float  # fraction of the test images of the set that it was trained on
    mistake: int  # index of the test image of `data` that it is surest about, and wrong
    label: int  # the true class of that one
    said: int  # what it takes it for
    confidence: float  # with which probability


@dataclass(frozen=True)
class ShippedNetwork:
    """A course network that was trained by the recipe one-cycle."""

    name: str  # of its file, and in addresses
    title: str  # in English, for `_`
    arch: str
    dataset: str
    options: tuple[tuple[str, OptionValue], ...] = ()

    @property
    def file(self) -> Path:
        """Its parameters as safetensors."""
        return FOLDER / f"{self.name}.safetensors"

    def run(self, recipe: Recipe) -> RunSpec:
        """How it was trained, on all images."""
        return RunSpec(self._model, self.dataset, recipe)

    @property
    def _model(self) -> ModelSpec:
        return complete(ModelSpec(self.arch, 1, 28, options=self.options))

    @property
    def known(self) -> Known:
        """What was written down when it was trained."""
        return _known()[self.name]

    @property
    def data(self) -> DatasetInfo:
        """Images to look at, the same everywhere: of two sets the part that comes with the lab."""
        return find_dataset(_PART_OF.get(self.dataset, self.dataset))

    @property
    def weights(self) -> Weights:
        """As they were trained; pixels are scaled as they were then."""
        info = find_dataset(self.dataset)
        return Weights(
            self._model,
            str(self.file),
            self.known.sha256 if self.name in _known() else "",
            initialization="xavier",
            mean=info.mean,
            std=info.std,
        )


SHIPPED = {
    row.name: row
    for row in (
        ShippedNetwork(
            "residual", N_("Course residual net, Fashion-MNIST"), "course-residual", "fashion-mnist"
        ),
        ShippedNetwork(
            "plain",
            N_("Course residual net without shortcuts, Fashion-MNIST"),
            "course-residual",
            "fashion-mnist",
            (("shortcut", "none"),),
        ),
        ShippedNetwork(
            "scaling",
            N_("Course residual net, constant scaling, Fashion-MNIST"),
            "course-residual",
            "fashion-mnist",
            (("shortcut", "constant-scaling"),),
        ),
        ShippedNetwork(
            "inception",
            N_("Course Inception net, Fashion-MNIST"),
            "course-inception",
            "fashion-mnist",
        ),
        ShippedNetwork("digits", N_("Course residual net, MNIST"), "course-residual", "mnist"),
    )
}


@cache
def _known() -> dict[str, Known]:
    """By name; nothing before they were trained for the first time."""
    if not TABLE.exists():
        return {}
    with open(TABLE, encoding="utf-8", newline="") as file:
        rows = [_read(row) for row in csv.DictReader(file)]
    return {row.name: row for row in rows}


def _read(row: dict[str, str]) -> Known:
    """A line of the table."""
    return Known(
        row["name"],
        row["sha256"],
        float(row["accuracy"]),
        int(row["mistake"]),
        int(row["label"]),
        int(row["said"]),
        float(row["confidence"]),
    )
