"""The overview's pictures, as SVG drawn from the lab's records; they suit light and dark pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import log2, log10

from core.analysis.records import Analysis
from core.measure.gradient_records import NetworkFlow
from core.report.figures.palette import INK, KIND_COLORS
from core.report.figures.variants import style_of, variant_styles
from core.zoo.variants import VARIANTS, variant_of
from pages.views.residual.block_pictures import variant_picture

_WIDTH, _HEIGHT = 320, 132  # of a card's picture, pixels
_HERO_WIDTH, _HERO_HEIGHT = 760, 236
_GAP = 5  # between two stages
_Place = Callable[[int, float], tuple[float, float]]  # a layer and its norm → x and y
_FLOOR = 1e-45  # the least that float32 holds: what is 0 ends here


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
    return _svg("".join(boxes), _WIDTH, _HEIGHT)


def curve_picture(curves: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Accuracies by epoch, a line each in the color of its variant."""
    values = [value for _, curve in curves for value in curve]
    if not values:
        return _svg("", _WIDTH, _HEIGHT)
    low, high = min(values), max(values)
    styles = variant_styles()
    lines = [
        _line(
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
    axes = f'<path d="M4 4V{_HEIGHT - 4}H{_WIDTH - 4}" stroke="{INK}" fill="none"/>'
    return _svg(axes + "".join(lines), _WIDTH, _HEIGHT)


def blocks_picture(names: Sequence[str]) -> str:
    """Residual units beside each other."""
    drawn = [variant_picture(VARIANTS[name], variant_styles()[name].color) for name in names]
    share = _WIDTH / len(drawn)
    placed = (
        picture.replace("<svg ", f'<svg x="{share * index + 20:g}" y="0" ', 1)
        for index, picture in enumerate(map(_fitted, drawn))
    )
    return _svg("".join(placed), _WIDTH, _HEIGHT)


def _fitted(picture: str) -> str:
    """As high as a card's picture, in place of its own size."""
    head, _, rest = picture.partition('" width="')
    _, _, rest = rest.partition('" height="')
    _, _, rest = rest.partition('"')
    return f'{head}" width="{_WIDTH // 2 - 40}" height="{_HEIGHT}"{rest}'


def gradient_picture(flows: Sequence[tuple[str, NetworkFlow]]) -> str:
    """Gradient norm of each layer's weights on a log axis, from the classes back to layer 1."""
    curves = [(label, flow, _norms(flow)) for label, flow in flows]
    top = max(value for *_, norms in curves for _, value in norms)
    deepest = max(depth for *_, norms in curves for depth, _ in norms)
    left, right, bottom = 64, _HERO_WIDTH - 12, _HERO_HEIGHT - 40
    decades = log10(top) - log10(_FLOOR)

    def place(depth: int, value: float) -> tuple[float, float]:
        share = (log10(top) - log10(max(value, _FLOOR))) / decades
        return left + (right - left) * (depth - 1) / (deepest - 1), 12 + (bottom - 12) * share

    drawn = [_grid(place, deepest, left, right, bottom)]
    for label, flow, norms in curves:
        style = style_of(variant_of(flow.model))
        drawn.append(_line([place(*point) for point in norms], style.color))
        x, y = place(*norms[len(norms) // 2])
        drawn.append(
            f'<text x="{x + 12:.0f}" y="{y + 24:.0f}" fill="{style.color}" font-weight="600">'
            f"{escape(label)}</text>"
        )
    return _svg(
        "".join(drawn), _HERO_WIDTH, _HERO_HEIGHT, 'font-family="sans-serif" font-size="14"'
    )


def _norms(flow: NetworkFlow) -> list[tuple[int, float]]:
    return [(layer.depth, layer.weight_gradient.median) for layer in flow.main_path[:-1]]


def _grid(place: _Place, deepest: int, left: int, right: int, bottom: int) -> str:
    """Powers of ten and layers, in gray."""
    parts = []
    for exponent in (0, -15, -30, -45):
        _, y = place(1, 10.0**exponent)
        raised = str(exponent).replace("-", "−")
        parts.append(
            f'<path d="M{left} {y:.1f}H{right}" stroke="{INK}" stroke-opacity=".35"/>'
            f'<text x="{left - 8}" y="{y + 5:.0f}" text-anchor="end" fill="{INK}">10'
            f'<tspan dy="-5" font-size="10">{raised}</tspan></text>'
        )
    for depth in (1, deepest // 2, deepest):
        x, _ = place(depth, 1.0)
        anchor = "start" if depth == 1 else "end" if depth == deepest else "middle"
        name = "layer 1" if depth == 1 else str(depth)
        parts.append(
            f'<text x="{x:.0f}" y="{bottom + 24}" text-anchor="{anchor}" fill="{INK}">{name}</text>'
        )
    return "".join(parts)


def _line(points: Sequence[tuple[float, float]], color: str, dots: bool = False) -> str:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    marks = (
        "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)
        if dots
        else ""
    )
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>{marks}'


def _svg(body: str, width: int, height: int, attributes: str = "") -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" {attributes}'
        f' xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )
