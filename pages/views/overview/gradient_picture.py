"""The overview's finding as SVG: what gradient reaches each layer, with and without a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from core.language import _
from core.measure.gradient_records import NetworkFlow
from core.report.figures.palette import INK
from core.report.figures.variants import style_of
from core.report.text_width import letters
from core.zoo.variants import variant_of
from pages.views.overview.pictures import line, svg

_FLOOR = 1e-45  # the least that float32 holds: what is 0 ends here
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 34, 46  # pixels around the curves
_MARK = 22  # pixels of a line before its name
_LETTER = 8  # of a Latin letter, at most
_MEETING = 36  # pixels at the right, where the lines come together

_Curve = tuple[str, NetworkFlow, list[tuple[int, float]]]


@dataclass(frozen=True)
class _Plane:
    """Where a layer and its gradient are in the picture."""

    width: int
    height: int
    deepest: int  # layer
    largest: float  # norm

    def place(self, depth: int, value: float) -> tuple[float, float]:
        """Pixels from the left and from the top."""
        decades = log10(self.largest) - log10(_FLOOR)
        down = (log10(self.largest) - log10(max(value, _FLOOR))) / decades
        along = (depth - 1) / (self.deepest - 1)
        return (
            _LEFT + (self.width - _LEFT - _RIGHT) * along,
            _TOP + (self.height - _TOP - _BOTTOM) * down,
        )


def gradient_picture(flows: Sequence[tuple[str, NetworkFlow]], width: int, height: int) -> str:
    """Gradient norm of each layer's weights on a log axis, from the image to the classes."""
    curves = [(label, flow, _norms(flow)) for label, flow in flows]
    plane = _Plane(
        width,
        height,
        max(depth for *_, norms in curves for depth, _ in norms),
        max(value for *_, norms in curves for _, value in norms),
    )
    drawn = [_grid(plane), *(_drawn(curve, plane) for curve in curves)]
    return svg("".join(drawn), width, height, 'font-family="sans-serif" font-size="14"')


def _norms(flow: NetworkFlow) -> list[tuple[int, float]]:
    return [(layer.depth, layer.weight_gradient.median) for layer in flow.main_path[:-1]]


def _drawn(curve: _Curve, plane: _Plane) -> str:
    """The line, and below its middle a piece of it with its name."""
    label, flow, norms = curve
    style = style_of(variant_of(flow.model))
    x, y = plane.place(*norms[len(norms) // 2])
    room = plane.width - _RIGHT - _MEETING - _MARK - _LETTER * letters(label)
    x, y = max(_LEFT, min(x + 14, room)), y + 26
    return line([plane.place(*point) for point in norms], style.color) + (
        f'<path d="M{x:.0f} {y - 5:.0f}h{_MARK}" stroke="{style.color}" stroke-width="4"/>'
        f'<text x="{x + _MARK + 8:.0f}" y="{y:.0f}" fill="{INK}">{escape(label)}</text>'
    )


def _grid(plane: _Plane) -> str:
    """Powers of ten and layers with the axes' titles, in gray."""
    right, bottom = plane.width - _RIGHT, plane.height - _BOTTOM
    height = escape(_("gradient of the weights (norm)"))
    along = escape(_("layer, counted from the image"))
    parts = [
        f'<text x="4" y="16" fill="{INK}">{height}</text>',
        f'<text x="{right}" y="{plane.height - 6}" text-anchor="end" fill="{INK}">{along}</text>',
    ]
    for exponent in (0, -15, -30, -45):
        y = plane.place(1, 10.0**exponent)[1]
        raised = str(exponent).replace("-", "−")
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="{INK}" stroke-opacity=".35"/>'
            f'<text x="{_LEFT - 8}" y="{y + 5:.0f}" text-anchor="end" fill="{INK}">10'
            f'<tspan dy="-5" font-size="10">{raised}</tspan></text>'
        )
    for depth in (1, round(plane.deepest / 2), plane.deepest):
        x = plane.place(depth, 1.0)[0]
        parts.append(
            f'<text x="{x:.0f}" y="{bottom + 20}" text-anchor="middle" fill="{INK}">{depth}</text>'
        )
    return "".join(parts)
