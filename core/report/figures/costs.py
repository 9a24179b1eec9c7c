"""What each layer costs: its share of the MACs and of the parameters. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from core.analysis.records import KINDS, LayerCost
from core.report import formats
from core.report.figures.axes import finish_layer_rows
from core.report.figures.palette import KIND_COLORS
from core.report.sentences.findings import cost_finding


def cost_bars(
    rows: Sequence[LayerCost], as_flops: bool = False, marked: Collection[str] = ()
) -> go.Figure:
    """Share of each row in the MACs (to the left) and in the parameters (to the right).

    The names of those that are `marked` are bold, behind an arrow.
    """
    names = {row.path: f"<b>▶ {row.path}</b>" if row.path in marked else row.path for row in rows}
    unit, factor = ("FLOPs", 2) if as_flops else ("MACs", 1)
    total_macs = max(1, sum(row.macs for row in rows))
    total_params = max(1, sum(row.params for row in rows))
    figure = go.Figure()
    for kind in KINDS:
        of_kind = [row for row in rows if row.kind == kind]
        if not of_kind:
            continue
        for side, total in ((-1, total_macs), (1, total_params)):
            figure.add_bar(
                y=[names[row.path] for row in of_kind],
                x=[side * 100 * (row.macs if side < 0 else row.params) / total for row in of_kind],
                orientation="h",
                name=kind,
                legendgroup=kind,
                showlegend=side > 0,
                marker_color=KIND_COLORS[kind],
                customdata=[
                    (
                        formats.shape(row.input_shape),
                        formats.shape(row.output_shape),
                        factor * row.macs,
                        row.params,
                        100 * row.macs / total_macs,
                        100 * row.params / total_params,
                    )
                    for row in of_kind
                ],
                hovertemplate="<b>%{y}</b><br>%{customdata[0]} → %{customdata[1]}<br>"
                f"%{{customdata[2]:,}} {unit} (%{{customdata[4]:.1f}} %)<br>"
                "%{customdata[3]:,} parameters (%{customdata[5]:.1f} %)<extra></extra>",
            )
    finish_layer_rows(
        figure,
        list(names.values()),
        cost_finding(rows, unit),
        f"← share of the {unit} (%)      share of the parameters (%) →",
    )
    figure.update_xaxes(
        tickvals=list(range(-100, 101, 25)),
        ticktext=[str(abs(value)) for value in range(-100, 101, 25)],
        zeroline=True,
        rangemode="normal",
    )
    return figure
