"""The rows of a chart of costs: those that cost something, few enough to be read.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from core.analysis.records import LayerCost

_COARSE = 1 / 3  # of what there is room for: with fewer rows a chart would tell too little


@dataclass(frozen=True)
class CostRow:
    """A layer, or several that follow each other."""

    path: str  # of the layer, or what the layers' paths begin with: stage1.3
    kind: str  # of LayerCost; that of the layer which costs most
    macs: int  # multiply-adds an image
    params: int
    layers: tuple[LayerCost, ...]  # at least one


def cost_rows(layers: Sequence[LayerCost], most: int) -> list[CostRow]:
    """The layers that have parameters or MACs, at most so many rows, in the order of execution.

    Where they are more, those of a module stand in one row, and where a module has too many of
    these, several that follow each other: `layer3.4–5`.
    """
    rows = [_row(layer.path, [layer]) for layer in layers if layer.params or layer.macs]
    deepest = max((row.path.count(".") + 1 for row in rows), default=1)
    for depth in range(deepest, 0, -1):
        if len(rows) <= most:
            break
        modules = _by_module(rows, depth)
        if len(modules) <= most * _COARSE:  # of too few modules: runs of what they consist of
            return _runs(rows, most)
        rows = modules
    return rows if len(rows) <= most else _runs(rows, most)


def _row(path: str, layers: Iterable[LayerCost]) -> CostRow:
    members = tuple(layers)
    macs, params = sum(one.macs for one in members), sum(one.params for one in members)
    largest = max(members, key=lambda one: one.macs / max(1, macs) + one.params / max(1, params))
    return CostRow(path, largest.kind, macs, params, members)


def _merged(path: str, rows: Iterable[CostRow]) -> CostRow:
    return _row(path, (layer for row in rows for layer in row.layers))


def _module(path: str, depth: int) -> str:
    return ".".join(path.split(".")[:depth])


def _by_module(rows: Iterable[CostRow], depth: int) -> list[CostRow]:
    """Those whose paths begin with the same `depth` parts in one row."""
    groups = groupby(rows, key=lambda row: _module(row.path, depth))
    return [_merged(path, members) for path, members in groups]


def _runs(rows: Sequence[CostRow], most: int) -> list[CostRow]:
    """Rows of one module that follow each other, as many together as it takes."""
    for length in range(2, len(rows) + 1):
        runs = [
            members[start : start + length]
            for members in _of_one_parent(rows)
            for start in range(0, len(members), length)
        ]
        if len(runs) <= most:
            return [_merged(_run_name(run), run) for run in runs]
    everything = list(rows)  # a parent for nearly each: without regard to them
    length = -(-len(everything) // most)
    parts = [everything[start : start + length] for start in range(0, len(everything), length)]
    return [_merged(_run_name(part), part) for part in parts]


def _of_one_parent(rows: Sequence[CostRow]) -> list[list[CostRow]]:
    groups = groupby(rows, key=lambda row: row.path.rpartition(".")[0])
    return [list(members) for _, members in groups]


def _run_name(run: Sequence[CostRow]) -> str:
    """`dense_block1.layer3–4`; of one row, or of several whose parents differ, whole paths."""
    first, last = run[0].path, run[-1].path
    if len(run) == 1:
        return first
    (parent, _, name), (other, _, end) = first.rpartition("."), last.rpartition(".")
    if parent != other:
        return f"{first}–{last}"
    word = name.rstrip("0123456789")
    return f"{first}–{end.removeprefix(word) if end[len(word) :].isdigit() else end}"
