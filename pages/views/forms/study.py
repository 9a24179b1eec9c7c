"""The form of a study in the sidebar: variants, network, data, recipe, seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import streamlit as st

from core.data import DATASETS, find_dataset
from core.jobs.store import Study
from core.report import formats
from core.specs import LabError, ModelSpec, RunSpec
from core.training.recipes import RECIPES, recipe
from core.zoo.variants import VARIANTS, Variant, variants_of
from pages.views.app.messages import show_error
from pages.views.app.services import load_torch, store
from pages.views.forms.data_sets import dataset_line
from pages.views.forms.estimates import LONG_SECONDS, no_time_yet, study_seconds

FIRST_NETWORK = "course-residual"
FIRST_VARIANTS = ("identity", "constant-scaling", "conv", "none")
MAX_SEEDS = 100


@dataclass(frozen=True)
class Choice:
    """What the form shows: the runs, and how the store names them together."""

    title: str
    settings: dict[str, Any]
    specs: list[RunSpec]
    variants: list[str]
    units: list[Variant]  # as this network has them
    possible: bool = True  # there are runs, and each can be built and fits


def begin(choice: Choice) -> None:
    """Queue the study and open it."""
    study: Study = store().create_study(choice.title, choice.settings, choice.specs)
    st.query_params["study"] = study.id
    st.rerun()


def study_form() -> Choice:
    """What to compare, and the button that queues it."""
    load_torch()
    from core.zoo.catalogue import CATALOGUE

    networks = [name for name, row in CATALOGUE.items() if has_shortcuts(name)]
    network = st.selectbox(
        "Network",
        networks,
        index=networks.index(FIRST_NETWORK),
        format_func=lambda name: CATALOGUE[name].title,
        key="res_network",
        bind="query-params",
        on_change=forget_variants,
        help="The net whose blocks are exchanged; everything else stays as it is.",
    )
    known = [
        name for name in variants_of(network) if options_of(network, VARIANTS[name]) is not None
    ]
    names = st.multiselect(
        "Variants",
        known,
        [name for name in FIRST_VARIANTS if name in known],
        format_func=lambda name: VARIANTS[name].title,
        key="res_variants",
        bind="query-params",
        help="Blocks to compare; “as published” keeps the homework's mistake.",
    )
    seeds, first = choose_seeds()
    dataset = st.selectbox(
        "Data set",
        list(DATASETS),
        format_func=lambda name: DATASETS[name].title,
        key="res_dataset",
        bind="query-params",
        on_change=all_images,
        help="Fashion-MNIST mini ships with the lab.",
    )
    st.caption(dataset_line(dataset))
    runs = choose_training(dataset)
    model = fit_to_data(CATALOGUE[network].default, dataset)
    specs = [
        replace(runs, model=with_variant(model, VARIANTS[name]), seed=seed)
        for seed in range(first, first + seeds)
        for name in names
    ]
    choice = Choice(
        f"{count(len(names), 'variant')} × {count(seeds, 'seed')} of {CATALOGUE[network].title}"
        f" on {find_dataset(dataset).title}",
        {
            "network": network,
            "variants": names,
            "seeds": seeds,
            "first_seed": first,
            "dataset": dataset,
            "recipe": runs.recipe.name,
            "epochs": runs.recipe.epochs,
            "train_images": runs.train_images,
            "device": runs.device,
        },
        specs,
        names,
        [VARIANTS[name].in_network(network) for name in names],
    )
    choice = replace(choice, possible=announce(choice))
    start_button("Train them", choice, "res_train", "stretch")
    return choice


def start_button(
    label: str, choice: Choice, key: str, width: Literal["content", "stretch"] = "content"
) -> None:
    """Queues the study."""
    if st.button(
        label,
        type="primary",
        icon=":material/play_arrow:",
        disabled=not choice.possible,
        key=key,
        width=width,
        help="Queues every run; they go on when this tab closes.",
    ):
        begin(choice)


def announce(choice: Choice) -> bool:
    """What the study will take; whether it can be trained at all."""
    if not choice.specs:
        st.caption("Choose at least one variant.")
        return False
    runs = count(len(choice.specs), "run")
    try:
        seconds = study_seconds(choice.specs)
    except LabError as error:
        show_error(error)
        return False
    if seconds is None:
        st.caption(f"{runs}. {no_time_yet(choice.specs[0].device)}")
        return True
    st.caption(f"{runs}, together about {formats.duration(seconds)} on this machine.")
    if seconds > LONG_SECONDS:
        st.caption("Fewer variants, seeds, epochs or images make it shorter.")
    return True


def label_of(key: str, value: object) -> str | None:
    """How the form's control with this key shows the value, where that is not the value itself."""
    from core.zoo.catalogue import CATALOGUE

    tables = {"res_network": CATALOGUE, "res_dataset": DATASETS, "res_recipe": RECIPES}
    return tables[key][str(value)].title if key in tables else None


