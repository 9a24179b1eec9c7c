"""The layers of a network as tables: costs, formulas, DenseNet's growth. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pandas as pd

from core.analysis.records import Analysis, LayerCost
from core.explain.formulas import formulas
from core.explain.framework_rows import framework_rows, row_of
from core.explain.growth import GrowthStep
from core.report import formats
from core.report.tables.columns import model_columns


def layer_frame(
    analysis: Analysis, level: str = "module", batch_size: int = 1, layout: str = "NCHW"
) -> pd.DataFrame:
    """One row a layer (or block, or weight layer), each saying which network it belongs to.

    Shapes have N = `batch_size`; MACs, operations and bytes are per image.
    """
    network = model_columns(analysis.spec)
    rows, layers = [], analysis.rows(level)
    fields = formats.sides_column([row.receptive_field for row in layers])
    for row, seen in zip(layers, fields, strict=True):
        rows.append(
            network
            | {
                "layer": row.path,
                "block": row.block,
                "operation": row.operation,
                "kind": row.kind,
                "input_shape": formats.shape(row.input_shape, layout, batch_size),
                "output_shape": formats.shape(row.output_shape, layout, batch_size),
                "params": row.params,
                "macs": row.macs,
                "backward_macs": row.backward_macs,
                "flops": row.flops,
                "elementwise_ops": row.elementwise_ops,
                "output_bytes": row.output_bytes,
                "saved_bytes": row.saved_bytes,
                "fixed_saved_bytes": row.fixed_saved_bytes,
                "weight_bytes": row.weight_bytes,
                "receptive_field": seen,
                "depth": row.depth,
                "reads": " ".join(row.inputs),
                **_window_columns(row),
            }
        )
    return pd.DataFrame(rows)


def _window_columns(row: LayerCost) -> dict[str, Any]:
    """How the layer slides, as `3×3`; empty for one that does not, and for several in one row."""
    window = row.window
    names = ("kernel", "stride", "padding", "dilation")
    pairs = {name: "×".join(map(str, getattr(window, name))) if window else "" for name in names}
    return pairs | {"groups": window.groups if window else None}


def formula_frame(analysis: Analysis) -> pd.DataFrame:
    """One row a formula of each layer, its numbers filled in."""
    network = model_columns(analysis.spec)
    return pd.DataFrame(
        [
            network | {"layer": layer.path, "operation": layer.operation} | asdict(formula)
            for layer in analysis.layers
            for formula in formulas(layer, analysis.layers)
        ]
    )


def growth_frame(analysis: Analysis, steps: Iterable[GrowthStep]) -> pd.DataFrame:
    """One row a dense layer or transition of a DenseNet: channels, sides, costs an image."""
    network = model_columns(analysis.spec)
    rows = []
    for step in steps:
        values = asdict(step)
        del values["convolutions"]
        rows.append(network | {"step": values.pop("name")} | values)
    return pd.DataFrame(rows)


def framework_frame(analysis: Analysis) -> pd.DataFrame:
    """A row a module: in which row of each framework's print it is, and what that row is called.

    A printed row has the shape of its last module. Raises LabError as `framework_rows`.
    """
    network = model_columns(analysis.spec)
    rows = framework_rows(analysis)
    prints = {"pytorch": rows.pytorch, "mxnet": rows.mxnet, "keras": rows.keras}
    weight_rows = zip(analysis.rows("weight layer"), analysis.members("weight layer"), strict=True)
    weight_layer_of = {path: row.path for row, paths in weight_rows for path in paths}
    table = []
    for layer in analysis.layers:
        numbers = {name: row_of(printed, layer.path) for name, printed in prints.items()}
        table.append(
            network
            | {
                "layer": layer.path,
                "operation": layer.operation,
                "block": layer.block,
                "weight_layer": weight_layer_of[layer.path],
            }
            | {f"{name}_row": number for name, number in numbers.items()}
            | {f"{name}_name": prints[name][number - 1].name for name, number in numbers.items()}
            | {
                "output_shape": formats.shape(layer.output_shape),
                "output_shape_nhwc": formats.shape(layer.output_shape, "NHWC"),
            }
        )
    return pd.DataFrame(table)
