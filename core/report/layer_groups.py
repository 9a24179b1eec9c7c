"""Layers that follow each other in as few groups as can be read. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol, TypeVar

MOST_ROWS = 44  # of a chart
_COARSE = 1 / 3  # of what there is room for: with fewer rows a chart would tell too little


class _HasPath(Protocol):
    @property
    def path(self) -> str: ...


Layer = TypeVar("Layer", bound=_HasPath)


class Group(NamedTuple):
    """A layer, or several that follow each other."""

    path: str  # of the layer, or what the layers' paths begin with: stage1.3, layer3.4–5
    places: tuple[int, ...]  # of its layers in what was grouped; at least one


def grouped(layers: Sequence[Layer], most: int = MOST_ROWS) -> list[tuple[str, tuple[Layer, ...]]]:
    """The layers in at most so many groups, each with its name, in the order of execution.

    Where they are more, those of a module are one group, and where a module has too many of these,
    several that follow each other: `layer3.4–5`.
    """
    groups = [Group(layer.path, (place,)) for place, layer in enumerate(layers)]
    return [
        (group.path, tuple(layers[place] for place in group.places)) for group in _few(groups, most)
    ]


def _few(groups: list[Group], most: int) -> list[Group]:
    deepest = max((group.path.count(".") + 1 for group in groups), default=1)
    for depth in range(deepest, 0, -1):
        if len(groups) <= most:
            return groups
        modules = _by_module(groups, depth)
        if len(modules) <= most * _COARSE:  # of too few modules: runs of what they consist of
            return _runs(groups, most)
        groups = modules
    return groups if len(groups) <= most else _runs(groups, most)


def _merged(path: str, groups: Iterable[Group]) -> Group:
    return Group(path, tuple(place for group in groups for place in group.places))


def _module(path: str, depth: int) -> str:
    return ".".join(path.split(".")[:depth])


def _by_module(groups: Iterable[Group], depth: int) -> list[Group]:
    """Those whose paths begin with the same `depth` parts as one."""
    modules = groupby(groups, key=lambda group: _module(group.path, depth))
    return [_merged(path, members) for path, members in modules]


def _runs(groups: Sequence[Group], most: int) -> list[Group]:
    """Groups of one module that follow each other, as many together as it takes."""
    by_parent = groupby(groups, key=lambda group: group.path.rpartition(".")[0])
    families = [list(members) for _, members in by_parent]
    if len(families) > most:  # a parent for nearly each: without regard to them
        families = [list(groups)]
    for length in range(2, len(groups) + 1):
        runs = [
            members[start : start + length]
            for members in families
            for start in range(0, len(members), length)
        ]
        if len(runs) <= most:
            return [_merged(_run_name(run), run) for run in runs]
    return list(groups)


def _run_name(run: Sequence[Group]) -> str:
    """`dense_block1.layer3–4`; of one group, or of several whose parents differ, whole paths."""
    first, last = run[0].path, run[-1].path
    if len(run) == 1:
        return first
    (parent, _, name), (other, _, end) = first.rpartition("."), last.rpartition(".")
    if parent != other:
        return f"{first}–{last}"
    word = name.rstrip("0123456789")
    is_number = end.startswith(word) and end[len(word) :].isdigit()
    return f"{first}–{end[len(word) :] if is_number else end}"
