"""The form of a study: network, variants, seeds, data, recipe, and the button that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.data import find_dataset
from core.explain.glossary import explained
from core.language import N_, Message, _, lazy, ngettext, paragraph
from core.report import formats
from core.specs import LabError, ModelSpec, OptionValue, RunSpec
from core.training.recipes import recipe
from core.zoo.catalogue import CATALOGUE, complete, find
from core.zoo.own import is_own
from core.zoo.variants import VARIANTS, Variant, variants_of
from pages.views.app.messages import show_error
from pages.views.app.services import store
from pages.views.app.with_torch import devices
from pages.views.forms.data_sets import dataset_line
from pages.views.forms.estimates import LONG_SECONDS, no_time_yet, study_seconds
from pages.views.forms.limits import FIRST_SEED, SEEDS
from pages.views.forms.names import select_name, select_names
from pages.views.forms.network import network_label, own_names
from pages.views.forms.row import folded, form_row, shown_number
from pages.views.forms.run import (
    FIRST_NETWORK,
    choose_dataset,
    choose_device,
    choose_epochs,
    choose_images,
    choose_recipe,
)

_Options = dict[str, OptionValue]
_FIRST_VALUES = 4  # of an argument, where nobody has chosen
_FIRST_VARIANTS = ("identity", "constant-scaling", "conv", "none")
_VARIANTS = N_("{number} variant"), N_("{number} variants")
_SEEDS = N_("{number} seed"), N_("{number} seeds")
PREFIX = "res_"  # begins the keys of the form, and so its part of the address
FIRST_EPOCHS, FIRST_NUMBER_OF_SEEDS = 3, 3
_STYLE = """<style>
.st-key-row_study > .st-key-res_variants { flex: 3 1 24rem; max-width: 40rem; }
.st-key-row_study > :is(.st-key-res_seeds, .st-key-res_epochs) { flex: 0 1 8rem; min-width: 7rem; }
</style>"""


@dataclass(frozen=True)
class Choice:
    """What the form shows: the runs, and how the store names them together."""

    title: Message
    settings: dict[str, Any]
    specs: list[RunSpec]
    variants: list[str]
    units: list[Variant]  # as this network has them


def study_form() -> Choice:
    """What to compare, in a row; below it the one button that queues it, and how long it takes."""
    st.html(_STYLE)
    with form_row("study"):
        network = _choose_network()
        compared = _choose_values(network) if is_own(network) else _choose_variants(network)
        seeds = _choose_seeds()
        dataset = choose_dataset(PREFIX, _all_images, described=False)
        recipe_name = choose_recipe(PREFIX, explanation=_("The same recipe for every variant."))
        epochs = choose_epochs(PREFIX, FIRST_EPOCHS)
        with folded("study", _folded_label(dataset)):
            images = choose_images(PREFIX, dataset, _("Training images"))
            first = _choose_first_seed()
            device = choose_device(
                PREFIX,
                _(
                    "The devices this machine really has; on the CPU runs go side by side, one a"
                    " core."
                ),
            )
    model = _fit_to_data(find(network).default, dataset)
    run = RunSpec(
        model, dataset, recipe(recipe_name, images, epochs), train_images=images, device=device
    )
    choice = _choice_of(run, compared, range(first, first + seeds))
    _start(choice)
    return choice


def _folded_label(dataset: str) -> str:
    """`5,000 images, first seed 0, cpu`."""
    images = shown_number("res_images", find_dataset(dataset).train_images)
    device = st.session_state.get("res_device", st.query_params.get("res_device"))
    if device not in devices():
        device = next(iter(devices()))
    return _(
        "{images}, first seed {seed}, {device}",
        images=ngettext("{number:,} image", "{number:,} images", images),
        seed=shown_number("res_first_seed", 0),
        device=device,
    )


def _choose_network() -> str:
    """The network whose blocks are exchanged, or one of the user's own with an argument to vary."""
    names = {name: row.title for name, row in CATALOGUE.items() if _has_shortcuts(name)}
    own = {name: network_label(name) for name in own_names() if find(name).options}
    return select_name(
        _("Network"),
        names | own,
        FIRST_NETWORK,
        "res_network",
        on_change=_forget_variants,
        help=_(
            "The net whose blocks are exchanged; everything else stays as it is. Of a network of"
            " your own, an argument of its constructor is varied."
        ),
    )


def _choose_variants(network: str) -> dict[str, _Options]:
    """The blocks to compare, each with the options that make the network that."""
    known = {
        name: options
        for name in variants_of(network)
        if (options := _options_of(network, VARIANTS[name])) is not None
    }
    names = select_names(
        _("Variants"),
        {name: VARIANTS[name].title for name in known},
        [name for name in _FIRST_VARIANTS if name in known],
        "res_variants",
        wrap=True,
        help=_(
            "{explanation} “As published” keeps the homework's mistake.",
            explanation=explained("variant"),
        ),
    )
    return {name: known[name] for name in names}


