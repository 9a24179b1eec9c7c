"""The controls of a network. Each control's key, with its page's prefix, is its name in the URL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import streamlit as st

from core.language import _, comma, ngettext
from core.specs import ModelSpec, OptionValue
from core.zoo.architecture import Architecture, Option
from core.zoo.catalogue import CATALOGUE, effective_options, find
from core.zoo.libraries import LIBRARIES, Library, installed_libraries, library_of
from core.zoo.own import FAMILY, is_own, own_files, own_networks, plain_name, problems
from pages.views.app.messages import show_error
from pages.views.forms.limits import SIZE_STEP
from pages.views.forms.names import select_name
from pages.views.forms.network_controls import (
    Bind,
    Defaults,
    FormSettings,
    choose_channels,
    choose_classes,
    choose_oblong,
    choose_option,
    choose_ratio,
    choose_size,
)
from pages.views.forms.row import folded, form_row, shown_number

_FAMILIES = ("VGG", "Classics", "Inception", "Residual", "DenseNet")  # the picker's order
_DEFAULTS = "own_defaults"  # in the session: network → what its controls have shown first
_OPTIONS_IN_THE_OPEN = 3  # of a network; the others are folded


# The picker ----------------------------------------------------------------------------------


def networks() -> list[str]:
    """Every network's name, family by family; families that are not in the order come last."""
    order = {family: index for index, family in enumerate(_FAMILIES)}
    return sorted(CATALOGUE, key=lambda name: order.get(CATALOGUE[name].family, len(order)))


def network_label(name: str) -> str:
    """`VGG: VGG-11`, or `timm: any of its models`."""
    if name in LIBRARIES:
        return _("{name}: any of its models", name=name)
    if is_own(name):
        file, network = name.rsplit(":", 1)
        return _("{family}: {title}", family=_(FAMILY), title=f"{network} ({file})")
    row = CATALOGUE[name]
    return _("{family}: {title}", family=_(row.family), title=_(row.title))


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
    defaults: Defaults = _own_default,
    bind: Bind = "query-params",
    libraries: bool = False,
    wide: bool = False,
) -> ModelSpec:
    """Network, ratio, resize, channels, classes and the network's own options.

    With `libraries`, networks of the user's own files can be picked above the lab's, and models of
    the libraries that are installed below them. With `wide`, an address may ask for a ratio and a
    size that a spec takes but the sliders have not; then they are typed.
    """
    with form_row(f"{prefix}network"):
        return _controls(prefix, first, FormSettings(defaults, bind, wide), libraries)


def _controls(prefix: str, first: str, settings: FormSettings, libraries: bool) -> ModelSpec:
    """The controls beside each other: those of a network of the lab, or of a library's model."""
    names = networks()
    if libraries:
        names = [*own_names(), *names, *_libraries_asked_for(prefix)]
    name = select_name(
        _("Network"),
        {name: network_label(name) for name in names},
        first,
        f"{prefix}network",
        settings.bind is not None,
        on_change=_start_over,
        args=(prefix, settings.defaults),
        help=_("Type to search; a new network starts with its own settings."),
    )
    if libraries:
        _say_problems(name)
    if library := LIBRARIES.get(name):
        return _choose_of_library(library, prefix, settings)
    row = find(name)
    default = settings.defaults(row)
    if is_own(name):
        _follow_defaults(prefix, row, default)
    if "ratio" in row.takes:
        default = replace(default, ratio=choose_ratio(prefix, default, settings))
    size = st.container(horizontal=True)
    options = _Options(prefix, row, settings.bind)
    options.choose(_OPTIONS_IN_THE_OPEN)
    with folded(f"{prefix}network", _folded_label(prefix, default, row.takes), settings.is_popover):
        default = _choose_folded(prefix, default, row.takes, settings.bind)
        options.choose()
    step = 1 if is_own(name) else SIZE_STEP
    with size:
        default = replace(default, image_size=choose_size(prefix, default, step, settings))
    return replace(default, options=tuple(sorted(options.values.items())))


@dataclass
class _Options:
    """The network's own options, in their order: each may depend on those before it."""

    prefix: str
    row: Architecture
    bind: Bind
    values: dict[str, OptionValue] = field(default_factory=dict)

    def choose(self, most: int | None = None) -> None:
        """Draw the controls of those that are left, at most so many."""
        drawn = 0
        for option in self.row.options[len(self.values) :]:
            if not option.has_effect(self.values):
                self.values[option.name] = option.default
                continue
            if drawn == most:
                return
            key = f"{self.prefix}{_word(self.row.name, option)}"
            self.values[option.name] = choose_option(key, option, self.values, self.bind)
            drawn += 1


def _folded_label(prefix: str, default: ModelSpec, takes: Collection[str]) -> str:
    """`1 channel, 10 classes`."""
    channels = shown_number(f"{prefix}channels", default.in_channels)
    parts = [ngettext("{number:,} channel", "{number:,} channels", channels)]
    if "num_classes" in takes:
        classes = shown_number(f"{prefix}classes", default.num_classes)
        parts.append(ngettext("{number:,} class", "{number:,} classes", classes))
    return comma().join(parts)


def _choose_folded(
    prefix: str, default: ModelSpec, takes: Collection[str], bind: Bind
) -> ModelSpec:
    """Channels, classes, and whether the image is square."""
    default = replace(default, in_channels=choose_channels(prefix, default, bind))
    if "num_classes" in takes:
        default = replace(default, num_classes=choose_classes(prefix, default, bind))
    choose_oblong(prefix, default, bind)
    return default


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
    with st.spinner(_("Reading your networks…")):
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


def _choose_of_library(library: Library, prefix: str, settings: FormSettings) -> ModelSpec:
    """One of a library's own models."""
    name = select_name(
        _("Model of {name}", name=library.name),
        {name: name for name in library.models},
        library.first,
        f"{prefix}{library.name}",
        settings.bind is not None,
        on_change=_start_over,
        args=(prefix, settings.defaults),
        help=_(
            "Every classification model of the installed {name}, untrained; type to search.",
            name=library.name,
        ),
    )
    default = settings.defaults(find(f"{library.prefix}{name}"))
    size = st.container(horizontal=True)
    takes = ("num_classes",)
    if library.channels:
        fixed = ngettext("{number:,} channel", "{number:,} channels", library.channels)
        with folded(f"{prefix}network", fixed, settings.is_popover):
            default = replace(default, num_classes=choose_classes(prefix, default, settings.bind))
            choose_oblong(prefix, default, settings.bind)
    else:
        with folded(f"{prefix}network", _folded_label(prefix, default, takes), settings.is_popover):
            default = _choose_folded(prefix, default, takes, settings.bind)
    with size:
        return replace(default, image_size=choose_size(prefix, default, 1, settings))


def _start_over(prefix: str, defaults: Defaults) -> None:
    """After another network was picked: its own settings, also where the address had others."""
    name = st.session_state[f"{prefix}network"]
    if library := LIBRARIES.get(name):
        name = library.prefix + st.session_state.get(f"{prefix}{library.name}", library.first)
    row = find(name)
    for name, value in _first_values(row, defaults(row)).items():
        st.session_state[f"{prefix}{name}"] = value
