"""Which parts of a network can be left out, read from its analysis. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from core.analysis.records import IMAGE, Analysis, LayerCost, Shape
from core.inside.parts_records import (
    BRANCHES,
    CHANNELS,
    IDENTITY,
    LEVELS,
    ONLY_RESIDUAL,
    ONLY_SHORTCUT,
    SHORTCUTS,
    ZEROS,
    LeftAlone,
    Operand,
    Part,
    Parts,
)
from core.inside.row_graph import RowGraph
from core.language import Message, lazy
from core.specs import LabError, check_choice


def parts_of(analysis: Analysis, level: str, layer: str = "") -> Parts:
    """The parts of a network at one of LEVELS; channels are those of `layer`.

    What cannot be left out comes with its reason. Raises LabError for another level or layer.
    """
    check_choice("level", level, LEVELS)
    if level == CHANNELS:
        return _channels(analysis, layer)
    graph = _Graph(analysis)
    if level == BRANCHES:
        return Parts(tuple(graph.branches.values()))
    if level == SHORTCUTS:
        return Parts(tuple(join.without_shortcut for join in graph.joins), graph.equal_joins)
    return _blocks(graph)


def channel_layers(analysis: Analysis) -> list[str]:
    """Paths of the convolutions whose channels can be left out, one by one."""
    return [row.path for row in analysis.layers if _is_convolution(row)]


def _is_convolution(row: LayerCost) -> bool:
    return row.kind == "convolution" and row.is_module and not row.weights_of


def _channels(analysis: Analysis, layer: str) -> Parts:
    rows = {row.path: row for row in analysis.layers if _is_convolution(row)}
    if layer not in rows:
        raise LabError(
            f"{layer!r} is no convolution of this network; it has {', '.join(rows) or 'none'}."
        )
    count = rows[layer].output_shape[1]
    return Parts(
        tuple(Part(f"{layer}[{number}]", ZEROS, layer, channel=number) for number in range(count))
    )


# Additions and concatenations --------------------------------------------------------------------


@dataclass(frozen=True)
class _Join:
    """An addition of a shortcut and a residual; the residual has more weight layers."""

    name: str  # of its unit
    row: LayerCost
    shortcut: int  # which of the two results that it reads

    def without(self, index: int, becomes: str) -> Part:
        return Part(self.name, becomes, operands=(Operand(self.row.path, index, 2),))

    @property
    def without_shortcut(self) -> Part:
        return self.without(self.shortcut, ONLY_RESIDUAL)

    @property
    def without_residual(self) -> Part:
        return self.without(1 - self.shortcut, ONLY_SHORTCUT)


class _Graph(RowGraph):
    """The rows of an analysis, and what can be left out among them."""

    @cached_property
    def _additions(self) -> list[LayerCost]:
        """Those of two results that have the shape of the sum."""
        return [
            row
            for row in self.rows.values()
            if row.operation == "add"
            and len(set(row.inputs)) == len(row.inputs) == 2
            and all(self.shape(path) == row.output_shape for path in row.inputs)
        ]

    @cached_property
    def joins(self) -> list[_Join]:
        """Additions of a shortcut and a residual, in the order of execution."""
        joins = [
            (row, int(self.depth(row.inputs[0]) > self.depth(row.inputs[1])))
            for row in self._additions
            if self.depth(row.inputs[0]) != self.depth(row.inputs[1])
        ]
        units = [_parent(row.path) for row, _ in joins]
        return [
            _Join(unit if unit and units.count(unit) == 1 else row.path, row, shortcut)
            for unit, (row, shortcut) in zip(units, joins, strict=True)
        ]

    @cached_property
    def equal_joins(self) -> tuple[LeftAlone, ...]:
        """Additions of which nobody can say what the shortcut is."""
        joined = {join.row.path for join in self.joins}
        reason = lazy("both terms have as many weight layers: neither is the shortcut")
        return tuple(
            LeftAlone(row.path, reason.kept()) for row in self._additions if row.path not in joined
        )

    @cached_property
    def branches(self) -> dict[str, Part]:
        """By producer: results that are concatenated with others which do not need them."""
        operands: dict[str, list[Operand]] = {}
        names: dict[str, str] = {}
        for row in self.concatenations:
            for index, path in enumerate(row.inputs):
                others = [other for other in row.inputs if other != path]
                if path != IMAGE and not all(self.needs(other, path) for other in others):
                    operands.setdefault(path, []).append(Operand(row.path, index, len(row.inputs)))
                    names.setdefault(path, _outside(path, row.path))
        return {
            path: Part(names[path], ZEROS, operands=tuple(read)) for path, read in operands.items()
        }

    @cached_property
    def concatenations(self) -> list[LayerCost]:
        """Of channels."""
        return [
            row
            for row in self.rows.values()
            if row.operation == "cat"
            and len(row.inputs) > 1
            and len(row.output_shape) > 2
            and sum(self.shape(path)[1] for path in row.inputs) == row.output_shape[1]
        ]


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _outside(path: str, join: str) -> str:
    """The outermost module around `path` that has not the join in it; else the path itself."""
    parts = path.split(".")
    modules = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return next((module for module in modules if not join.startswith(f"{module}.")), path)


# Blocks ------------------------------------------------------------------------------------------


def _blocks(graph: _Graph) -> Parts:
    """Residual units; else the smallest modules of several weight layers, or single ones."""
    parts: dict[str, Part] = {join.row.path: join.without_residual for join in graph.joins}
    left_alone = list(graph.equal_joins)
    taken = 0  # a bit for each row that belongs to a unit or a branch
    for join in graph.joins:
        first, second = (graph.before[path] for path in join.row.inputs)
        taken |= first ^ second
    for module in dict.fromkeys(_parent(row.path) for row in graph.concatenations):
        if module and not any(join.row.path.startswith(f"{module}.") for join in graph.joins):
            taken |= sum(graph.bits[row.path] for row in graph.inside(module))
            _offer(graph, module, parts, left_alone, has_branches=True)
    free = [
        row.path
        for row in graph.rows.values()
        if row.is_weight_layer and row.is_module and not graph.bits[row.path] & taken
    ]
    for block, layers in _smallest(free, graph, taken):
        alone: list[LeftAlone] = []
        if block and _offer(graph, block, parts, alone):
            continue
        agreeing = [path for path in layers if _keeps_shape(graph.rows[path])]
        parts |= {path: Part(path, IDENTITY, path) for path in agreeing}
        if not agreeing:
            left_alone += alone or [_other_shape(path, graph.rows[path]) for path in layers]
        else:
            others = [path for path in layers if path not in agreeing]
            left_alone += [_other_shape(path, graph.rows[path]) for path in others]
    order = {path: number for number, path in enumerate(graph.rows)}
    for module in parts.keys() - order.keys():
        order[module] = order[graph.inside(module)[0].path]
    return Parts(
        tuple(parts[path] for path in sorted(parts, key=order.__getitem__)), tuple(left_alone)
    )


def _offer(
    graph: _Graph,
    module: str,
    parts: dict[str, Part],
    left_alone: list[LeftAlone],
    has_branches: bool = False,
) -> bool:
    """Take the module as a part where its output has the shape of its only input."""
    read, given = graph.ends(module)
    if len(read) == len(given) == 1:
        before, after = graph.shape(*read), graph.shape(*given)
        if before == after:
            parts[module] = Part(module, IDENTITY, module)
            return True
        reason = _makes(after, before)
    else:
        reason = lazy("it reads {read} results and gives {given}", read=len(read), given=len(given))
    if has_branches:
        reason = lazy("{reason}; its branches can be left out", reason=reason)
    left_alone.append(LeftAlone(module, reason.kept()))
    return False


def _smallest(free: list[str], graph: _Graph, taken: int) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Modules of several free weight layers without such a module inside, and single layers."""
    members: dict[tuple[str, ...], str] = {}  # layers → the outermost module of just these
    for module in sorted({module for path in free for module in graph.rows[path].modules}):
        layers = tuple(path for path in free if path.startswith(f"{module}."))
        is_free = not any(graph.bits[row.path] & taken for row in graph.inside(module))
        if len(layers) > 1 and is_free:
            members.setdefault(layers, module)
    smallest = {
        layers: module
        for layers, module in members.items()
        if not any(set(other) < set(layers) for other in members)
    }
    inside = {path for layers in smallest for path in layers}
    yield from ((module, layers) for layers, module in smallest.items())
    yield from (("", (path,)) for path in free if path not in inside)


def _keeps_shape(row: LayerCost) -> bool:
    return len(row.inputs) == 1 and row.input_shape == row.output_shape


def _other_shape(path: str, row: LayerCost) -> LeftAlone:
    return LeftAlone(path, _makes(row.output_shape, row.input_shape).kept())


def _makes(after: Shape, before: Shape) -> Message:
    return lazy("it makes {after} of {before}", after=_sizes(after), before=_sizes(before))


def _sizes(shape: Shape) -> str:
    """Without the images: 16×24×24."""
    return "×".join(map(str, shape[1:]))
