"""A layer opened in two networks at once: the same channel, the same number, explained in both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from core.inside.aligned import Pair
from core.inside.maps_records import LayerMaps
from core.inside.number_records import Unit
from core.language import _
from core.report import formats
from core.report.maps import range_of
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.inside.chosen import Chosen, Subject
from pages.views.inside.one_layer import (
    Place,
    channels_of,
    chosen_place,
    explained_number,
    largest_unit,
    show_channels,
    unit_of,
)

_KEYS = ("", "_second")  # what the names of both networks' controls end with


def two_layers_view(chosen: Chosen, other: Subject, pairs: Sequence[Pair], path: str) -> None:
    """The chosen network's layer `path` beside its counterpart; a click on the one moves both."""
    pair = next(pair for pair in pairs if pair.first is not None and pair.first.path == path)

    @st.fragment
    def opened() -> None:
        with errors_in_one_sentence():
            _opened(chosen, other, pairs, pair)

    opened()


def common_scale(*layers: LayerMaps | None) -> tuple[float, float]:
    """One scale for the colors of several layers."""
    ends = [end for maps in layers if maps is not None for end in (maps.low, maps.high)]
    return range_of(np.array(ends))


def _opened(chosen: Chosen, other: Subject, pairs: Sequence[Pair], pair: Pair) -> None:
    place = chosen_place()
    networks = (chosen, replace(chosen, subject=other))
    layers = [
        None if layer is None else channels_of(network, layer.path, False)
        for network, layer in zip(networks, (pair.first, pair.second), strict=True)
    ]
    scale = common_scale(*layers)
    unit = _shared_unit(chosen, layers, place)
    for column, network, maps, key in zip(st.columns(2), networks, layers, _KEYS, strict=True):
        with column:
            st.markdown(f"**{escaped(network.subject.title)}**")
            if maps is not None:
                show_channels(maps, unit, f"in_tiles{key}", scale)
    to_first = {
        both.second.path: both.first.path
        for both in pairs
        if both.first is not None and both.second is not None
    }
    # Each network's layers, as layers of the first
    opens: tuple[Callable[[str], str | None], ...] = (str, to_first.get)
    for column, network, maps, key, way in zip(
        st.columns(2), networks, layers, _KEYS, opens, strict=True
    ):
        with column:
            own = unit_of(_text(unit), maps) if maps is not None else None
            if own is None or maps is None:
                st.info(escaped(_missing(network, maps, unit, pair)), icon=":material/info:")
            else:
                explained_number(network, maps, own, place, f"in_number{key}", scale, way)


def _shared_unit(chosen: Chosen, layers: Sequence[LayerMaps | None], place: Place) -> Unit:
    """The number that is looked at in both: one of the first network where it has such a place."""
    named = (unit_of(place.text, maps) for maps in layers if maps is not None)
    first = layers[0]
    assert first is not None  # the chosen layer is one of the first network
    return next((unit for unit in named if unit is not None), None) or largest_unit(chosen, first)


def _text(unit: Unit) -> str:
    return f"{unit.channel}.{unit.row}.{unit.column}"


def _missing(network: Chosen, maps: LayerMaps | None, unit: Unit, pair: Pair) -> str:
    """Why the number stands in one of both only."""
    title = network.subject.title
    if maps is None:
        path = pair.first.path if pair.first is not None else unit.path
        return _("{network} has no layer that stands for {layer}.", network=title, layer=path)
    return _(
        "{layer} of {network} is smaller, {shape}: it has no channel {channel}, row {row}, column"
        " {column}. Choose a place that both have.",
        layer=maps.path,
        network=title,
        shape=formats.shape(maps.shape),
        channel=unit.channel,
        row=unit.row,
        column=unit.column,
    )
