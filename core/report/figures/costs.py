"""What each layer costs: its share of the MACs and of the parameters. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from core.analysis.records import KINDS
from core.report import formats
from core.report.cost_rows import CostRow
from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.palette import KIND_COLORS
from core.report.sentences.findings import cost_finding

MOST_ROWS = 44
_ROWS_ROOM, _ROW = 640, 24  # pixels: of all rows, and of one at most
_NAME = 24  # characters of a row's name beside its bar; the whole one is told on hover
_BEYOND = 1.3  # room for the number at the end of the longest bar


def cost_bars(
    rows: Sequence[CostRow], as_flops: bool = False, marked: Collection[str] = ()
) -> go.Figure:
    """Share of each row in the MACs and, beside it, in the parameters: a panel each from zero on.

    The names of those that are `marked` are bold, behind an arrow.
    """
    unit, factor = ("FLOPs", 2) if as_flops else ("MACs", 1)
    totals = {
        "macs": max(1, sum(row.macs for row in rows)),
        "params": max(1, sum(row.params for row in rows)),
    }
    figure = go.Figure()
    for kind in KINDS:
        places = [place for place, row in enumerate(rows) if row.kind == kind]
        for axis, cost in (("x", "macs"), ("x2", "params")) if places else ():
            shares = [100 * getattr(rows[place], cost) / totals[cost] for place in places]
            figure.add_bar(
                y=places,
                x=shares,
                xaxis=axis,
                orientation="h",
                name=kind,
                legendgroup=kind,
                showlegend=axis == "x",
                marker_color=KIND_COLORS[kind],
                text=[_percent(share) for share in shares],
                textposition="outside",
                constraintext="none",
                cliponaxis=False,
                customdata=[_told(rows[place], factor, totals) for place in places],
                hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
                f"%{{customdata[2]:,}} {unit} (%{{customdata[4]:.1f}} %)<br>"
                "%{customdata[3]:,} parameters (%{customdata[5]:.1f} %)<extra></extra>",
            )
    longest = 100 * max(
        [getattr(row, cost) / totals[cost] for row in rows for cost in totals], default=1
    )
    _lay_out(figure, rows, marked, longest)
    figure.update_layout(
        title_text=cost_finding(rows, unit),
        xaxis_title=f"{unit} (%)",
        xaxis2_title="parameters (%)",
    )
    return figure


def _told(row: CostRow, factor: int, totals: dict[str, int]) -> tuple[object, ...]:
    """What is told on hover."""
    first, last = row.layers[0], row.layers[-1]
    shapes = f"{formats.shape(first.input_shape)} → {formats.shape(last.output_shape)}"
    if len(row.layers) > 1:
        shapes = f"{len(row.layers)} layers<br>{shapes}"
    return (
        row.path,
        shapes,
        factor * row.macs,
        row.params,
        100 * row.macs / totals["macs"],
        100 * row.params / totals["params"],
    )


def _percent(share: float) -> str:
    """The number at the end of a bar; none where there is no bar."""
    if not share:
        return ""
    return "< 0.1 %" if share < 0.05 else f"{share:.1f} %"


def _lay_out(
    figure: go.Figure, rows: Sequence[CostRow], marked: Collection[str], longest: float
) -> None:
    """Two panels of one scale, the first row at the top, the rows as high as there is room."""
    row_height = min(_ROW, _ROWS_ROOM / max(1, len(rows)))
    axis = dict(
        range=[0, longest * _BEYOND],
        rangemode="tozero",
        zeroline=True,
        nticks=4,
    )
    figure.update_layout(
        barmode="overlay",
        bargap=0.3,
        height=round(198 + row_height * len(rows)),
        title=dict(y=1, yref="container", yanchor="top", pad=dict(t=8)),
        margin=dict(t=86, b=96, l=8, r=8),
        legend=dict(**FOOT_LEGEND, x=0, traceorder="normal"),
        xaxis=dict(**axis, domain=[0, 0.46]),
        xaxis2=dict(**axis, domain=[0.54, 1], anchor="y"),
        yaxis=dict(
            range=[len(rows) - 0.4, -0.6],
            tickvals=list(range(len(rows))),
            ticktext=[_shown_name(row.path, row.path in marked) for row in rows],
            showgrid=False,
            zeroline=False,
            automargin=True,
        ),
    )


def _shown_name(path: str, is_marked: bool) -> str:
    """The end of a long path, which says more than its beginning: `…encoder_layer_0.mlp`."""
    name = path
    if len(path) > _NAME:
        end = path[1 - _NAME :]
        _, dot, tail = end.partition(".")
        name = f"…{tail if dot and len(tail) > _NAME // 2 else end}"
    return f"<b>▶ {name}</b>" if is_marked else name
