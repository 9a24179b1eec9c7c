"""A study before it is queued: one run with each of its variants and seeds. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.data.catalogue import find_dataset
from core.language import N_, Message, lazy
from core.specs import LabError, ModelSpec, OptionValue, RunSpec
from core.zoo.architecture import Option
from core.zoo.catalogue import CATALOGUE, complete, find
from core.zoo.variants import VARIANTS, Variant, variants_of

Options = dict[str, OptionValue]
USUAL_VARIANTS = ("identity", "constant-scaling", "conv", "none")
FIRST_EPOCHS, FIRST_NUMBER_OF_SEEDS = 3, 3
_VARIANTS = N_("{number} variant"), N_("{number} variants")
_SEEDS = N_("{number} seed"), N_("{number} seeds")


@dataclass(frozen=True)
class StudyPlan:
    """The runs, and how the store names them together."""

    title: Message
    settings: dict[str, Any]
    specs: list[RunSpec]
    variants: list[str]
    units: list[Variant]  # as this network has them


def plan_study(run: RunSpec, compared: Mapping[str, Options], seeds: range) -> StudyPlan:
    """The run with each of these options and seeds, seed by seed."""
    network, dataset = run.model.arch, run.dataset
    models = [
        complete(replace(run.model, options=tuple(sorted(options.items()))))
        for options in compared.values()
    ]
    variants, seed_count = len(compared), len(seeds)
    title = lazy(
        "{variants} × {seeds} of {network} on {dataset}",
        variants=lazy(_VARIANTS[variants > 1], number=variants),
        seeds=lazy(_SEEDS[seed_count > 1], number=seed_count),
        network=lazy(find(network).title),
        dataset=find_dataset(dataset).title,
    )
    return StudyPlan(
        title,
        {
            "network": network,
            "variants": list(compared),
            "seeds": len(seeds),
            "first_seed": seeds.start,
            "dataset": dataset,
            "recipe": run.recipe.name,
            "epochs": run.recipe.epochs,
            "train_images": run.train_images,
            "device": run.device,
        },
        [replace(run, model=model, seed=seed) for seed in seeds for model in models],
        list(compared),
        [VARIANTS[name].in_network(network) for name in compared if name in VARIANTS],
    )


def known_variants(network: str) -> dict[str, Options]:
    """The blocks that a network of the lab can be built with, each with the options of it."""
    return {
        name: options
        for name in variants_of(network)
        if (options := _options_of(network, VARIANTS[name])) is not None
    }


def _options_of(network: str, variant: Variant) -> Options | None:
    """The options that make this network that variant; None where it cannot be one."""
    known = {option.name: option for option in CATALOGUE[network].options}
    wanted = {name: value for name, value in variant.options if value or name in known}
    try:
        return {name: known[name].check(value) for name, value in wanted.items()}
    except (KeyError, LabError):
        return None


def usual_variants(network: str) -> list[str]:
    """Those that one begins with, as far as this network can be built with them."""
    known = known_variants(network)
    return [name for name in USUAL_VARIANTS if name in known]


def has_shortcuts(network: str) -> bool:
    """Whether the blocks of this network of the lab can be exchanged."""
    return any(option.name == "shortcut" for option in CATALOGUE[network].options)


def values_of(option: Option, texts: Sequence[str]) -> dict[str, Options]:
    """Values of an argument, as a person types them, each with its name and the option.

    Raises LabError for one that the argument does not take.
    """
    values = [option.check(text.strip()) for text in texts if text.strip()]
    return {f"{option.name} {in_type(value)}": {option.name: value} for value in values}


def in_type(value: OptionValue) -> str:
    """A value as a person types it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fit_to_data(model: ModelSpec, dataset: str) -> ModelSpec:
    """The network for the images and classes of this data set."""
    info = find_dataset(dataset)
    return replace(
        model,
        image_size=info.image_size,
        in_channels=info.channels,
        num_classes=len(info.class_names),
    )
