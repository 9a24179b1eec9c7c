"""The columns that say which network or run a row is about. Imports no torch."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from core.specs import OLD_NAMES, LabError, ModelSpec, RunSpec, image_size_text
from core.studies.conditions import Condition
from core.zoo.catalogue import effective_options


def model_columns(spec: ModelSpec) -> dict[str, Any]:
    """The columns that say which network a row is about."""
    return {
        "network": spec.arch,
        "ratio": spec.ratio,
        "image_size": size if isinstance(size := spec.image_size, int) else image_size_text(size),
        "in_channels": spec.in_channels,
        "num_classes": spec.num_classes,
        "options": options_text(spec),
    }


def options_text(spec: ModelSpec) -> str:
    """The options with an effect as `name=value` pairs; empty for a network without."""
    options = dict(spec.options)
    with suppress(LabError):  # of a store of another lab
        in_effect = effective_options(spec)
        options = {name: in_effect[name] for name in options if name in in_effect}
    return "; ".join(f"{name}={value}" for name, value in sorted(options.items()))


def run_columns(run_id: int | None, spec: RunSpec) -> dict[str, Any]:
    """The columns that say which run a row is about: everything that decides its curve."""
    return {
        "run": run_id,
        **model_columns(spec.model),
        **condition_columns(Condition(spec.dataset, spec.train_images, spec.recipe)),
        "device": spec.device,
        "seed": spec.seed,
    }


def condition_columns(condition: Condition) -> dict[str, Any]:
    """The columns that say under which condition an accuracy was reached."""
    before = {new: old for old, new in OLD_NAMES.items()}  # columns keep their names
    recipe = {before.get(name, name): value for name, value in asdict(condition.recipe).items()}
    return {
        "dataset": condition.dataset,
        "train_images": condition.train_images,
        "recipe": recipe.pop("name"),
        **recipe,
    }
