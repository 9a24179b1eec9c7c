"""The table of layers: as many columns as there is room for, linked with the strip's boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from core.analysis.records import Analysis, LayerCost, each_side
from core.explain.glossary import explained
from core.language import N_, _, comma, paragraph
from core.report import formats
from core.report.receptive_field import pixels_or_factor
from pages.views.app.asked import decisive
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.architecture.display import Display

_LINE, _MOST_LINES = 33, 18  # pixels of a row; so many are seen, the others by scrolling
_SCROLL_BAR = 16  # pixels
_MOST_KERNELS = 3  # of a block, that are named
_AXES = {
    "NCHW": N_("images × channels × height × width"),
    "NHWC": N_("images × height × width × channels"),
}
_Kind = Literal["path", "text", "count", "mebibytes", "percent", "told"]
_Cell = str | float | None | tuple[float | None, str]  # a number, and how it is told

_table = st.components.v2.component(
    "layer_table",
    html='<div class="layers"></div>',
    css=(FOLDER / "layer_table.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "layer_table.js"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class _Row:
    """A layer or block, and what is not in its record."""

    layer: LayerCost
    kernels: str
    is_inner: bool = False  # one of the layers of the block above


@dataclass(frozen=True)
class _Column:
    """`of` has the cell of a row; `share`, in percent, is drawn as a bar below the number."""

    name: str
    kind: _Kind
    help: str
    of: Callable[[_Row], _Cell]
    room: int | None = None  # 0: always shown; 1: from a tablet on; 2: on a laptop; None: of all
    share: Callable[[LayerCost], float] | None = None


def layer_table(
    layers: Sequence[LayerCost], analysis: Analysis, display: Display, block: str | None = None
) -> None:
    """A row a layer. The layers of `block` stand below its own row, where it has one."""
    rows = _rows(layers, analysis, display.level, block)
    columns = [column for column in _columns(analysis, display) if _is_shown(column, rows, display)]
    marked = decisive(analysis, [row.layer.path for row in rows])
    _table(
        key="net_table",
        data={
            "about": _("The layers, one a row"),
            "all": display.all_columns,
            "chosen": block,
            "columns": [
                {"name": one.name, "kind": one.kind, "help": one.help, "from": one.room or 0}
                for one in columns
            ],
            "rows": [
                {
                    "block": row.layer.block,
                    "inner": row.is_inner,
                    "marked": row.layer.path in marked,
                    "cells": [column.of(row) for column in columns],
                    "shares": {one.name: one.share(row.layer) for one in columns if one.share},
                }
                for row in rows
            ],
        },
        height=_LINE * (1 + min(len(rows), _MOST_LINES))
        + (_SCROLL_BAR if display.all_columns else 2),
    )


def _rows(
    layers: Sequence[LayerCost], analysis: Analysis, level: str, block: str | None
) -> list[_Row]:
    """The layers, and below the chosen block those that it consists of."""
    by_path = {layer.path: layer for layer in analysis.layers}
    members = dict(
        zip((row.path for row in analysis.rows(level)), analysis.members(level), strict=True)
    )
    rows = []
    for layer in layers:
        parts = [by_path[path] for path in members.get(layer.path, ()) if path in by_path]
        rows.append(_Row(layer, _kernels(parts or [layer])))
        if level == "block" and layer.path == block:
            rows += [_Row(part, _kernels([part]), is_inner=True) for part in parts]
    return rows


def _kernels(layers: Sequence[LayerCost]) -> str:
    """How these slide, each way once: `3×3 +1, 2×2 /2`; empty where none does."""
    texts = list(dict.fromkeys(_window_text(layer) for layer in layers if layer.window))
    more = ["…"] if len(texts) > _MOST_KERNELS else []
    return comma().join(texts[:_MOST_KERNELS] + more)


def _window_text(layer: LayerCost) -> str:
    """Kernel, stride and padding: `3×3 /2 +1`."""
    assert layer.window is not None
    kernel, stride, padding = layer.window.kernel, layer.window.stride, layer.window.padding
    text = "×".join(map(str, kernel))
    text += f" /{stride[0]}" if max(stride) > 1 else ""
    return text + (f" +{padding[0]}" if max(padding) > 0 else "")


def _is_shown(column: _Column, rows: Sequence[_Row], display: Display) -> bool:
    """Whether it is one of those to show, and any row has something in it."""
    if column.room is None and not display.all_columns:
        return False
    return any(column.of(row) not in ("", None, (None, "")) for row in rows)


def _columns(analysis: Analysis, display: Display) -> list[_Column]:
    """All of them, in their order."""
    unit, factor = display.unit, 2 if display.as_flops else 1
    params, macs = max(1, analysis.totals.params), max(1, analysis.totals.macs)

    def of_params(layer: LayerCost) -> float:
        return 100 * layer.params / params

    def of_macs(layer: LayerCost) -> float:
        return 100 * layer.macs / macs

    return [
        _Column(
            _("layer"),
            "path",
            _("Path of the module in the network."),
            lambda row: row.layer.path,
            0,
        ),
        _Column(_("kind"), "text", _("What it is, or what a block has most of."), _kind),
        _shape(_("input"), "input_shape", display, None),
        _shape(_("output"), "output_shape", display, 1),
        _Column(
            _("kernel"),
            "text",
            _(
                "Kernel, /stride where it is not 1, +padding where there is one; of a block, each"
                " kind once."
            ),
            lambda row: row.kernels,
            2,
        ),
        _Column(
            _("parameters"),
            "count",
            explained("parameter"),
            lambda row: row.layer.params,
            0,
            of_params,
        ),
        _Column(
            _("of parameters"),
            "percent",
            _("Share of the network's parameters."),
            lambda row: of_params(row.layer),
        ),
        _Column(unit, "count", explained(unit), lambda row: factor * row.layer.macs, 0, of_macs),
        _Column(
            _("of {unit}", unit=unit),
            "percent",
            _("Share of the network's {unit}.", unit=unit),
            lambda row: of_macs(row.layer),
        ),
        _Column(
            _("element-wise"),
            "count",
            explained("element-wise operation"),
            lambda row: row.layer.elementwise_ops,
        ),
        _Column(
            _("backward {unit}", unit=unit),
            "count",
            _(
                "{unit} an image of the gradients: of the weights, and of the layer's input.",
                unit=unit,
            ),
            lambda row: factor * row.layer.backward_macs,
        ),
        _memory(_("weights MiB"), "weight_bytes", _("Memory of the parameters.")),
        _memory(
            _("output MiB"), "output_bytes", _("Memory of the outputs of one image, float32."), 1
        ),
        _memory(_("saved MiB"), "saved_bytes", explained("saved activations")),
        *_fields(analysis),
    ]


def _kind(row: _Row) -> str:
    layer = row.layer
    return _(layer.kind) if layer.operation == "block" else layer.operation


def _shape(name: str, field: str, display: Display, room: int | None) -> _Column:
    return _Column(
        name,
        "text",
        _("Shape for one image: {axes}.", axes=_(_AXES[display.layout])),
        lambda row: formats.shape(getattr(row.layer, field), display.layout),
        room,
    )


def _memory(name: str, field: str, about: str, room: int | None = None) -> _Column:
    return _Column(name, "mebibytes", about, lambda row: getattr(row.layer, field) / 2**20, room)


def _fields(analysis: Analysis) -> tuple[_Column, _Column]:
    """The receptive field as one says it, and in pixels."""
    sides = analysis.spec.sides

    def told(row: _Row) -> _Cell:
        field = row.layer.receptive_field
        return (
            (None, "") if field is None else (max(each_side(field)), pixels_or_factor(field, sides))
        )

    def pixels(row: _Row) -> _Cell:
        field = row.layer.receptive_field
        return field if field is None or isinstance(field, int) else formats.sides(field)

    word = explained("receptive field")
    about = paragraph(word, _("Beyond the image it is told in the image's sides."))
    return (
        _Column(_("receptive field"), "told", about, told, 2),
        _Column(_("sees px"), "told", paragraph(word, _("In pixels.")), pixels),
    )
