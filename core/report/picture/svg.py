"""A folded network as SVG text, readable on its own and, through its classes, in a page's colors.

Boxes carry name, operation, shape, parameters and MACs; joins are round. All text comes from the
analysis and is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from math import ceil

from core.analysis.records import LayerCost, Shape, Window
from core.report import formats
from core.report.figures.palette import KIND_COLORS
from core.report.picture.fold import INPUT, Graph, Node
from core.report.picture.layout import Box, Layout, Route, Size, lay_out

INK, PAPER = "#262730", "#FFFFFF"
SKIP = "#437C9F"  # the color of joins, darkened for a thin line on white
FONT = "'Source Sans', 'Source Sans Pro', Helvetica, Arial, sans-serif"
FONT_SIZE, LINE = 12, 15  # pixels
SMALLEST_TEXT = 9 / FONT_SIZE  # no picture should be shown at less than this part of its size
WIDEST = 212  # pixels of text in a box; what is longer is broken or cut
MARGIN, WIDTH_STEP, CORNER, RADIUS = 8, 24, 5, 13
MARKS = {"add": "+", "sub": "−", "mul": "×"}  # other joins by their name
UNREAD = "read by no layer"
NAMES = {"relu": "ReLU"}  # functional operations that have a well-known spelling

Text = list[tuple[str, bool]]  # pieces of a line: text, bold


# Words -----------------------------------------------------------------------------------------


def operation(layer: LayerCost) -> str:
    """`Conv2d 7×7 /2`: the window and, as in the papers, the stride where it is not the usual."""
    name = NAMES.get(layer.operation, layer.operation)
    window = layer.window
    if window is None:
        return name
    usual = window.kernel if layer.kind == "pooling" else (1, 1)
    stride = "" if window.stride == usual else f" /{window.stride[-1]}"
    return f"{name} {formats.shape(window.kernel)}{stride}{groups(layer, window)}"


def groups(layer: LayerCost, window: Window) -> str:
    """How a grouped convolution splits its channels."""
    if window.groups == 1:
        return ""
    channels = layer.input_shape[1] if len(layer.input_shape) > 1 else 0
    return " depthwise" if window.groups == channels else f" {window.groups} groups"


def shape_text(shape: Shape) -> str:
    """C×H×W of one image; other shapes whole."""
    return formats.shape(shape[1:] if len(shape) > 1 and shape[0] == 1 else shape)


def contents(node: Node) -> str:
    """What a folded block holds: its weight layers by kind, and how many layers in all."""
    kinds = Counter(layer.kind for layer in node.layers if layer.is_weight_layer)
    counted = {"convolution": "convolutions", "linear": "linear layers"}
    parts = [
        f"{count} {plural if count > 1 else plural.removesuffix('s')}"
        for kind, plural in counted.items()
        if (count := kinds[kind])
    ]
    return ", ".join(parts) or f"{len(node.layers)} layers"


def costs(node: Node) -> str:
    """Parameters and MACs in short form, those that are not zero."""
    numbers = ((node.params, "params"), (node.macs, "MACs"))
    return " · ".join(formats.short(number, unit) for number, unit in numbers if number)


def operations(layers: Sequence[LayerCost]) -> list[str]:
    """The operations in a box; one that comes again at once is named once."""
    found: list[str] = []
    for layer in layers:
        if (text := operation(layer)) not in found[-1:]:
            found.append(text)
    return found


def lines_of(node: Node, is_unread: bool) -> list[Text]:
    """What stands in a box, or beside a join; `is_unread`: no other box reads its result."""
    shape = shape_text(node.shape)
    if not node.layers:
        what = f" {shape}" if node.path == INPUT else f" {node.shape[-1] if node.shape else ''}"
        return [[(node.name, True), (what, False)]]
    if node.is_join:
        words = operations(node.layers)[1:]
    else:
        words = [contents(node)] if node.is_block else operations(node.layers)
    lines = [*map(shortened, wrapped(words)), shape, costs(node), UNREAD * is_unread]
    texts: list[Text] = [[(line, False)] for line in lines if line]
    return texts if node.is_join else [*headed(node, texts)]


def headed(node: Node, lines: list[Text]) -> Iterator[Text]:
    """The lines under the name, or the first one beside it where both are short.

    A place in a list is no name: there the operation says more.
    """
    if node.name.isdecimal() and not node.is_block:
        yield from lines
        return
    name = f"▸ {called(node.path, node.name)}" if node.is_block else node.name
    head: Text = [(shortened(name, bold=True), True)]
    beside: Text = [*head, ("  " + lines[0][0][0], False)]
    if line_width(beside) <= WIDEST:
        yield beside
        yield from lines[1:]
    else:
        yield head
        yield from lines


def called(path: str, name: str) -> str:
    """A block's name; one that is only a number gets what is before it: stage1.0."""
    return ".".join(path.split(".")[-2:]) if name.isdecimal() else name


