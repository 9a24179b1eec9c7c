"""Controls that several pages share. Each widget's key, with its page's prefix, is its URL name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import streamlit as st

from core.data import DATASETS, find_dataset
from core.specs import (
    MAX_IMAGE_SIZE,
    MAX_IN_CHANNELS,
    MAX_NUM_CLASSES,
    MAX_RATIO,
    ModelSpec,
    OptionValue,
    RunSpec,
)
from core.training.recipes import RECIPES
from core.zoo import libraries as torchvision_models
from core.zoo.architecture import Architecture, Option
from core.zoo.catalogue import CATALOGUE, find

FAMILIES = ("VGG", "Classics", "Inception", "Residual", "DenseNet")
SMALLEST, LARGEST, STEP = 8, 320, 4  # pixels: the resize slider
MAX_SLIDER_OPTION = 100  # a wider range is typed
MAX_SLIDER_RATIO = 16
MIN_LEARNING_RATE = 1e-9  # the least that a recipe takes
TORCHVISION = "torchvision"  # the picker's last entry
FIRST_OF_TORCHVISION = "resnet50"
Bind = Literal["query-params"] | None
Defaults = Callable[[Architecture], ModelSpec]


def networks() -> list[str]:
    """Every network's name, family by family."""
    return sorted(CATALOGUE, key=lambda name: FAMILIES.index(CATALOGUE[name].family))


def network_label(name: str) -> str:
    """`VGG: VGG-11`; the URL holds what the picker shows, so this is also the address."""
    if name == TORCHVISION:
        return "torchvision: any of its models"
    row = CATALOGUE[name]
    return f"{row.family}: {row.title}"


def choice_label(name: str, value: str) -> str | None:
    """How the picker of networks, or of an option, shows the value; None for other controls."""
    if name == "network":
        return network_label(value)
    choices = (option for row in CATALOGUE.values() for option in row.options if option.choices)
    return next((dict(o.choices).get(value) for o in choices if o.name == name), None)


def forget(*keys: str) -> None:
    """Let these controls go back to their defaults."""
    for key in keys:
        st.session_state.pop(key, None)


def go_to(page: str, keys: Mapping[str, object]) -> None:
    """Open a page with these controls set, whatever was chosen there before."""
    known = [key for key in st.session_state if str(key).startswith(("net_", "train_", "res_"))]
    forget(*(str(key) for key in known))
    st.switch_page(page, query_params={key: str(value) for key, value in keys.items()})


def model_keys(prefix: str, spec: ModelSpec) -> dict[str, object]:
    """The URL parameters under which `choose_model(prefix)` shows `spec`."""
    shown = {
        option.name: dict(option.choices).get(str(value), value)
        for option in CATALOGUE[spec.arch].options
        if (value := spec.option(option.name)) is not None
    }
    return {
        f"{prefix}network": network_label(spec.arch),
        f"{prefix}ratio": spec.ratio,
        f"{prefix}size": spec.image_size,
        f"{prefix}channels": spec.in_channels,
        f"{prefix}classes": spec.num_classes,
    } | {
        f"{prefix}{name}": str(value).lower() if isinstance(value, bool) else value
        for name, value in shown.items()
    }


def run_keys(spec: RunSpec) -> dict[str, object]:
    """The URL parameters under which the Train page shows `spec`."""
    return model_keys("train_", spec.model) | {
        "train_dataset": DATASETS[spec.dataset].title,
        "train_recipe": RECIPES[spec.recipe.name].title,
        "train_images": spec.train_images or find_dataset(spec.dataset).train_images,
        "train_epochs": spec.recipe.epochs,
        "train_batch": spec.recipe.batch_size,
        "train_rate": spec.recipe.learning_rate,
        "train_seed": spec.seed,
        "train_device": spec.device,
    }


def own_default(row: Architecture) -> ModelSpec:
    """The network as its source describes it."""
    return row.default


def choose_model(
    prefix: str,
    first: str,
    defaults: Defaults = own_default,
    bind: Bind = "query-params",
    torchvision: bool = False,
    wide: bool = False,
) -> ModelSpec:
    """Network, ratio, resize, channels, classes and the network's own options.

    With `torchvision`, its models can be picked below the lab's own. With `wide`, an address may
    ask for a ratio and a size that a spec takes but the sliders have not; then they are typed.
    """
    names = [*networks(), *([TORCHVISION] if torchvision else [])]
    name = st.selectbox(
        "Network",
        names,
        index=names.index(first),
        format_func=network_label,
        key=f"{prefix}network",
        bind=bind,
        on_change=start_over,
        args=(prefix, defaults),
        help="Type to search; a new network starts with its own settings.",
    )
    if name == TORCHVISION:
        return choose_torchvision(prefix, defaults, bind)
    row = CATALOGUE[name]
    st.caption(f"{row.year}, {row.source}")
    default = defaults(row)
    typed = wide and beyond(f"{prefix}ratio", range(1, MAX_SLIDER_RATIO + 1))
    ratio = (st.number_input if typed else st.slider)(
        "Ratio",
        1,
        MAX_RATIO if typed else MAX_SLIDER_RATIO,
        default.ratio,
        key=f"{prefix}ratio",
        bind=bind,
        help="Divides the channels of every convolution; linear layers keep their width.",
    )
    size = choose_size(prefix, default, STEP, bind, wide)
    channels, classes = st.columns(2)
    in_channels = channels.number_input(
        "Channels",
        1,
        MAX_IN_CHANNELS,
        default.in_channels,
        key=f"{prefix}channels",
        bind=bind,
        help="Channels of the image: 1 for gray, 3 for color.",
    )
    with classes:
        num_classes = choose_classes(prefix, default, bind)
    options = {option.name: choose_option(prefix, option, bind) for option in row.options}
    return replace(
        default,
        ratio=int(ratio),
        image_size=size,
        in_channels=int(in_channels),
        num_classes=num_classes,
        options=tuple(sorted(options.items())),
    )