def _choose_values(network: str) -> dict[str, _Options]:
    """An argument of the user's own network, and the values of it to compare."""
    options = {option.name: option for option in find(network).options}
    option = options[
        select_name(
            _("Argument"),
            {name: option.title for name, option in options.items()},
            next(iter(options)),
            "res_argument",
            help=_("The argument of its constructor that differs; all else stays as it is."),
        )
    ]
    text = st.text_input(
        _("Values"),
        ", ".join(map(_word, option.spread()[:_FIRST_VALUES])),
        max_chars=200,
        key=f"res_values_{option.name}",
        help=_("Values of {name} to compare, with commas between them.", name=option.name),
    )
    try:
        values = [option.check(word.strip()) for word in text.split(",") if word.strip()]
    except LabError as error:
        show_error(error)
        return {}
    return {f"{option.name} {_word(value)}": {option.name: value} for value in values}


def _word(value: OptionValue) -> str:
    """A value as a person types it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _choice_of(run: RunSpec, compared: Mapping[str, _Options], seeds: range) -> Choice:
    """The run with each of these variants and seeds, seed by seed."""
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
    return Choice(
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


def _begin(choice: Choice) -> None:
    """Queue the study and open it."""
    study = store().create_study(choice.title, choice.settings, choice.specs)
    st.query_params["study"] = study.id
    st.rerun()


def _start(choice: Choice) -> None:
    """The button, and beside it what the study will take, or why it cannot be trained."""
    if not choice.specs:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(_("Choose at least one variant."), icon=":material/info:")
            if not is_own(choice.settings["network"]):
                st.button(_("Take the usual four"), key="res_usual", on_click=_forget_variants)
        return
    try:
        seconds = study_seconds(choice.specs)
    except LabError as error:
        show_error(error)
        return
    is_long = seconds is not None and seconds > LONG_SECONDS
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            ngettext("Train {number} run", "Train {number} runs", len(choice.specs)),
            type="secondary" if is_long else "primary",
            icon=":material/play_arrow:",
            key="res_train",
            help=_("Queues every run; they go on when this tab closes."),
        ):
            _begin(choice)
        with st.container(width="stretch"):
            _say_time(choice, seconds)
            st.caption(dataset_line(choice.settings["dataset"]))


def _say_time(choice: Choice, seconds: float | None) -> None:
    """How long all runs take together, and what would make a long study shorter."""
    runs = len(choice.specs)
    if seconds is None:
        told = ngettext("{number} run.", "{number} runs.", runs)
        st.caption(paragraph(told, no_time_yet(choice.specs[0].device)))
        return
    st.caption(
        ngettext(
            "{number} run, about {time} on this machine.",
            "{number} runs, together about {time} on this machine.",
            runs,
            time=formats.duration(seconds),
        )
    )
    if seconds > LONG_SECONDS:
        st.caption(_("Fewer variants, seeds, epochs or images make it shorter."))


def _choose_seeds() -> int:
    """How many seeds each variant gets."""
    seeds = st.number_input(
        _("Seeds"),
        *SEEDS,
        FIRST_NUMBER_OF_SEEDS,
        key="res_seeds",
        bind="query-params",
        help=_("Runs of each variant; a verdict takes at least 3."),
    )
    return int(seeds)


def _choose_first_seed() -> int:
    """Which seed comes first."""
    first = st.number_input(
        _("First seed"),
        *FIRST_SEED,
        0,
        key="res_first_seed",
        bind="query-params",
        help=_("A follow-up should use seeds that nobody has looked at, or its error rate rises."),
    )
    return int(first)


def _all_images() -> None:
    """After another data set was picked: all of its images."""
    st.session_state["res_images"] = find_dataset(st.session_state["res_dataset"]).train_images


def _forget_variants() -> None:
    """After another network was picked: those of its variants that come first."""
    network = st.session_state["res_network"]
    if is_own(network):
        return
    st.session_state["res_variants"] = [
        name for name in _FIRST_VARIANTS if _options_of(network, VARIANTS[name]) is not None
    ]


def _has_shortcuts(network: str) -> bool:
    """Whether the blocks of this network can be exchanged."""
    return any(option.name == "shortcut" for option in CATALOGUE[network].options)


def _options_of(network: str, variant: Variant) -> _Options | None:
    """The options that make this network that variant; None where it cannot be one."""
    known = {option.name: option for option in CATALOGUE[network].options}
    wanted = {name: value for name, value in variant.options if value or name in known}
    try:
        return {name: known[name].check(value) for name, value in wanted.items()}
    except (KeyError, LabError):
        return None


def _fit_to_data(model: ModelSpec, dataset: str) -> ModelSpec:
    """The network for the images and classes of this data set."""
    info = find_dataset(dataset)
    return replace(
        model,
        image_size=info.image_size,
        in_channels=info.channels,
        num_classes=len(info.class_names),
    )
