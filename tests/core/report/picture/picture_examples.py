"""Networks whose pictures are tested, and what is asked of a folded graph."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

import pytest

from core.analysis import analyze
from core.analysis.records import LayerCost
from core.report.picture.fold import (
    Graph,
    Node,
    fold,
    readable,
)
from core.report.picture.labels import RADIUS, lines_of, size_of, text_width
from core.report.picture.layout import Box, Layout, Point, Route, lay_out
from core.report.picture.outline import Outline, outline
from core.report.picture.svg import frame_name
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, find
from core.zoo.variants import VARIANTS

SHORTCUTS = {
    f"course-residual, {shortcut}{', as published' if published else ''}": ModelSpec(
        "course-residual", image_size=28, options={"shortcut": shortcut, "as_published": published}
    )
    for shortcut in ("none", "constant-scaling", "conv")
    for published in (False, True)
}
SHORTCUTS |= {
    f"resnet-cifar, {name}": ModelSpec(
        "resnet-cifar",
        image_size=28,
        options=dict(VARIANTS[name].options_in("resnet-cifar")) | {"depth": 8},
    )
    for name in ("exclusive-gating", "dropout", "bn-full-pre-activation")
}
DEEP = ("torchvision/resnet152", "torchvision/vit_b_16")  # with blocks that repeat
SPECS = {name: row.default for name, row in CATALOGUE.items()} | SHORTCUTS
SPECS |= {name: find(name).default for name in DEEP}
every_network = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())

analysis_of = cache(analyze)


@cache
def outline_of(spec: ModelSpec) -> Outline:
    return outline(analysis_of(spec).layers)


def fold_states(outlined: Outline) -> Iterator[tuple[str, ...]]:
    """Nothing open, everything, what opens first, the first block, and three at random; no twice.

    Which blocks are open matters, their order does not.
    """
    blocks, dice = tuple(outlined.blocks), random.Random(7)
    drawn = [tuple(block for block in blocks if dice.random() < 0.6) for _ in range(3)]
    states = [(), blocks, tuple(readable(outlined)), blocks[:1], *drawn]
    yield from {frozenset(state): state for state in states}.values()


def graphs(spec: ModelSpec) -> Iterator[Graph]:
    return (fold(outline_of(spec), opened) for opened in fold_states(outline_of(spec)))


def laid_out(graph: Graph, lying: bool = False) -> Layout:
    """The places that the SVG uses."""
    texts = {node.path: lines_of(node, node.path in graph.unread) for node in graph.nodes}
    sizes = {node.path: size_of(node, texts[node.path], lying) for node in graph.nodes}
    names = {block: text_width(frame_name(graph, block), bold=True) for block in graph.open_blocks}
    return lay_out(graph, sizes, names, lying)


def inner(graph: Graph) -> tuple[Node, ...]:
    """The nodes without the two ends."""
    return graph.nodes[1:-1]


def node(graph: Graph, path: str) -> Node:
    return next(node for node in graph.nodes if node.path == path)


def members(outlined: Outline, box: Node) -> tuple[str, ...]:
    """The blocks that are put together in this box, by what the box itself holds."""
    held = {layer.path for layer in box.layers}
    return tuple(
        block
        for block in outlined.repeats.get(box.block, ())
        if any(path.startswith(f"{block}.") for path in held)
    )


def targets(graph: Graph, path: str) -> set[str]:
    return {edge.target for edge in graph.edges if edge.source == path}


def sources(graph: Graph, path: str) -> set[str]:
    return {edge.source for edge in graph.edges if edge.target == path}


def row(path: str, *inputs: str, kind: str = "convolution") -> LayerCost:
    """A layer of which only the place in the network matters."""
    shape = (1, 4, 8, 8)
    return LayerCost(path, "Conv2d", kind, shape, shape, 1, 1, 1, 0, 0, 0, 0, 1, 1, inputs)


def opened_first(name: str) -> Graph:
    return fold(outline_of(SPECS[name]), readable(outline_of(SPECS[name])))


def opened_first_of(spec: ModelSpec) -> Graph:
    return fold(outline_of(spec), readable(outline_of(spec)))


def turned(point: Point) -> Point:
    """x for y."""
    return point[1], point[0]


def points_on(route: Route, lying: bool) -> Iterator[Point]:
    """Points along the line as the SVG draws it: an S is a cubic curve, straight at both ends."""
    points = [turned(point) for point in route.points] if lying else route.points
    for (x1, y1), (x2, y2) in pairwise(points):
        for step in range(21):
            t = step / 20
            bend = 3 * t * t - 2 * t**3  # of x: control points above each other
            middle = (y1 + y2) / 2
            y = (1 - t) ** 3 * y1 + 3 * t * (1 - t) * middle + t**3 * y2
            point = x1 + (x2 - x1) * bend, y
            yield turned(point) if lying else point


def holds(box: Box, point: Point) -> bool:
    """Whether the point is inside, half a pixel and more from the edge."""
    x, y = point[0] - box.left, point[1] - box.top
    return 0.5 < x < box.width - 0.5 and 0.5 < y < box.height - 0.5


def overlap(box: Box, other: Box) -> bool:
    return (
        box.left < other.left + other.width
        and other.left < box.left + box.width
        and box.top < other.top + other.height
        and other.top < box.top + box.height
    )


def drawn_parts(graph: Graph, layout: Layout, lying: bool) -> Iterator[tuple[str, Box]]:
    """What lines must not cross: boxes, circles and the words of circles."""
    for path, box in layout.boxes.items():
        if not node(graph, path).is_join:
            yield path, box
            continue
        x, y = box.center, box.top + box.height / 2
        beside = box.left + box.width - x - RADIUS
        words = Box(x + RADIUS, box.top, beside, box.height, 0)
        if lying:
            x, y = box.left + box.width / 2, box.center
            beside = box.top + box.height - y - RADIUS
            words = Box(box.left, y + RADIUS, box.width, beside, 0)
        yield path, Box(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS, 0)
        yield path, words


def assert_nothing_overlaps(graph: Graph, lying: bool = False) -> None:
    """No two boxes overlap, no line crosses a box or the name of a frame, all inside the page."""
    layout = laid_out(graph, lying)
    assert set(layout.boxes) == {node.path for node in graph.nodes}
    for first, second in combinations(layout.boxes, 2):
        assert not overlap(layout.boxes[first], layout.boxes[second]), (first, second)
    names = [
        Box(box.left + 6, box.top + 2, text_width(frame_name(graph, block), bold=True), 15, 0)
        for block, box in layout.frames.items()
    ]
    for name, box in zip(names, layout.frames.values(), strict=True):
        assert name.left + name.width <= box.left + box.width
        assert not any(overlap(name, other) for other in layout.boxes.values())
    assert [route.edge for route in layout.routes] == list(graph.edges)
    parts = list(drawn_parts(graph, layout, lying))
    for route in layout.routes:
        points = list(points_on(route, lying))
        for path, box in parts:
            assert not any(holds(box, point) for point in points), (route.edge, path)
        for box in names:
            assert not any(holds(box, point) for point in points), route.edge
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in points)
        assert_joins(route, graph, layout, lying)


def assert_joins(route: Route, graph: Graph, layout: Layout, lying: bool) -> None:
    """The line leads from the edge of its source to that of its target, never back."""
    edge, points = route.edge, route.points
    source, target = layout.boxes[edge.source], layout.boxes[edge.target]
    along = [x for x, _ in points] if lying else [y for _, y in points]
    assert along == sorted(along)
    for path, box, point, is_end in (
        (edge.source, source, points[0], False),
        (edge.target, target, points[-1], True),
    ):
        start, size = (box.left, box.width) if lying else (box.top, box.height)
        half = RADIUS if node(graph, path).is_join else size / 2
        expected = (box.center, start + size / 2 + (-half if is_end else half))
        assert point == pytest.approx(turned(expected) if lying else expected, abs=0.1)
