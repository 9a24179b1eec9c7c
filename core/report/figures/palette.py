"""The colors, markers and dashes of every figure: which layer kind, curve or seed has which.

Each color is written as it is on a light page; `DARK` has the one that takes its place on a dark
page. Within a set any two can be told apart, also by color-blind readers: a test computes it. Line
style or marker repeats what the color says. Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

# Each set: a color on a light page → the one on a dark page.
_SERIES = {  # curves and bars, in the order in which they are taken
    "#154990": "#578BF9",
    "#E9720D": "#FCA31D",
    "#069F85": "#85F5B6",
    "#AD1005": "#D83022",
    "#B372CF": "#975788",
    "#332C2E": "#BAC4CE",
}
_KINDS = {
    "#2868D4": "#6FACE8",
    "#960100": "#CE3B0E",
    "#B48723": "#F4C352",
    "#02624D": "#31826A",
    "#762374": "#9C4FAB",
    "#17A1C9": "#BFF6F8",
    "#808281": "#A3A2A5",
}
_VARIANTS = {
    "#294D98": "#4C77D4",
    "#C27219": "#E1B91C",
    "#3CA28D": "#92F0DA",
    "#8F0001": "#B34E45",
}
_TINTS = {  # of one hue: parts of one quantity, such as memory or time
    "#081E42": "#E4EDF9",
    "#2558A8": "#8FB3E6",
    "#6B96D8": "#4677B8",
}
INK = "#525A66"  # axes and lines of pictures
TEXT = "#10141A"  # letters on a colored ground; elsewhere the page has its own
_WHITE, ALWAYS_BLACK = "#FFFFFF", "#10141B"  # letters on a color, the same on both pages
_WHITE_THEN_BLACK = PAPER = "#FFFFFE"  # where the dark page's color is the brighter one; pages
DARK = {
    INK: "#A9B1BC",
    TEXT: "#E8EAED",
    _WHITE_THEN_BLACK: ALWAYS_BLACK,
    **_SERIES,
    **_KINDS,
    **_VARIANTS,
    **_TINTS,
}

BLUE, ORANGE, GREEN, RED, PURPLE, BLACK = SERIES = tuple(_SERIES)
TINTS = tuple(_TINTS)
KIND_COLORS = dict(  # LayerCost.kind → the color of its bars and boxes
    zip(
        ("convolution", "linear", "pooling", "normalisation", "activation", "join", "other"),
        _KINDS,
        strict=True,
    )
)
ON_KIND = {  # letters that stand on a kind's color
    "convolution": _WHITE_THEN_BLACK,
    "linear": _WHITE,
    "pooling": ALWAYS_BLACK,
    "normalisation": _WHITE,
    "activation": _WHITE,
    "join": ALWAYS_BLACK,
    "other": ALWAYS_BLACK,
}
GRAY = KIND_COLORS["other"]
VARIANT_COLORS = dict(  # the course note's four blocks, by the name of the variant
    zip(("identity", "constant-scaling", "conv", "none"), _VARIANTS, strict=True)
)
_IN_TEXT = re.compile("|".join(DARK), re.IGNORECASE)

# Scales of maps, which are pictures and the same on every page: about zero (blue, white,
# vermillion; Okabe & Ito 2008), and from zero on (viridis, matplotlib's).
NEGATIVE, POSITIVE = "#0072B2", "#D55E00"
DIVERGING = ("#00395A", NEGATIVE, "#FFFFFF", POSITIVE, "#6A2F00")
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
    colors, markers = len(SERIES), len(MARKERS)
    pairs = ((SERIES[i % colors], MARKERS[(i + i // 24) % markers]) for i in range(48))
    return list(islice(cycle(pairs), count))


def tints_and_patterns() -> Iterator[tuple[str, str]]:
    """For each part of one quantity a tint of one hue and a pattern that tells it from others."""
    return ((tint, pattern) for pattern in ("", "/", "x", ".") for tint in TINTS)


def part_marker(color: str, pattern: str) -> dict[str, Any]:
    """How Plotly fills a part's bar: the pattern in the paper's color, as wide as a line."""
    return {"color": color, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6}}


def translucent(color: str, opacity: float = 0.2) -> str:
    """`#154990` as #RRGGBBAA of this opacity; the page's theme replaces the color in it, too."""
    return f"{color}{round(255 * opacity):02X}"


def in_both_themes(markup: str) -> str:
    """SVG or CSS with each color of the palette as one that follows the page's theme.

    `#154990` becomes `light-dark(#154990, #578BF9)` (CSS Color 5): for markup that stands in the
    page itself. A file of its own keeps the light colors.
    """
    return _IN_TEXT.sub(lambda found: f"light-dark({found[0]}, {DARK[found[0].upper()]})", markup)
