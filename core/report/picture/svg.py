"""A folded network as SVG text, readable on its own and, through its classes, in a page's colors.

Boxes carry name, operation, shape, parameters and MACs; joins are round. All text comes from the
analysis and is escaped. Imports no torch.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil
from types import MappingProxyType

from core.language import _
from core.report.figures.palette import KIND_COLORS
from core.report.picture.fold import INPUT, Graph, Node, name_inside
from core.report.picture.labels import (
    FONT_SIZE,
    JOIN_GAP,
    LINE,
    MARGIN,
    RADIUS,
    UNREAD,
    WIDTH_STEP,
    Text,
    block_name,
    line_width,
    lines_of,
    size_of,
    text_width,
    tooltip,
)
from core.report.picture.layout import Box, Layout, Point, Route, Size, lay_out

INK, PAPER = "#262730", "#FFFFFF"
_SKIP = "#437C9F"  # the color of joins, darkened for a thin line on white
_FONT = "'Source Sans', 'Source Sans Pro', Helvetica, Arial, sans-serif"
SMALLEST_TEXT = 9 / FONT_SIZE  # no picture should be shown at less than this part of its size
_CORNER = 5  # pixels of a box's round corner
_BEHIND = 4  # pixels that each box behind a folded one shows
_MARKS = {"add": "+", "sub": "−", "mul": "×"}  # other joins by their name


@dataclass(frozen=True)
class Inset:
    """A picture inside a box, below its words."""

    png: bytes
    width: float  # pixels on the page
    height: float
    lines: tuple[Text, ...]  # the words, in place of the usual ones
    about: str  # what the picture shows, for who cannot see it


def svg(
    graph: Graph,
    title: str,
    lying: bool = False,
    insets: Mapping[str, Inset] = MappingProxyType({}),
) -> str:
    """The graph as one SVG, dark on white; `title` says what it shows.

    From the image down to the classes, or from left to right where it is `lying`. `insets`: by the
    path of the box; a layer's box with one carries `data-layer`, its path.

    Elements have classes (ink, line, skip, frame, paper), so that a page can put its own colors
    over these; folded blocks and the names of open ones carry `data-block` and `data-open`.
    """
    names = {block: text_width(frame_name(graph, block), bold=True) for block in graph.open_blocks}
    lines = {node.path: lines_of(node, node.path in graph.unread) for node in graph.nodes}
    sizes = {
        node.path: _inset_size(inset, lying)
        if (inset := insets.get(node.path))
        else size_of(node, lines[node.path], lying)
        for node in graph.nodes
    }
    layout = lay_out(graph, sizes, names, lying)
    width, height = (round(side + 2 + _BEHIND, 1) for side in (layout.width, layout.height))
    label = escape(title)
    body = "".join(
        (
            *(_draw_frame(graph, block, box) for block, box in layout.frames.items()),
            _draw_routes(layout, lying),
            *(
                _draw_with_inset(node, layout.boxes[node.path], inset)
                if (inset := insets.get(node.path))
                else _draw_node(node, layout.boxes[node.path], lines[node.path], lying)
                for node in graph.nodes
            ),
        )
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="{label}" font-family="{_FONT}"'
        f' font-size="{FONT_SIZE}"><title>{label}</title>'
        f'<rect class="paper" x="-1" y="-1" width="{width}" height="{height}" fill="{PAPER}"/>'
        f"{body}</svg>"
    )


def frame_name(graph: Graph, block: str) -> str:
    """What stands at the top of an open block: its path inside the open block around it."""
    around = next(node.blocks for node in graph.nodes if block in node.blocks)
    name = name_inside(block, around[: around.index(block)])
    return f"▾ {block_name(block, name, graph.counts.get(block, 1))}"


def _draw_frame(graph: Graph, block: str, box: Box) -> str:
    """An open block: a light frame, its name at the top left, which folds it."""
    inside = [node for node in graph.nodes if block in node.blocks]
    params, macs = sum(node.params for node in inside), sum(node.macs for node in inside)
    name = frame_name(graph, block)
    told = _("{block}: {params:,} parameters, {macs:,} MACs", block=block, params=params, macs=macs)
    return (
        f'<rect class="frame" x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="{_CORNER + 3}" fill="{INK}" fill-opacity="0.035"'
        f' stroke="{INK}" stroke-opacity="0.3"/>'
        f'<g class="block" data-block="{escape(block)}" data-open="true">'
        f"<title>{escape(told)}</title>"
        f'<rect class="target" x="{box.left + 3:.1f}" y="{box.top + 2:.1f}" rx="3" height="17"'
        f' width="{text_width(name, bold=True) + 6:.1f}" fill="{INK}" fill-opacity="0"/>'
        + _draw_text([(name, True)], box.left + 6, box.top + 15, "start")
        + "</g>"
    )


def _draw_node(node: Node, box: Box, lines: Sequence[Text], lying: bool) -> str:
    """One box, circle or pill; dashed where its result is not read."""
    body = _draw_join(node, box, lines, lying) if node.is_join else _draw_box(node, box, lines)
    dead = ' stroke-dasharray="4 3"' if lines[-1:] == [[(_(UNREAD), False)]] else ""
    data = f' data-block="{escape(node.block)}" data-open="false"' if node.is_block else ""
    data = ' data-end="image"' if node.path == INPUT else data
    return (
        f'<g class="{"block" if node.is_block else "node"}"{data}{dead}>'
        f"<title>{escape(tooltip(node))}</title>{body}</g>"
    )


def _inset_size(inset: Inset, lying: bool) -> Size:
    """What a box with a picture needs; widths in steps, so that it stays as other images come."""
    width = max(inset.width, *(line_width(line) for line in inset.lines)) + 2 * MARGIN
    width = ceil(width / WIDTH_STEP) * WIDTH_STEP
    height = inset.height + LINE * len(inset.lines) + 2 * MARGIN
    across, along = (height, width) if lying else (width, height)
    return Size(across / 2, across / 2, along)


def _draw_with_inset(node: Node, box: Box, inset: Inset) -> str:
    """A box with its words above and the picture below them; every pixel stays a square."""
    data = f' data-layer="{escape(node.last.path)}"' if node.layers else ""
    data = f' data-block="{escape(node.block)}" data-open="false"' if node.is_block else data
    data = ' data-end="image"' if node.path == INPUT else data
    top = box.top + (box.height - inset.height - LINE * len(inset.lines)) / 2
    center = box.left + box.width / 2
    source = b64encode(inset.png).decode()
    return (
        f'<g class="{"block" if node.layers else "node"}"{data}>'
        f"<title>{escape(inset.about)}</title>"
        + _draw_rectangle(node, box)
        + "".join(
            _draw_text(line, center, top + FONT_SIZE - 1 + LINE * number, "middle")
            for number, line in enumerate(inset.lines)
        )
        + f'<image x="{center - inset.width / 2:.1f}" y="{top + LINE * len(inset.lines):.1f}"'
        f' width="{inset.width:.1f}" height="{inset.height:.1f}" preserveAspectRatio="none"'
        f' style="image-rendering:pixelated" href="data:image/png;base64,{source}"/></g>'
    )


def _draw_box(node: Node, box: Box, lines: Sequence[Text]) -> str:
    """A rectangle with its words."""
    top = box.top + (box.height - LINE * len(lines)) / 2 + FONT_SIZE - 1
    return _draw_rectangle(node, box) + "".join(
        _draw_text(line, box.left + box.width / 2, top + LINE * number, "middle")
        for number, line in enumerate(lines)
    )


def _draw_rectangle(node: Node, box: Box) -> str:
    """A rectangle in the color of its kind; one behind it is a folded block, two are several."""
    color = KIND_COLORS.get(node.kind, KIND_COLORS["other"])
    corner = _CORNER if node.layers else min(box.height / 2, 3 * _CORNER)
    where = f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner:.1f}"'
    sheets = min(node.count, 2) if node.is_block else 0
    behind = "".join(
        f'<rect class="paper-box" x="{box.left + _BEHIND * sheet:.1f}"'
        f' y="{box.top + _BEHIND * sheet:.1f}" {where}'
        f' fill="{PAPER}" stroke="{color}" stroke-opacity="0.6"/>'
        for sheet in range(sheets, 0, -1)
    )
    at = f'x="{box.left:.1f}" y="{box.top:.1f}" {where}'
    return (
        f'{behind}<rect class="paper-box" {at} fill="{PAPER}"/>'
        f'<rect class="box" {at} fill="{color}" fill-opacity="0.2" stroke="{color}"'
        f' stroke-width="1.5"/>'
    )


def _draw_join(node: Node, box: Box, lines: Sequence[Text], lying: bool) -> str:
    """A circle with its mark; operation, shape and costs at its right, or below it."""
    color = KIND_COLORS["join"]
    x, y = box.center, box.top + box.height / 2
    words_x, words_top, anchor = x + RADIUS + JOIN_GAP, y - LINE * len(lines) / 2, "start"
    if lying:
        x, y = box.left + box.width / 2, box.center
        words_x, words_top, anchor = x, y + RADIUS + JOIN_GAP, "middle"
    name = node.layers[0].operation
    mark = _MARKS.get(name, name)
    big = ' font-size="18"' if name in _MARKS else ' font-size="11"'
    circle = f'cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}"'
    return (
        f'<circle class="paper-box" {circle} fill="{PAPER}"/>'
        f'<circle class="box" {circle} fill="{color}" fill-opacity="0.35" stroke="{color}"'
        f' stroke-width="2"/><text class="ink" x="{x:.1f}"'
        f' y="{y + (6 if name in _MARKS else 4):.1f}" text-anchor="middle" fill="{INK}"'
        f"{big}>{escape(mark)}</text>"
        + "".join(
            _draw_text(line, words_x, words_top + FONT_SIZE - 1 + LINE * number, anchor)
            for number, line in enumerate(lines)
        )
    )


def _draw_text(line: Text, x: float, y: float, anchor: str) -> str:
    """One line of text, bold in part."""
    pieces = "".join(
        f'<tspan font-weight="600">{escape(piece)}</tspan>' if bold else escape(piece)
        for piece, bold in line
    )
    return (
        f'<text class="ink" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}"'
        f' stroke="none" xml:space="preserve">{pieces}</text>'
    )


def _draw_routes(layout: Layout, lying: bool) -> str:
    """All lines, shortcuts last and stronger; what edges share is drawn once."""
    drawn: set[tuple[str, object, object]] = set()
    routes = sorted(layout.routes, key=lambda route: route.edge.skips)
    return "".join(_draw_route(route, drawn, lying) for route in routes)


def _draw_route(route: Route, drawn: set[tuple[str, object, object]], lying: bool) -> str:
    """One line with its arrow head; `drawn` holds the pieces that are there already."""
    path, pen = [], None
    for start, end in pairwise(route.points):
        piece = (route.edge.source, start, end)
        if piece in drawn:
            continue
        drawn.add(piece)
        if pen != start:
            path.append(f"M{start[0]:g} {start[1]:g}")
        path.append(_curve(start, end, lying))
        pen = end
    x, y = route.points[-1]
    barbs = ((x - 7, y - 4), (x - 7, y + 4)) if lying else ((x - 4, y - 7), (x + 4, y - 7))
    (x1, y1), (x2, y2) = barbs
    color, css_class = (_SKIP, "skip") if route.edge.skips else (INK, "line")
    return (
        f'<path class="{css_class}" d="{"".join(path)}" fill="none" stroke="{color}"'
        f' stroke-width="{2.6 if route.edge.skips else 1.3}"/>'
        f'<path class="{css_class}-head" d="M{x1:g} {y1:g}L{x:g} {y:g}L{x2:g} {y2:g}Z"'
        f' fill="{color}"/>'
    )


def _curve(start: Point, end: Point, lying: bool) -> str:
    """Straight down, or an S that leaves and arrives straight down; to the right where lying."""
    (x1, y1), (x2, y2) = start, end
    if lying and y1 == y2:
        return f"H{x2:g}"
    if lying:
        middle = (x1 + x2) / 2
        return f"C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    if x1 == x2:
        return f"V{y2:g}"
    middle = (y1 + y2) / 2
    return f"C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}"
