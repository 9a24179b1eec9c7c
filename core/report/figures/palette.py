"""The colors, markers and dashes of every figure: which layer kind, curve or seed has which.

One palette everywhere (Okabe & Ito 2008, safe for color-blind readers): one color for each kind
of layer, one for each curve. Line style or marker repeats what the color says. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GRAY, YELLOW = "#56B4E9", "#CC79A7", "#8C8C8C", "#B8A800"

KIND_COLORS = {  # LayerCost.kind → the color of its bars and boxes
    "convolution": BLUE,
    "linear": VERMILLION,
    "pooling": ORANGE,
    "normalisation": GREEN,
    "activation": PURPLE,
    "join": SKY,
    "other": GRAY,
}
_CURVE_COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, YELLOW, GRAY)
# Scales of maps: about zero (blue, white, vermillion), and from zero on (viridis, matplotlib's).
DIVERGING = ("#00395A", BLUE, "#FFFFFF", VERMILLION, "#6A2F00")
SEQUENTIAL = (
    "#440154", "#482878", "#3E4989", "#31688E", "#26828E",
    "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B", "#FDE725",
)  # fmt: skip
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon")
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class LineStyle:
    """How a line is drawn: names of Plotly's, the color as #RRGGBB."""

    color: str
    marker: str
    dash: str = "solid"


def colors_and_markers(count: int) -> list[tuple[str, str]]:
    """`count` pairs of color and marker, each pair once before any comes again."""
    pairs = ((_CURVE_COLORS[i % 8], MARKERS[(i + i // 8) % 8]) for i in range(64))
    return list(islice(cycle(pairs), count))


def translucent(color: str, opacity: float = 0.2) -> str:
    """`#0072B2` as rgba of this opacity, so that it suits light and dark pages."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
