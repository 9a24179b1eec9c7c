"""Under which conditions accuracies were reached: only equal ones are pooled or compared.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from core.data.catalogue import train_images_of
from core.specs import LabError, Recipe, RunSpec


@dataclass(frozen=True)
class Condition:
    """What runs share whose accuracies may be compared; seeds and devices may differ."""

    dataset: str
    train_images: int | None  # None: all of a data set that this lab does not have
    recipe: Recipe  # with its epochs and every setting


def condition_of(spec: RunSpec) -> Condition:
    """That of a run; a number of images where it was left to be all of them."""
    images = spec.train_images
    with suppress(LabError):
        images = train_images_of(spec)
    return Condition(spec.dataset, images, spec.recipe)


def most_shared(reached: Sequence[Mapping[Condition, Collection[object]]]) -> list[Condition]:
    """All conditions, first what most networks have; then by the number of runs, then the newest.

    `reached` has the runs of each network by condition, and of each the newest condition last.
    """
    newest = [condition for runs in reached for condition in runs]

    def rank(condition: Condition) -> tuple[int, int, int]:
        having = [runs[condition] for runs in reached if condition in runs]
        age = max(i for i, other in enumerate(newest) if other == condition)
        return len(having), sum(map(len, having)), age

    return sorted(dict.fromkeys(newest), key=rank, reverse=True)
