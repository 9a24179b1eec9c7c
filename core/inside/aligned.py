"""Two networks laid side by side, layer by layer. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from core.analysis.records import Analysis, LayerCost


@dataclass(frozen=True)
class Pair:
    """Layers of two networks that stand for each other; None where one has no counterpart."""

    first: LayerCost | None
    second: LayerCost | None

    @property
    def same_shape(self) -> bool:
        """Whether their results can be compared number by number."""
        if self.first is None or self.second is None:
            return False
        return self.first.output_shape == self.second.output_shape


def aligned(first: Analysis, second: Analysis) -> list[Pair]:
    """Every layer that ran in either, in the order of execution.

    Layers with the same path and kind belong together; between those, equal sequences of kinds.
    """
    one, two = _that_ran(first), _that_ran(second)
    pairs: list[Pair] = []
    for a, b in _gaps(_matches([_name(layer) for layer in one], [_name(layer) for layer in two])):
        pairs += _by_kind(one[a.start : a.stop], two[b.start : b.stop])
        if a.stop < len(one) and b.stop < len(two):
            pairs.append(Pair(one[a.stop], two[b.stop]))
    return pairs


def _that_ran(analysis: Analysis) -> list[LayerCost]:
    return [layer for layer in analysis.layers if layer.inputs]


def _name(layer: LayerCost) -> tuple[str, str]:
    return layer.path, layer.kind


def _by_kind(one: Sequence[LayerCost], two: Sequence[LayerCost]) -> list[Pair]:
    """Layers between two pairs, by what they do; those without a counterpart stand alone."""
    pairs: list[Pair] = []
    for a, b in _gaps(_matches([layer.kind for layer in one], [layer.kind for layer in two])):
        pairs += [Pair(layer, None) for layer in one[a.start : a.stop]]
        pairs += [Pair(None, layer) for layer in two[b.start : b.stop]]
        if a.stop < len(one) and b.stop < len(two):
            pairs.append(Pair(one[a.stop], two[b.stop]))
    return pairs


def _matches(one: Sequence[object], two: Sequence[object]) -> list[tuple[int, int]]:
    """Places of equal things, ending with the place behind each."""
    blocks = SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks()
    return [(a + i, b + i) for a, b, size in blocks for i in range(size)] + [(len(one), len(two))]


def _gaps(matches: Sequence[tuple[int, int]]) -> list[tuple[range, range]]:
    """What lies before each match, in both."""
    before = [(0, 0), *((a + 1, b + 1) for a, b in matches[:-1])]
    return [
        (range(start, a), range(other, b))
        for (start, other), (a, b) in zip(before, matches, strict=True)
    ]
