"""A network as boxes and arrows: what of its outline is seen.

`readable` picks the blocks to open first, and `fold` makes the graph that is seen with them open.
Blocks that repeat are one box, as far as they are not open themselves. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise
from typing import TypeVar

from core.analysis.records import IMAGE, LayerCost, Shape
from core.report.picture.outline import Outline, Part, main_layer
from core.report.picture.repeats import range_path
from core.specs import LabError

INPUT, OUTPUT = ".image", ".classes"  # paths of the two ends; no module's path starts with a dot
READABLE = 28  # boxes that can be taken in at a glance
MOST = 400  # boxes that are drawn at all


@dataclass(frozen=True)
class Node:
    """One box: a folded block, several that repeat, a part, or an end (without layers)."""

    path: str
    layers: tuple[LayerCost, ...]
    blocks: tuple[str, ...]  # the open blocks around it, from the outside in
    shape: Shape  # of its result, (1, C, H, W)
    block: str = ""  # what is to be opened to see inside: a block or a repetition
    count: int = 1  # so many blocks that are the same

    @property
    def name(self) -> str:
        """The path inside the innermost open block."""
        return name_inside(self.path, self.blocks).removeprefix(".")

    @property
    def last(self) -> LayerCost:
        """The layer that makes its result; not of the two ends, which have no layers."""
        return _last(self.layers)

    @property
    def is_block(self) -> bool:
        """Whether there is more to see inside."""
        return bool(self.block)

    @property
    def params(self) -> int:
        """Weights and biases."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-adds an image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def kind(self) -> str:
        """The kind of layer that does most of the work; "other" for the two ends."""
        if not self.layers:
            return "other"
        if not self.is_block:
            return main_layer(self.layers).kind
        return max(
            self.layers, key=lambda layer: (layer.macs, layer.params, layer.elementwise_ops)
        ).kind

    @property
    def is_join(self) -> bool:
        """Whether it is an addition, a product or a concatenation."""
        return not self.is_block and self.kind == "join"


def name_inside(path: str, around: Sequence[str]) -> str:
    """The path inside the innermost module of `around`."""
    inside = (path.removeprefix(f"{module}.") for module in reversed(around))
    return next((name for name in inside if name != path), path)


@dataclass(frozen=True)
class Edge:
    """An arrow from the box that makes a tensor to one that reads it."""

    source: str
    target: str
    skips: bool  # whether there is a longer way too


@dataclass(frozen=True)
class Graph:
    """What is seen of a network: boxes in the order of execution, the two ends, and arrows."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    counts: Mapping[str, int] = field(hash=False)  # of the blocks in each repetition

    @property
    def open_blocks(self) -> tuple[str, ...]:
        """The blocks that are seen open, outer ones first."""
        return tuple(dict.fromkeys(block for node in self.nodes for block in node.blocks))

    @cached_property
    def unread(self) -> tuple[str, ...]:
        """Boxes that work on the image, but whose result no other box reads."""
        from_image = {INPUT}
        for node in self.nodes:
            if any(edge.source in from_image for edge in self.into.get(node.path, ())):
                from_image.add(node.path)
        ends = from_image - {edge.source for edge in self.edges} - {OUTPUT}
        return tuple(node.path for node in self.nodes if node.path in ends)

    @cached_property
    def into(self) -> dict[str, list[Edge]]:
        """The arrows by the box that they lead to."""
        into: dict[str, list[Edge]] = {}
        for edge in self.edges:
            into.setdefault(edge.target, []).append(edge)
        return into


@dataclass(frozen=True)
class _Place:
    """The box that a part is seen in; fields as in Node."""

    path: str
    blocks: tuple[str, ...]
    block: str = ""
    count: int = 1


def _places(outlined: Outline, opened: Collection[str]) -> list[_Place]:
    """The box of every part."""
    runs = _folded_runs(outlined.repeats, opened)
    return [_place(part, outlined.repeats, runs, opened) for part in outlined.parts]


def _folded_runs(
    repeats: Mapping[str, tuple[str, ...]], opened: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The folded blocks beside each one in its repetition, up to the next that is open."""
    runs: dict[str, tuple[str, ...]] = {}
    for members in repeats.values():
        for is_open, run in groupby(members, key=opened.__contains__):
            together = tuple(run)
            runs |= {} if is_open else dict.fromkeys(together, together)
    return runs


def _place(
    part: Part,
    repeats: Collection[str],
    runs: Mapping[str, tuple[str, ...]],
    opened: Collection[str],
) -> _Place:
    """The outermost folded block around a part, or the part itself."""
    around: list[str] = []
    for block, inner in pairwise((*part.blocks, part.path)):
        if block in opened:
            around.append(block)
        elif block not in repeats:
            return _Place(block, tuple(around), block)
        elif len(run := runs.get(inner, ())) > 1:
            return _Place(range_path(run), tuple(around), block, len(run))
    return _Place(part.path, tuple(around))


