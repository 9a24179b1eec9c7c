"""Where the boxes and arrows of a folded network stand: rows from the image down to the classes.

Sugiyama, Tagawa & Toda 1981: ranks, order (order.py), x (align.py); every open block is laid out
on its own and framed. A lying picture is laid out in the same way, with the sizes that its boxes
have across and along the arrows, and then turned: x for y. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.report.picture.align import align
from core.report.picture.fold import Edge, Graph
from core.report.picture.frame import Frame, Key, Line, Slot
from core.report.picture.order import ordered

_ARROW = 8.0  # an arrow's last piece, straight down, in pixels
ROW_GAP, MOST_ROW_GAP = 20.0, 60.0  # the further aside an arrow leads, the more room it gets
_PADDING = 12.0  # inside a frame
_BAND = 18.0  # at the top of a frame, for its name


@dataclass(frozen=True)
class Size:
    """What a box needs beside the line of its arrows and along it, in pixels."""

    left: float  # above the line in a lying picture
    right: float
    height: float  # along the line
    inset: float = 0.0  # how far inside, at both ends, the arrows end


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels from the top left."""

    left: float
    top: float
    width: float
    height: float
    center: float  # x where the arrows come and go; y in a lying picture


Point = tuple[float, float]


@dataclass(frozen=True)
class Route:
    """The line of an edge: straight where it does not lead aside, else an S between rows."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels."""

    width: float
    height: float
    boxes: dict[str, Box]  # by the path of the node
    frames: dict[str, Box]  # by the path of the open block
    routes: tuple[Route, ...]


def lay_out(
    graph: Graph, sizes: Mapping[str, Size], names: Mapping[str, float], lying: bool = False
) -> Layout:
    """Places for the nodes of `sizes`, by path; `names`: widths of the open blocks' names.

    From the image down to the classes, or from left to right. The last ones are kept: another
    image has other pictures in boxes of the same sizes.
    """
    return _laid_out(graph, tuple(sizes.items()), tuple(names.items()), lying)


@lru_cache(maxsize=32)
def _laid_out(
    graph: Graph,
    sizes_of: tuple[tuple[str, Size], ...],
    names_of: tuple[tuple[str, float], ...],
    lying: bool,
) -> Layout:
    sizes, names = dict(sizes_of), dict(names_of)
    inside = _lines_by_frame(graph)
    children = _children_by_frame(graph)
    frames: dict[str, Frame] = {}
    for block in (*reversed(graph.open_blocks), ""):
        slots = {
            key: _frame_slot(key, frames[key[1]])
            if key[0] == "frame"
            else _box_slot(key, sizes[key[1]])
            for key in children[block]
        }
        frames[block] = _lay_out_frame(slots, inside.get(block, {}), names.get(block), lying)
    layout = _compose(graph, frames)
    return _turned(layout) if lying else layout


# From the graph to frames ----------------------------------------------------------------------


def _children_by_frame(graph: Graph) -> dict[str, list[Key]]:
    """What is directly inside each open block, and inside "", the whole picture; in order."""
    children: dict[str, dict[Key, None]] = {"": {}}
    for node in graph.nodes:
        around = ("", *node.blocks)
        keys: list[Key] = [("frame", block, 0) for block in node.blocks]
        for frame, key in zip(around, [*keys, ("box", node.path, 0)], strict=True):
            children.setdefault(frame, {})[key] = None
    return {frame: list(keys) for frame, keys in children.items()}


def _way(blocks: Mapping[str, tuple[str, ...]], edge: Edge) -> Iterator[tuple[str, Line]]:
    """The lines of an edge from frame to frame: out of the source's, into the target's.

    `blocks`: the open blocks around each node, by its path.
    """
    out, into = (("", *blocks[path]) for path in (edge.source, edge.target))
    common = max(
        count for count in range(1, min(len(out), len(into)) + 1) if out[:count] == into[:count]
    )

    def child(around: tuple[str, ...], depth: int, path: str) -> Key:
        return ("frame", around[depth + 1], 0) if depth + 1 < len(around) else ("box", path, 0)

    for depth in range(len(out) - 1, common - 1, -1):
        port: Key = ("exit", edge.source, 0)
        yield out[depth], (edge.source, child(out, depth, edge.source), port)
    shared = common - 1
    yield (
        out[shared],
        (edge.source, child(out, shared, edge.source), child(into, shared, edge.target)),
    )
    for depth in range(common, len(into)):
        port = ("entry", edge.source, 0)
        yield into[depth], (edge.source, port, child(into, depth, edge.target))


