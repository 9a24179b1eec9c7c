"""Figures of gradient flow through deep networks, and of accuracy by depth. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10

import plotly.graph_objects as go

from core.measure.gradient_records import QUANTITIES, LayerFlow, NetworkFlow
from core.report import formats
from core.report.figures.charts import Styled, translucent
from core.report.sentences.gradients import first_and_last, gradient_outcome, label, number

AXES = {
    "weight_gradient": "gradient norm, weights",
    "output_gradient": "gradient norm, output",
    "variance": "variance of the output",
}
# At the lower edge of the picture, where it cannot meet the axis title however many rows it has
LEGEND = dict(orientation="h", yref="container", yanchor="bottom", y=0)
WIDTHS = (1.25, 2.25, 3.5)  # of a line, the deeper the network the thicker
SEQUENTIAL = "Cividis"  # made for color-blind readers (Nuñez et al. 2018)


def positive(values: Sequence[float]) -> list[float | None]:
    """What a log axis can show: nothing for 0."""
    return [value if isfinite(value) and value > 0 else None for value in values]


def flow_curves(
    networks: Sequence[NetworkFlow], quantity: str, looks: Sequence[Styled]
) -> go.Figure:
    """A line for each network along its depth, log axis, band from lowest to highest seed.

    Each is drawn as its look says, deeper networks with thicker lines.
    """
    figure = go.Figure()
    widths = line_widths(networks)
    for flow, look, width in zip(networks, looks, widths, strict=True):
        layers = flow.main_path
        depths = [layer.depth for layer in layers]
        spreads = [getattr(layer, quantity) for layer in layers]
        if flow.seeds > 1:
            add_band(figure, depths, spreads, look.color, label(flow))
        figure.add_scatter(
            x=depths,
            y=positive([one.median for one in spreads]),
            name=label(flow),
            legendgroup=label(flow),
            mode="lines+markers",
            line=dict(color=look.color, dash=look.dash, width=width),
            marker=dict(symbol=look.marker, size=7, maxdisplayed=8),
            customdata=[
                (layer.path, number(one.median), number(one.low), number(one.high))
                for layer, one in zip(layers, spreads, strict=True)
            ],
            hovertemplate=f"<b>%{{customdata[0]}}</b>, layer %{{x}}<br>{label(flow)}<br>"
            "%{customdata[1]} (seeds: %{customdata[2]} to %{customdata[3]})<extra></extra>",
        )
    figure.update_layout(
        title=finding(networks, quantity),
        xaxis=dict(title="weight layer, from the image", automargin=True),
        yaxis=log_axis(AXES[quantity]),
        height=400 + 28 * len(networks),  # a narrow page has a row of the legend for each
        margin=dict(t=92, b=48, l=8, r=8),
        legend=LEGEND,
    )
    return figure


def line_widths(networks: Sequence[NetworkFlow]) -> list[float]:
    """Thin for the fewest layers, thicker for each next depth."""
    depths = [len(flow.main_path) for flow in networks]
    ranks = {depth: rank for rank, depth in enumerate(sorted(set(depths)))}
    return [WIDTHS[min(ranks[depth], len(WIDTHS) - 1)] for depth in depths]


def log_axis(title: str) -> dict[str, object]:
    """Powers of ten."""
    return dict(title=title, type="log", exponentformat="power", dtick=None, nticks=9)


def add_band(
    figure: go.Figure, depths: Sequence[int], spreads: Sequence, color: str, group: str
) -> None:
    """The range of the seeds around a line."""
    for values, fill in (
        ([one.high for one in spreads], None),
        ([one.low for one in spreads], "tonexty"),
    ):
        figure.add_scatter(
            x=list(depths),
            y=positive(values),
            mode="lines",
            line=dict(width=0),
            fill=fill,
            fillcolor=translucent(color),
            legendgroup=group,
            showlegend=False,
            hoverinfo="skip",
        )


def finding(networks: Sequence[NetworkFlow], quantity: str) -> str:
    """The title: where the first layer's part is smallest and where it is largest."""
    title = f"{QUANTITIES[quantity]}, layer by layer"
    title = title[0].upper() + title[1:]
    found = [(flow, both) for flow in networks if (both := first_and_last(flow, quantity))]
    rated = [(flow, both.ratio) for flow, both in found if both.ratio is not None]
    if quantity == "variance" or not rated:
        return title
    flow, ratio = min(rated, key=lambda one: one[1])
    if gradient_outcome(ratio) != "vanishes":
        return f"{title}<br>it vanishes in none of these networks"
    share = "nothing" if ratio == 0 else f"{number(ratio)} of the last layer's"
    return f"{title}<br>{share} arrives at layer 1:<br>{label(flow)}"


