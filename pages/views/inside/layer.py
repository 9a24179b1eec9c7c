"""Which layer a view of *Inside* is about."""

from __future__ import annotations

import streamlit as st

from core.language import _
from pages.views.forms.names import select_name
from pages.views.inside.chosen import Chosen


def choose_path(chosen: Chosen) -> str:
    """The control for the layer that a view is about."""
    paths = layers_that_ran(chosen)
    return select_name(
        _("Layer"),
        {path: path for path in paths},
        _first_layer(chosen),
        "in_layer",
        help=_("The layer that is opened; or click a box."),
    )


def _first_layer(chosen: Chosen) -> str:
    """The one that is open at first: the last convolution, where there is one."""
    convolutions = [one.path for one in chosen.analysis.layers if one.kind == "convolution"]
    return (convolutions or layers_that_ran(chosen))[-1]


def choose_layer(path: str) -> None:
    """Open this layer from the next run of the page on; for callbacks."""
    st.session_state["in_layer"] = path


def layers_that_ran(chosen: Chosen) -> list[str]:
    """Paths of the layers that read something, in the order of execution."""
    return [layer.path for layer in chosen.analysis.layers if layer.inputs]