def _lines_by_frame(graph: Graph) -> dict[str, dict[Line, None]]:
    """Each frame's lines, each once: edges from one source share what they have in common."""
    blocks = {node.path: node.blocks for node in graph.nodes}
    lines: dict[str, dict[Line, None]] = {}
    for edge in graph.edges:
        for frame, line in _way(blocks, edge):
            lines.setdefault(frame, {})[line] = None
    return lines


def _box_slot(key: Key, size: Size) -> Slot:
    """The slot of a node: all its arrows come and go at its anchor."""
    return Slot(key, size.left, size.right, size.height, size.inset)


def _frame_slot(key: Key, inner: Frame) -> Slot:
    """The slot of a frame; its anchor is where its first line comes in."""
    entries = {slot.key[1]: slot.x for slot in inner.rows[0] if slot.kind == "entry"}
    exits = {slot.key[1]: slot.x for slot in inner.rows[-1] if slot.kind == "exit"}
    anchor = next(iter([*entries.values(), *exits.values()]), inner.left + inner.width / 2)
    return Slot(
        key,
        anchor - inner.left,
        inner.left + inner.width - anchor,
        inner.height,
        entries={source: x - anchor for source, x in entries.items()},
        exits={source: x - anchor for source, x in exits.items()},
    )


# One frame -------------------------------------------------------------------------------------


def _lay_out_frame(
    slots: Mapping[Key, Slot], lines: Mapping[Line, None], name: float | None, lying: bool
) -> Frame:
    """One frame laid out; `name` is the width of its name, None for the whole picture."""
    framed = name is not None
    entries = {upper: Slot(upper) for _, upper, _ in lines if upper[0] == "entry"}
    exits = {lower: Slot(lower) for *_, lower in lines if lower[0] == "exit"}
    frame = ordered({**entries, **slots, **exits}, lines, framed)
    align(frame)
    _measure_rows(frame, framed, 0.0 if lying else _BAND)
    _frame_around(frame, framed)
    if name is not None and lying:
        _name_beside(frame, name)
    elif name is not None:
        _name_above(frame, name)
    return frame


def _measure_rows(frame: Frame, framed: bool, name_band: float) -> None:
    """Heights of the rows and of what is between; arrows that lead far aside get more room."""
    top = 0.0
    for number, row in enumerate(frame.rows):
        band = name_band if framed and number == 0 else 0.0
        height = max([band, *(slot.height for slot in row)])
        frame.tops.append(top)
        frame.heights.append(height)
        top += height
        if number < len(frame.links):
            ports = framed and number in (0, len(frame.links) - 1)
            reach = max(
                (abs(link.upper.x + link.shift - link.lower.x) for link in frame.links[number]),
                default=0.0,
            )
            top += min(MOST_ROW_GAP, (_PADDING if ports else ROW_GAP) + 0.14 * reach)
    is_open_below = framed and not any(slot.kind == "exit" for slot in frame.rows[-1])
    frame.height = top + (_PADDING if is_open_below else 0.0)


def _frame_around(frame: Frame, framed: bool) -> None:
    """Left edge and width."""
    slots = [slot for row in frame.rows for slot in row]
    padding = _PADDING if framed else 1.0
    frame.left = min(slot.x - slot.left for slot in slots) - padding
    frame.width = max(slot.x + slot.right for slot in slots) + padding - frame.left


def _name_above(frame: Frame, name: float) -> None:
    """Room for the name in the first row, beside the first line that comes in."""
    right = frame.left + frame.width
    beside = frame.left + name + _PADDING
    entry = min((slot.x for slot in frame.rows[0]), default=beside)
    frame.left = min(frame.left, entry - name - _PADDING)
    frame.width = max(right, frame.left + name + _PADDING) - frame.left