def wrapped(words: Sequence[str]) -> Iterator[str]:
    """`words` with commas, in lines of a box's width; at most three."""
    lines = [""]
    for word in words:
        longer = f"{lines[-1]}, {word}" if lines[-1] else word
        if text_width(longer) <= WIDEST or not lines[-1]:
            lines[-1] = longer
        else:
            lines[-1] += ","
            lines.append(word)
    yield from lines if len(lines) <= 3 else [*lines[:2], "…"]


def explained(node: Node) -> str:
    """What the tooltip says: everything in full."""
    if not node.layers:
        return f"{node.name}, {shape_text(node.shape)}"
    many = f"{len(node.layers)} layers" if len(node.layers) > 5 else ""
    what = many or ", ".join(operations(node.layers))
    return (
        f"{node.path}: {what}; output {formats.shape(node.shape)}; {node.params:,} parameters,"
        f" {node.macs:,} MACs"
    )


# Sizes -----------------------------------------------------------------------------------------


def text_width(text: str, bold: bool = False) -> float:
    """About how many pixels the text takes, a little too many rather than too few."""
    narrow, wide = " ijl.,·|'!fIt1\u2009", "mwMWG▸…"
    units = sum(0.34 if c in narrow else 0.88 if c in wide else 0.57 for c in text)
    capitals = sum(0.1 for c in text if c.isupper())
    return FONT_SIZE * (units + capitals) * (1.06 if bold else 1.0)


def line_width(line: Text) -> float:
    """Pixels of a line with bold and plain pieces."""
    return sum(text_width(piece, bold) for piece, bold in line)


def shortened(text: str, bold: bool = False) -> str:
    """The text cut in its middle to the width of a box; names differ at both ends."""
    if text_width(text, bold) <= WIDEST:
        return text
    keep = len(text) // 2
    while keep > 2 and text_width(cut := f"{text[:keep]}…{text[-keep:]}", bold) > WIDEST:
        keep -= 1
    return cut


def size_of(node: Node, lines: Sequence[Text]) -> Size:
    """What the box, or the circle with its words, needs; widths in steps, so that boxes align."""
    width = max((line_width(line) for line in lines), default=0.0)
    if node.is_join:
        return Size(
            RADIUS, RADIUS + (6 + width if lines else 0), max(2 * RADIUS, LINE * len(lines))
        )
    half = ceil((width + 2 * MARGIN) / WIDTH_STEP) * WIDTH_STEP / 2
    return Size(half, half, LINE * len(lines) + 8)


# Drawing ---------------------------------------------------------------------------------------


def svg(graph: Graph, title: str) -> str:
    """The graph as one SVG, dark on white; `title` says what it shows.

    Elements have classes (ink, line, skip, frame, paper), so that a page can put its own colors
    over these; folded blocks and the names of open ones carry `data-block` and `data-open`.
    """
    names = {block: text_width(frame_name(graph, block), bold=True) for block in graph.open_blocks}
    lines = {node.path: lines_of(node, node.path in graph.unread) for node in graph.nodes}
    sizes = {node.path: size_of(node, lines[node.path]) for node in graph.nodes}
    layout = lay_out(graph, sizes, names)
    width, height = round(layout.width, 1), round(layout.height + 2, 1)
    said = escape(title)
    body = "".join(
        (
            *(draw_frame(graph, block, box) for block, box in layout.frames.items()),
            draw_routes(layout),
            *(draw_node(node, layout.boxes[node.path], lines[node.path]) for node in graph.nodes),
        )
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -1 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="{said}" font-family="{FONT}"'
        f' font-size="{FONT_SIZE}"><title>{said}</title>'
        f'<rect class="paper" y="-1" width="{width}" height="{height}" fill="{PAPER}"/>{body}</svg>'
    )


def frame_name(graph: Graph, block: str) -> str:
    """What stands at the top of an open block: its path inside the open block around it."""
    around = next(node.blocks for node in graph.nodes if block in node.blocks)
    place = around.index(block)
    name = block.removeprefix(f"{around[place - 1]}.") if place else block
    return f"▾ {called(block, name)}"


def draw_frame(graph: Graph, block: str, box: Box) -> str:
    """An open block: a light frame, its name at the top left, which folds it."""
    inside = [node for node in graph.nodes if block in node.blocks]
    params, macs = sum(node.params for node in inside), sum(node.macs for node in inside)
    name = frame_name(graph, block)
    return (
        f'<rect class="frame" x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="{CORNER + 3}" fill="{INK}" fill-opacity="0.035"'
        f' stroke="{INK}" stroke-opacity="0.3"/>'
        f'<g class="block" data-block="{escape(block)}" data-open="true">'
        f"<title>{escape(block)}: {params:,} parameters, {macs:,} MACs</title>"
        f'<rect class="target" x="{box.left + 3:.1f}" y="{box.top + 2:.1f}" rx="3" height="17"'
        f' width="{text_width(name, bold=True) + 6:.1f}" fill="{INK}" fill-opacity="0"/>'
        + draw_text([(name, True)], box.left + 6, box.top + 15, "start")
        + "</g>"
    )


