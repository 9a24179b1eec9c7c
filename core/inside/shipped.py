"""Small trained networks that come with the lab, so that there is something to see at once.

`python -m tools.make_shipped_networks` trains them again. Imports no torch.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.data.catalogue import DatasetInfo, find_dataset, is_available
from core.inside.weights import Weights
from core.specs import ModelSpec, OptionValue, Recipe, RunSpec
from core.zoo.catalogue import complete

FOLDER = Path(__file__).with_name("shipped_networks")
TABLE = FOLDER / "trained.csv"  # name, accuracy, sha256
EPOCHS = 3
_PART_OF = {"fashion-mnist": "fashion-mini"}  # which comes with the lab, with the same classes


@dataclass(frozen=True)
class ShippedNetwork:
    """A course network that was trained by the fast recipe."""

    name: str  # of its file, and in addresses
    title: str
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
    def accuracy(self) -> float:
        """Fraction of the test images."""
        return float(_trained()[self.name]["accuracy"])

    @property
    def data(self) -> DatasetInfo:
        """Images to look at: the whole data set where it is here, else the part that always is."""
        part = _PART_OF.get(self.dataset, self.dataset)
        return find_dataset(self.dataset if is_available(self.dataset) else part)

    @property
    def weights(self) -> Weights:
        """As they were trained; pixels are scaled as they were then."""
        info = find_dataset(self.dataset)
        return Weights(
            self._model,
            str(self.file),
            _trained()[self.name]["sha256"],
            initialization="xavier",
            mean=info.mean,
            std=info.std,
        )


SHIPPED = {
    row.name: row
    for row in (
        ShippedNetwork(
            "residual", "Course residual net, Fashion-MNIST", "course-residual", "fashion-mnist"
        ),
        ShippedNetwork(
            "plain",
            "Course residual net without shortcuts, Fashion-MNIST",
            "course-residual",
            "fashion-mnist",
            (("shortcut", "none"),),
        ),
        ShippedNetwork(
            "scaling",
            "Course residual net, constant scaling, Fashion-MNIST",
            "course-residual",
            "fashion-mnist",
            (("shortcut", "constant-scaling"),),
        ),
        ShippedNetwork(
            "inception", "Course Inception net, Fashion-MNIST", "course-inception", "fashion-mnist"
        ),
        ShippedNetwork("digits", "Course residual net, MNIST", "course-residual", "mnist"),
    )
}


@cache
def _trained() -> dict[str, dict[str, str]]:
    """What is known of each, by name."""
    with open(TABLE, encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}
