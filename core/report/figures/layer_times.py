"""Where a step's measured time goes, layer by layer, beside the work. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go

from core.language import _
from core.measure.layer_shares import TimedRow
from core.report.figures.axes import with_share
from core.report.figures.layer_rows import THICK, lay_out_rows
from core.report.figures.palette import ORANGE, TINTS
from core.report.layer_groups import grouped
from core.report.sentences.findings import layer_time_finding


def layer_time_bars(rows: Sequence[TimedRow]) -> go.Figure:
    """Share of each row in the time (bars: forward and backward) and in the MACs (diamonds)."""
    figure = go.Figure()
    drawn = [_together(path, members) for path, members in grouped(rows)]
    total = sum(row.forward_seconds + row.backward_seconds for row in drawn) or 1.0
    paths = [row.path for row in drawn]
    places = list(range(len(drawn)))
    for name, field, color in (
        (_("forward"), "forward_seconds", TINTS[0]),
        (_("backward"), "backward_seconds", TINTS[2]),
    ):
        seconds = [getattr(row, field) for row in drawn]
        figure.add_bar(
            y=places,
            x=[100 * value / total for value in seconds],
            orientation="h",
            name=_("time, {direction}", direction=name),
            marker_color=color,
            width=THICK,
            customdata=[(path, 1000 * value) for path, value in zip(paths, seconds, strict=True)],
            hovertemplate="<b>%{customdata[0]}</b><br>"
            + with_share(f"{name} %{{customdata[1]:.3~g}} ms", "%{x:.1f} %")
            + "<extra></extra>",
        )
    figure.add_scatter(
        y=places,
        x=[100 * row.macs_share for row in drawn],
        mode="markers",
        name=_("multiply-adds"),
        marker=dict(symbol="diamond", size=10, color=ORANGE),
        customdata=paths,
        hovertemplate="<b>%{customdata}</b><br>"
        + _("%{x:.1f} % of the multiply-adds")
        + "<extra></extra>",
    )
    lay_out_rows(figure, layer_time_finding(drawn), paths)
    figure.update_layout(
        barmode="stack",
        xaxis=dict(
            title=_("share of time and multiply-adds (%)"), rangemode="tozero", zeroline=True
        ),
    )
    return figure


def _together(path: str, rows: Sequence[TimedRow]) -> TimedRow:
    """Rows that follow each other as one."""
    if len(rows) == 1:
        return rows[0]
    return replace(
        rows[0],
        path=path,
        forward_seconds=sum(row.forward_seconds for row in rows),
        backward_seconds=sum(row.backward_seconds for row in rows),
        time_share=sum(row.time_share for row in rows),
        macs_share=sum(row.macs_share for row in rows),
        flops_per_second=None,
        attainable_share=None,
    )
