"""A network from left to right, from the image to the classes, as a figure. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

import plotly.graph_objects as go

from core.analysis.records import Analysis, LayerCost
from core.report import formats
from core.report.figures.palette import KIND_COLORS

_LABEL_WIDTH = 1.6  # room for the shape over a thin bar, in the units of `_bar_width`


def shape_flow(analysis: Analysis) -> go.Figure:
    """The network from left to right: a bar a block, its height the pixels a side, its width the
    channels. Linear layers are thin and carry their number of units.
    """
    image = analysis.layers[0].input_shape
    blocks = analysis.rows("block")
    bars = [("image", image, "other"), *((b.path, b.output_shape, b.kind) for b in blocks)]
    widths = [_bar_width(shape) for _, shape, _ in bars]
    heights = [_bar_height(shape, image[-1]) for _, shape, _ in bars]
    centers, edge = [], 0.0
    for width in widths:
        centers.append(edge + width / 2)
        edge += max(width, _LABEL_WIDTH) + 0.4
    figure = go.Figure(
        go.Bar(
            x=centers,
            y=heights,
            base=[-height / 2 for height in heights],
            width=widths,
            marker=dict(color=[KIND_COLORS[kind] for *_, kind in bars], line=dict(width=0)),
            text=[_short_shape(shape) for _, shape, _ in bars],
            textposition="outside",
            textangle=0 if len(bars) <= 9 else -60,
            constraintext="none",
            cliponaxis=False,
            customdata=[
                (name, formats.shape(shape), detail)
                for (name, shape, _), detail in zip(bars, _block_details(blocks), strict=True)
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


def _bar_width(shape: Sequence[int]) -> float:
    """Wider for more channels, on a log scale; linear layers and tokens are thin."""
    return 0.4 + 0.3 * log2(_channels_and_side(shape)[0] + 1) if len(shape) == 4 else 0.3


def _bar_height(shape: Sequence[int], image_size: int) -> float:
    """Pixels a side, never so low that it cannot be seen; a fixed height for linear layers."""
    if len(shape) != 4:
        return 0.45 * image_size
    return max(_channels_and_side(shape)[1], 0.03 * image_size)


def _channels_and_side(shape: Sequence[int]) -> tuple[int, int]:
    """Of a square map (N, C, S, S), or (N, S, S, C) as transformers over windows have them."""
    is_last = shape[1] == shape[2] != shape[3]
    return (shape[3], shape[1]) if is_last else (shape[1], shape[2])


def _short_shape(shape: Sequence[int]) -> str:
    """`64×112²` of a map, `197×768` of tokens, units of a linear layer: short."""
    if len(shape) == 4:
        channels, side = _channels_and_side(shape)
        return f"{channels}×{side}²"
    return "×".join(map(str, shape[1:]))


def _block_details(blocks: Sequence[LayerCost]) -> list[str]:
    """What the hover says of the image, and of each block."""
    return [
        "the input",
        *(
            f"{block.params:,} parameters<br>{block.macs:,} MACs<br>"
            f"{formats.mebibytes(block.output_bytes)} of outputs an image"
            for block in blocks
        ),
    ]