def choose_seeds() -> tuple[int, int]:
    """How many seeds each variant gets, and which is the first."""
    many, start = st.columns(2)
    seeds = many.number_input(
        "Seeds",
        1,
        MAX_SEEDS,
        3,
        key="res_seeds",
        bind="query-params",
        help="Runs of each variant; a verdict takes at least 3.",
    )
    first = start.number_input(
        "First seed",
        0,
        10_000,
        0,
        key="res_first_seed",
        bind="query-params",
        help="A follow-up should use seeds that nobody has looked at, or its error rate rises.",
    )
    return int(seeds), int(first)


def choose_training(dataset: str) -> RunSpec:
    """Recipe, epochs, images and device, as a run of the first network."""
    total = find_dataset(dataset).train_images
    chosen = st.selectbox(
        "Recipe",
        list(RECIPES),
        format_func=lambda name: RECIPES[name].title,
        key="res_recipe",
        bind="query-params",
        help="The same recipe for every variant.",
    )
    many, long = st.columns(2)
    epochs = long.number_input(
        "Epochs",
        1,
        200,
        3,
        key="res_epochs",
        bind="query-params",
        help="Passes over the training images.",
    )
    images = int(
        many.number_input(
            "Images",
            16,
            total,
            total,
            key="res_images",
            bind="query-params",
            help="Training images: the first so many of a fixed draw.",
        )
    )
    from core.training.devices import available_devices

    device = st.selectbox(
        "Device",
        available_devices(),
        key="res_device",
        bind="query-params",
        help="The devices this machine really has; on the CPU runs go side by side, one a core.",
    )
    return RunSpec(
        ModelSpec(FIRST_NETWORK, image_size=28),
        dataset,
        recipe(chosen, images, int(epochs)),
        train_images=images,
        device=device,
    )


def all_images() -> None:
    """After another data set was picked: all of its images."""
    st.session_state["res_images"] = find_dataset(st.session_state["res_dataset"]).train_images


def forget_variants() -> None:
    """After another network was picked: those of its variants that come first."""
    network = st.session_state["res_network"]
    st.session_state["res_variants"] = [
        name for name in FIRST_VARIANTS if options_of(network, VARIANTS[name]) is not None
    ]


def count(number: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def has_shortcuts(network: str) -> bool:
    """Whether the blocks of this network can be exchanged."""
    from core.zoo.catalogue import CATALOGUE

    return any(option.name == "shortcut" for option in CATALOGUE[network].options)


def options_of(network: str, variant: Variant) -> dict[str, Any] | None:
    """The options that make this network that variant; None where it cannot be one."""
    from core.zoo.catalogue import CATALOGUE

    known = {option.name: option for option in CATALOGUE[network].options}
    wanted = {name: value for name, value in variant.options if value or name in known}
    try:
        return {name: known[name].check(value) for name, value in wanted.items()}
    except (KeyError, LabError):
        return None


def with_variant(model: ModelSpec, variant: Variant) -> ModelSpec:
    """The network with the blocks of this variant, every option filled in."""
    from core.zoo.catalogue import complete

    options = options_of(model.arch, variant) or {}
    return complete(replace(model, options=tuple(sorted(options.items()))))


def fit_to_data(model: ModelSpec, dataset: str) -> ModelSpec:
    """The network for the images and classes of this data set."""
    info = find_dataset(dataset)
    return replace(
        model,
        image_size=info.image_size,
        in_channels=info.channels,
        num_classes=len(info.class_names),
    )
