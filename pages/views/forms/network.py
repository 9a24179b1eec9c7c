"""The controls of a network. Each control's key, with its page's prefix, is its name in the URL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import streamlit as st

from core.explain.glossary import explained
from core.specs import ImageSize, ModelSpec, OptionValue, check_image_size
from core.zoo.architecture import Architecture, Option
from core.zoo.catalogue import CATALOGUE, effective_options, find
from core.zoo.libraries import LIBRARIES, Library, installed_libraries, library_of
from core.zoo.own import FAMILY, is_own, own_files, own_networks, plain_name, problems
from pages.views.app.messages import escaped, show_error
from pages.views.forms.limits import (
    CHANNELS,
    CLASSES,
    OPTION_SLIDER,
    RATIO,
    RATIO_SLIDER,
    SIZE,
    SIZE_SLIDER,
    SIZE_STEP,
)
from pages.views.forms.names import select_name

_FAMILIES = ("VGG", "Classics", "Inception", "Residual", "DenseNet")  # the picker's order
_DEFAULTS = "own_defaults"  # in the session: network → what its controls have shown first
_Bind = Literal["query-params"] | None
_Defaults = Callable[[Architecture], ModelSpec]


# The picker ----------------------------------------------------------------------------------


def networks() -> list[str]:
    """Every network's name, family by family; families that are not in the order come last."""
    order = {family: index for index, family in enumerate(_FAMILIES)}
    return sorted(CATALOGUE, key=lambda name: order.get(CATALOGUE[name].family, len(order)))


def network_label(name: str) -> str:
    """`VGG: VGG-11`, or `timm: any of its models`."""
    if name in LIBRARIES:
        return f"{name}: any of its models"
    if is_own(name):
        file, _, network = name.rpartition(":")
        return f"{FAMILY}: {network} ({file})"
    row = CATALOGUE[name]
    return f"{row.family}: {row.title}"


def model_keys(prefix: str, spec: ModelSpec) -> dict[str, object]:
    """The URL parameters under which `choose_model(prefix)` shows `spec`.

    A network of a file is shown as the file is now. Raises LabError for one that this lab does not
    have.
    """
    spec = replace(spec, arch=plain_name(spec.arch))
    sizes: dict[str, object] = {**_size_values(spec), "classes": spec.num_classes}
    if sizes.pop("oblong"):
        sizes["oblong"] = "true"
    if library := library_of(spec.arch):
        values = {"network": library.name, library.name: library.model_name(spec.arch)} | sizes
        values |= {} if library.channels else {"channels": spec.in_channels}
    else:
        values = {"network": spec.arch, "ratio": spec.ratio, "channels": spec.in_channels} | sizes
        options = effective_options(spec)
        values |= {
            _word(spec.arch, option): str(value).lower() if isinstance(value, bool) else value
            for option in find(spec.arch).options
            if (value := options.get(option.name)) is not None
        }
    return {f"{prefix}{name}": value for name, value in values.items()}


def _size_values(spec: ModelSpec) -> dict[str, OptionValue]:
    """The controls of the size, by their words in the address."""
    if isinstance(spec.image_size, int):
        return {"oblong": False, "size": spec.image_size}
    height, width = spec.image_size
    return {"oblong": True, "height": height, "width": width}


def _word(arch: str, option: Option) -> str:
    """What an option is called in the address: an argument of somebody's own may have any name."""
    return f"arg_{option.name}" if is_own(arch) else option.name


def _own_default(row: Architecture) -> ModelSpec:
    """The network as its source describes it."""
    return row.default


def choose_model(
    prefix: str,
    first: str,
    defaults: _Defaults = _own_default,
    bind: _Bind = "query-params",
    libraries: bool = False,
    wide: bool = False,
) -> ModelSpec:
    """Network, ratio, resize, channels, classes and the network's own options.

    With `libraries`, networks of the user's own files can be picked above the lab's, and models of
    the libraries that are installed below them. With `wide`, an address may ask for a ratio and a
    size that a spec takes but the sliders have not; then they are typed.
    """
    names = networks()
    if libraries:
        names = [*own_names(), *names, *_libraries_asked_for(prefix)]
    name = select_name(
        "Network",
        {name: network_label(name) for name in names},
        first,
        f"{prefix}network",
        bind is not None,
        on_change=_start_over,
        args=(prefix, defaults),
        help="Type to search; a new network starts with its own settings.",
    )
    if libraries:
        _say_problems(name)
    if library := LIBRARIES.get(name):
        return _choose_of_library(library, prefix, defaults, bind, wide)
    row = find(name)
    st.caption(f"{row.year}, {row.source}" if row.year else escaped(row.source))
    default = defaults(row)
    if is_own(name):
        _follow_defaults(prefix, row, default)
    if "ratio" in row.takes:
        default = replace(default, ratio=_choose_ratio(prefix, default, bind, wide))
    step = 1 if is_own(name) else SIZE_STEP
    default = replace(default, image_size=_choose_size(prefix, default, step, bind, wide))
    channels, classes = st.columns(2)
    with channels:
        default = replace(default, in_channels=_choose_channels(prefix, default, bind))
    if "num_classes" in row.takes:
        with classes:
            default = replace(default, num_classes=_choose_classes(prefix, default, bind))
    options: dict[str, OptionValue] = {}
    for option in row.options:  # each may depend on those before it
        if option.has_effect(options):
            key = f"{prefix}{_word(name, option)}"
            options[option.name] = _choose_option(key, option, options, bind)
        else:
            options[option.name] = option.default
    return replace(default, options=tuple(sorted(options.items())))


