"""An analysis as a notebook shows it, and as pandas has it. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from core.analysis.records import LEVELS, Analysis, LayerCost, Shape, each_side

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 60  # that a cell shows; a network with more is shown by larger parts
_HEADS = ("layer", "operation", "input", "output", "parameters", "MACs", "element-wise", "sees px")
_LEFT, _RIGHT = (f'style="text-align: {side}"' for side in ("left", "right"))


def frame_of(analysis: Analysis, level: str) -> pd.DataFrame:
    """A row a layer: its record, with its path as `layer`, its `block` and its `flops`."""
    import pandas as pd

    return pd.DataFrame([_plain(layer) for layer in analysis.rows(level)])


def _plain(layer: LayerCost) -> dict[str, Any]:
    values = asdict(layer)
    head = {"layer": values.pop("path"), "block": layer.block}
    return head | values | {"flops": layer.flops}


def html_of(analysis: Analysis) -> str:
    """A table with the totals above it."""
    level = next((one for one in reversed(LEVELS) if _fits(analysis, one)), LEVELS[0])
    rows = analysis.rows(level)
    shown = "" if level == "module" else f" by {level}; to_frame() has each of them"
    spec, totals = analysis.spec, analysis.totals
    title = (
        f"<b>{escape(spec.arch)}</b> at {_sizes(analysis.input_shape)}:"
        f" {totals.params:,} parameters, {totals.macs:,} MACs,"
        f" {totals.elementwise_ops:,} element-wise operations an image;"
        f" {len(analysis.layers):,} layers and operations{shown}"
    )
    warnings = "".join(f"<p>⚠ {escape(warning)}</p>" for warning in analysis.warnings)
    head = "".join(f"<th {_LEFT if i < 4 else _RIGHT}>{name}</th>" for i, name in enumerate(_HEADS))
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return (
        f"<p>{title}</p>{warnings}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _fits(analysis: Analysis, level: str) -> bool:
    return len(analysis.rows(level)) <= _MOST_ROWS


def _cells(layer: LayerCost) -> str:
    seen = layer.receptive_field
    texts = (layer.path, layer.operation, _sizes(layer.input_shape), _sizes(layer.output_shape))
    field = "everything" if seen is None else _sizes(each_side(seen))
    numbers = [f"{n:,}" for n in (layer.params, layer.macs, layer.elementwise_ops)]
    return "".join(f"<td {_LEFT}>{escape(text)}</td>" for text in texts) + "".join(
        f"<td {_RIGHT}>{number}</td>" for number in (*numbers, field)
    )


def _sizes(shape: Shape) -> str:
    return "×".join(map(str, shape))
