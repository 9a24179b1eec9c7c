"""The recipes: one that is fast, what it was before, and two as published. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.language import N_
from core.specs import LabError, Recipe

_FAST_STEPS_AN_EPOCH = 150  # a small set needs small batches, else an epoch has too few steps
FAST_BATCH_SIZES = (16, 32, 64, 128)
FAST_PEAK = 0.1  # learning rate at batch 128; SGD at 0.2 diverged on the course residual net
_FAST_IMAGES = 60_000  # to be seen in all: one epoch of MNIST is more than enough for 99 %
_MAX_FAST_EPOCHS = 5  # of a smaller set
_FAST_SMOOTHING = 0.1
MUON_SHARE = 0.25  # of the learning rate: a step of Muon is equally long in all directions


@dataclass(frozen=True)
class RecipeRow:
    """One recipe as the page offers it."""

    name: str
    title: str
    source: str
    make: Callable[[int], Recipe]  # number of training images → recipe


def fast(train_images: int) -> Recipe:
    """One-cycle, with Muon for convolutions and smoothed labels.

    Jordan et al. 2024 (Muon), Szegedy et al., arXiv 1512.00567 (label smoothing). What each part is
    worth stands in docs/recipe.md.
    """
    return replace(
        one_cycle(train_images), name="fast", optimizer="muon", label_smoothing=_FAST_SMOOTHING
    )


def one_cycle(train_images: int) -> Recipe:
    """One-cycle with Nesterov momentum; epochs, batch and peak rate fit the number of images.

    Smith & Topin, arXiv 1708.07120; the peak falls with the square root of the batch.
    """
    wanted = train_images / _FAST_STEPS_AN_EPOCH
    batch_size = max((size for size in FAST_BATCH_SIZES if size <= wanted), default=16)
    return Recipe(
        "one-cycle",
        epochs=max(1, min(_MAX_FAST_EPOCHS, _FAST_IMAGES // max(1, train_images))),
        batch_size=batch_size,
        learning_rate=round(FAST_PEAK * (batch_size / FAST_BATCH_SIZES[-1]) ** 0.5, 3),
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
        max_gradient_norm=1.0,
        schedule="one-cycle",
        initialization="xavier",
        normalize=True,
        bfloat16=True,
    )


_PUBLISHED_VGG = Recipe(
    "published-vgg",
    epochs=5,
    batch_size=128,
    learning_rate=0.05,
    initialization="xavier",
    bfloat16=True,
)
_PUBLISHED_COURSE = Recipe(
    "published-course",
    epochs=10,
    batch_size=64,
    learning_rate=0.01,
    momentum=0.5,
    normalize=True,
)

RECIPES: dict[str, RecipeRow] = {
    row.name: row
    for row in (
        RecipeRow(
            "fast",
            N_("Fast (Muon)"),
            N_("Jordan et al. 2024 (Muon), arXiv 1512.00567 (label smoothing), arXiv 1708.07120"),
            fast,
        ),
        RecipeRow("one-cycle", N_("One-cycle"), "arXiv 1708.07120", one_cycle),
        RecipeRow(
            "published-vgg",
            N_("As published, VGG chapter"),
            N_("Dive into Deep Learning 8.2: SGD 0.05, batch 128, Xavier"),
            lambda train_images: _PUBLISHED_VGG,
        ),
        RecipeRow(
            "published-course",
            N_("As published, course note"),
            N_("course note: SGD 0.01, momentum 0.5, batch 64"),
            lambda train_images: _PUBLISHED_COURSE,
        ),
    )
}


def recipe(
    name: str,
    train_images: int,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
) -> Recipe:
    """The recipe `name` for so many images, with what the person changed.

    Raises LabError for an unknown name or a value out of bounds.
    """
    if name not in RECIPES:
        raise LabError(
            "There is no recipe named {name}; try {recipes}.",
            name=repr(name),
            recipes=", ".join(RECIPES),
        )
    values = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    changes = {field: value for field, value in values.items() if value is not None}
    return replace(RECIPES[name].make(train_images), **changes)  # type: ignore[arg-type]


def name_today(recipe: Recipe) -> str:
    """Under which name such a recipe is offered now: `fast` was one-cycle before it had Muon."""
    return "one-cycle" if recipe.name == "fast" and recipe.optimizer == "sgd" else recipe.name


def learning_rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of step `step` (from 0) of `steps` in the whole run.

    One-cycle rises in a straight line over the first quarter and falls to zero over the rest.
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    rise = max(1.0, 0.25 * steps)
    now = step + 1
    if now <= rise:
        return recipe.learning_rate * now / rise
    return recipe.learning_rate * max(0.0, (steps - step) / (steps - rise + 1))
