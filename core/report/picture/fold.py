"""A network as boxes and arrows: what can be folded, and what is shown.

`outline` finds the parts and the blocks of an Analysis, `readable` picks the blocks to open first,
and `fold` makes the graph that is seen with them open. Imports no torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from core.analysis.records import IMAGE, LayerCost, Shape
from core.specs import LabError

INPUT, OUTPUT = ".image", ".classes"  # paths of the two ends; no module's path starts with a dot
READABLE = 28  # boxes that can be taken in at a glance
MOST = 400  # boxes that are drawn at all
_SMALL_KINDS = ("normalisation", "activation", "other")  # drawn in the box of a neighbor


# What can be folded --------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Layers that share one box: one that does the work, with what follows it in a chain."""

    path: str
    layers: tuple[LayerCost, ...]
    blocks: tuple[str, ...]  # the blocks that it lies in, from the outside in


@dataclass(frozen=True)
class Outline:
    """The parts of a network, in the order of execution."""

    parts: tuple[Part, ...]
    output: str  # path of the layer that ends the network

    @cached_property
    def blocks(self) -> dict[str, tuple[Part, ...]]:
        """Every block that can be folded, the outer ones before what they hold, and its parts."""
        parts_of_block: dict[str, list[Part]] = {}
        for part in self.parts:
            for block in part.blocks:
                parts_of_block.setdefault(block, []).append(part)
        return {block: tuple(parts) for block, parts in parts_of_block.items()}


def outline(layers: Sequence[LayerCost]) -> Outline:
    """The parts and blocks of the layers of an Analysis.

    A block is a module whose layers run one after another, with no other layer in between, and
    fill at least two boxes. Whatever blocks are folded, no arrow then leads back: the graph of
    runs of an order of execution has no cycle. Other modules (two lists that take turns, a module
    that is called twice) are seen through.
    """
    members = _members_by_module(layers)
    turns = _turns_of(layers)
    modules = {path for path, inside in members.items() if _is_run(inside, turns)}
    homes = {layer.path: _inside_of(layer.path, modules) for layer in layers}
    chains = list(_parts_of(layers, homes))
    boxes = Counter(module for chain in chains for module in homes[chain[0].path])
    parts = []
    for chain in chains:
        blocks = tuple(module for module in homes[chain[0].path] if boxes[module] > 1)
        parts.append(Part(_part_path(chain, members), tuple(chain), blocks))
    last = next((layer for layer in reversed(layers) if layer.inputs), None)
    return Outline(tuple(parts), last.path if last else "")


def _prefixes(path: str) -> Iterator[str]:
    """a, a.b and a.b.c of a.b.c."""
    words = path.split(".")
    return (".".join(words[:count]) for count in range(1, len(words) + 1))


def _members_by_module(layers: Sequence[LayerCost]) -> dict[str, list[int]]:
    """Every module's layers as indices in the order of execution, outer modules first.

    A module that holds just the same layers as the one around it is left out.
    """
    members: dict[str, list[int]] = {}
    for index, layer in enumerate(layers):
        for module in _prefixes(layer.path):
            members.setdefault(module, []).append(index)
    return {
        module: inside
        for module, inside in members.items()
        if "." not in module or len(members[module.rpartition(".")[0]]) > len(inside)
    }


def _turns_of(layers: Sequence[LayerCost]) -> dict[int, int]:
    """Indices of the layers that run, and when; some rows only hold parameters."""
    read = {path for layer in layers for path in layer.inputs}
    running = [index for index, layer in enumerate(layers) if layer.inputs or layer.path in read]
    return {index: turn for turn, index in enumerate(running)}


def _is_run(inside: Sequence[int], turns: Mapping[int, int]) -> bool:
    """Whether at least two layers run without another one in between."""
    own = [turns[index] for index in inside if index in turns]
    return len(own) > 1 and own[-1] - own[0] + 1 == len(own)


def _inside_of(path: str, modules: set[str]) -> tuple[str, ...]:
    """Those of `modules` that a layer lies in, from the outside in."""
    return tuple(module for module in _prefixes(path) if module in modules)


def _parts_of(
    layers: Sequence[LayerCost], homes: Mapping[str, tuple[str, ...]]
) -> Iterator[list[LayerCost]]:
    """The layers in chains of one box each; a small layer joins its neighbor in its module."""
    readers = Counter(path for layer in layers for path in layer.inputs)
    chain_of: dict[str, list[LayerCost]] = {}
    chains = []
    for layer in layers:
        chain = chain_of.get(layer.inputs[0]) if len(layer.inputs) == 1 else None
        if (
            chain is not None
            and chain[-1].path == layer.inputs[0]
            and readers[chain[-1].path] == 1
            and homes[chain[-1].path] == homes[layer.path]
            and (_is_small(layer) or all(map(_is_small, chain)))
        ):
            chain.append(layer)
        else:
            chain = [layer]
            chains.append(chain)
        chain_of[layer.path] = chain
    yield from chains


