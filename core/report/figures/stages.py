"""What each stage of several networks costs, with the stages' names. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from core.analysis.records import Analysis, LayerCost
from core.language import _, comma
from core.report import formats
from core.report.figures.axes import set_title
from core.report.figures.palette import KIND_COLORS, ON_KIND, PAPER

_ROW = 58  # pixels of a network: its name, below it its bar
_NAME_ABOVE = 22  # pixels from the middle of the bar
_SMALLEST_NAME = 11  # pixels of a letter; a name that would have to be smaller is left to the hover


def stage_bars(
    networks: Sequence[tuple[str, Analysis]],
    field: str,
    title: str,
    unit: str,
    as_share: bool = False,
) -> go.Figure:
    """What each network's blocks cost, stacked from the image to the classes, by kind of layer.

    `field` is the cost's in a layer; with `as_share` all bars are equally long, in %. A stage's
    name stands in its piece where it fits.
    """
    figure = go.Figure()
    seen: set[str] = set()
    for label, analysis in networks:
        total = sum(getattr(block, field) for block in analysis.rows("block")) or 1
        for block in analysis.rows("block"):
            if value := getattr(block, field):
                share = 100 * value / total
                figure.add_bar(
                    **_piece(label, block, share if as_share else value),
                    showlegend=block.kind not in seen,
                    hovertemplate=comma().join((f"<b>{escape(label)}</b>", escape(block.path)))
                    + "<br>"
                    + comma().join((_amount(value, unit), f"{share:.1f} %"))
                    + "<extra></extra>",
                )
                seen.add(block.kind)
        figure.add_annotation(
            x=0,
            xref="paper",
            y=label,
            yshift=_NAME_ABOVE,
            xanchor="left",
            showarrow=False,
            text=_("{name}: {amount}", name=escape(label), amount=_amount(total, unit)),
        )
    _finish(figure, [label for label, __ in networks], title, as_share)
    return figure


def _piece(label: str, block: LayerCost, length: float) -> dict[str, object]:
    """A stage's part of its network's bar."""
    return dict(
        y=[label],
        x=[length],
        orientation="h",
        width=0.42,
        name=_(block.kind),
        legendgroup=block.kind,
        marker=dict(color=KIND_COLORS[block.kind], line=dict(width=1, color=PAPER)),
        text=[escape(block.path)],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont=dict(color=ON_KIND[block.kind], size=12),
    )


def _finish(figure: go.Figure, labels: Sequence[str], title: str, as_share: bool) -> None:
    figure.update_layout(
        barmode="stack",
        uniformtext=dict(minsize=_SMALLEST_NAME, mode="hide"),
        height=132 + _ROW * len(labels),
        margin=dict(t=44, b=88, l=8, r=12),
        xaxis=dict(
            title=_("% of the network's {quantity}", quantity=title) if as_share else title,
            tickformat=None if as_share else "~s",
            nticks=6,
            rangemode="tozero",
        ),
        yaxis=dict(
            showticklabels=False,
            showgrid=False,
            categoryarray=list(labels),
            range=[len(labels) - 0.5, -0.72],  # room for the first name
        ),
        legend=dict(orientation="h", yref="container", y=0, yanchor="bottom", x=0),
    )
    quantity = f"{title[0].upper()}{title[1:]}"
    set_title(figure, _("{quantity}, stage by stage", quantity=quantity))


def _amount(value: float, unit: str) -> str:
    """`7.55 G MACs`, `46.1 MiB`."""
    return formats.mebibytes(value) if unit == "bytes" else formats.short(value, unit)
