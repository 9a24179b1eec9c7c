"""The columns that say which network or run a row is about. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.specs import OLD_NAMES, LabError, ModelSpec, RunSpec, image_size_text
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
    try:
        options = effective_options(spec)
    except LabError:  # of a store of another lab
        options = dict(spec.options)
    return "; ".join(f"{name}={value}" for name, value in sorted(options.items()))


def run_columns(run_id: int, spec: RunSpec) -> dict[str, Any]:
    """The columns that say which run a row is about: everything that decides its curve."""
    before = {new: old for old, new in OLD_NAMES.items()}  # columns keep their names
    recipe = {before.get(name, name): value for name, value in asdict(spec.recipe).items()}
    return {
        "run": run_id,
        **model_columns(spec.model),
        "dataset": spec.dataset,
        "train_images": spec.train_images,
        "recipe": recipe.pop("name"),
        **recipe,
        "device": spec.device,
        "seed": spec.seed,
    }
