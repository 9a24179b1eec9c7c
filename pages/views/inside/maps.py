"""The network's graph with what each layer makes of the image, box by box."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.inside.maps_records import LayerMaps
from core.language import N_, _, pgettext
from core.report.picture.fold import Graph
from core.report.picture.insets import COLUMNS, ROWS, Shown, insets
from core.report.picture.svg import Inset
from pages.views.app.address import address_of_fragment
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.network_picture import LYING, network_picture
from pages.views.app.prose import caption
from pages.views.app.with_torch import seen
from pages.views.forms.names import pick_name
from pages.views.inside.chosen import Chosen
from pages.views.inside.layer import choose_layer, choose_path
from pages.views.inside.one_layer import one_layer_view

_BOXES = 22  # that are open at first
_BY_MEAN, _BY_CHANNEL = N_("The most active"), N_("The first")


def maps_view(chosen: Chosen) -> None:
    """The blocks from left to right, each box with some of its maps; the chosen layer is opened."""

    @st.fragment  # another layer is no other image: what stands above is not drawn anew
    def graph_and_layer() -> None:
        with errors_in_one_sentence():
            _graph_and_layer(chosen)

    graph_and_layer()


def _graph_and_layer(chosen: Chosen) -> None:
    layer, channels = st.columns(2)
    with address_of_fragment("inside-layer"):  # before the number adds its place to it
        with layer:
            path = choose_path(chosen)
        with channels:
            order = _choose_order()
    caption(
        _(
            "The feature maps of a layer have one color scale, its range written in the box: dark"
            " to bright from 0 on, or blue, white, orange about 0 where numbers have a sign. Click"
            " a box to open its layer."
        )
    )

    def pictures(graph: Graph) -> dict[str, Inset]:
        paths = tuple(node.last.path for node in graph.nodes if node.layers)
        maps: list[LayerMaps] = seen(
            "core.inside.maps:layer_maps",
            chosen.weights,
            chosen.pixels,
            paths,
            COLUMNS * ROWS,
            order == _BY_MEAN,
        )
        return insets(graph, Shown(_read(chosen), {one.path: one for one in maps}))

    network_picture(
        chosen.analysis,
        "in_maps",
        pictures,
        LYING,
        _BOXES,
        chosen=path,
        on_layer=choose_layer,
        shown=(chosen.weights, chosen.pixels.shape, chosen.pixels.tobytes(), order),
    )
    one_layer_view(chosen, path, order == _BY_MEAN)


def _choose_order() -> str:
    """Which channels stand in a box."""
    return pick_name(
        pgettext("which are shown", "Channels"),
        {name: _(name) for name in (_BY_MEAN, _BY_CHANNEL)},
        _BY_MEAN,
        "in_order",
        help=_(
            "Each box shows up to {channels} of its channels: those with the highest mean"
            " activation first, or in their order.",
            channels=COLUMNS * ROWS,
        ),
    )


def _read(chosen: Chosen) -> NDArray[np.uint8]:
    """The image in the size that the network reads."""
    resized: NDArray[np.uint8] = seen(
        "core.inside.maps:resized", chosen.pixels, chosen.weights.spec.sides
    )
    return resized
