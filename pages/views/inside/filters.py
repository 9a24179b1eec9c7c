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
from pages.views.forms.names import select_name
from pages.views.inside.chosen import Chosen

_SHOWN = 64  # filters of a layer at most
_ROW_INPUTS = 8  # inputs of a filter that are drawn, a row a filter
_ROWS_SHOWN = 16  # filters, where each takes a row
_CELL = 40  # pixels of a kernel's side
_BY_CHANGE, _IN_ORDER = "Those that moved most", "The first"
_RGB, _PER_CHANNEL = "As colors", "Each channel"
_COLORS = 3


def filters_view(chosen: Chosen) -> None:
    """Kernels as pictures, what they want, and the spread of the weights."""
    titles = {
        layer.path: layer.path
        for layer in chosen.analysis.layers
        if layer.is_weight_layer and layer.is_module and len(layer.weight_shape) == 4
    }
    if not titles:
        st.info("This network has no convolution over images.", icon=":material/info:")
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            path = select_name("Convolution", titles, next(iter(titles)), "in_conv", width=320)
            order = st.segmented_control(
                "Filters",
                [_IN_ORDER, _BY_CHANGE],
                default=_IN_ORDER,
                key="in_filters",
                bind="query-params",
                required=True,
            )
            kernels = _kernels(chosen, path, order == _BY_CHANGE)
            as_colors = kernels.inputs == _COLORS and (
                st.segmented_control(
                    "Color",
                    [_RGB, _PER_CHANNEL],
                    default=_RGB,
                    key="in_color",
                    bind="query-params",
                    required=True,
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
    parts = {
        "as initialized": kernels.before,
        "as they are": kernels.after,
        "their change": kernels.change,
    }
    scale = _scale(kernels)
    low, high = map(signed_number, scale)
    for column, (name, values) in zip(st.columns(3), parts.items(), strict=True):
        with column:
            drawn, width, about = _sheet(values, scale, as_colors)
            _picture(drawn, width, f"{kernels.path}, {name}: {about}, from {low} to {high}.")
            caption(f"**{name.capitalize()}**")
    count = len(kernels.after)
    rest = f"; {count} of {len(kernels.moved)} filters" if count < len(kernels.moved) else ""
    order = f" Filters {', '.join(map(str, kernels.filters))}, row by row."
    colors = (
        f"Red, green and blue are the weights of the three channels, from {low} over gray to {high}"
        if as_colors
        else f"One scale for all, from blue ({low}) over white (zero) to orange ({high})"
    )
    caption(f"{colors}{rest}.{order if count <= _ROWS_SHOWN else ''}")


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
        return colors_png(values, scale[1], columns), columns * _CELL, f"{count} filters as colors"
    if inputs == 1:
        columns = min(count, 8)
        return (
            tiles_png(values[:, 0], *scale, columns),
            columns * _CELL,
            f"{count} filters, {columns} in a row",
        )
    shown = values[:_ROWS_SHOWN, :_ROW_INPUTS]
    rows, columns = shown.shape[:2]
    about = f"a row for each of {rows} filters, a column for each of {columns} input channels"
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
            "Kernels as CSV", lambda: kernels_frame(kernels), f"{name}.csv", "in_kernels_csv"
        )
        arrays: dict[str, NDArray[Any]] = {
            "filters": kernels.filters,
            "before": kernels.before,
            "after": kernels.after,
            "moved": kernels.moved,
        }
        download_file("Kernels as NPZ", lambda: npz_bytes(arrays), f"{name}.npz", "in_kernels_npz")
        download_file(
            "Their change as PNG",
            lambda: _sheet(kernels.change, _scale(kernels), False)[0],
            f"{name}-change.png",
            "in_kernels_png",
        )


# What they want ---------------------------------------------------------------------------------


def _wanted(chosen: Chosen, kernels: Kernels) -> None:
    """The patches of test images that excite a filter most, on demand."""
    wants = st.toggle(
        "What they want: the patches that excite a filter most",
        key="in_wants",
        bind="query-params",
        help="Searches the first test images; some seconds for a large network.",
    )
    if not wants:
        return
    if not is_available(chosen.data.name):
        st.info(f"{chosen.data.title} is not on this machine.", icon=":material/info:")
        return
    number = st.number_input(
        "Filter",
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
        "Places of all filters as CSV",
        lambda: patches_frame(patches),
        f"{chosen.subject.file_name(kernels.path, 'patches')}.csv",
        "in_patches_csv",
    )


def _patches(chosen: Chosen, patches: Patches, number: int) -> None:
    """The patches of one filter, each above the image that it is cut from."""
    (images, labels), names = test_images(chosen.data.name), chosen.data.class_names
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
        said = f"{name}, test image {index}: {signed_number(value)}"
        pictures = [(outlined_png(image, box), "the window outlined")] if box else []
        pictures = [(cut_png(image, box), "the window"), *pictures] if box else pictures
        figures.append(_figure(pictures, said))
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(figures)}</div>')
    caption(
        f"The {len(figures)} of the first {patches.searched:,} test images in which filter {number}"
        f" of `{patches.path}` gives the highest number, and what it gives there, before any"
        " activation. Above, what its window sees; below, where that is."
    )


def _figure(pictures: Sequence[tuple[bytes, str]], said: str) -> str:
    shown = "".join(
        f'<img src="{png_address(png)}" alt="{said}, {what}"'
        ' style="width:96px;height:96px;object-fit:contain;image-rendering:pixelated;'
        'display:block;margin-bottom:4px">'
        for png, what in pictures
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
            "Weights of all layers by epoch as CSV",
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
        caption("This run kept no trail of its epochs: only two of its states stand here.")


def _choose_layer(paths: Sequence[str]) -> str:
    titles = {path: path for path in paths}
    return select_name("Weights of", titles, next(iter(titles)), "in_weights_of", width=320)
