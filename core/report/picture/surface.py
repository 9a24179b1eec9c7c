"""The loss around a trained network as a surface seen from a corner, as SVG. Imports no torch.

Drawn by ourselves: what Plotly has for it would make its bundle three times as large.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from plotly.colors import sample_colorscale

from core.inside.landscape_records import Landscape, NetworkLandscape
from core.language import _
from core.report.figures.loss_scale import COLORS, LossScale
from core.report.figures.palette import INK, POSITIVE

_WIDTH, _HEIGHT = 440, 380  # pixels
_LEFT, _RIGHT, _TOP, _FOOT = 56, 24, 16, 40  # room for the scale and the names of the directions
_RISE = 190  # pixels from the lowest loss to the highest
_Point = tuple[float, float]
_Place = Callable[[float, float, float], _Point]  # column, row and height → where it is drawn


def surface(network: NetworkLandscape, landscape: Landscape, scale: LossScale, text: str) -> str:
    """Four-sided facets from the furthest to the nearest; `text` is said of it to who cannot see.

    Where the loss is no number, the facet is missing.
    """
    last = landscape.points - 1

    def at(column: float, row: float, height: float) -> _Point:
        across, down = (column - row) / last, (column + row) / (2 * last)  # −1 to 1, 0 to 1
        floor = _HEIGHT - _FOOT - _TOP - _RISE
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * (1 + across) / 2
        return x, _TOP + _RISE * (1 - height) + floor * down

    facets = [
        (column + row, _facet(network, scale, at, column, row))
        for row in range(len(network.loss) - 1)
        for column in range(last)
    ]
    drawn = [facet for __, facet in sorted(facets, key=lambda pair: pair[0]) if facet]
    floor = [at(0, 0, 0), at(last, 0, 0), at(last, last, 0), at(0, last, 0)]
    parts = [
        f'<polygon points="{_points(floor)}" fill="none" stroke="{INK}"/>',
        *drawn,
        *_path(network, landscape, scale, at),
        _line(at(0, last, 0), at(0, last, 1)),
        *(
            _text((_LEFT - 8, at(0, last, scale.height(tick))[1] + 4), words, "end")
            for tick, words in zip(scale.ticks, scale.texts, strict=True)
        ),
        _text((0, 12), _("loss"), "start"),
        _text(_between(at(0, last, 0), at(last, last, 0)), _("first direction"), "end"),
        _text(_between(at(last, 0, 0), at(last, last, 0)), _("second direction"), "start"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12">'
        f"<title>{escape(text)}</title>{''.join(parts)}</svg>"
    )


def _facet(network: NetworkLandscape, scale: LossScale, at: _Place, column: int, row: int) -> str:
    """Between four neighboring points; nothing where one has no loss."""
    corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
    losses = [network.loss[r][c] for c, r in corners]
    heights = [scale.height(loss) for loss in losses if loss is not None]
    if len(heights) < len(corners):
        return ""
    (color,) = sample_colorscale(COLORS, [sum(heights) / len(heights)])
    points = [at(c, r, height) for (c, r), height in zip(corners, heights, strict=True)]
    return f'<polygon points="{_points(points)}" fill="{color}" stroke="#fff" stroke-width=".4"/>'


def _path(
    network: NetworkLandscape, landscape: Landscape, scale: LossScale, at: _Place
) -> list[str]:
    """The way of the training over the surface; also where a hill stands before it."""
    (left, *_, right), (far, *_, near) = landscape.where(network)
    last = landscape.points - 1
    places = [
        at(
            last * (point.x - left) / (right - left),
            last * (point.y - far) / (near - far),
            scale.height(point.plane_loss),
        )
        for point in network.path
        if point.plane_loss is not None
    ]
    if not places:
        return []
    line = f'<polyline points="{_points(places)}" fill="none"'
    return [
        f'{line} stroke="#fff" stroke-width="4"/>',
        f'{line} stroke="{POSITIVE}" stroke-width="2"/>',
        *(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{POSITIVE}" stroke="#fff"/>'
            for x, y in places
        ),
    ]


def _points(points: list[_Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _line(start: _Point, end: _Point) -> str:
    return f'<polyline points="{_points([start, end])}" stroke="{INK}"/>'


def _text(place: _Point, words: str, anchor: str) -> str:
    x, y = place
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(words)}</text>'
    )


def _between(start: _Point, end: _Point) -> _Point:
    """Below the middle of an edge."""
    return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 22
