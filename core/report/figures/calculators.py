"""What the calculators find, as Plotly figures. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go

from core.explain.calculators import (
    MAX_CHANNELS,
    Bottleneck,
    SlidingWindow,
    Stack,
    StackedAgainstLarge,
)
from core.report import formats
from core.report.figures.charts import BLUE, GRAY, ORANGE, SKY, VERMILLION

PADDING_GRAY = "#BDBDBD"  # seen on white and on dark grounds


def finish(figure: go.Figure, title: str, height: int) -> None:
    """Title, height in pixels, and the legend at the foot."""
    figure.update_layout(
        title=title,
        height=height,
        margin=dict(t=48, b=92, l=8, r=8),
        yaxis=dict(automargin=True),
        legend=dict(
            orientation="h", yref="container", y=0, yanchor="bottom", x=0, traceorder="normal"
        ),
    )


# The 1×1 bottleneck --------------------------------------------------------------------------


def bottleneck_bars(numbers: Bottleneck) -> go.Figure:
    """MACs of the direct convolution and, under it, of the detour's two steps."""
    reduce, then = numbers.steps
    direct, through = "directly", f"through {numbers.middle_channels}"
    large = f"{numbers.kernel}×{numbers.kernel}"
    figure = go.Figure()
    for name, color, pattern, ways, macs in (
        ("1×1", ORANGE, "/", [through], [reduce.macs]),
        (large, BLUE, "", [direct, through], [numbers.direct.macs, then.macs]),
    ):
        figure.add_bar(
            y=ways,
            x=macs,
            orientation="h",
            name=f"{name} convolution",
            marker=dict(
                color=color,
                pattern=dict(shape=pattern, fillmode="overlay"),
                line=dict(width=0),
            ),
            hovertemplate=f"<b>%{{y}}</b>, {name} convolution<br>%{{x:,}} MACs<extra></extra>",
        )
    longest = max(numbers.direct.macs, numbers.macs)
    for way, total in ((direct, numbers.direct.macs), (through, numbers.macs)):
        figure.add_annotation(
            x=total,
            y=way,
            text=formats.short(total),
            xanchor="left",
            xshift=4,
            showarrow=False,
        )
    finish(figure, "MACs an image, step by step", 270)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title="MACs an image", tickformat="~s", range=[0, 1.22 * longest], nticks=6)
    figure.update_yaxes(autorange="reversed", categoryarray=[direct, through])
    return figure


def bottleneck_curve(numbers: Bottleneck) -> go.Figure:
    """MACs of the detour over the channels in its middle, and where they reach the direct way's."""
    most, chosen = numbers.break_even_channels, numbers.middle_channels
    end = min(MAX_CHANNELS, max(round(1.3 * most), round(1.15 * chosen), 8))
    detour = [replace(numbers, middle_channels=middle).macs for middle in (1, end)]
    figure = go.Figure()
    figure.add_scatter(
        x=[1, end],
        y=detour,
        mode="lines",
        line=dict(color=BLUE),
        name="through a 1×1",
        hovertemplate="%{y:,} MACs through %{x} channels<extra></extra>",
    )
    figure.add_scatter(
        x=[0, end],
        y=[numbers.direct.macs] * 2,
        mode="lines",
        line=dict(color=VERMILLION, dash="dash"),
        name="directly",
        hovertemplate="%{y:,} MACs directly<extra></extra>",
    )
    figure.add_scatter(
        x=[chosen],
        y=[numbers.macs],
        mode="markers",
        marker=dict(color=BLUE, symbol="circle", size=12),
        name=f"your {chosen}",
        hovertemplate="<b>your choice</b><br>%{y:,} MACs through %{x} channels<extra></extra>",
    )
    saves = f"The detour saves MACs up to {most:,} channels" if most else "No detour saves MACs"
    finish(figure, saves, 270)
    figure.update_xaxes(title="channels in the middle", range=[0, 1.02 * end])
    figure.update_yaxes(title="MACs an image", tickformat="~s", rangemode="tozero", nticks=6)
    return figure


# Kernel, stride, padding ---------------------------------------------------------------------

