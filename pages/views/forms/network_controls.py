"""The controls of a network, each by itself: ratio, size, channels, classes, its own options."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.explain.glossary import explained
from core.language import _
from core.specs import ImageSize, ModelSpec, OptionValue, check_image_size
from core.zoo.architecture import Architecture, Option
from pages.views.forms.limits import (
    CHANNELS,
    CLASSES,
    OPTION_SLIDER,
    RATIO,
    RATIO_SLIDER,
    SIZE,
    SIZE_SLIDER,
)
from pages.views.forms.names import select_name

Bind = Literal["query-params"] | None
Defaults = Callable[[Architecture], ModelSpec]


@dataclass(frozen=True)
class FormSettings:
    """How the form is shown."""

    defaults: Defaults  # what a network starts with
    bind: Bind
    wide: bool  # the address may ask for what the sliders have not

    @property
    def is_popover(self) -> bool:
        """A form without a part in the address is one."""
        return self.bind is None


def _asks_beyond(key: str, on_slider: Collection[int]) -> bool:
    """Whether the address has asked for a number that is not on the slider."""
    with suppress(ValueError, KeyError):
        if int(st.query_params[key]) not in on_slider:
            st.session_state[f"{key}_typed"] = True  # from then on, or the control would change
    return bool(st.session_state.get(f"{key}_typed"))


def choose_ratio(prefix: str, default: ModelSpec, settings: FormSettings) -> int:
    """What the channels of every convolution are divided by."""
    low, high = RATIO_SLIDER
    is_typed = settings.wide and _asks_beyond(f"{prefix}ratio", range(low, high + 1))
    ratio = (st.number_input if is_typed else st.slider)(
        _("Ratio"),
        *(RATIO if is_typed else RATIO_SLIDER),
        default.ratio,
        key=f"{prefix}ratio",
        bind=settings.bind,
        help=explained("ratio"),
    )
    return int(ratio)


def choose_oblong(prefix: str, default: ModelSpec, bind: Bind) -> None:
    """Whether height and width are chosen apart; in the session, for `choose_size`."""
    st.toggle(
        _("Height and width apart"),
        isinstance(default.image_size, tuple),
        key=f"{prefix}oblong",
        bind=bind,
        help=_("For images that are not square, such as 480×640."),
    )


def choose_size(prefix: str, default: ModelSpec, step: int, settings: FormSettings) -> ImageSize:
    """The size of the image: a side of a square, or height and width. After `choose_oblong`."""
    if st.session_state[f"{prefix}oblong"]:
        return _choose_sides(prefix, default, settings.bind)
    return _choose_side(prefix, max(default.sides), step, settings)


def _choose_sides(prefix: str, default: ModelSpec, bind: Bind) -> ImageSize:
    """Pixels of height and of width."""
    sides = []
    told = {
        "height": (
            _("Height"),
            _("Every image is resized to this height, in pixels, before the first layer."),
        ),
        "width": (
            _("Width"),
            _("Every image is resized to this width, in pixels, before the first layer."),
        ),
    }
    for (name, (label, explanation)), side in zip(told.items(), default.sides, strict=True):
        pixels = st.number_input(
            label,
            *SIZE,
            side,
            key=f"{prefix}{name}",
            bind=bind,
            help=explanation,
        )
        sides.append(int(pixels))
    return check_image_size(sides)


def _choose_side(prefix: str, default: int, step: int, settings: FormSettings) -> int:
    """The resize slider: pixels a side."""
    smallest, largest = SIZE_SLIDER[0], max(SIZE_SLIDER[1], default)
    on_slider = {default, *range(smallest, largest + 1, step)}
    is_typed = settings.wide and _asks_beyond(f"{prefix}size", on_slider)
    size = (st.number_input if is_typed else st.slider)(
        _("Resize (pixels a side)"),
        *(SIZE if is_typed else (smallest, largest)),
        default,
        1 if is_typed else step,
        key=f"{prefix}size",
        bind=settings.bind,
        help=explained("resize"),
    )
    return int(size)


def choose_channels(prefix: str, default: ModelSpec, bind: Bind) -> int:
    """Channels of the image."""
    channels = st.number_input(
        _("Channels"),
        *CHANNELS,
        default.in_channels,
        key=f"{prefix}channels",
        bind=bind,
        help=_("Channels of the image: 1 for gray, 3 for color."),
    )
    return int(channels)


def choose_classes(prefix: str, default: ModelSpec, bind: Bind) -> int:
    """Units of the last layer."""
    classes = st.number_input(
        _("Classes"),
        *CLASSES,
        default.num_classes,
        key=f"{prefix}classes",
        bind=bind,
        help=_("Units of the last layer."),
    )
    return int(classes)


# Its own options -----------------------------------------------------------------------------


def choose_option(
    key: str, option: Option, others: Mapping[str, OptionValue], bind: Bind
) -> OptionValue:
    """The control of one of the network's own options, with what it can be beside `others`."""
    default, title, explanation = option.default, _(option.title), _(option.help)
    if option.choices:
        titles = dict(option.offered(others))
        aliases = {
            value: str(option.in_effect(value, others))
            for value, _title in option.choices
            if value not in titles
        }
        return select_name(
            title, titles, str(default), key, bind is not None, aliases, help=explanation
        )
    if isinstance(default, bool):
        return st.toggle(title, default, key=key, bind=bind, help=explanation)
    if isinstance(default, int | float):
        return _choose_number(option, default, key, bind)
    return st.text_input(title, str(default), max_chars=500, key=key, bind=bind, help=explanation)


def _choose_number(option: Option, default: int | float, key: str, bind: Bind) -> OptionValue:
    """The control of an option that is a number: whole where its default is."""
    if isinstance(default, int):
        control = st.slider if option.maximum <= OPTION_SLIDER else st.number_input
        number = control(
            _(option.title),
            option.minimum,
            option.maximum,
            default,
            step=option.step,
            key=key,
            bind=bind,
            help=_(option.help),
        )
        return int(number)
    fraction = st.number_input(
        _(option.title),
        float(option.minimum),
        float(option.maximum),
        default,
        step=0.1,
        format="%g",
        key=key,
        bind=bind,
        help=_(option.help),
    )
    return float(fraction)