def _follow_defaults(prefix: str, row: Architecture, default: ModelSpec) -> None:
    """A control that nobody has moved goes along when the file has another default."""
    values = _first_values(row, default)
    before = st.session_state.get(_DEFAULTS, {}).get(row.name, {})
    for name, value in values.items():
        key = f"{prefix}{name}"
        was = before.get(name, value)
        if was != value and st.session_state.get(key, was) == was:
            st.session_state[key] = value
    st.session_state[_DEFAULTS] = {row.name: values}


def _first_values(row: Architecture, default: ModelSpec) -> dict[str, OptionValue]:
    """What the controls of a network show first, by their words in the address."""
    values: dict[str, OptionValue] = {
        "ratio": default.ratio,
        **_size_values(default),
        "channels": default.in_channels,
        "classes": default.num_classes,
    }
    return values | {_word(row.name, option): option.default for option in row.options}


def own_names() -> list[str]:
    """Networks of the files that the lab was started with; why one of them cannot be read."""
    if not own_files():
        return []
    with st.spinner("Reading your networks…"):
        return list(own_networks())


def _say_problems(chosen: str) -> None:
    """A sentence for each file that cannot be read; that of the chosen network the page tells."""
    for file, problem in problems().items():
        if not chosen.startswith(f"{file}:"):
            show_error(problem.partition("\n\n")[0])


def _libraries_asked_for(prefix: str) -> list[str]:
    """The libraries that can be picked; where the address asks for another, how it comes here."""
    asked = LIBRARIES.get(str(st.query_params.get(f"{prefix}network")))
    if asked and not asked.version:
        st.warning(asked.how_to_install, icon=":material/warning:")
    return [library.name for library in installed_libraries()]


def _choose_of_library(
    library: Library, prefix: str, defaults: _Defaults, bind: _Bind, wide: bool
) -> ModelSpec:
    """One of a library's own models."""
    name = select_name(
        f"Model of {library.name}",
        {name: name for name in library.models},
        library.first,
        f"{prefix}{library.name}",
        bind is not None,
        on_change=_start_over,
        args=(prefix, defaults),
        help=f"Every classification model of the installed {library.name}, untrained;"
        " type to search.",
    )
    default = defaults(find(f"{library.prefix}{name}"))
    reads = f" and reads images of {library.channels} channels" if library.channels else ""
    st.caption(f"It has no ratio{reads}.")
    size = _choose_size(prefix, default, 1, bind, wide)
    if not library.channels:
        default = replace(default, in_channels=_choose_channels(prefix, default, bind))
    return replace(default, image_size=size, num_classes=_choose_classes(prefix, default, bind))


def _start_over(prefix: str, defaults: _Defaults) -> None:
    """After another network was picked: its own settings, also where the address had others."""
    name = st.session_state[f"{prefix}network"]
    if library := LIBRARIES.get(name):
        name = library.prefix + st.session_state.get(f"{prefix}{library.name}", library.first)
    row = find(name)
    for name, value in _first_values(row, defaults(row)).items():
        st.session_state[f"{prefix}{name}"] = value


# Its numbers ---------------------------------------------------------------------------------


def _asks_beyond(key: str, on_slider: Collection[int]) -> bool:
    """Whether the address has asked for a number that is not on the slider."""
    with suppress(ValueError, KeyError):
        if int(st.query_params[key]) not in on_slider:
            st.session_state[f"{key}_typed"] = True  # from then on, or the control would change
    return bool(st.session_state.get(f"{key}_typed"))


