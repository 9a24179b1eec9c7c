"""Gradients and variances through deep networks, layer by layer. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf, isfinite, log10

import plotly.graph_objects as go

from core.language import N_, _, comma
from core.measure.gradient_records import QUANTITIES, NetworkFlow, Spread
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.line_ends import (
    LineEnd,
    name_line_ends,
    names_width,
    on_narrow_pages,
)
from core.report.figures.palette import DIVERGING, LineStyle, translucent
from core.report.sentences.findings import gradient_finding
from core.report.sentences.gradients import label, short_labels

_AXES = {
    "weight_gradient": N_("gradient norm, weights"),
    "output_gradient": N_("gradient norm, output"),
    "variance": N_("variance of the output"),
}
_WIDTHS = (1.25, 2.25, 3.5)  # of a line, the deeper the network the thicker
_TOP, _FOOT, _PLOT = 92, 64, 330  # pixels above the axes, below them and between
_LEGEND_LINE = 20  # pixels
_WIDE = 900  # pixels, of a page that is: the names take a part of the axis
_MOST_TICKS = 6
_MOST_POWERS = 10  # of ten that the map tells apart, to either side of 1


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
            hovertemplate=_("<b>%{customdata[0]}</b>, layer %{x}")
            + f"<br>{label(flow)}<br>"
            + _("%{customdata[1]} (seeds: %{customdata[2]} to %{customdata[3]})")
            + "<extra></extra>",
        )
    last = max(len(flow.main_path) for flow in networks)
    powers = _powers(networks, quantity)
    height = _TOP + _PLOT + _FOOT + _LEGEND_LINE * len(networks)  # of a phone's legend
    figure.update_layout(
        title=gradient_finding(networks, quantity),
        xaxis=dict(title=_("weight layer, from the image"), tickvals=_whole_layers(last),
                   range=[0, last + 1], automargin=True),
        yaxis=_power_axis(_(_AXES[quantity]), powers),
        height=height,
        margin=dict(t=_TOP, b=48, l=8, r=8),
        legend=FOOT_LEGEND,
    )  # fmt: skip
    _name_starts(figure, networks, quantity, styles, powers, height - _TOP - _FOOT)
    return figure


def _name_starts(
    figure: go.Figure,
    networks: Sequence[NetworkFlow],
    quantity: str,
    styles: Sequence[LineStyle],
    powers: tuple[float, float],
    plot_height: float,
) -> None:
    """The name of each line left of layer 1, where lines that end together are far apart."""
    ends = []
    for flow, style, name in zip(networks, styles, short_labels(networks), strict=True):
        values = [getattr(layer, quantity).median for layer in flow.main_path]
        shown = [
            (layer.depth, log10(value))
            for layer, value in zip(flow.main_path, _positive(values), strict=True)
            if value is not None
        ]
        if shown:
            ends.append(LineEnd(name, *shown[0], style.color, style.marker))
    if not ends:
        return
    name_line_ends(figure, ends, powers, plot_height, at_start=True)
    low, high = figure.layout.xaxis.range
    share = names_width(ends) / _WIDE
    figure.update_xaxes(range=[low - (high - low) * share / (1 - share), high])
    on_narrow_pages(figure, xaxis=dict(range=[low, high]))


def _whole_layers(last: int) -> list[int]:
    """The first layer, the last one, and few between."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if last <= _MOST_TICKS * step)
    between = [layer for layer in range(step, last, step) if last - layer > step / 2]
    return [1, *(layer for layer in between if layer > 1), last] if last > 1 else [1]


def _powers(networks: Sequence[NetworkFlow], quantity: str) -> tuple[float, float]:
    """From the lowest to the highest power of ten that is drawn, with some room."""
    values = [
        log10(value)
        for flow in networks
        for value in _positive([x for la in flow.main_path for x in getattr(la, quantity)])
        if value is not None
    ] or [0.0]
    room = 0.04 * (max(values) - min(values)) or 0.5
    return min(values) - room, max(values) + room


