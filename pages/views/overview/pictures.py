"""The pictures of the overview's cards, as SVG drawn from the lab's records, for both themes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log2

from core.analysis.records import Analysis
from core.language import _
from core.report.figures.palette import INK, KIND_COLORS
from core.report.figures.variants import variant_styles
from core.zoo.variants import VARIANTS
from pages.views.residual.block_pictures import variant_picture

_WIDTH, _HEIGHT = 320, 132  # of a card's picture, pixels
_GAP = 5  # between two stages


def strip_picture(analysis: Analysis) -> str:
    """The stages from image to classes: as high as the map, as wide as the log of its channels."""
    shapes = [("other", analysis.input_shape), *((row.kind, row.output_shape[1:])
              for row in analysis.rows("block"))]  # fmt: skip
    sizes = [
        (kind, 6 + 3 * log2(1 + shape[0]), shape[1] if len(shape) == 3 else 1)
        for kind, shape in shapes
    ]
    room = (_WIDTH - _GAP * (len(sizes) - 1)) / sum(width for _, width, _ in sizes)
    tallest = max(side for *_, side in sizes)
    boxes, x = [], 0.0
    for kind, width, side in sizes:
        height = max(4.0, (_HEIGHT - 4) * side / tallest)
        boxes.append(
            f'<rect x="{x:.1f}" y="{(_HEIGHT - height) / 2:.1f}" width="{width * room:.1f}"'
            f' height="{height:.1f}" rx="2" fill="{KIND_COLORS[kind]}"/>'
        )
        x += width * room + _GAP
    return svg("".join(boxes), _WIDTH, _HEIGHT)


def curve_picture(curves: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Accuracies by epoch, a line each in the color of its variant."""
    values = [value for _name, curve in curves for value in curve]
    if not values:
        return svg("", _WIDTH, _HEIGHT)
    low, high = min(values), max(values)
    styles = variant_styles()
    lines = [
        line(
            [
                (
                    8 + (_WIDTH - 16) * step / (len(curve) - 1),
                    _HEIGHT - 10 - (_HEIGHT - 20) * (value - low) / (high - low),
                )
                for step, value in enumerate(curve)
            ],
            styles[name].color,
            dots=True,
        )
        for name, curve in curves
    ]
    accuracy, epoch = escape(_("test accuracy")), escape(_("epoch"))
    axes = (
        f'<path d="M4 4V{_HEIGHT - 4}H{_WIDTH - 4}" stroke="{INK}" fill="none"/>'
        f'<g fill="{INK}" font-family="sans-serif" font-size="12"><text x="10" y="14">'
        f'{accuracy}</text><text x="{_WIDTH - 4}" y="{_HEIGHT - 10}" text-anchor="end">'
        f"{epoch}</text></g>"
    )
    return svg(axes + "".join(lines), _WIDTH, _HEIGHT)


def blocks_picture(names: Sequence[str]) -> str:
    """Residual units beside each other."""
    drawn = [variant_picture(VARIANTS[name], variant_styles()[name].color) for name in names]
    share = _WIDTH / len(drawn)
    placed = (
        picture.replace("<svg ", f'<svg x="{share * index + 20:g}" y="0" ', 1)
        for index, picture in enumerate(map(_fitted, drawn))
    )
    return svg("".join(placed), _WIDTH, _HEIGHT)


def _fitted(picture: str) -> str:
    """As high as a card's picture, in place of its own size."""
    head, _, rest = picture.partition('" width="')
    _, _, rest = rest.partition('" height="')
    _, _, rest = rest.partition('"')
    return f'{head}" width="{_WIDTH // 2 - 40}" height="{_HEIGHT}"{rest}'


def line(points: Sequence[tuple[float, float]], color: str, dots: bool = False) -> str:
    """Through these points; with `dots` each has a mark."""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    marks = (
        "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)
        if dots
        else ""
    )
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>{marks}'


def svg(body: str, width: int, height: int, attributes: str = "") -> str:
    """A picture of so many pixels."""
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" {attributes}'
        f' xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )
