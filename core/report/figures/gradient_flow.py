"""Gradients and variances through deep networks, layer by layer. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log10

import plotly.graph_objects as go

from core.measure.gradient_records import QUANTITIES, LayerFlow, NetworkFlow, Spread
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.palette import LineStyle, translucent
from core.report.sentences.findings import gradient_finding
from core.report.sentences.gradients import label

_AXES = {
    "weight_gradient": "gradient norm, weights",
    "output_gradient": "gradient norm, output",
    "variance": "variance of the output",
}
_WIDTHS = (1.25, 2.25, 3.5)  # of a line, the deeper the network the thicker
_SEQUENTIAL = "Cividis"  # made for color-blind readers (Nuñez et al. 2018)


def _positive(values: Sequence[float]) -> list[float | None]:
    """What a log axis can show: nothing for 0."""
    return [value if isfinite(value) and value > 0 else None for value in values]


def flow_curves(
    networks: Sequence[NetworkFlow], quantity: str, styles: Sequence[LineStyle]
) -> go.Figure:
    """A line for each network along its depth, log axis, band from lowest to highest seed.

    Each is drawn in its style, deeper networks with thicker lines.
    """
    figure = go.Figure()
    widths = _line_widths(networks)
    for flow, style, width in zip(networks, styles, widths, strict=True):
        layers = flow.main_path
        depths = [layer.depth for layer in layers]
        spreads = [getattr(layer, quantity) for layer in layers]
        if flow.seeds > 1:
            _add_band(figure, depths, spreads, style.color, label(flow))
        figure.add_scatter(
            x=depths,
            y=_positive([spread.median for spread in spreads]),
            name=label(flow),
            legendgroup=label(flow),
            mode="lines+markers",
            line=dict(color=style.color, dash=style.dash, width=width),
            marker=dict(symbol=style.marker, size=7, maxdisplayed=8),
            customdata=[
                (layer.path, *map(formats.scientific, (spread.median, spread.low, spread.high)))
                for layer, spread in zip(layers, spreads, strict=True)
            ],
            hovertemplate=f"<b>%{{customdata[0]}}</b>, layer %{{x}}<br>{label(flow)}<br>"
            "%{customdata[1]} (seeds: %{customdata[2]} to %{customdata[3]})<extra></extra>",
        )
    figure.update_layout(
        title=gradient_finding(networks, quantity),
        xaxis=dict(title="weight layer, from the image", automargin=True),
        yaxis=_power_axis(_AXES[quantity]),
        height=400 + 28 * len(networks),  # a narrow page has a row of the legend for each
        margin=dict(t=92, b=48, l=8, r=8),
        legend=FOOT_LEGEND,
    )
    return figure


def _line_widths(networks: Sequence[NetworkFlow]) -> list[float]:
    """Thin for the fewest layers, thicker for each next depth."""
    depths = [len(flow.main_path) for flow in networks]
    ranks = {depth: rank for rank, depth in enumerate(sorted(set(depths)))}
    return [_WIDTHS[min(ranks[depth], len(_WIDTHS) - 1)] for depth in depths]


def _power_axis(title: str) -> dict[str, object]:
    """Powers of ten."""
    return dict(title=title, type="log", exponentformat="power", dtick=None, nticks=9)


def _add_band(
    figure: go.Figure, depths: Sequence[int], spreads: Sequence[Spread], color: str, group: str
) -> None:
    """The range of the seeds around a line."""
    for values, fill in (
        ([spread.high for spread in spreads], None),
        ([spread.low for spread in spreads], "tonexty"),
    ):
        figure.add_scatter(
            x=list(depths),
            y=_positive(values),
            mode="lines",
            line=dict(width=0),
            fill=fill,
            fillcolor=translucent(color),
            legendgroup=group,
            showlegend=False,
            hoverinfo="skip",
        )


def flow_map(networks: Sequence[NetworkFlow], quantity: str) -> go.Figure:
    """A row for each network, a column for each layer, logarithm of the quantity as color.

    Networks of different depth are stretched to the same width: from the image to the classes.
    """
    columns = max(len(flow.main_path) for flow in networks)
    rows, texts = [], []
    for flow in networks:
        layers = [_stretched(flow.main_path, column, columns) for column in range(columns)]
        values = [getattr(layer, quantity).median for layer in layers]
        rows.append([log10(value) if value is not None else None for value in _positive(values)])
        texts.append(
            [
                f"<b>{layer.path}</b>, layer {layer.depth}<br>{label(flow)}<br>"
                f"{formats.scientific(value)}"
                for layer, value in zip(layers, values, strict=True)
            ]
        )
    names = [label(flow).replace(", ", ",<br>", 1) for flow in networks]
    shown = [value for row in rows for value in row if value is not None]
    figure = go.Figure(
        go.Heatmap(
            z=rows,
            x=[100 * column / max(1, columns - 1) for column in range(columns)],
            y=names,
            text=texts,
            hovertemplate="%{text}<extra></extra>",
            colorscale=_SEQUENTIAL,
            hoverongaps=False,
            colorbar=dict(
                title=dict(text=_AXES[quantity], side="top"),
                orientation="h",
                y=-1 / len(networks),  # the height of a row: below the axis
                yanchor="top",
                thickness=12,
                **_power_ticks(shown),
            ),
        )
    )
    title = f"{QUANTITIES[quantity]},<br>from the image to the classes"
    figure.update_layout(
        title=f"{title[0].upper()}{title[1:]}<br>dark: small, empty: exactly 0",
        xaxis=dict(
            tickvals=[0, 50, 100],
            ticktext=["0 %", "50 %", "100 %"],
            tickangle=0,
            showgrid=False,
            automargin=True,
        ),
        yaxis=dict(autorange="reversed", automargin=True, tickfont=dict(size=11)),
        height=220 + 44 * len(networks),
        margin=dict(t=100, b=8, l=8, r=32),  # room for half of "100 %"
    )
    return figure


def _stretched(layers: Sequence[LayerFlow], column: int, columns: int) -> LayerFlow:
    """The layer that stands at a column of a wider row."""
    return layers[min(len(layers) - 1, column * len(layers) // columns)]


def _power_ticks(exponents: Sequence[float]) -> dict[str, object]:
    """At most six whole powers of ten."""
    if not exponents:
        return {}
    low, high = int(min(exponents) // 1), int(-(-max(exponents) // 1))
    step = max(1, -(-(high - low) // 5))
    ticks = list(range(low, high + 1, step))
    return dict(tickvals=ticks, ticktext=[f"10<sup>{tick}</sup>" for tick in ticks])