def _count_boxes(outlined: Outline, opened: Collection[str]) -> int:
    """Boxes that are seen with these blocks open, without the two ends."""
    return len({place.path for place in _places(outlined, opened)})


def readable(outlined: Outline, most: int = READABLE) -> tuple[str, ...]:
    """Blocks to open first, so that there are at most `most` boxes where that can be.

    Level by level: all blocks if they fit, else the first of each sort, as an example.
    """
    opened: dict[str, None] = {}
    parents = _parents(outlined)
    level = [block for block, parent in parents.items() if parent is None]
    while level:
        if _count_boxes(outlined, {*opened, *level}) <= most:
            fresh = level
        else:
            fresh = _examples(outlined, level, opened, most)
        opened |= dict.fromkeys(fresh)
        level = [block for block, parent in parents.items() if parent in fresh]
    return tuple(block for block in outlined.blocks if block in opened)


def _parents(outlined: Outline) -> dict[str, str | None]:
    """What can be opened by itself, and the one around it.

    Of blocks that repeat each can be opened alone; their repetition need not be.
    """
    parents: dict[str, str | None] = {}
    for part in outlined.parts:
        parent = None
        for block in part.blocks:
            members = outlined.repeats.get(block, ())
            if not any(member in outlined.blocks for member in members):
                parents.setdefault(block, parent)
                parent = block
    return parents


def _examples(
    outlined: Outline, level: Iterable[str], opened: Collection[str], most: int
) -> list[str]:
    """The first block of each sort, as long as they fit; a sort is a sequence of operations."""
    first: dict[tuple[object, ...], str] = {}
    for block in level:
        layers = [layer for part in outlined.blocks[block] for layer in part.layers]
        sort = tuple((layer.operation, layer.window and layer.window.kernel) for layer in layers)
        fits = _count_boxes(outlined, {*opened, *first.values(), block}) <= most
        if sort not in first and fits and block not in outlined.repeats:
            first[sort] = block
    return list(first.values())


def fold(outlined: Outline, opened: Collection[str]) -> Graph:
    """The graph with these blocks open and all others folded; unknown names change nothing.

    Raises LabError where that would be more boxes than can be drawn.
    """
    places = _places(outlined, set(opened) & outlined.blocks.keys())
    if (boxes := len(set(places))) > MOST:
        raise LabError(
            "This picture would have {boxes} boxes, at most {most} work: fold some.",
            boxes=boxes,
            most=MOST,
        )
    groups: dict[_Place, list[LayerCost]] = {}
    for place, part in zip(places, outlined.parts, strict=True):
        groups.setdefault(place, []).extend(part.layers)
    inner = [_make_node(place, inside) for place, inside in groups.items()]
    owner = {layer.path: node.path for node in inner for layer in node.layers}
    layers = [layer for node in inner for layer in node.layers]
    image = next((layer.input_shape for layer in layers if IMAGE in layer.inputs), ())
    result = next((layer.output_shape for layer in layers if layer.path == outlined.output), ())
    pairs = {
        (INPUT if path == IMAGE else owner[path], owner[layer.path]): None
        for layer in layers
        for path in layer.inputs
    }
    if outlined.output:
        pairs[owner[outlined.output], OUTPUT] = None
    nodes = (Node(INPUT, (), (), image), *inner, Node(OUTPUT, (), (), result))
    arrows = [pair for pair in pairs if pair[0] != pair[1]]
    skipping = shortcuts([node.path for node in nodes], arrows)
    edges = tuple(Edge(*pair, pair in skipping) for pair in arrows)
    counts = {path: len(members) for path, members in outlined.repeats.items()}
    return Graph(nodes, edges, counts)


def _make_node(place: _Place, layers: Sequence[LayerCost]) -> Node:
    """The box of these layers."""
    shape = _last(layers).output_shape
    return Node(place.path, tuple(layers), place.blocks, shape, place.block, place.count)


def _last(layers: Sequence[LayerCost]) -> LayerCost:
    """The last that reads something: parameters without a layer stand at the end."""
    return next((layer for layer in reversed(layers) if layer.inputs), layers[-1])


_Name = TypeVar("_Name")


def shortcuts(
    names: Sequence[_Name], arrows: Sequence[tuple[_Name, _Name]]
) -> set[tuple[_Name, _Name]]:
    """The arrows that a longer way goes round; `names` stand in an order that arrows follow."""
    bits = {name: 1 << index for index, name in enumerate(names)}
    followers: dict[_Name, list[_Name]] = {}
    for source, target in arrows:
        followers.setdefault(source, []).append(target)
    reach: dict[_Name, int] = {}  # the bits of all boxes that can be reached
    skipping = set()
    for name in reversed(names):
        targets = followers.get(name, ())
        beyond = 0
        for target in targets:
            beyond |= reach[target]
        skipping |= {(name, target) for target in targets if beyond & bits[target]}
        reach[name] = beyond
        for target in targets:
            reach[name] |= bits[target]
    return skipping