def _choose_ratio(prefix: str, default: ModelSpec, bind: _Bind, wide: bool = False) -> int:
    """What the channels of every convolution are divided by."""
    low, high = RATIO_SLIDER
    is_typed = wide and _asks_beyond(f"{prefix}ratio", range(low, high + 1))
    ratio = (st.number_input if is_typed else st.slider)(
        "Ratio",
        *(RATIO if is_typed else RATIO_SLIDER),
        default.ratio,
        key=f"{prefix}ratio",
        bind=bind,
        help=explained("ratio"),
    )
    return int(ratio)


def _choose_size(
    prefix: str, default: ModelSpec, step: int, bind: _Bind, wide: bool = False
) -> ImageSize:
    """The size of the image: a side of a square, or height and width."""
    slider = st.empty()  # above the toggle that takes its place
    is_oblong = st.toggle(
        "Height and width apart",
        isinstance(default.image_size, tuple),
        key=f"{prefix}oblong",
        bind=bind,
        help="For images that are not square, such as 480×640.",
    )
    with slider.container():
        if is_oblong:
            return _choose_sides(prefix, default, bind)
        return _choose_side(prefix, max(default.sides), step, bind, wide)


def _choose_sides(prefix: str, default: ModelSpec, bind: _Bind) -> ImageSize:
    """Pixels of height and of width."""
    sides = []
    for column, name, side in zip(st.columns(2), ("height", "width"), default.sides, strict=True):
        with column:
            pixels = st.number_input(
                name.capitalize(),
                *SIZE,
                side,
                key=f"{prefix}{name}",
                bind=bind,
                help=f"Every image is resized to this {name}, in pixels, before the first layer.",
            )
        sides.append(int(pixels))
    return check_image_size(sides)


def _choose_side(prefix: str, default: int, step: int, bind: _Bind, wide: bool) -> int:
    """The resize slider: pixels a side."""
    smallest, largest = SIZE_SLIDER[0], max(SIZE_SLIDER[1], default)
    on_slider = {default, *range(smallest, largest + 1, step)}
    is_typed = wide and _asks_beyond(f"{prefix}size", on_slider)
    size = (st.number_input if is_typed else st.slider)(
        "Resize (pixels a side)",
        *(SIZE if is_typed else (smallest, largest)),
        default,
        1 if is_typed else step,
        key=f"{prefix}size",
        bind=bind,
        help=explained("resize"),
    )
    return int(size)


def _choose_channels(prefix: str, default: ModelSpec, bind: _Bind) -> int:
    """Channels of the image."""
    channels = st.number_input(
        "Channels",
        *CHANNELS,
        default.in_channels,
        key=f"{prefix}channels",
        bind=bind,
        help="Channels of the image: 1 for gray, 3 for color.",
    )
    return int(channels)


def _choose_classes(prefix: str, default: ModelSpec, bind: _Bind) -> int:
    """Units of the last layer."""
    classes = st.number_input(
        "Classes",
        *CLASSES,
        default.num_classes,
        key=f"{prefix}classes",
        bind=bind,
        help="Units of the last layer.",
    )
    return int(classes)


# Its own options -----------------------------------------------------------------------------


def _choose_option(
    key: str, option: Option, others: Mapping[str, OptionValue], bind: _Bind
) -> OptionValue:
    """The control of one of the network's own options, with what it can be beside `others`."""
    default = option.default
    if option.choices:
        titles = dict(option.offered(others))
        aliases = {
            value: str(option.in_effect(value, others))
            for value, _ in option.choices
            if value not in titles
        }
        return select_name(
            option.title, titles, str(default), key, bind is not None, aliases, help=option.help
        )
    if isinstance(default, bool):
        return st.toggle(option.title, default, key=key, bind=bind, help=option.help)
    if isinstance(default, int | float):
        return _choose_number(option, default, key, bind)
    return st.text_input(
        option.title, str(default), max_chars=500, key=key, bind=bind, help=option.help
    )


def _choose_number(option: Option, default: int | float, key: str, bind: _Bind) -> OptionValue:
    """The control of an option that is a number: whole where its default is."""
    if isinstance(default, int):
        control = st.slider if option.maximum <= OPTION_SLIDER else st.number_input
        number = control(
            option.title,
            option.minimum,
            option.maximum,
            default,
            step=option.step,
            key=key,
            bind=bind,
            help=option.help,
        )
        return int(number)
    fraction = st.number_input(
        option.title,
        float(option.minimum),
        float(option.maximum),
        default,
        step=0.1,
        format="%g",
        key=key,
        bind=bind,
        help=option.help,
    )
    return float(fraction)
