"""What of a network can be folded: its parts, its blocks, and the blocks that repeat.

Imports no torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from core.analysis.records import LayerCost
from core.report.picture.repeats import Unit, find_repeats

_SMALL_KINDS = ("normalisation", "activation", "other")  # drawn in the box of a neighbor


@dataclass(frozen=True)
class Part:
    """Layers that share one box: one that does the work, with what follows it in a chain."""

    path: str
    layers: tuple[LayerCost, ...]
    blocks: tuple[str, ...]  # the blocks and repetitions that it lies in, from the outside in


@dataclass(frozen=True)
class Outline:
    """The parts of a network, in the order of execution."""

    parts: tuple[Part, ...]
    output: str  # path of the layer that ends the network
    repeats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # those of find_repeats

    @cached_property
    def blocks(self) -> dict[str, tuple[Part, ...]]:
        """All that can be folded, the outer ones before what they hold, with its parts."""
        parts_of_block: dict[str, list[Part]] = {}
        for part in self.parts:
            for block in part.blocks:
                parts_of_block.setdefault(block, []).append(part)
        return {block: tuple(parts) for block, parts in parts_of_block.items()}


def outline(layers: Sequence[LayerCost], each: bool = False) -> Outline:
    """The parts and blocks of the layers of an Analysis; with `each`, every layer is a part.

    A block is a module whose layers run one after another, with no other layer in between, and
    fill at least two boxes. Whatever blocks are folded, no arrow then leads back: the graph of
    runs of an order of execution has no cycle. Other modules (two lists that take turns, a module
    that is called twice) are seen through. Blocks that repeat lie in one more block, their
    repetition.
    """
    members = _members_by_module(layers)
    turns = _turns_of(layers)
    modules = {path for path, inside in members.items() if _is_run(inside, turns)}
    homes = {layer.path: _inside_of(layer.path, modules) for layer in layers}
    chains = [[layer] for layer in layers] if each else list(_parts_of(layers, homes))
    boxes = Counter(module for chain in chains for module in homes[chain[0].path])
    parts = []
    for chain in chains:
        blocks = tuple(module for module in homes[chain[0].path] if boxes[module] > 1)
        parts.append(Part(_part_path(chain, members), tuple(chain), blocks))
    last = next((layer for layer in reversed(layers) if layer.inputs), None)
    output = last.path if last else ""
    families = [
        [Unit(path, inside) for path, inside in family.items()]
        for family in _families_of(parts).values()
    ]
    turn_of = {layers[index].path: turn for index, turn in turns.items()}
    repeats = find_repeats(families, layers, turn_of, output)
    return Outline(tuple(_within(parts, repeats)), output, repeats)


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


def _names_of(part: Part) -> tuple[str, ...]:
    """The blocks around a part, and the part itself if it is a module of several layers."""
    is_module = len(part.layers) > 1 and all(layer.path != part.path for layer in part.layers)
    return (*part.blocks, part.path) if is_module else part.blocks


def _families_of(parts: Sequence[Part]) -> dict[tuple[str, ...], dict[str, list[LayerCost]]]:
    """The modules directly inside each block, by the blocks around them, with their layers."""
    families: dict[tuple[str, ...], dict[str, list[LayerCost]]] = {}
    for part in parts:
        names = _names_of(part)
        for depth, name in enumerate(names):
            family = families.setdefault(names[:depth], {})
            family.setdefault(name, []).extend(part.layers)
    return families


def _within(parts: Sequence[Part], repeats: Mapping[str, tuple[str, ...]]) -> Iterator[Part]:
    """The parts with the repetitions among their blocks."""
    repeat_of = {member: path for path, members in repeats.items() for member in members}
    for part in parts:
        blocks: list[str] = []
        for name in _names_of(part):
            blocks += [repeat_of[name]] if name in repeat_of else []
            blocks += [name] if name in part.blocks else []
        yield replace(part, blocks=tuple(blocks))


def _is_small(layer: LayerCost) -> bool:
    """Whether the layer is drawn in the box of another: ReLU, BatchNorm, dropout, flatten."""
    return layer.kind in _SMALL_KINDS


def main_layer(layers: Sequence[LayerCost]) -> LayerCost:
    """The layer that a box is about."""
    return next((layer for layer in layers if not _is_small(layer)), layers[0])


def _part_path(chain: Sequence[LayerCost], members: Mapping[str, list[int]]) -> str:
    """The outermost module that holds just these layers, or the main layer's own path."""
    main = main_layer(chain)
    for module in _prefixes(main.path):
        inside = all(module in _prefixes(layer.path) for layer in chain)
        if inside and len(members.get(module, ())) == len(chain):
            return module
    return main.path