MAX_CELLS = 40  # that a narrow screen can show
PADDING, PIXEL, UNREAD, TAP = range(4)  # what a cell of the picture is
CELLS = {
    PADDING: ("padding", PADDING_GRAY),
    PIXEL: ("pixel", SKY),
    UNREAD: ("pixel never read", VERMILLION),
    TAP: ("read by the window", BLUE),
}
MOST_AT_AN_END = 3  # window positions


def window_picture(window: SlidingWindow) -> go.Figure:
    """The window on one row of the input; where its cells are too many, how often each is read."""
    count = positions_at_an_end(window)
    cells = shown_cells(window, count)
    if len(cells) > MAX_CELLS:
        return read_counts(window)
    last = window.output_side
    return window_cells(window, sorted({*range(count), *range(last - count, last)}), cells)


def positions_at_an_end(window: SlidingWindow) -> int:
    """Window positions to draw at each end of the row: as many as fit, at most three."""
    room = (MAX_CELLS - 1 - window.remainder) // 2 - window.effective_kernel
    return max(1, min(MOST_AT_AN_END, window.output_side, 1 + room // window.stride))


def shown_cells(window: SlidingWindow, count: int) -> list[int | None]:
    """Cells of the padded row that `count` positions at each end need; None where some are left
    out between the ends.
    """
    everything: list[int | None] = list(range(window.padded_side))
    left_stop = window.taps(count - 1)[-1] + 1
    right_start = window.taps(window.output_side - count)[0]
    if window.padded_side <= MAX_CELLS or right_start <= left_stop:
        return everything
    return [*everything[:left_stop], None, *everything[right_start:]]


def window_cells(
    window: SlidingWindow, positions: Sequence[int], cells: Sequence[int | None]
) -> go.Figure:
    """The row of cells, and under it the cells that the window reads at each position."""
    reads = window.reads()
    kinds: list[list[int | None]] = [[kind_of(window, cell, reads) for cell in cells]]
    hover = [[cell_text(window, cell, reads) for cell in cells]]
    for position in positions:
        taps = set(window.taps(position))
        kinds.append([TAP if cell in taps else None for cell in cells])
        hover.append([f"output pixel {position + 1} reads {text}" for text in hover[0]])
    figure = go.Figure(
        go.Heatmap(
            z=kinds,
            zmin=0,
            zmax=len(CELLS) - 1,
            colorscale=stepped([color for _, color in CELLS.values()]),
            showscale=False,
            xgap=2 if len(cells) <= 24 else 1,
            ygap=4,
            hoverongaps=False,
            text=[["✕" if kind == UNREAD else "" for kind in row] for row in kinds],
            texttemplate="%{text}",  # says without color what is never read
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    for kind in sorted({kind for row in kinds for kind in row if kind is not None}):
        add_key(figure, *CELLS[kind])
    names = ["input", *(f"output {position + 1}" for position in positions)]
    finish(figure, row_title(window), 140 + 26 * len(names))
    places, labels = cell_ticks(window, cells)
    bare = dict(showgrid=False, zeroline=False)
    figure.update_xaxes(title="pixel of the input row", tickvals=places, ticktext=labels, **bare)
    figure.update_xaxes(range=[-0.6, len(cells) - 0.4])
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, **bare)
    figure.update_yaxes(range=[len(names) - 0.4, -0.6])
    return figure


def row_title(window: SlidingWindow) -> str:
    """What the picture of a window shows."""
    return f"One row: {window.side} px in, {window.output_side} px out"


def kind_of(window: SlidingWindow, cell: int | None, reads: Sequence[int]) -> int | None:
    """What a cell of the padded row is; None for those left out."""
    if cell is None:
        return None
    pixel = cell - window.padding
    if not 0 <= pixel < window.side:
        return PADDING
    return PIXEL if reads[pixel] else UNREAD


def cell_text(window: SlidingWindow, cell: int | None, reads: Sequence[int]) -> str:
    """`pixel 3, read twice in this row`; empty for the cells left out."""
    if cell is None:
        return ""
    pixel = cell - window.padding
    if not 0 <= pixel < window.side:
        return "padding"
    return f"pixel {pixel + 1} (read {reads[pixel]} × in this row)"


def cell_ticks(
    window: SlidingWindow, cells: Sequence[int | None]
) -> tuple[list[int], list[int | str]]:
    """Where the axis has a mark and what stands there: a few pixels counted from 1, and the gap."""
    every = max(1, len(cells) // 8)
    places: list[int] = []
    labels: list[int | str] = []
    for place, cell in enumerate(cells):
        pixel = None if cell is None else cell - window.padding + 1
        if pixel is None:
            places.append(place)
            labels.append("…")
        elif pixel in (1, window.side) or (
            1 < pixel < window.side - every // 2 and (pixel - 1) % every == 0
        ):
            places.append(place)
            labels.append(pixel)
    return places, labels


def stepped(colors: Sequence[str]) -> list[tuple[float, str]]:
    """A color scale without transitions, one color for each whole number from 0."""
    scale = []
    for index, color in enumerate(colors):
        scale += [(index / len(colors), color), ((index + 1) / len(colors), color)]
    return scale


def add_key(figure: go.Figure, name: str, color: str) -> None:
    """A square in the legend; heat maps have none of their own."""
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        marker=dict(symbol="square", size=12, color=color),
        name=name,
        hoverinfo="skip",
    )


def read_counts(window: SlidingWindow) -> go.Figure:
    """How many positions of the window read each pixel of one row."""
    reads = window.reads()
    figure = go.Figure()
    figure.add_bar(
        x=list(range(1, window.side + 1)),
        y=reads,
        width=1,
        name="read",
        marker=dict(color=CELLS[TAP][1], line=dict(width=0)),
        hovertemplate="pixel %{x}: read %{y} ×<extra></extra>",
    )
    unread = [pixel for pixel, count in enumerate(reads, start=1) if not count]
    if unread:
        name, color = CELLS[UNREAD]
        figure.add_scatter(
            x=unread,
            y=[0] * len(unread),
            mode="markers",
            marker=dict(symbol="x", color=color, size=8),
            cliponaxis=False,
            name=name,
            hovertemplate=f"%{{x}}: {name}<extra></extra>",
        )
    finish(figure, row_title(window), 300)
    figure.update_layout(bargap=0, showlegend=bool(unread))
    figure.update_xaxes(title="pixel of the input row", range=[0.5, window.side + 0.5])
    figure.update_yaxes(title="times read", rangemode="tozero", tickformat="d", nticks=6)
    return figure


# Stacked 3×3 against one large kernel --------------------------------------------------------


def stack_bars(numbers: StackedAgainstLarge) -> go.Figure:
    """The stack's counts as shares of the large kernel's, in %."""
    stacked, large = numbers.stacked, numbers.large
    quantities = [
        ("parameters", stacked.params, large.params),
        ("MACs forward", stacked.macs, large.macs),
        ("MACs backward", stacked.backward_macs, large.backward_macs),
        ("receptive field", stacked.receptive_field, large.receptive_field),
        ("ReLU layers", stacked.count, large.count),
        ("saved for backward", stacked.saved_bytes, large.saved_bytes),
    ]
    shares = [100 * ours / theirs for _, ours, theirs in quantities]
    figure = go.Figure(
        go.Bar(
            y=[name for name, *_ in quantities],
            x=shares,
            orientation="h",
            marker=dict(color=[ORANGE if share > 100 else BLUE for share in shares]),
            text=[formats.joined(f"{share:.0f}", "%") for share in shares],
            textposition="auto",
            cliponaxis=False,
            customdata=[(f"{ours:,}", f"{theirs:,}") for _, ours, theirs in quantities],
            hovertemplate="<b>%{y}</b><br>stacked %{customdata[0]}<br>one large %{customdata[1]}"
            "<br>%{x:.1f} %<extra></extra>",
        )
    )
    figure.add_vline(x=100, line=dict(color=GRAY, dash="dash", width=1.5))
    finish(figure, f"{title_of(stacked)} as a share of {title_of(large)}", 290)
    figure.update_xaxes(title=f"% of {title_of(large)} (dashed: equal)", nticks=7)
    figure.update_xaxes(range=[0, 1.12 * max(shares)])
    figure.update_layout(margin_b=56)  # no legend
    figure.update_yaxes(autorange="reversed")
    return figure


def title_of(stack: Stack) -> str:
    """`2 stacked 3×3`, `one 5×5`."""
    window = f"{stack.kernel}×{stack.kernel}"
    return f"one {window}" if stack.count == 1 else f"{stack.count} stacked {window}"
