"""What each layer costs: its share of the MACs and of the parameters. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from core.analysis.records import KINDS
from core.language import _, ngettext
from core.report import formats
from core.report.cost_rows import CostRow
from core.report.figures.axes import with_share
from core.report.figures.layer_rows import (
    PANEL,
    from_zero,
    lay_out_rows,
    make_room_on_narrow_pages,
    number_at_end,
)
from core.report.figures.palette import KIND_COLORS
from core.report.sentences.findings import cost_finding


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
                name=_(kind),
                legendgroup=kind,
                showlegend=axis == "x",
                marker_color=KIND_COLORS[kind],
                **number_at_end([_percent(share) for share in shares]),
                customdata=[_told(rows[place], factor, totals) for place in places],
                hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
                + with_share(f"%{{customdata[2]:,}} {unit}", "%{customdata[4]:.1f} %")
                + "<br>"
                + with_share(_("%{customdata[3]:,} parameters"), "%{customdata[5]:.1f} %")
                + "<extra></extra>",
            )
    shares = [getattr(row, cost) / totals[cost] for row in rows for cost in totals]
    longest = 100 * max(shares, default=1)
    lay_out_rows(figure, cost_finding(rows, unit), [row.path for row in rows], marked)
    figure.update_layout(
        barmode="overlay",
        xaxis=from_zero(longest, domain=[0, PANEL], title=_("{measure} (%)", measure=unit)),
        xaxis2=from_zero(longest, domain=[1 - PANEL, 1], title=_("parameters (%)"), anchor="y"),
    )
    numbers = [_percent(100 * share) for share in shares]
    make_room_on_narrow_pages(figure, longest, numbers, ("xaxis", "xaxis2"))
    return figure


def _told(row: CostRow, factor: int, totals: dict[str, int]) -> tuple[object, ...]:
    """What is told on hover."""
    first, last = row.layers[0], row.layers[-1]
    shapes = f"{formats.shape(first.input_shape)} → {formats.shape(last.output_shape)}"
    if len(row.layers) > 1:
        layers = ngettext("{number:,} layer", "{number:,} layers", len(row.layers))
        shapes = f"{layers}<br>{shapes}"
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
