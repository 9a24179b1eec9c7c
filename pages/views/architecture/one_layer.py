"""The Explain view's first topic: the formulas of one layer, with its numbers filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, LayerCost
from core.explain.channels import usual_mistake
from core.explain.formulas import Formula, formulas
from core.report import formats
from core.report.names import file_name
from core.report.receptive_field import beside_image
from core.report.sentences.channels import channels_sentence
from core.report.sentences.flattened import flattened_sentence
from core.report.tables.layers import formula_frame
from core.specs import LabError
from core.zoo.catalogue import find
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.with_torch import analysis_of, shape_errors_of

_USUAL_SIZES = (96, 64, 32, 224)  # pixels a side
_AXES = {  # what the numbers of a shape are, by how many there are
    2: "images × features",
    3: "images × tokens × features",
    4: "images × channels × height × width",
}


def one_layer(analysis: Analysis) -> None:
    """The formulas of a layer with its numbers filled in."""
    layers = {layer.path: layer for layer in analysis.layers}
    first = next((layer.path for layer in analysis.layers if layer.is_weight_layer), None)
    paths = list(layers)
    path = st.selectbox(
        "Layer",
        paths,
        index=paths.index(first) if first else 0,
        key="net_layer",
        bind="query-params",
        help="Every module and operation, in the order in which they run; type to search.",
    )
    layer = layers[path]
    st.markdown(_description(layer, analysis.spec.sides))
    for sentence in _of_this_kind(layer, analysis):
        st.markdown(escaped(sentence))
    _formula_table(formulas(layer, analysis.layers))
    _show_errors(layer, analysis)
    download_csv(
        "Formulas of all layers as CSV",
        lambda: formula_frame(analysis),
        f"{file_name(analysis.spec)}-formulas.csv",
        "net_formulas_csv",
    )


def _of_this_kind(layer: LayerCost, analysis: Analysis) -> Iterator[str]:
    """The chain that a convolution's channels are part of; where flattened numbers come from."""
    if layer.kind == "convolution" and (chain := channels_sentence(analysis)):
        yield chain
    if inputs := flattened_sentence(analysis.layers, layer.path):
        yield inputs


def _show_errors(layer: LayerCost, analysis: Analysis) -> None:
    """What PyTorch says to the layer's usual mistakes, else to that of another convolution."""
    path = layer.path
    errors = shape_errors_of(path, analysis, _at_another_size(analysis, layer))
    example = usual_mistake(analysis) if layer.kind == "convolution" and not errors else None
    if example:
        path, errors = example, shape_errors_of(example, analysis, None)
    for error in errors:
        st.markdown(f"{escaped(path)}: if {escaped(error.reason)}, PyTorch would say:")
        st.code(error.error, language=None, wrap_lines=True)


def _formula_table(rows: Sequence[Formula]) -> None:
    """A row a quantity: its formula with symbols, with numbers, and what that comes to."""
    st.table(
        pd.DataFrame(
            {
                "quantity": [row.quantity for row in rows],
                "formula": [escaped(row.symbols) for row in rows],
                "with this layer's numbers": [escaped(row.filled) for row in rows],
                "value": [f"{row.value:,}" for row in rows],
            }
        ).set_index("quantity"),
        border="horizontal",
    )
    notes = [f"- {escaped(row.quantity)}: {escaped(row.note)}" for row in rows if row.note]
    st.caption("\n".join(notes))  # under the table, which a narrow screen has no room beside


def _at_another_size(analysis: Analysis, layer: LayerCost) -> Analysis | None:
    """The same network reading the images of its source, or of another usual size."""
    spec = analysis.spec
    if layer.kind != "linear":
        return None
    for size in (find(spec.arch).default.image_size, *_USUAL_SIZES):
        with suppress(LabError):
            if size != spec.image_size:
                return analysis_of(replace(spec, image_size=size))
    return None


def _description(layer: LayerCost, image: tuple[int, ...]) -> str:
    """The layer in one sentence: what it is, from which shape to which, how it slides."""
    text = f"**{escaped(layer.path)}** is a {escaped(layer.operation)}"
    shapes = (layer.input_shape, layer.output_shape)
    if all(shapes):
        axes = " → ".join(
            dict.fromkeys(_AXES[len(shape)] for shape in shapes if len(shape) in _AXES)
        )
        text += f": {' → '.join(map(formats.shape, shapes))}" + (f" ({axes})" if axes else "")
    if window := layer.window:
        kernel, stride, padding = (
            "×".join(map(str, pair)) for pair in (window.kernel, window.stride, window.padding)
        )
        text += f"; kernel {kernel}, stride {stride}, padding {padding}"
        text += f", {window.groups} groups" if window.groups > 1 else ""
    if layer.receptive_field:
        field = layer.receptive_field
        text += f"; one output sees {formats.sides(field)} pixels"
        text += " a side" if isinstance(field, int) else ""
        text += f", {beside_image(field, image)}"
    return f"{text}."