def _name_beside(frame: Frame, name: float) -> None:
    """Room for the name at the left, along the rows, which is the top once all is turned."""
    frame.left -= _BAND - _PADDING / 2
    frame.width += _BAND - _PADDING / 2
    lacking = max(0.0, name + _PADDING - frame.height)
    is_open_below = not any(slot.kind == "exit" for slot in frame.rows[-1])
    last = len(frame.rows) - (0 if is_open_below else 1)
    for number in range(1, len(frame.rows)):
        frame.tops[number] += lacking / 2 if number < last else lacking
    frame.height += lacking


# The whole picture -----------------------------------------------------------------------------


def _compose(graph: Graph, frames: Mapping[str, Frame]) -> Layout:
    """Frames inside frames, all measured from the top left of the picture."""
    boxes: dict[str, Box] = {}
    frame_boxes: dict[str, Box] = {}
    pieces: dict[tuple[str, Line], list[Point]] = {}
    origins = {"": (-frames[""].left, 0.0)}
    for block in ("", *graph.open_blocks):
        frame, (x, y) = frames[block], origins[block]
        for top, row in zip(frame.tops, frame.rows, strict=True):
            for slot in row:
                left, width = x + slot.x - slot.left, slot.left + slot.right
                box = Box(left, y + top, width, slot.height, x + slot.x)
                path = slot.key[1]
                if slot.kind == "box":
                    boxes[path] = box
                elif slot.kind == "frame":
                    frame_boxes[path] = box
                    origins[path] = (box.left - frames[path].left, box.top)
        for line, points in _trace_lines(frame).items():
            pieces[block, line] = [(x + px, y + py) for px, py in points]
    blocks = {node.path: node.blocks for node in graph.nodes}
    routes = tuple(
        Route(edge, _joined(pieces[step] for step in _way(blocks, edge))) for edge in graph.edges
    )
    return Layout(frames[""].width, frames[""].height, boxes, frame_boxes, routes)


def _trace_lines(frame: Frame) -> dict[Line, list[Point]]:
    """The points of each line inside one frame, from bottom to top of what it joins."""
    rows = {slot.key: number for number, row in enumerate(frame.rows) for slot in row}
    slots = {slot.key: slot for row in frame.rows for slot in row}
    bottoms = [top + height for top, height in zip(frame.tops, frame.heights, strict=True)]
    traced: dict[Line, list[Point]] = {}
    for line in frame.lines:
        source, upper, lower = line
        start, end = slots[upper], slots[lower]
        x = start.x + start.exits.get(source, 0.0)
        first, last = rows[upper], rows[lower]
        top = frame.tops[first] + start.height
        points = [(x, top - start.inset), (x, bottoms[first])]
        for row in range(first + 1, last):
            x = slots["lane", source, row].x
            points += [(x, frame.tops[row] - _ARROW), (x, bottoms[row])]
        x = end.x + end.entries.get(source, 0.0)
        top = frame.tops[last]
        traced[line] = [*points, (x, top - _ARROW), (x, top + end.inset)]
    return traced


def _joined(pieces: Iterable[Sequence[Point]]) -> tuple[Point, ...]:
    """The pieces end to end, each point once, to a tenth of a pixel."""
    points = [(round(x, 1), round(y, 1)) for piece in pieces for x, y in piece]
    return tuple(
        point for index, point in enumerate(points) if not index or point != points[index - 1]
    )


def _turned(layout: Layout) -> Layout:
    """The picture with x for y."""

    def turned(box: Box) -> Box:
        return Box(box.top, box.left, box.height, box.width, box.center)

    return Layout(
        layout.height,
        layout.width,
        {path: turned(box) for path, box in layout.boxes.items()},
        {block: turned(box) for block, box in layout.frames.items()},
        tuple(Route(r.edge, tuple((x, y) for y, x in r.points)) for r in layout.routes),
    )