def flow_map(networks: Sequence[NetworkFlow], quantity: str) -> go.Figure:
    """A row for each network, a column for each layer, logarithm of the quantity as color.

    Networks of different depth are stretched to the same width: from the image to the classes.
    """
    columns = max(len(flow.main_path) for flow in networks)
    rows, texts = [], []
    for flow in networks:
        layers = [stretched(flow.main_path, column, columns) for column in range(columns)]
        values = [getattr(layer, quantity).median for layer in layers]
        rows.append([log10(value) if value is not None else None for value in positive(values)])
        texts.append(
            [
                f"<b>{layer.path}</b>, layer {layer.depth}<br>{label(flow)}<br>{number(value)}"
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
            colorscale=SEQUENTIAL,
            hoverongaps=False,
            colorbar=dict(
                title=dict(text=AXES[quantity], side="top"),
                orientation="h",
                y=-1 / len(networks),  # the height of a row: below the axis
                yanchor="top",
                thickness=12,
                **power_ticks(shown),
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


def stretched(layers: Sequence[LayerFlow], column: int, columns: int) -> LayerFlow:
    """The layer that stands at a column of a wider row."""
    return layers[min(len(layers) - 1, column * len(layers) // columns)]


def power_ticks(exponents: Sequence[float]) -> dict[str, object]:
    """At most six whole powers of ten."""
    if not exponents:
        return {}
    low, high = int(min(exponents) // 1), int(-(-max(exponents) // 1))
    step = max(1, -(-(high - low) // 5))
    ticks = list(range(low, high + 1, step))
    return dict(tickvals=ticks, ticktext=[f"10<sup>{tick}</sup>" for tick in ticks])


# Stack layers ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class DepthLine:
    """Networks of one kind, the number of layers growing."""

    name: str
    look: Styled
    points: tuple[tuple[int, tuple[float, ...]], ...]  # depth, final accuracies of its seeds


def depth_chart(lines: Sequence[DepthLine], measure: str, title: str) -> go.Figure:
    """Final accuracy by depth: the mean of the seeds, whiskers from the lowest to the highest."""
    figure = go.Figure()
    for line in lines:
        means = [sum(values) / len(values) for _, values in line.points]
        figure.add_scatter(
            x=[depth for depth, _ in line.points],
            y=[100 * mean for mean in means],
            error_y=dict(
                type="data",
                symmetric=False,
                array=[
                    100 * (max(values) - mean)
                    for (_, values), mean in zip(line.points, means, strict=True)
                ],
                arrayminus=[
                    100 * (mean - min(values))
                    for (_, values), mean in zip(line.points, means, strict=True)
                ],
                thickness=1,
            ),
            name=line.name,
            mode="lines+markers",
            line=dict(color=line.look.color, dash=line.look.dash),
            marker=dict(symbol=line.look.marker, size=9),
            customdata=[
                (formats.percent(mean), len(values))
                for (_, values), mean in zip(line.points, means, strict=True)
            ],
            hovertemplate=f"<b>{line.name}</b>, %{{x}} layers<br>{measure} %{{customdata[0]}}"
            " (seeds: %{customdata[1]})<extra></extra>",
        )
    depths = sorted({depth for line in lines for depth, _ in line.points})
    figure.update_layout(
        title=title,
        xaxis=dict(title="weight layers", tickvals=depths, automargin=True),
        yaxis=dict(title=measure, ticksuffix=" %"),
        height=340 + 28 * len(lines),
        margin=dict(t=72, b=48, l=8, r=8),
        legend=LEGEND,
    )
    return figure
