"""The filters of a convolution before and after training, what excites them, how weights spread."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.data.catalogue import is_available
from core.inside.filters_records import Kernels, Patches, WeightSpread
from core.inside.windows import window_in_image
from core.jobs.trail import read_trail
from core.language import N_, _, comma, paragraph
from core.report.arrays import npz_bytes
from core.report.figures.weights import weights_before_and_after, weights_by_epoch
from core.report.filter_pictures import Box, colors_png, cut_png, outlined_png
from core.report.formats import signed_number
from core.report.maps import png_address, range_of, tiles_png
from core.report.sentences.filters import kernel_finding
from core.report.tables.trail import kernels_frame, patches_frame, weights_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv, download_file
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.test_images import test_images
from pages.views.app.with_torch import inside
from pages.views.forms.names import pick_name, select_name
from pages.views.inside.chosen import Chosen

_SHOWN = 64  # filters of a layer at most
_ROW_INPUTS = 8  # inputs of a filter that are drawn, a row a filter
_ROWS_SHOWN = 16  # filters, where each takes a row
_CELL = 40  # pixels of a kernel's side
_BY_CHANGE, _IN_ORDER = N_("Those that moved most"), N_("The first")
_RGB, _PER_CHANNEL = N_("As colors"), N_("Each channel")
_COLORS = 3
_AS_INITIALIZED = N_("{layer}, as initialized: {about}, from {low} to {high}.")
_AS_THEY_ARE = N_("{layer}, as they are: {about}, from {low} to {high}.")
_THEIR_CHANGE = N_("{layer}, their change: {about}, from {low} to {high}.")
_COLORS_OF = {  # whether channels are one color, whether there are more filters → what is said
    (True, False): N_(
        "Red, green and blue are the weights of the three channels, from {low} over gray to {high}."
    ),
    (True, True): N_(
        "Red, green and blue are the weights of the three channels, from {low} over gray to"
        " {high}; {shown} of {filters} filters."
    ),
    (False, False): N_(
        "One scale for all, from blue ({low}) over white (zero) to orange ({high})."
    ),
    (False, True): N_(
        "One scale for all, from blue ({low}) over white (zero) to orange ({high}); {shown} of"
        " {filters} filters."
    ),
}


def filters_view(chosen: Chosen) -> None:
    """Kernels as pictures, what they want, and the spread of the weights."""
    titles = {
        layer.path: layer.path
        for layer in chosen.analysis.layers
        if layer.is_weight_layer and layer.is_module and len(layer.weight_shape) == 4
    }
    if not titles:
        st.info(_("This network has no convolution over images."), icon=":material/info:")
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            path = select_name(_("Convolution"), titles, next(iter(titles)), "in_conv", width=320)
            order = pick_name(
                _("Filters"),
                {name: _(name) for name in (_IN_ORDER, _BY_CHANGE)},
                _IN_ORDER,
                "in_filters",
            )
            kernels = _kernels(chosen, path, order == _BY_CHANGE)
            as_colors = kernels.inputs == _COLORS and (
                pick_name(
                    _("Color"), {name: _(name) for name in (_RGB, _PER_CHANNEL)}, _RGB, "in_color"
                )
                == _RGB
            )
        markdown(escaped(kernel_finding(kernels)))
        _pictures(kernels, as_colors)
        _downloads(chosen, kernels)
        _wanted(chosen, kernels)
    _spread_view(chosen)


def _kernels(chosen: Chosen, path: str, by_change: bool) -> Kernels:
    found: Kernels = inside("core.inside.filters:kernels", chosen.weights, path, _SHOWN, by_change)
    return found


# Kernels ----------------------------------------------------------------------------------------


def _pictures(kernels: Kernels, as_colors: bool) -> None:
    """As initialized, as they are, and their change side by side."""
    parts = (
        (_("As initialized"), _AS_INITIALIZED, kernels.before),
        (_("As they are"), _AS_THEY_ARE, kernels.after),
        (_("Their change"), _THEIR_CHANGE, kernels.change),
    )
    scale = _scale(kernels)
    low, high = map(signed_number, scale)
    for column, (title, text, values) in zip(st.columns(3), parts, strict=True):
        with column:
            drawn, width, about = _sheet(values, scale, as_colors)
            _picture(drawn, width, _(text, layer=kernels.path, about=about, low=low, high=high))
            caption(f"**{title}**")
    count, total = len(kernels.after), len(kernels.moved)
    colors = _(_COLORS_OF[as_colors, count < total], low=low, high=high, shown=count, filters=total)
    filters = comma().join(map(str, kernels.filters))
    order = _("Filters {filters}, row by row.", filters=filters) if count <= _ROWS_SHOWN else ""
    caption(paragraph(colors, order))


def _scale(kernels: Kernels) -> tuple[float, float]:
    """One for before, after and change, about zero."""
    _, high = range_of(np.abs(np.stack([kernels.before, kernels.after, kernels.change])))
    return -high, high


def _sheet(
    values: NDArray[np.float32], scale: tuple[float, float], as_colors: bool
) -> tuple[bytes, int, str]:
    """The picture, its width on the page, and what is where."""
    count, inputs = values.shape[:2]
    if as_colors:
        columns = min(count, 8)
        about = _("{filters} filters as colors", filters=count)
        return colors_png(values, scale[1], columns), columns * _CELL, about
    if inputs == 1:
        columns = min(count, 8)
        about = _("{filters} filters, {columns} in a row", filters=count, columns=columns)
        return tiles_png(values[:, 0], *scale, columns), columns * _CELL, about
    shown = values[:_ROWS_SHOWN, :_ROW_INPUTS]
    rows, columns = shown.shape[:2]
    about = _(
        "a row for each of {rows} filters, a column for each of {columns} input channels",
        rows=rows,
        columns=columns,
    )
    sheet = tiles_png(shown.reshape(-1, *shown.shape[2:]), *scale, columns)
    return sheet, columns * _CELL, about


def _picture(png: bytes, width: int, about: str) -> None:
    """A PNG enlarged without smoothing, with its text."""
    st.html(
        f'<img src="{png_address(png)}" alt="{escape(about)}"'
        f' style="width:{width}px;max-width:100%;image-rendering:pixelated">'
    )


def _downloads(chosen: Chosen, kernels: Kernels) -> None:
    """The numbers as CSV and NPZ, the change as PNG."""
    name = chosen.subject.file_name(kernels.path)
    with st.container(horizontal=True):
        download_csv(
            _("Kernels as CSV"), lambda: kernels_frame(kernels), f"{name}.csv", "in_kernels_csv"
        )
        arrays: dict[str, NDArray[Any]] = {
            "filters": kernels.filters,
            "before": kernels.before,
            "after": kernels.after,
            "moved": kernels.moved,
        }
        download_file(
            _("Kernels as NPZ"), lambda: npz_bytes(arrays), f"{name}.npz", "in_kernels_npz"
        )
        download_file(
            _("Their change as PNG"),
            lambda: _sheet(kernels.change, _scale(kernels), False)[0],
            f"{name}-change.png",
            "in_kernels_png",
        )


# What they want ---------------------------------------------------------------------------------


def _wanted(chosen: Chosen, kernels: Kernels) -> None:
    """The patches of test images that excite a filter most, on demand."""
    wants = st.toggle(
        _("What they want: the patches that excite a filter most"),
        key="in_wants",
        bind="query-params",
        help=_("Searches the first test images; some seconds for a large network."),
    )
    if not wants:
        return
    if not is_available(chosen.data.name):
        text = _("{data_set} is not on this machine.", data_set=chosen.data.title)
        st.info(text, icon=":material/info:")
        return
    number = st.number_input(
        _("Filter"),
        0,
        len(kernels.moved) - 1,
        int(kernels.moved.argmax()),
        key=f"in_filter_{kernels.path}",
        width=140,
    )
    patches: Patches = inside(
        "core.inside.filters:patches", chosen.weights, kernels.path, chosen.data.name
    )
    _patches(chosen, patches, int(number))
    download_csv(
        _("Places of all filters as CSV"),
        lambda: patches_frame(patches),
        f"{chosen.subject.file_name(kernels.path, 'patches')}.csv",
        "in_patches_csv",
    )


def _patches(chosen: Chosen, patches: Patches, number: int) -> None:
    """The patches of one filter, each above the image that it is cut from."""
    (images, labels), names = test_images(chosen.data.name), chosen.data.shown_classes
    figures = []
    for index, row, column, value in zip(
        patches.images[number],
        patches.rows[number],
        patches.columns[number],
        patches.values[number],
        strict=True,
    ):
        image, box = images[index], _box(chosen, patches, number, (int(row), int(column)))
        name = escape(names[labels[index]])
        said = _(
            "{label}, test image {index}: {number}",
            label=name,
            index=index,
            number=signed_number(value),
        )
        pictures = []
        if box:
            pictures = [
                (cut_png(image, box), _("{patch}, the window", patch=said)),
                (outlined_png(image, box), _("{patch}, the window outlined", patch=said)),
            ]
        figures.append(_figure(pictures, said))
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(figures)}</div>')
    caption(
        _(
            "The {shown} of the first {searched:,} test images in which filter {filter} of"
            " `{layer}` gives the highest number, and what it gives there, before any activation."
            " Above, what its window sees; below, where that is.",
            shown=len(figures),
            searched=patches.searched,
            filter=number,
            layer=patches.path,
        )
    )


def _figure(pictures: Sequence[tuple[bytes, str]], said: str) -> str:
    shown = "".join(
        f'<img src="{png_address(png)}" alt="{about}"'
        ' style="width:96px;height:96px;object-fit:contain;image-rendering:pixelated;'
        'display:block;margin-bottom:4px">'
        for png, about in pictures
    )
    return (
        f'<figure style="margin:0;width:112px">{shown}'
        f'<figcaption style="font-size:0.8125rem">{said}</figcaption></figure>'
    )


def _box(chosen: Chosen, patches: Patches, number: int, place: tuple[int, int]) -> Box | None:
    """The filter's window in pixels of the image as it is kept; None where it is not known."""
    circular = inside("core.inside.number:circular_layers", chosen.weights, chosen.pixels)
    placed = window_in_image(chosen.analysis, patches.path, number, *place, circular)
    if placed is None:
        return None
    sides = chosen.weights.spec.sides
    height, width = test_images(chosen.data.name)[0].shape[-2:]
    down, across = height / sides[0], width / sides[1]
    box = placed.inside
    return box.top * down, box.left * across, box.bottom * down, box.right * across