def _line_widths(networks: Sequence[NetworkFlow]) -> list[float]:
    """Thin for the fewest layers, thicker for each next depth."""
    depths = [len(flow.main_path) for flow in networks]
    ranks = {depth: rank for rank, depth in enumerate(sorted(set(depths)))}
    return [_WIDTHS[min(ranks[depth], len(_WIDTHS) - 1)] for depth in depths]


def _power_axis(title: str, powers: tuple[float, float]) -> dict[str, object]:
    """Whole powers of ten."""
    low, high = powers
    return dict(title=title, type="log", range=[low, high], **_power_ticks(low, high))


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
    """A row for each network, a column for each layer; blue below 1, red above, white at 1.

    What is further from 1 than the scale reaches has the color of its end, also exactly 0.
    """
    columns = max(len(flow.main_path) for flow in networks)
    rows: list[list[float | None]] = []
    texts: list[list[str]] = []
    for flow in networks:
        values = [getattr(layer, quantity).median for layer in flow.main_path]
        missing = columns - len(values)
        rows.append([_power(value) for value in values] + [None] * missing)
        texts.append(
            [
                _("<b>{layer}</b>, layer {depth}", layer=layer.path, depth=layer.depth)
                + f"<br>{label(flow)}<br>{formats.scientific(value)}"
                for layer, value in zip(flow.main_path, values, strict=True)
            ]
            + [""] * missing
        )
    furthest = max((abs(power) for row in rows for power in row if power is not None), default=1.0)
    limit = max(1, ceil(min(_MOST_POWERS, furthest)))
    figure = go.Figure(
        go.Heatmap(
            z=[[_within(power, limit) for power in row] for row in rows],
            x=list(range(1, columns + 1)),
            y=[
                name.replace(comma(), f"{comma().rstrip()}<br>", 1)
                for name in short_labels(networks)
            ],
            zmin=-limit,
            zmax=limit,
            text=texts,
            hovertemplate="%{text}<extra></extra>",
            colorscale=[[place / 4, color] for place, color in enumerate(DIVERGING)],
            hoverongaps=False,
            ygap=2,
            colorbar=dict(
                orientation="h",
                y=0,
                yref="container",
                yanchor="bottom",
                thickness=12,
                **_scale_ticks(limit, furthest > limit),
            ),
        )
    )
    title = _(QUANTITIES[quantity])
    figure.update_layout(
        title=_(
            "{quantity}, layer by layer<br>blue: below 1, red: above, white: 1",
            quantity=f"{title[0].upper()}{title[1:]}",
        ),
        xaxis=dict(title=_("weight layer, from the image"), tickvals=_whole_layers(columns),
                   range=[0.5, columns + 0.5], showgrid=False, automargin=True),
        yaxis=dict(autorange="reversed", automargin=True, tickfont=dict(size=11), showgrid=False),
        height=230 + 44 * len(networks),
        margin=dict(t=80, b=120, l=8, r=16),
    )  # fmt: skip
    return figure


def _power(value: float) -> float | None:
    """Of ten; minus infinity for 0, None for what is no number."""
    if not isfinite(value):
        return None
    return log10(value) if value > 0 else -inf


def _within(power: float | None, limit: int) -> float | None:
    return None if power is None else max(-limit, min(limit, power))


def _scale_ticks(limit: int, is_cut: bool) -> dict[str, object]:
    """1 and both ends, which say where they stand for more."""
    low, high = _power_text(-limit), _power_text(limit)
    ends = (f"≤ {low}", f"≥ {high}") if is_cut else (low, high)
    return dict(tickvals=[-limit, 0, limit], ticktext=[ends[0], "1", ends[1]], tickangle=0)


def _power_ticks(low: float, high: float) -> dict[str, object]:
    """Few whole powers of ten, 1 among them."""
    step = max(1, ceil((high - low) / _MOST_TICKS))
    ticks = [tick for tick in range(ceil(low), int(high // 1) + 1) if tick % step == 0]
    return dict(tickvals=[10.0**tick for tick in ticks], ticktext=list(map(_power_text, ticks)))


def _power_text(tick: int) -> str:
    return f"10<sup>{tick}</sup>".replace("-", "−") if tick else "1"
