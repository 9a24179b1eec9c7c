"""The network as a graph on the page: blocks open and fold on a click or a key, SVG and PNG.

It stands, from the image down to the classes, or lies, from left to right.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.analysis.records import Analysis
from core.report.names import file_name
from core.report.picture.fold import fold, readable
from core.report.picture.outline import outline
from core.report.picture.svg import SMALLEST_TEXT, svg
from core.specs import LabError, ModelSpec
from core.zoo.own import version_of
from pages.views.app.messages import show_error

_PNG_SCALE = 2  # pixels of the PNG to one of the picture
_STANDING, _LYING = "Standing", "Lying"
_FRONTEND = Path(__file__).parent

_picture = st.components.v2.component(
    "network_picture",
    html=(_FRONTEND / "picture.html").read_text(encoding="utf-8"),
    css=(_FRONTEND / "picture.css").read_text(encoding="utf-8"),
    js=(_FRONTEND / "picture.js").read_text(encoding="utf-8"),
)


def network_picture(analysis: Analysis, key: str) -> None:
    """The graph of a network with the control that opens its blocks.

    The open blocks are the URL's `{key}_open`, its direction is `{key}_direction`. A network with
    other blocks starts anew, with as many open as can be read at a glance.
    """
    version = version_of(analysis.spec.arch)  # of a file that may have been saved since
    blocks, first, repeat_of = _folding(analysis.spec, version, analysis)
    with st.container(horizontal=True):
        opened = _choose_open(blocks, first, key)
        direction = _choose_direction(key)
    try:
        picture = _drawing(analysis.spec, version, tuple(opened), direction == _LYING, analysis)
    except LabError as error:
        show_error(error)
        return
    spec = analysis.spec
    _picture(
        key=f"{key}_picture",
        data={
            "svg": picture,
            "name": file_name(spec),
            "view": f"{file_name(spec)} {direction}",
            "repeatOf": repeat_of,
            "smallest": 1 if direction == _LYING else SMALLEST_TEXT,  # lying, it is moved anyhow
            "scale": _PNG_SCALE,
        },
        on_toggled_change=lambda: _toggle(key),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _folding(
    spec: ModelSpec, version: str, _analysis: Analysis
) -> tuple[list[str], list[str], dict[str, str]]:
    """The blocks of a network, those to open first, and the repetition that a block is in."""
    outlined = outline(_analysis.layers)
    repeat_of = {block: path for path, blocks in outlined.repeats.items() for block in blocks}
    return list(outlined.blocks), list(readable(outlined)), repeat_of


@st.cache_data(max_entries=64, show_spinner=False)
def _drawing(
    spec: ModelSpec, version: str, opened: tuple[str, ...], lying: bool, _analysis: Analysis
) -> str:
    """The SVG of a network with these blocks open."""
    graph = fold(outline(_analysis.layers), opened)
    pixels = f"{spec.pixels} pixels"
    title = f"{spec.arch} at ratio {spec.ratio} for {pixels}: {len(graph.nodes) - 2} boxes"
    return svg(graph, title, lying)


def _choose_open(blocks: list[str], first: list[str], key: str) -> list[str]:
    """The control for the open blocks; nothing to choose where there are none."""
    if not blocks:
        return []
    widget, drawn = f"{key}_open", f"{key}_blocks"
    if st.session_state.get(drawn, blocks) != blocks:  # another network
        st.session_state[widget] = first
    st.session_state[drawn] = blocks
    return st.multiselect(
        "Open blocks",
        blocks,
        default=first,
        key=widget,
        bind="query-params",
        wrap=False,
        placeholder="All blocks are folded",
        help="Or click a block in the picture: ▸ opens it, the name of an open one folds it.",
    )


def _choose_direction(key: str) -> str:
    """The control for where the arrows lead."""
    return str(
        st.segmented_control(
            "Graph",
            [_STANDING, _LYING],
            default=_STANDING,
            key=f"{key}_direction",
            bind="query-params",
            required=True,
            help="From the image down to the classes, or from left to right.",
        )
    )


def _toggle(key: str) -> None:
    """Open the block that was clicked, or fold it."""
    block = st.session_state[f"{key}_picture"].toggled
    opened = list(st.session_state.get(f"{key}_open", []))
    if block in opened:
        opened.remove(block)
    elif block in st.session_state.get(f"{key}_blocks", []):
        opened.append(block)
    st.session_state[f"{key}_open"] = opened