def choose_torchvision(prefix: str, defaults: Defaults, bind: Bind) -> ModelSpec:
    """One of torchvision's own models; torchvision is imported when this is first drawn."""
    with st.spinner("Loading torchvision, once for this server…"):
        names = torchvision_models.names()
    name = st.selectbox(
        "Model of torchvision",
        names,
        index=names.index(FIRST_OF_TORCHVISION),
        key=f"{prefix}torchvision",
        bind=bind,
        on_change=start_over,
        args=(prefix, defaults),
        help="Every classification model of the installed torchvision, untrained; type to search.",
    )
    row = find(f"{torchvision_models.PREFIX}{name}")
    st.caption("It has no ratio and reads images of 3 channels.")
    size = choose_size(prefix, row.default, 1, bind)
    return replace(
        row.default, image_size=size, num_classes=choose_classes(prefix, row.default, bind)
    )


def beyond(key: str, on_slider: Collection[int]) -> bool:
    """Whether the address has asked for a number that is not on the slider."""
    with suppress(ValueError, KeyError):
        if int(st.query_params[key]) not in on_slider:
            st.session_state[f"{key}_typed"] = True  # from then on, or the control would change
    return bool(st.session_state.get(f"{key}_typed"))


def choose_size(prefix: str, default: ModelSpec, step: int, bind: Bind, wide: bool = False) -> int:
    """The resize slider: pixels a side."""
    largest = max(LARGEST, default.image_size)
    on_slider = {default.image_size, *range(SMALLEST, largest + 1, step)}
    typed = wide and beyond(f"{prefix}size", on_slider)
    size = (st.number_input if typed else st.slider)(
        "Resize (pixels a side)",
        1 if typed else SMALLEST,
        MAX_IMAGE_SIZE if typed else largest,
        default.image_size,
        1 if typed else step,
        key=f"{prefix}size",
        bind=bind,
        help="Every image is resized to this many pixels a side before the first layer.",
    )
    return int(size)


def choose_classes(prefix: str, default: ModelSpec, bind: Bind) -> int:
    """Units of the last layer."""
    classes = st.number_input(
        "Classes",
        1,
        MAX_NUM_CLASSES,
        default.num_classes,
        key=f"{prefix}classes",
        bind=bind,
        help="Units of the last layer.",
    )
    return int(classes)


def start_over(prefix: str, defaults: Defaults) -> None:
    """After another network was picked: its own settings, also where the address had others."""
    name = st.session_state[f"{prefix}network"]
    if name == TORCHVISION:
        name = torchvision_models.PREFIX + st.session_state.get(
            f"{prefix}torchvision", FIRST_OF_TORCHVISION
        )
    row = find(name)
    default = defaults(row)
    values: dict[str, OptionValue] = {
        "ratio": default.ratio,
        "size": default.image_size,
        "channels": default.in_channels,
        "classes": default.num_classes,
    }
    values |= {option.name: option.default for option in row.options}
    for name, value in values.items():
        st.session_state[f"{prefix}{name}"] = value


def choose_option(prefix: str, option: Option, bind: Bind) -> OptionValue:
    """The control of one of the network's own options."""
    key = f"{prefix}{option.name}"
    if option.choices:
        shown = dict(option.choices)
        values = list(shown)
        return st.selectbox(
            option.title,
            values,
            index=values.index(str(option.default)),
            format_func=shown.__getitem__,
            key=key,
            bind=bind,
            help=option.help,
        )
    if isinstance(option.default, bool):
        return st.toggle(option.title, option.default, key=key, bind=bind, help=option.help)
    if isinstance(option.default, int):
        control = st.slider if option.maximum <= MAX_SLIDER_OPTION else st.number_input
        return int(
            control(
                option.title,
                option.minimum,
                option.maximum,
                option.default,
                step=option.step,
                key=key,
                bind=bind,
                help=option.help,
            )
        )
    if isinstance(option.default, float):
        return float(
            st.number_input(
                option.title,
                float(option.minimum),
                float(option.maximum),
                option.default,
                step=0.1,
                format="%g",
                key=key,
                bind=bind,
                help=option.help,
            )
        )
    return st.text_input(
        option.title, str(option.default), max_chars=500, key=key, bind=bind, help=option.help
    )
