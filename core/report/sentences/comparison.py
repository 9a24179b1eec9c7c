"""What stands out among networks side by side, in sentences. Markdown. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.analysis.records import Analysis
from core.language import _, comma, ngettext, paragraph
from core.report import formats
from core.report.figures.comparison import AccuracyPoint

_Network = tuple[str, Analysis]  # its name, as Markdown would show it, and what it costs
_NAMED = 3  # networks whose runs overlap with the best one's


def costs_sentence(networks: Sequence[_Network], batch_size: int) -> str:
    """Of two networks the second against the first; of more, who takes least and who most."""
    if len(networks) < 2:
        return ""
    if len(networks) == 2:
        return against(networks[0], networks[1], batch_size)
    return paragraph(
        _extremes(networks, lambda analysis: analysis.totals.macs, _("multiply-adds")),
        _extremes(networks, lambda analysis: analysis.totals.params, _("parameters")),
    )


def against(first: _Network, other: _Network, batch_size: int) -> str:
    """What the other one takes, counted by the first."""
    totals, reference = other[1].totals, first[1].totals
    saved = formats.times(totals.saved_bytes, reference.saved_bytes, formats.MUCH)
    memory = formats.times(
        other[1].training_bytes(batch_size), first[1].training_bytes(batch_size), formats.MUCH
    )
    return _(
        "**{other}** against **{first}**: {params} parameters, {macs} MACs; it keeps {saved} for"
        " the backward pass, and a training batch of {batch_size} needs {memory} memory.",
        other=_plain(other[0]),
        first=_plain(first[0]),
        params=formats.times(totals.params, reference.params),
        macs=formats.times(totals.macs, reference.macs),
        saved=saved,
        batch_size=batch_size,
        memory=memory,
    )


def accuracy_sentence(points: Sequence[AccuracyPoint]) -> str:
    """Which network got furthest, for how many multiply-adds, and who may be as good."""
    best = max(points, key=lambda point: point.mean)
    sentences = [
        _(
            "**{network}** gets furthest: {accuracy} ({runs}).",
            network=_plain(best.label),
            accuracy=formats.percent(best.mean),
            runs=ngettext("{number:,} run", "{number:,} runs", len(best.accuracies)),
        )
    ]
    costly = max(points, key=lambda point: point.macs)
    if costly is not best and costly.macs > best.macs:
        sentences.append(
            _(
                "It takes {times} multiply-adds than {network}, the costliest.",
                times=formats.times(best.macs, costly.macs),
                network=_plain(costly.label),
            )
        )
    overlap = [
        p.label for p in points if p is not best and max(p.accuracies) >= min(best.accuracies)
    ]
    if overlap:
        named = comma().join(map(_plain, overlap[:_NAMED]))
        if (more := len(overlap) - _NAMED) > 0:
            named = _("{named} and {more} more", named=named, more=more)
        sentences.append(
            _(
                "Its runs overlap with those of {networks}: they do not tell which is better.",
                networks=named,
            )
        )
    return paragraph(*sentences)


def _extremes(networks: Sequence[_Network], measure: Callable[[Analysis], int], words: str) -> str:
    least, most = (pick(networks, key=lambda network: measure(network[1])) for pick in (min, max))
    if measure(least[1]) == measure(most[1]):
        return _("All have as many {words}.", words=words)
    return _(
        "**{least}** has the fewest {words}, **{most}** the most: {times}.",
        least=_plain(least[0]),
        words=words,
        most=_plain(most[0]),
        times=formats.times(measure(most[1]), measure(least[1])),
    )


def _plain(name: str) -> str:
    """A name is data: nothing in it is Markdown."""
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>#!|$~:" else letter for letter in name)
