"""Records to Plotly figures. Imports no torch.

One palette everywhere (Okabe & Ito 2008, safe for color-blind readers): one color for each kind
of layer, one for each curve. Line style or marker repeats what the color says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from math import log2, log10
from typing import Protocol

import plotly.graph_objects as go

from core.analysis.records import KINDS, Analysis, LayerCost
from core.report import formats
from core.training.records import EpochMetrics

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GRAY, YELLOW = "#56B4E9", "#CC79A7", "#8C8C8C", "#B8A800"

KIND_COLORS = {
    "convolution": BLUE,
    "linear": VERMILLION,
    "pooling": ORANGE,
    "normalisation": GREEN,
    "activation": PURPLE,
    "join": SKY,
    "other": GRAY,
}
CURVE_COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, YELLOW, GRAY)
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon")
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Curve:
    """One line of a chart of epochs: a run, or several seeds of one variant."""

    label: str
    color: str
    marker: str
    runs: tuple[Sequence[EpochMetrics], ...]  # one for each seed
    dash: str = "solid"
    best_epoch: int | None = None


class Styled(Protocol):
    """Anything that says how its line is drawn."""

    @property
    def color(self) -> str: ...
    @property
    def marker(self) -> str: ...
    @property
    def dash(self) -> str: ...


def styles(count: int) -> list[tuple[str, str]]:
    """`count` pairs of color and marker, each pair once before any comes again."""
    pairs = ((CURVE_COLORS[i % 8], MARKERS[(i + i // 8) % 8]) for i in range(64))
    return list(islice(cycle(pairs), count))


LABEL_WIDTH = 1.6  # room for the shape over a thin bar, in the units of `bar_width`

# Networks ------------------------------------------------------------------------------------


def shape_flow(analysis: Analysis) -> go.Figure:
    """The network from left to right: a bar a block, its height the pixels a side, its width the
    channels. Linear layers are thin and carry their number of units.
    """
    image = analysis.layers[0].input_shape
    blocks = analysis.rows("block")
    bars = [("image", image, "other"), *((b.path, b.output_shape, b.kind) for b in blocks)]
    widths = [bar_width(shape) for _, shape, _ in bars]
    heights = [bar_height(shape, image[-1]) for _, shape, _ in bars]
    centers, edge = [], 0.0
    for width in widths:
        centers.append(edge + width / 2)
        edge += max(width, LABEL_WIDTH) + 0.4
    figure = go.Figure(
        go.Bar(
            x=centers,
            y=heights,
            base=[-height / 2 for height in heights],
            width=widths,
            marker=dict(color=[KIND_COLORS[kind] for *_, kind in bars], line=dict(width=0)),
            text=[short_shape(shape) for _, shape, _ in bars],
            textposition="outside",
            textangle=0 if len(bars) <= 9 else -60,
            constraintext="none",
            cliponaxis=False,
            customdata=[
                (name, formats.shape(shape), detail)
                for (name, shape, _), detail in zip(bars, block_details(blocks), strict=True)
            ],
            hovertemplate="<b>%{customdata[0]}</b><br>output %{customdata[1]}<br>"
            "%{customdata[2]}<extra></extra>",
        )
    )
    figure.update_layout(
        title="From image to classes<br>height: pixels a side, width: channels",
        xaxis=dict(
            tickvals=centers,
            ticktext=[name for name, *_ in bars],
            range=[-1.0, edge + 0.4],
            showgrid=False,
            zeroline=False,
        ),
        yaxis=dict(
            visible=False,
            range=[-0.52 * max(heights), (0.72 if len(bars) > 9 else 0.6) * max(heights)],
        ),
        height=360,
        margin=dict(t=64, b=40, l=8, r=8),
        bargap=0,
        showlegend=False,
    )
    return figure


def bar_width(shape: Sequence[int]) -> float:
    """Wider for more channels, on a log scale; linear layers and tokens are thin."""
    return 0.4 + 0.3 * log2(channels_and_side(shape)[0] + 1) if len(shape) == 4 else 0.3


def bar_height(shape: Sequence[int], image_size: int) -> float:
    """Pixels a side, never so low that it cannot be seen; a fixed height for linear layers."""
    if len(shape) != 4:
        return 0.45 * image_size
    return max(channels_and_side(shape)[1], 0.03 * image_size)


def channels_and_side(shape: Sequence[int]) -> tuple[int, int]:
    """Of a square map (N, C, S, S), or (N, S, S, C) as transformers over windows have them."""
    is_last = shape[1] == shape[2] != shape[3]
    return (shape[3], shape[1]) if is_last else (shape[1], shape[2])


def short_shape(shape: Sequence[int]) -> str:
    """`64×112²` of a map, `197×768` of tokens, units of a linear layer: short."""
    if len(shape) == 4:
        channels, side = channels_and_side(shape)
        return f"{channels}×{side}²"
    return "×".join(map(str, shape[1:]))


def block_details(blocks: Sequence[LayerCost]) -> list[str]:
    """What the hover says of the image, and of each block."""
    return [
        "the input",
        *(
            f"{block.params:,} parameters<br>{block.macs:,} MACs<br>"
            f"{formats.mebibytes(block.output_bytes)} of outputs an image"
            for block in blocks
        ),
    ]


class Row(Protocol):
    """Anything that stands for a layer or a block."""

    @property
    def path(self) -> str: ...


def cost_bars(rows: Sequence[LayerCost], as_flops: bool = False) -> go.Figure:
    """Share of each row in the MACs (to the left) and in the parameters (to the right)."""
    unit, factor = ("FLOPs", 2) if as_flops else ("MACs", 1)
    total_macs = max(1, sum(row.macs for row in rows))
    total_params = max(1, sum(row.params for row in rows))
    figure = go.Figure()
    for kind in KINDS:
        chosen = [row for row in rows if row.kind == kind]
        if not chosen:
            continue
        for side, total in ((-1, total_macs), (1, total_params)):
            figure.add_bar(
                y=[row.path for row in chosen],
                x=[side * 100 * (row.macs if side < 0 else row.params) / total for row in chosen],
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
                    for row in chosen
                ],
                hovertemplate="<b>%{y}</b><br>%{customdata[0]} → %{customdata[1]}<br>"
                f"%{{customdata[2]:,}} {unit} (%{{customdata[4]:.1f}} %)<br>"
                "%{customdata[3]:,} parameters (%{customdata[5]:.1f} %)<extra></extra>",
            )
    finish_rows(
        figure,
        rows,
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


def finish_rows(figure: go.Figure, rows: Sequence[Row], title: str, x_title: str) -> None:
    """Title, axes and legend of horizontal bars, one row a layer, the first at the top."""
    paths = [row.path for row in rows]
    figure.update_layout(
        title=title,
        barmode="relative",  # stacks, to the left where values are negative
        height=150 + 24 * len(rows),
        margin=dict(t=64, b=86, l=8, r=8),
        legend=dict(
            orientation="h", yref="container", y=0, yanchor="bottom", x=0, traceorder="normal"
        ),
        xaxis=dict(title=x_title, rangemode="tozero"),
        yaxis=dict(
            autorange="reversed",
            categoryorder="array",
            categoryarray=paths,
            tickmode="linear",
            automargin=True,
        ),
    )


def cost_finding(rows: Sequence[LayerCost], unit: str) -> str:
    """The title: where most of both sits."""
    macs, params = sum(row.macs for row in rows), sum(row.params for row in rows)
    if not macs or not params:
        return f"{unit} and parameters by layer"
    busy = max(rows, key=lambda row: row.macs)
    big = max(rows, key=lambda row: row.params)
    return (
        f"{busy.path} does {100 * busy.macs / macs:.1f} % of the {unit},<br>"
        f"{big.path} holds {100 * big.params / params:.1f} % of the parameters"
    )


# Curves --------------------------------------------------------------------------------------


def accuracy_chart(curves: Sequence[Curve], train: bool = False, title: str = "") -> go.Figure:
    """Test accuracy over epochs, solid; with `train` the training accuracy too, dashed.

    A curve of several seeds is their mean, with a band from the lowest to the highest.
    """
    figure = go.Figure()
    for curve in curves:
        if train:
            add_curve(figure, curve, "train_accuracy", "train", 100.0, dash="dash")
        add_curve(figure, curve, "test_accuracy", "test" if train else curve.label, 100.0)
        mark_best(figure, curve)
    finish_epochs(figure, title or "Test accuracy by epoch", "accuracy (%)", curves)
    return figure


LOSS_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


def loss_chart(curves: Sequence[Curve], title: str = "") -> go.Figure:
    """Loss over epochs on a log axis: training dashed, test solid."""
    figure = go.Figure()
    for curve in curves:
        add_curve(figure, curve, "train_loss", "train", dash="dash")
        add_curve(figure, curve, "test_loss", "test")
    finish_epochs(figure, title or "Loss by epoch", "cross-entropy (nats, log)", curves)
    figure.update_yaxes(type="log", tickvals=LOSS_TICKS, ticktext=list(map(str, LOSS_TICKS)))
    return figure


SPREAD = " (mean of {count} seeds)<br>%{{customdata[0]:.4~g}} to %{{customdata[1]:.4~g}}"


def mean_by_epoch(curve: Curve, field: str) -> tuple[list[int], list[list[float]]]:
    """The epochs that every seed has finished, and each epoch's values over the seeds."""
    length = min((len(run) for run in curve.runs), default=0)
    values = [[getattr(run[index], field) for run in curve.runs] for index in range(length)]
    return list(range(1, length + 1)), values