def _is_small(layer: LayerCost) -> bool:
    """Whether the layer is drawn in the box of another: ReLU, BatchNorm, dropout, flatten."""
    return layer.kind in _SMALL_KINDS


def _main_layer(layers: Sequence[LayerCost]) -> LayerCost:
    """The layer that a box is about."""
    return next((layer for layer in layers if not _is_small(layer)), layers[0])


def _part_path(chain: Sequence[LayerCost], members: Mapping[str, list[int]]) -> str:
    """The outermost module that holds just these layers, or the main layer's own path."""
    main = _main_layer(chain)
    for module in _prefixes(main.path):
        inside = all(module in _prefixes(layer.path) for layer in chain)
        if inside and len(members.get(module, ())) == len(chain):
            return module
    return main.path


# What is seen --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """One box: a folded block, a part, or one of the two ends (without layers)."""

    path: str
    layers: tuple[LayerCost, ...]
    blocks: tuple[str, ...]  # the open blocks around it, from the outside in
    is_block: bool
    shape: Shape  # of its result, (1, C, H, W)

    @property
    def name(self) -> str:
        """The path inside the innermost open block."""
        return self.path.removeprefix(f"{self.blocks[-1]}." if self.blocks else ".")

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
            return _main_layer(self.layers).kind
        return max(
            self.layers, key=lambda layer: (layer.macs, layer.params, layer.elementwise_ops)
        ).kind

    @property
    def is_join(self) -> bool:
        """Whether it is an addition, a product or a concatenation."""
        return not self.is_block and self.kind == "join"


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


def _node_path(part: Part, opened: Collection[str]) -> str:
    """The outermost folded block around a part, or the part itself."""
    return next((block for block in part.blocks if block not in opened), part.path)


def _count_boxes(outlined: Outline, opened: Collection[str]) -> int:
    """Boxes that are seen with these blocks open, without the two ends."""
    return len({_node_path(part, opened) for part in outlined.parts})


def readable(outlined: Outline, most: int = READABLE) -> tuple[str, ...]:
    """Blocks to open first, so that there are at most `most` boxes where that can be.

    Level by level: all blocks if they fit, else the first of each sort, as an example.
    """
    opened: dict[str, None] = {}
    level = [block for block, parts in outlined.blocks.items() if parts[0].blocks[0] == block]
    while level:
        if _count_boxes(outlined, {*opened, *level}) <= most:
            fresh = level
        else:
            fresh = _examples(outlined, level, opened, most)
        opened |= dict.fromkeys(fresh)
        level = [
            block
            for block, parts in outlined.blocks.items()
            if _parent_of(block, parts[0]) in fresh
        ]
    return tuple(block for block in outlined.blocks if block in opened)


def _parent_of(block: str, part: Part) -> str | None:
    """The block around `block`, which holds `part`."""
    depth = part.blocks.index(block)
    return part.blocks[depth - 1] if depth else None


def _examples(
    outlined: Outline, level: Iterable[str], opened: Collection[str], most: int
) -> list[str]:
    """The first block of each sort, as long as they fit; a sort is a sequence of operations."""
    first: dict[tuple[object, ...], str] = {}
    for block in level:
        layers = [layer for part in outlined.blocks[block] for layer in part.layers]
        sort = tuple((layer.operation, layer.window and layer.window.kernel) for layer in layers)
        fits = _count_boxes(outlined, {*opened, *first.values(), block}) <= most
        if sort not in first and fits:
            first[sort] = block
    return list(first.values())


def fold(outlined: Outline, opened: Collection[str]) -> Graph:
    """The graph with these blocks open and all others folded; unknown names change nothing.

    Raises LabError where that would be more boxes than can be drawn.
    """
    opened = set(opened)
    if (boxes := _count_boxes(outlined, opened)) > MOST:
        raise LabError(f"This picture would have {boxes} boxes, at most {MOST} work: fold some.")
    groups: dict[str, list[Part]] = {}
    for part in outlined.parts:
        groups.setdefault(_node_path(part, opened), []).append(part)
    inner = [_make_node(path, parts, opened) for path, parts in groups.items()]
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
    nodes = (Node(INPUT, (), (), False, image), *inner, Node(OUTPUT, (), (), False, result))
    arrows = [pair for pair in pairs if pair[0] != pair[1]]
    skipping = shortcuts([node.path for node in nodes], arrows)
    return Graph(nodes, tuple(Edge(*pair, pair in skipping) for pair in arrows))


def _make_node(path: str, parts: Sequence[Part], opened: Collection[str]) -> Node:
    """The box of these parts."""
    layers = tuple(layer for part in parts for layer in part.layers)
    around = parts[0].blocks
    is_block = path in around
    blocks = around[: around.index(path)] if is_block else around
    last = next((layer for layer in reversed(layers) if layer.inputs), layers[-1])
    return Node(path, layers, blocks, is_block, last.output_shape)


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
