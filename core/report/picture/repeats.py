"""Blocks that repeat: one after another in a chain, with the same layers wired in the same way.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from operator import attrgetter

from core.analysis.records import LayerCost

TO = "–"  # from the first to the last
_DIGITS = "0123456789"
# What must agree. What is left out (saved bytes, the gradient of the input) depends on what stands
# before a block, not on the block.
_costs = attrgetter(
    "operation", "kind", "input_shape", "output_shape", "params", "macs", "once_macs",
    "elementwise_ops", "window", "weight_shape", "weight_bytes", "trained_bytes",
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A block, or a module of several layers in one box, that may repeat."""

    path: str
    layers: Sequence[LayerCost]


@dataclass(frozen=True)
class _Form:
    """What of a unit is compared with the next one."""

    rows: tuple[object, ...]  # of each layer: costs, where it reads and is read
    sources: tuple[str, ...]  # layers outside that it reads
    own: frozenset[str]  # paths of its layers
    read_by: frozenset[str]  # layers outside that read it
    first: int  # when it begins and ends, in the order of execution
    last: int


def find_repeats(
    families: Iterable[Iterable[Unit]],
    layers: Sequence[LayerCost],
    turns: Mapping[str, int],
    output: str,
) -> dict[str, tuple[str, ...]]:
    """The units that repeat, by the path of their repetition: layer1.1–2 → layer1.1, layer1.2.

    `families`: the units inside one block each. `turns`: when each layer runs. `output`: the layer
    that ends the network. Each unit of a repetition reads only what the one before gave, and no
    other layer reads that: the repetition is a chain, in which nothing is hidden.
    """
    readers: dict[str, set[str]] = {}
    if any(TO in layer.path for layer in layers):
        return {}  # a module's name could be taken for that of a repetition
    for layer in layers:
        for path in layer.inputs:
            readers.setdefault(path, set()).add(layer.path)
    readers.setdefault(output, set()).add("")
    runs = (run for units in families for run in _runs(units, readers, turns))
    return {range_path(run): run for run in runs}


def range_path(paths: Sequence[str]) -> str:
    """One name for blocks that repeat: layer1.1–35, or layer1.first–last."""
    first, last = paths[0], paths[-1]
    stem = first.rstrip(_DIGITS)
    is_counted = stem != first and stem == last.rstrip(_DIGITS)
    return f"{first}{TO}{last[len(stem) :] if is_counted else last.rpartition('.')[2]}"


def _runs(
    units: Iterable[Unit], readers: Mapping[str, AbstractSet[str]], turns: Mapping[str, int]
) -> Iterator[tuple[str, ...]]:
    """The paths of each at least two units that repeat."""
    formed = [
        (unit.path, _form(unit, readers, turns))
        for unit in units
        if any(layer.path in turns for layer in unit.layers)
    ]
    run: list[str] = []
    before: _Form | None = None
    for path, form in sorted(formed, key=lambda pair: pair[1].first):
        if before is None or not (_same_parent(run[-1], path) and _goes_on(before, form)):
            if len(run) > 1:
                yield tuple(run)
            run = []
        run.append(path)
        before = form
    if len(run) > 1:
        yield tuple(run)


def _same_parent(path: str, other: str) -> bool:
    return path.rpartition(".")[0] == other.rpartition(".")[0]


def _goes_on(before: _Form, form: _Form) -> bool:
    """Whether the second is the first once more, and reads only what that gave."""
    return (
        form.rows == before.rows
        and form.first == before.last + 1
        and len(form.sources) == 1
        and form.sources[0] in before.own
        and before.read_by <= form.own
    )


def _form(unit: Unit, readers: Mapping[str, AbstractSet[str]], turns: Mapping[str, int]) -> _Form:
    """What of a unit is compared; paths inside become numbers, those outside are set apart."""
    numbers = {layer.path: number for number, layer in enumerate(unit.layers)}
    sources: dict[str, int] = {}  # path → a number below zero
    read_by: set[str] = set()
    rows = []
    for layer in unit.layers:
        reads = tuple(
            numbers[path] if path in numbers else sources.setdefault(path, -1 - len(sources))
            for path in layer.inputs
        )
        outside = readers.get(layer.path, set()) - numbers.keys()
        read_by |= outside
        shares = numbers.get(layer.weights_of, layer.weights_of)
        rows.append((_costs(layer), reads, bool(outside), shares, layer.checkpoint > 0))
    own_turns = [turns[path] for path in numbers if path in turns]
    return _Form(
        tuple(rows),
        tuple(sources),
        frozenset(numbers),
        frozenset(read_by),
        min(own_turns),
        max(own_turns),
    )
