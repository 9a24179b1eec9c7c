"""What stands out among networks side by side, in sentences. Markdown. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.analysis.records import Analysis
from core.report import formats
from core.report.figures.comparison import AccuracyPoint
from core.report.names import counted

_Network = tuple[str, Analysis]  # its name, as Markdown would show it, and what it costs
_NAMED = 3  # networks whose runs overlap with the best one's


def costs_sentence(networks: Sequence[_Network], batch_size: int) -> str:
    """Of two networks the second against the first; of more, who takes least and who most."""
    if len(networks) < 2:
        return ""
    if len(networks) == 2:
        return against(networks[0], networks[1], batch_size)
    return " ".join(
        _extremes(networks, measure, words)
        for measure, words in (
            (lambda analysis: analysis.totals.macs, "multiply-adds"),
            (lambda analysis: analysis.totals.params, "parameters"),
        )
    )


def against(first: _Network, other: _Network, batch_size: int) -> str:
    """What the other one takes, counted by the first."""
    totals, reference = other[1].totals, first[1].totals
    saved = formats.times(totals.saved_bytes, reference.saved_bytes, formats.MUCH)
    memory = formats.times(
        other[1].training_bytes(batch_size), first[1].training_bytes(batch_size), formats.MUCH
    )
    return (
        f"**{_plain(other[0])}** against **{_plain(first[0])}**:"
        f" {formats.times(totals.params, reference.params)} parameters,"
        f" {formats.times(totals.macs, reference.macs)} MACs; it keeps {saved} for the backward"
        f" pass, and a training batch of {batch_size} needs {memory} memory."
    )


def accuracy_sentence(points: Sequence[AccuracyPoint]) -> str:
    """Which network got furthest, for how many multiply-adds, and who may be as good."""
    best = max(points, key=lambda point: point.mean)
    told = (
        f"**{_plain(best.label)}** gets furthest: {formats.percent(best.mean)}"
        f" ({counted(len(best.accuracies), 'run')})."
    )
    costly = max(points, key=lambda point: point.macs)
    if costly is not best and costly.macs > best.macs:
        told += (
            f" It takes {formats.times(best.macs, costly.macs)} multiply-adds than"
            f" {_plain(costly.label)}, the costliest."
        )
    overlap = [
        p.label for p in points if p is not best and max(p.accuracies) >= min(best.accuracies)
    ]
    if overlap:
        named = ", ".join(map(_plain, overlap[:_NAMED]))
        more = f" and {len(overlap) - _NAMED} more" if len(overlap) > _NAMED else ""
        told += f" Its runs overlap with those of {named}{more}: they do not tell which is better."
    return told


def _extremes(networks: Sequence[_Network], measure: Callable[[Analysis], int], words: str) -> str:
    least, most = (pick(networks, key=lambda network: measure(network[1])) for pick in (min, max))
    if measure(least[1]) == measure(most[1]):
        return f"All have as many {words}."
    times = formats.times(measure(most[1]), measure(least[1]))
    return (
        f"**{_plain(least[0])}** has the fewest {words}, **{_plain(most[0])}** the most: {times}."
    )


def _plain(name: str) -> str:
    """A name is data: nothing in it is Markdown."""
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>#!|$~:" else letter for letter in name)