def draw_node(node: Node, box: Box, lines: Sequence[Text]) -> str:
    """One box, circle or pill; dashed where its result is not read."""
    body = draw_join(node, box, lines) if node.is_join else draw_box(node, box, lines)
    dead = ' stroke-dasharray="4 3"' if lines[-1:] == [[(UNREAD, False)]] else ""
    data = f' data-block="{escape(node.path)}" data-open="false"' if node.is_block else ""
    data = ' data-end="image"' if node.path == INPUT else data
    return (
        f'<g class="{"block" if node.is_block else "node"}"{data}{dead}>'
        f"<title>{escape(explained(node))}</title>{body}</g>"
    )


def draw_box(node: Node, box: Box, lines: Sequence[Text]) -> str:
    """A rectangle in the color of its kind, a second one behind it where something is folded."""
    color = KIND_COLORS.get(node.kind, KIND_COLORS["other"])
    corner = CORNER if node.layers else box.height / 2
    where = f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner:.1f}"'
    behind = (
        f'<rect class="paper-box" x="{box.left + 4:.1f}" y="{box.top + 4:.1f}" {where}'
        f' fill="{PAPER}" stroke="{color}" stroke-opacity="0.6"/>'
        if node.is_block
        else ""
    )
    at = f'x="{box.left:.1f}" y="{box.top:.1f}" {where}'
    top = box.top + (box.height - LINE * len(lines)) / 2 + FONT_SIZE - 1
    return (
        f'{behind}<rect class="paper-box" {at} fill="{PAPER}"/>'
        f'<rect class="box" {at} fill="{color}" fill-opacity="0.2" stroke="{color}"'
        f' stroke-width="1.5"/>'
        + "".join(
            draw_text(line, box.center, top + LINE * number, "middle")
            for number, line in enumerate(lines)
        )
    )


def draw_join(node: Node, box: Box, lines: Sequence[Text]) -> str:
    """A circle with its mark; operation, shape and costs at its right."""
    color = KIND_COLORS["join"]
    middle = box.top + box.height / 2
    name = node.layers[0].operation
    mark = MARKS.get(name, name)
    big = ' font-size="18"' if name in MARKS else ' font-size="11"'
    circle = f'cx="{box.center:.1f}" cy="{middle:.1f}" r="{RADIUS}"'
    top = middle - LINE * len(lines) / 2 + FONT_SIZE - 1
    return (
        f'<circle class="paper-box" {circle} fill="{PAPER}"/>'
        f'<circle class="box" {circle} fill="{color}" fill-opacity="0.35" stroke="{color}"'
        f' stroke-width="2"/><text class="ink" x="{box.center:.1f}"'
        f' y="{middle + (6 if name in MARKS else 4):.1f}" text-anchor="middle" fill="{INK}"'
        f"{big}>{escape(mark)}</text>"
        + "".join(
            draw_text(line, box.center + RADIUS + 6, top + LINE * number, "start")
            for number, line in enumerate(lines)
        )
    )


def draw_text(line: Text, x: float, y: float, anchor: str) -> str:
    """One line of text, bold in part."""
    pieces = "".join(
        f'<tspan font-weight="600">{escape(piece)}</tspan>' if bold else escape(piece)
        for piece, bold in line
    )
    return (
        f'<text class="ink" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}"'
        f' stroke="none" xml:space="preserve">{pieces}</text>'
    )


def draw_routes(layout: Layout) -> str:
    """All lines, shortcuts last and stronger; what edges share is drawn once."""
    drawn: set[tuple[str, object, object]] = set()
    routes = sorted(layout.routes, key=lambda route: route.edge.skips)
    return "".join(draw_route(route, drawn) for route in routes)


def draw_route(route: Route, drawn: set[tuple[str, object, object]]) -> str:
    """One line with its arrow head; `drawn` holds the pieces that are there already."""
    path, pen = [], None
    for start, end in pairwise(route.points):
        piece = (route.edge.source, start, end)
        if piece in drawn:
            continue
        drawn.add(piece)
        if pen != start:
            path.append(f"M{start[0]:g} {start[1]:g}")
        path.append(curve(start, end))
        pen = end
    x, y = route.points[-1]
    color, look = (SKIP, "skip") if route.edge.skips else (INK, "line")
    return (
        f'<path class="{look}" d="{"".join(path)}" fill="none" stroke="{color}"'
        f' stroke-width="{2.6 if route.edge.skips else 1.3}"/>'
        f'<path class="{look}-head" d="M{x - 4:g} {y - 7:g}L{x:g} {y:g}L{x + 4:g} {y - 7:g}Z"'
        f' fill="{color}"/>'
    )


def curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Straight down, or an S that leaves and arrives straight down."""
    (x1, y1), (x2, y2) = start, end
    if x1 == x2:
        return f"V{y2:g}"
    middle = (y1 + y2) / 2
    return f"C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}"
