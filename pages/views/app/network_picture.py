"""The network as a graph on the page: blocks open and fold on a click or a key, SVG and PNG.

It stands, from the image down to the classes, or lies, from left to right.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping

import streamlit as st
from cachetools import LRUCache, cached
from cachetools.keys import hashkey

from core.analysis.records import Analysis
from core.language import N_, _, language
from core.report.figures.palette import DARK
from core.report.names import file_name
from core.report.picture.fold import READABLE, Graph, fold, readable
from core.report.picture.outline import Outline, outline
from core.report.picture.svg import SMALLEST_TEXT, Inset, svg
from core.specs import LabError, ModelSpec
from core.zoo.own import version_of
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.messages import show_error
from pages.views.forms.names import pick_name

_DRAWINGS_BYTES = 32 * 2**20
_OUTLINES_LAYERS = 20_000  # in all outlines that are kept
_PNG_SCALE = 2  # pixels of the PNG to one of the picture
STANDING, LYING = N_("Standing"), N_("Lying")
_picture = st.components.v2.component(
    "network_picture",
    html=(FOLDER / "picture.html").read_text(encoding="utf-8"),
    css=(FOLDER / "picture.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "picture.js"),
)

Insets = Callable[[Graph], Mapping[str, Inset]]  # what stands in the boxes of a graph


def network_picture(
    analysis: Analysis,
    key: str,
    insets: Insets | None = None,
    direction: str = STANDING,
    most: int = READABLE,
    chosen: str = "",
    on_layer: Callable[[str], None] = lambda path: None,
    shown: Hashable = None,
) -> None:
    """The graph of a network with the control that opens its blocks.

    The open blocks are the URL's `{key}_open`, its direction is `{key}_direction`, at first
    `direction`. A network with other blocks starts anew, with as many open as can be read at a
    glance: `most` boxes. With `insets` each layer has a box of its own, which is a button for
    `on_layer`; that of the `chosen` layer is marked. What is `shown` in them names their pictures,
    which are made once for each.
    """
    version = version_of(analysis.spec.arch)  # of a file that may have been saved since
    outlined, first, repeat_of = _folding(analysis, version, most, insets is not None)
    with st.container(horizontal=True):
        opened = _choose_open(list(outlined.blocks), list(first), key)
        lying = _choose_direction(key, direction) == LYING
    try:
        picture = _drawing(analysis.spec, version, outlined, tuple(opened), lying, insets, shown)
    except LabError as error:
        show_error(error)
        return
    spec = analysis.spec
    _picture(
        key=f"{key}_picture",
        data={
            "svg": picture,
            "dark": DARK,
            "name": file_name(spec),
            "view": f"{file_name(spec)} {lying}",
            "repeatOf": repeat_of,
            "smallest": _smallest(lying, insets is not None),
            "scale": _PNG_SCALE,
            "chosen": chosen,
            "words": _words(),
        },
        on_toggled_change=lambda: _toggle(key),
        on_layer_change=lambda: on_layer(st.session_state[f"{key}_picture"].layer),
    )


def _words() -> dict[str, str]:
    """What the buttons say, by what each of them does."""
    return {
        "in": _("Larger"),
        "out": _("Smaller"),
        "fit": _("Whole"),
        "whole": _("As wide as there is room for"),
        "svg": _("Dark on white, as text that scales"),
        "png": _("Dark on white, twice the size"),
        "tooLarge": _("This picture is too large for a PNG; SVG works."),
    }


def _smallest(lying: bool, has_insets: bool) -> float:
    """How small it may become to be seen whole: at any size where it has no pictures in it."""
    if lying:
        return 1  # it is moved anyhow
    return SMALLEST_TEXT if has_insets else 0


_Folding = tuple[Outline, tuple[str, ...], dict[str, str]]


def _layers_in(folding: _Folding) -> int:
    return 1 + sum(len(part.layers) for part in folding[0].parts)


@cached(
    LRUCache(_OUTLINES_LAYERS, getsizeof=_layers_in),
    key=lambda analysis, version, most, each: hashkey(analysis.spec, version, most, each),
    lock=threading.Lock(),
)
def _folding(analysis: Analysis, version: str, most: int, each: bool) -> _Folding:
    """What can be folded, the blocks to open first, and the repetition that a block is in."""
    outlined = outline(analysis.layers, each)
    repeat_of = {block: path for path, blocks in outlined.repeats.items() for block in blocks}
    return outlined, readable(outlined, most), repeat_of


@cached(
    LRUCache(_DRAWINGS_BYTES, getsizeof=len),
    key=lambda spec, version, outlined, opened, lying, insets, shown: hashkey(
        spec, version, opened, lying, insets is None, shown, language()
    ),
    lock=threading.Lock(),
)
def _drawing(
    spec: ModelSpec,
    version: str,
    outlined: Outline,
    opened: tuple[str, ...],
    lying: bool,
    insets: Insets | None,
    shown: Hashable,
) -> str:
    """The SVG of a network with these blocks open, and with what is shown in its boxes."""
    graph = fold(outlined, opened)
    return svg(graph, _title(spec, graph), lying, insets(graph) if insets else {})


def _title(spec: ModelSpec, graph: Graph) -> str:
    boxes = len(graph.nodes) - 2
    return _(
        "{network} at ratio {ratio} for {size} pixels: {boxes} boxes",
        network=spec.arch,
        ratio=spec.ratio,
        size=spec.pixels,
        boxes=boxes,
    )


def _choose_open(blocks: list[str], first: list[str], key: str) -> list[str]:
    """The control for the open blocks; nothing to choose where there are none."""
    if not blocks:
        return []
    widget, drawn = f"{key}_open", f"{key}_blocks"
    if st.session_state.get(drawn, blocks) != blocks:  # another network
        st.session_state[widget] = first
    st.session_state[drawn] = blocks
    return st.multiselect(
        _("Open blocks"),
        blocks,
        default=first,
        key=widget,
        bind="query-params",
        wrap=False,
        placeholder=_("All blocks are folded"),
        help=_("Or click a block in the picture: ▸ opens it, the name of an open one folds it."),
    )


def _choose_direction(key: str, default: str) -> str:
    """The control for where the arrows lead."""
    return pick_name(
        _("Graph"),
        {name: name for name in (STANDING, LYING)},
        default,
        f"{key}_direction",
        help=_("From the image down to the classes, or from left to right."),
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
