"""The Architecture page's Layers view: a table with a row a layer, and the totals under it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.analysis.records import Analysis, LayerCost
from core.explain.glossary import explained
from core.report import formats
from pages.views.app.asked import decisive
from pages.views.app.columns import share_column
from pages.views.architecture.display import Display
from pages.views.architecture.framework_rows import framework_rows_view


def layers_view(analysis: Analysis, display: Display, clicked_block: str | None) -> None:
    """The rows that the reader picked, or the layers of the block whose bar was clicked."""
    if display.in_frameworks:
        framework_rows_view(analysis)
        return
    layers: Sequence[LayerCost] = analysis.rows(display.level)
    if clicked_block and clicked_block != "image":
        layers = [layer for layer in analysis.layers if layer.block == clicked_block]
        st.caption(
            f"The layers of {clicked_block}; click beside the bars to see the whole network again."
        )
    layer_table(layers, analysis, display)
    totals = analysis.totals
    work = f"{totals.flops:,} FLOPs" if display.as_flops else f"{totals.macs:,} MACs"
    st.caption(
        f"{len(layers)} rows. The whole network: {totals.params:,} parameters, {work},"
        f" {totals.elementwise_ops:,} element-wise operations and"
        f" {formats.mebibytes(totals.output_bytes)} of outputs an image, of which"
        f" {formats.mebibytes(totals.saved_bytes)} are kept for the backward pass."
    )


def layer_table(layers: Sequence[LayerCost], analysis: Analysis, display: Display) -> None:
    """A row a layer, each with its share of the whole."""
    st.dataframe(
        _frame(layers, analysis, display),
        hide_index=True,
        height="content",
        column_config=_columns(display.unit),
        key="net_table",
    )


def _frame(layers: Sequence[LayerCost], analysis: Analysis, display: Display) -> pd.DataFrame:
    """The layers as a person reads them; the CSV has every column."""
    totals, unit = analysis.totals, display.unit
    marked = decisive(analysis, [layer.path for layer in layers])
    factor = 2 if display.as_flops else 1
    return pd.DataFrame(
        {
            "layer": [
                f"▶ {layer.path}" if layer.path in marked else layer.path for layer in layers
            ],
            "kind": [
                layer.kind if layer.operation == "block" else layer.operation for layer in layers
            ],
            "input": [formats.shape(layer.input_shape, display.layout) for layer in layers],
            "output": [formats.shape(layer.output_shape, display.layout) for layer in layers],
            "parameters": [layer.params for layer in layers],
            "of parameters": [100 * layer.params / max(1, totals.params) for layer in layers],
            unit: [factor * layer.macs for layer in layers],
            f"of {unit}": [100 * layer.macs / max(1, totals.macs) for layer in layers],
            "element-wise": [layer.elementwise_ops for layer in layers],
            f"backward {unit}": [factor * layer.backward_macs for layer in layers],
            "weights MiB": [layer.weight_bytes / 2**20 for layer in layers],
            "output MiB": [layer.output_bytes / 2**20 for layer in layers],
            "saved MiB": [layer.saved_bytes / 2**20 for layer in layers],
            "kernel": [_window_text(layer) for layer in layers],
            "sees px": formats.sides_column([layer.receptive_field for layer in layers]),
        }
    )


def _window_text(layer: LayerCost) -> str:
    """Kernel, stride and padding: `3×3 /2 +1`; nothing for a layer that does not slide."""
    if layer.window is None:
        return ""
    kernel, stride, padding = layer.window.kernel, layer.window.stride, layer.window.padding
    text = "×".join(map(str, kernel))
    text += f" /{stride[0]}" if max(stride) > 1 else ""
    return text + (f" +{padding[0]}" if max(padding) > 0 else "")


def _columns(unit: str) -> dict[str, ColumnConfig]:
    """How the table's columns look."""
    config = st.column_config
    return {
        "layer": config.TextColumn("layer", pinned=True, help="Path of the module in the network."),
        "parameters": config.NumberColumn(format="localized", help=explained("parameter")),
        "of parameters": share_column("Share of the network's parameters."),
        unit: config.NumberColumn(format="localized", help=explained(unit)),
        f"of {unit}": share_column(f"Share of the network's {unit}."),
        "element-wise": config.NumberColumn(
            format="localized",
            help=explained("element-wise operation"),
        ),
        f"backward {unit}": config.NumberColumn(
            format="localized",
            help=f"{unit} an image of the gradients: of the weights, and of the layer's input.",
        ),
        "weights MiB": config.NumberColumn(format="%.2f", help="Memory of the parameters."),
        "output MiB": config.NumberColumn(
            format="%.2f", help="Memory of the outputs of one image, float32."
        ),
        "saved MiB": config.NumberColumn(format="%.2f", help=explained("saved activations")),
        "kernel": config.TextColumn(
            help="Kernel, /stride where it is not 1, +padding where there is one."
        ),
        "sees px": config.NumberColumn(help=explained("receptive field")),
    }