# Weights ----------------------------------------------------------------------------------------


def _spread_view(chosen: Chosen) -> None:
    """A layer's weights by epoch where a trail was kept, else before and after."""
    run = chosen.subject.run
    trail = read_trail(run) if run else None
    if trail is not None and trail.plan.layers and run is not None:
        path = _choose_layer(trail.plan.layers)
        figure = weights_by_epoch(trail, path)
        chart(figure, "in_weights", about=chosen.subject.title, name=f"run-{run.id}-weights")
        download_csv(
            _("Weights of all layers by epoch as CSV"),
            lambda: weights_frame(run, trail),
            f"run-{run.id}-weights.csv",
            "in_weights_csv",
        )
        return
    paths = [
        layer.path
        for layer in chosen.analysis.layers
        if layer.is_weight_layer and layer.is_module and layer.weight_shape
    ]
    if not paths:
        return
    path = _choose_layer(paths)
    spread: WeightSpread = inside("core.inside.filters:spread", chosen.weights, (path,))
    chart(weights_before_and_after(spread, path), "in_weights", about=chosen.subject.title)
    if run is not None:
        caption(_("This run kept no trail of its epochs: only two of its states stand here."))


def _choose_layer(paths: Sequence[str]) -> str:
    titles = {path: path for path in paths}
    return select_name(_("Weights of"), titles, next(iter(titles)), "in_weights_of", width=320)
