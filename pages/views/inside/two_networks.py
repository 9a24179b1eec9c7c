"""Two networks, one image: layer beside layer, and how alike they are over many images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.data.catalogue import is_available
from core.inside.aligned import Pair, aligned
from core.inside.maps_records import LayerMaps
from core.inside.similarity_records import (
    MOST_NUMBERS,
    WORK,
    Similarity,
    comparable,
    images_for,
    main_pairs,
)
from core.language import N_, _, listed, paragraph
from core.report import formats
from core.report.figures.similarity import similarity_chart
from core.report.maps import png_address, scale_colors
from core.report.picture.insets import range_text, sheet_png
from core.report.sentences.similarity import cka_text, prediction_sentence, similarity_sentences
from core.report.tables.similarity import similarity_frame
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.app.with_torch import inside
from pages.views.inside.chosen import Chosen, Subject
from pages.views.inside.layer import choose_layer, choose_path
from pages.views.inside.subject import offer_other
from pages.views.inside.two_layers import common_scale, two_layers_view

_CHANNELS, _COLUMNS = 8, 4  # of a layer that stand in its row
_MAP, _CELL = 48, 16  # pixels of a map in a row at most, of a number of a vector
_PAGE = 24  # rows
_VECTOR = N_("{layer}, {shape}, from {range}; all its numbers")
_MAPS = N_("{layer}, {shape}, from {range}; {shown} of its {channels:,} channels")
_HEADINGS = {  # of the table on the page
    "layer": N_("layer"),
    "layer_of_second": N_("layer of the second"),
    "cka": N_("linear CKA"),
}
_AT_ONCE = 3 * WORK  # multiply-adds that nobody has to ask for

_pairs = st.components.v2.component(
    "lab_pairs",
    html='<div class="pairs"></div>',
    css=(FOLDER / "pairs.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "pairs.js"),
    isolate_styles=False,
)


def two_networks_view(chosen: Chosen, other: Subject | None) -> None:
    """What both say, how alike their layers are, their maps in rows, and one layer opened."""
    if other is None:
        markdown(
            _(
                "Choose a second network in *Compare with*: this view lays both side by side, layer"
                " by layer, over the same image."
            )
        )
        offer_other(chosen.subject, chosen.data)
        return
    _prediction(chosen, other)
    pairs = aligned(chosen.analysis, other.analysis)
    layer, which = st.columns([3, 2], vertical_alignment="bottom")
    with layer:
        path = choose_path(chosen)
    with which:
        every = st.toggle(
            _("Every layer"),
            key="in_every",
            bind="query-params",
            help=_("Otherwise only weight layers and where branches join."),
        )
    shown = pairs if every else main_pairs(pairs)
    result = None
    with errors_in_one_sentence():
        result = _similarity(chosen, other, shown, path)
    _rows(chosen, other, shown, path, result)
    st.header(_("{layer} in both", layer=escaped(path)), anchor=False)
    two_layers_view(chosen, other, pairs, path)


def _prediction(chosen: Chosen, other: Subject) -> None:
    """Whether both take the image for the same; nothing where one gives no scores."""
    first, second = (
        inside("core.inside.maps:probabilities", weights, chosen.pixels)
        for weights in (chosen.weights, other.weights)
    )
    if first is not None and second is not None:
        markdown(f"**{escaped(prediction_sentence(first, second, chosen.data.shown_classes))}**")


# How alike ---------------------------------------------------------------------------------------


def _similarity(
    chosen: Chosen, other: Subject, pairs: Sequence[Pair], path: str
) -> Similarity | None:
    """Finding, chart and table; None where it is not computed."""
    paths = comparable(pairs)
    if not paths:
        st.info(
            _("No layer of the one stands for a layer of the other here."), icon=":material/info:"
        )
        return None
    if not is_available(chosen.data.name):
        st.info(
            _(
                "How alike the layers are takes the test images of {data_set}, which are not on"
                " this machine.",
                data_set=chosen.data.title,
            ),
            icon=":material/info:",
        )
        return None
    images = images_for(chosen.analysis, other.analysis, paths)
    if not _is_asked_for(chosen, other, images):
        return None
    result: Similarity = inside(
        "core.inside.similarity:similarity",
        chosen.weights,
        other.weights,
        chosen.data.name,
        paths,
        images,
    )
    markdown(paragraph(*map(escaped, similarity_sentences(result))))
    titles = (chosen.subject.title, other.title)
    name = chosen.subject.file_name("and", other.file_name(), "similarity")
    chart(similarity_chart(result, path), "in_cka", about=listed(titles), name=name)
    caption(
        _(
            "Linear CKA (arXiv 1905.00414) compares what two layers make of the same {images:,}"
            " test images: 1 where they are alike but for a rotation and a factor, so the order of"
            " channels does not matter. It reads high where a layer has many more numbers than"
            " there are images. Maps of more than {numbers:,} numbers are averaged down first.",
            images=result.images,
            numbers=MOST_NUMBERS,
        )
    )
    frame = similarity_frame(result, *titles)
    with st.expander(_("Numbers ({rows})", rows=len(frame)), key="in_cka_numbers"):
        table(
            frame[list(_HEADINGS)].rename(columns=_HEADINGS),
            column_config={"linear CKA": st.column_config.NumberColumn(format="%.4f")},
        )
    download_csv(
        _("Similarity by layer as CSV"),
        lambda: similarity_frame(result, chosen.subject.title, other.title),
        f"{name}.csv",
        "in_cka_csv",
    )
    return result


def _is_asked_for(chosen: Chosen, other: Subject, images: int) -> bool:
    """True at once where it takes seconds; else the visitor says so."""
    work = images * (chosen.analysis.totals.macs + other.analysis.totals.macs)
    if work <= _AT_ONCE:
        return True
    return st.toggle(
        _("How alike the layers are: about {time}", time=formats.duration(work / WORK)),
        key="in_cka_asked",
        help=_("Both networks read {images:,} test images for it.", images=images),
    )


# Maps in rows ------------------------------------------------------------------------------------


def _rows(
    chosen: Chosen,
    other: Subject,
    pairs: Sequence[Pair],
    path: str,
    result: Similarity | None,
) -> None:
    """A row a pair of layers; a click chooses the layer in both."""
    caption(
        _(
            "Up to {channels} channels of each layer, in their order; one color scale for both"
            " networks, its range written in the row. A click opens the layer below.",
            channels=_CHANNELS,
        )
    )
    page = _on_page(pairs, path)
    firsts = _maps(chosen, [pair.first.path for pair in page if pair.first is not None])
    second = replace(chosen, subject=other)
    seconds = _maps(second, [pair.second.path for pair in page if pair.second is not None])
    alike = {} if result is None else {one.first: one.cka for one in result.layers}
    rows = []
    for pair in page:
        first = firsts.get(pair.first.path) if pair.first is not None else None
        counterpart = seconds.get(pair.second.path) if pair.second is not None else None
        if first is not None or counterpart is not None:
            rows.append(_row(first, counterpart, path, alike))
    _pairs(
        key="in_pairs",
        data={
            "titles": [formats.kept_together(one.title) for one in (chosen.subject, other)],
            "about": _(
                "Maps of {first} and of {second}, layer by layer",
                first=chosen.subject.title,
                second=other.title,
            ),
            "words": {"layer": _("layer"), "missing": _("no such layer")},
            "has_cka": bool(alike),
            "rows": rows,
        },
        on_layer_change=_choose,
        height="content",
    )


def _choose() -> None:
    """After a click on a row."""
    if path := str(st.session_state["in_pairs"]["layer"] or ""):
        choose_layer(path)


def _on_page(pairs: Sequence[Pair], path: str) -> Sequence[Pair]:
    """The rows that are shown of a deep network; at first those around the chosen layer."""
    pages = -(-len(pairs) // _PAGE)
    if pages <= 1:
        return pairs
    own = [i for i, pair in enumerate(pairs) if pair.first is not None and pair.first.path == path]
    if not 1 <= st.session_state.get("in_pairs_page", 0) <= pages:
        st.session_state["in_pairs_page"] = 1 + (own[0] // _PAGE if own else 0)
    page = st.number_input(
        _("Rows, page 1 to {pages}", pages=pages),
        1,
        pages,
        key="in_pairs_page",
        width=180,
        help=_(
            "{layers:,} layers, {rows} a page, in the order of execution.",
            layers=len(pairs),
            rows=_PAGE,
        ),
    )
    start = (int(page) - 1) * _PAGE
    return pairs[start : start + _PAGE]


def _maps(chosen: Chosen, paths: Sequence[str]) -> dict[str, LayerMaps]:
    """The first channels of these layers, by path."""
    found: list[LayerMaps] = inside(
        "core.inside.maps:layer_maps",
        chosen.weights,
        chosen.pixels,
        tuple(paths),
        _CHANNELS,
        False,
    )
    return {maps.path: maps for maps in found if maps.maps.size}


def _row(
    first: LayerMaps | None,
    second: LayerMaps | None,
    path: str,
    alike: dict[str, float | None],
) -> dict[str, Any]:
    """What the browser draws of a pair of layers."""
    scale = common_scale(first, second)
    own, counterpart = (maps.path if maps is not None else None for maps in (first, second))
    differs = None not in (own, counterpart) and own != counterpart
    return {
        "path": own,
        "name": own or counterpart,
        "second_name": _("second: {layer}", layer=counterpart) if differs else None,
        "chosen": own == path,
        "range": " … ".join(map(formats.signed_number, scale)),
        "colors": scale_colors(scale[0], 9),
        "cka": cka_text(alike[own]) if own in alike else formats.NOTHING,
        "first": _side(first, scale),
        "second": _side(second, scale),
    }


def _side(maps: LayerMaps | None, scale: tuple[float, float]) -> dict[str, Any] | None:
    """One network's maps of a layer."""
    if maps is None:
        return None
    count, _height, width = maps.maps.shape
    about = _(
        _VECTOR if maps.is_vector else _MAPS,
        layer=maps.path,
        shape=formats.shape(maps.shape),
        range=range_text(maps),
        shown=count,
        channels=maps.shape[0],
    )
    columns = min(count, _COLUMNS)
    return {
        "png": png_address(sheet_png(maps, scale, columns)),
        "width": _CELL * width if maps.is_vector else _MAP * columns,
        "about": about,
    }