def add_curve(
    figure: go.Figure,
    curve: Curve,
    field: str,
    name: str,
    factor: float = 1.0,
    dash: str | None = None,
) -> None:
    """One line and its band; `name` is what the legend calls it."""
    epochs, values = mean_by_epoch(curve, field)
    if not epochs:
        return
    means = [factor * sum(seeds) / len(seeds) for seeds in values]
    lows = [factor * min(seeds) for seeds in values]
    highs = [factor * max(seeds) for seeds in values]
    count = len(curve.runs)
    quantity = field.replace("_", " ")
    if count > 1 and dash is None:
        figure.add_scatter(
            x=[*epochs, *reversed(epochs)],
            y=[*highs, *reversed(lows)],
            mode="lines",
            fill="toself",
            fillcolor=translucent(curve.color),
            line=dict(width=0),
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scatter(
        x=epochs,
        y=means,
        name=name,
        mode="lines+markers" if dash is None or len(epochs) == 1 else "lines",  # a point is no line
        line=dict(color=curve.color, dash=dash or curve.dash, width=2 if dash is None else 1.5),
        marker=dict(symbol=curve.marker, size=7),
        showlegend=True,
        customdata=[(low, high) for low, high in zip(lows, highs, strict=True)],
        hovertemplate=f"<b>{curve.label}</b>, epoch %{{x}}<br>{quantity} %{{y:.4~g}}"
        + (SPREAD.format(count=count) if count > 1 else "")
        + "<extra></extra>",
    )


def mark_best(figure: go.Figure, curve: Curve) -> None:
    """A star and a word at the best epoch of a single run."""
    if curve.best_epoch is None or len(curve.runs) != 1:
        return
    best = next((m for m in curve.runs[0] if m.epoch == curve.best_epoch), None)
    if best is None:
        return
    figure.add_scatter(
        x=[best.epoch],
        y=[100 * best.test_accuracy],
        mode="markers+text",
        marker=dict(symbol="star", size=16, color=curve.color, line=dict(width=1, color="white")),
        text=[f"best {100 * best.test_accuracy:.2f} %"],
        textposition="bottom center",
        showlegend=False,
        hovertemplate=f"best epoch {best.epoch}<extra></extra>",
    )


def finish_epochs(figure: go.Figure, title: str, y_title: str, curves: Sequence[Curve]) -> None:
    """Title, axes and either labels on the lines or a legend."""
    longest = max((len(run) for curve in curves for run in curve.runs), default=1)
    figure.update_layout(
        title=title,
        xaxis=dict(title="epoch", dtick=max(1, longest // 10), range=[0.8, longest + 0.2]),
        yaxis=dict(title=y_title),
        height=380,
        margin=dict(t=56, b=48, l=8, r=8),
        hovermode="closest",
        legend=dict(orientation="h", yanchor="top", y=-0.2),
    )


def translucent(color: str) -> str:
    """`#0072B2` as a quarter-opaque rgba."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"


def published_chart(rows: Sequence[tuple[str, Sequence[float], Styled]], title: str) -> go.Figure:
    """Published accuracies by epoch as thin lines: (label, fractions, its style)."""
    figure = go.Figure()
    for label, accuracies, style in rows:
        figure.add_scatter(
            x=list(range(1, len(accuracies) + 1)),
            y=[100 * value for value in accuracies],
            name=label,
            mode="lines+markers",
            line=dict(color=style.color, width=1, dash=style.dash),
            marker=dict(symbol=style.marker, size=5),
            hovertemplate=f"<b>{label}</b>, published<br>epoch %{{x}}: %{{y:.2f}} %<extra></extra>",
        )
    finish_epochs(figure, title, "accuracy (%)", [])
    figure.update_xaxes(dtick=1, range=[0.8, max(len(values) for _, values, _ in rows) + 0.2])
    return figure


# Several networks ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One network over a slider's range: what it is called, where, how much."""

    label: str
    color: str
    marker: str
    x: Sequence[float]
    y: Sequence[float]


def cost_scatter(
    points: Sequence[tuple[str, str, str, Analysis, int]], as_flops: bool = False
) -> go.Figure:
    """MACs against parameters, bubble by training memory: (label, color, marker, it, bytes).

    The dashed line is the Pareto front: no other network has both fewer MACs and fewer parameters.
    """
    unit, factor = ("FLOPs", 2) if as_flops else ("MACs", 1)
    figure = go.Figure()
    places = [(a.totals.params, factor * a.totals.macs) for *_, a, _ in points]
    front = sorted(place for place in places if not any(dominates(o, place) for o in places))
    figure.add_scatter(
        x=[params for params, _ in front],
        y=[macs for _, macs in front],
        mode="lines",
        line=dict(color=GRAY, dash="dash", width=1),
        hoverinfo="skip",
        showlegend=False,
    )
    largest = max((memory for *_, memory in points), default=1)
    for (label, color, marker, _, memory), (params, macs) in zip(points, places, strict=True):
        figure.add_scatter(
            x=[params],
            y=[macs],
            mode="markers+text",
            marker=dict(
                color=color, symbol=marker, size=14 + 34 * (memory / largest) ** 0.5, opacity=0.75
            ),
            text=[label],
            textposition=label_position(params, [x for x, _ in places]),
            cliponaxis=False,
            hovertemplate=f"<b>{label}</b><br>{params:,} parameters<br>{macs:,} {unit}<br>"
            f"{formats.mebibytes(memory)} to train a batch<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        title=f"{unit} against parameters<br>bubble: training memory; dashed: Pareto front",
        xaxis=dict(title="parameters (log)", type="log", **decades(p for p, _ in places)),
        yaxis=dict(title=f"{unit} an image (log)", type="log", **decades(m for _, m in places)),
        height=460,
        margin=dict(t=72, b=48, l=8, r=8),
    )
    return figure


@dataclass(frozen=True)
class Reached:
    """What the runs of one network on one data set have reached."""

    label: str
    color: str
    marker: str
    macs: int  # an image
    accuracies: tuple[float, ...]  # best test accuracy of each run, as a fraction

    @property
    def mean(self) -> float:
        """Over the runs."""
        return sum(self.accuracies) / len(self.accuracies)


def accuracy_scatter(points: Sequence[Reached], dataset: str) -> go.Figure:
    """Accuracy against MACs: the mean over the runs, a bar from the lowest to the highest.

    The dashed line is the Pareto front: no other network is as accurate with fewer MACs.
    """
    figure = go.Figure()
    front = sorted(
        (one.macs, one.mean)
        for one in points
        if not any(dominates((o.macs, -o.mean), (one.macs, -one.mean)) for o in points)
    )
    figure.add_scatter(
        x=[macs for macs, _ in front],
        y=[100 * mean for _, mean in front],
        mode="lines",
        line=dict(color=GRAY, dash="dash", width=1),
        hoverinfo="skip",
        showlegend=False,
    )
    for one in points:
        low, high = min(one.accuracies), max(one.accuracies)
        figure.add_scatter(
            x=[one.macs],
            y=[100 * one.mean],
            error_y=dict(
                type="data",
                symmetric=False,
                array=[100 * (high - one.mean)],
                arrayminus=[100 * (one.mean - low)],
            ),
            mode="markers+text",
            marker=dict(color=one.color, symbol=one.marker, size=13),
            text=[one.label],
            textposition=label_position(one.macs, [other.macs for other in points]),
            cliponaxis=False,
            hovertemplate=f"<b>{one.label}</b><br>{one.macs:,} MACs an image<br>"
            f"{100 * one.mean:.2f} % ({runs_text(one)})<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        title=f"Accuracy on {dataset} against MACs<br>mean and range of the runs; dashed: Pareto"
        " front",
        xaxis=dict(title="MACs an image (log)", type="log", **decades(p.macs for p in points)),
        yaxis=dict(title="best test accuracy (%)"),
        height=460,
        margin=dict(t=72, b=48, l=8, r=8),
    )
    return figure


def runs_text(one: Reached) -> str:
    """How many runs the mean is of, and how far they lie apart."""
    if len(one.accuracies) == 1:
        return "1 run"
    low, high = (100 * bound(one.accuracies) for bound in (min, max))
    return f"{len(one.accuracies)} runs, {low:.2f} to {high:.2f}"


def label_position(value: float, values: Sequence[float]) -> str:
    """Beside the marker where it stands near an end of the log axis, so that no label is cut.

    A costly network mostly stands high: above it there is room, under it are the others' labels.
    """
    low, high = (log10(max(1, bound(values))) for bound in (min, max))
    share = (log10(max(1, value)) - low) / (high - low) if high > low else 0.5
    return "bottom right" if share < 0.25 else "top left" if share > 0.75 else "bottom center"


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether `one` is no larger in both and smaller in one."""
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def decades(values: Iterable[float]) -> dict[str, object]:
    """Range and readable ticks of a log axis that holds `values` with room for labels."""
    logs = [log10(value) for value in values if value > 0] or [0.0]
    low, high = min(logs) - 0.35, max(logs) + 0.35
    steps = [m * 10**e for e in range(int(low) - 1, int(high) + 2) for m in (1, 2, 5)]
    ticks = [tick for tick in steps if low <= log10(tick) <= high]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if str(tick)[0] == "1"]
    return dict(range=[low, high], tickvals=ticks, ticktext=[formats.short(t) for t in ticks])


def stage_bars(networks: Sequence[tuple[str, Analysis]], field: str, title: str) -> go.Figure:
    """What each network's blocks cost, stacked from the image to the classes, by kind of layer."""
    figure = go.Figure()
    seen: set[str] = set()
    for label, analysis in networks:
        for block in analysis.rows("block"):
            value = getattr(block, field)
            if not value:
                continue
            figure.add_bar(
                y=[label],
                x=[value],
                orientation="h",
                name=block.kind,
                legendgroup=block.kind,
                showlegend=block.kind not in seen,
                marker=dict(color=KIND_COLORS[block.kind], line=dict(width=1, color="white")),
                hovertemplate=f"<b>{label}</b>, {block.path}<br>{value:,}<extra></extra>",
            )
            seen.add(block.kind)
    figure.update_layout(
        title=title,
        barmode="stack",
        height=130 + 34 * len(networks),
        margin=dict(t=48, b=72, l=8, r=8),
        xaxis=dict(tickformat="~s"),
        yaxis=dict(autorange="reversed", automargin=True),
        legend=dict(orientation="h", yref="container", y=0, yanchor="bottom"),
    )
    return figure


def slope(line: Line) -> float | None:
    """The exponent of y ∝ x^slope, by least squares on logarithms; None of fewer than 2 points."""
    pairs = [(log10(x), log10(y)) for x, y in zip(line.x, line.y, strict=True) if x > 0 and y > 0]
    if len(pairs) < 2:
        return None
    mean_x = sum(x for x, _ in pairs) / len(pairs)
    mean_y = sum(y for _, y in pairs) / len(pairs)
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    return sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread


def sweep_chart(lines: Sequence[Line], x_title: str, y_title: str) -> go.Figure:
    """A quantity over a slider's whole range on log axes, the slope written at each line's end."""
    figure = go.Figure()
    for line in lines:
        exponent = slope(line)
        written = "" if exponent is None else f" ∝ x^{exponent:.2f}"
        figure.add_scatter(
            x=list(line.x),
            y=list(line.y),
            name=line.label + written.replace("x^", "x<sup>") + ("</sup>" if written else ""),
            mode="lines+markers",
            line=dict(color=line.color),
            marker=dict(symbol=line.marker, size=7),
            hovertemplate=f"<b>{line.label}</b><br>{x_title} %{{x}}: %{{y:,.0f}}<extra></extra>",
        )
    ticks = sorted({x for line in lines for x in line.x})
    shown: list[float] = []
    for tick in ticks:  # with room for its label on a narrow screen
        if not shown or tick >= 1.25 * shown[-1]:
            shown.append(tick)
    figure.update_layout(
        title=f"{y_title} over {x_title}<br>with the slope of each line",
        xaxis=dict(title=f"{x_title} (log)", type="log", tickvals=shown, ticktext=shown),
        yaxis=dict(
            title=f"{y_title} (log)", type="log", **decades(y for line in lines for y in line.y)
        ),
        height=440,
        margin=dict(t=72, b=48, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.18),
    )
    return figure
