"""The Explain view's first topic: the formulas of one layer, with its numbers filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, LayerCost, Window
from core.explain.channels import usual_mistake
from core.explain.formulas import Formula, formulas
from core.language import N_, _, semicolon
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
    2: N_("images × features"),
    3: N_("images × tokens × features"),
    4: N_("images × channels × height × width"),
}


def one_layer(analysis: Analysis) -> None:
    """The formulas of a layer with its numbers filled in."""
    layers = {layer.path: layer for layer in analysis.layers}
    first = next((layer.path for layer in analysis.layers if layer.is_weight_layer), None)
    paths = list(layers)
    path = st.selectbox(
        _("Layer"),
        paths,
        index=paths.index(first) if first else 0,
        key="net_layer",
        bind="query-params",
        help=_("Every module and operation, in the order in which they run; type to search."),
    )
    layer = layers[path]
    st.markdown(_description(layer, analysis.spec.sides))
    for sentence in _of_this_kind(layer, analysis):
        st.markdown(escaped(sentence))
    _formula_table(formulas(layer, analysis.layers))
    _show_errors(layer, analysis)
    download_csv(
        _("Formulas of all layers as CSV"),
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
        st.markdown(
            _(
                "{layer}: if {mistake}, PyTorch would say:",
                layer=escaped(path),
                mistake=escaped(error.reason),
            )
        )
        st.code(error.error, language=None, wrap_lines=True)


def _formula_table(rows: Sequence[Formula]) -> None:
    """A row a quantity: its formula with symbols, with numbers, and what that comes to."""
    st.table(
        pd.DataFrame(
            {
                _("quantity"): [row.quantity for row in rows],
                _("formula"): [escaped(row.symbols) for row in rows],
                _("with this layer's numbers"): [escaped(row.filled) for row in rows],
                _("value"): [f"{row.value:,}" for row in rows],
            }
        ).set_index(_("quantity")),
        border="horizontal",
    )
    notes = [
        _("{quantity}: {note}", quantity=escaped(row.quantity), note=escaped(row.note))
        for row in rows
        if row.note
    ]
    # Under the table, which a narrow screen has no room beside
    st.caption("\n".join(f"- {note}" for note in notes))


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
    clauses = [_what_it_is(layer)]
    if layer.window:
        clauses.append(_how_it_slides(layer.window))
    if field := layer.receptive_field:
        told = {"pixels": formats.sides(field), "share": beside_image(field, image)}
        clauses.append(
            _("one output sees {pixels} pixels a side, {share}", **told)
            if isinstance(field, int)
            else _("one output sees {pixels} pixels, {share}", **told)
        )
    return _("{clauses}.", clauses=semicolon().join(clauses))


def _what_it_is(layer: LayerCost) -> str:
    """Its operation, its shapes, and what their numbers are, where that is known."""
    told = {"layer": escaped(layer.path), "operation": escaped(layer.operation)}
    shapes = (layer.input_shape, layer.output_shape)
    if not all(shapes):
        return _("**{layer}** is a {operation}", **told)
    told["shapes"] = " → ".join(map(formats.shape, shapes))
    axes = dict.fromkeys(_(_AXES[len(shape)]) for shape in shapes if len(shape) in _AXES)
    if not axes:
        return _("**{layer}** is a {operation}: {shapes}", **told)
    return _("**{layer}** is a {operation}: {shapes} ({axes})", axes=" → ".join(axes), **told)


def _how_it_slides(window: Window) -> str:
    """Kernel, stride and padding, and groups where there are several."""
    told = {
        name: "×".join(map(str, getattr(window, name))) for name in ("kernel", "stride", "padding")
    }
    if window.groups > 1:
        return _(
            "kernel {kernel}, stride {stride}, padding {padding}, {groups} groups",
            groups=window.groups,
            **told,
        )
    return _("kernel {kernel}, stride {stride}, padding {padding}", **told)
