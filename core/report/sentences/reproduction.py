"""What a difference to a published accuracy can mean, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.language import N_, _, paragraph
from core.report import formats
from core.studies.reproduction import Reproduction
from core.studies.statistics import one_more


def reproduction_remark(row: Reproduction) -> str:
    """A sentence on a difference of over 0.3 points and on what explains it; else empty."""
    if row.difference is None or row.published is None or not row.is_notable:
        return ""
    template = (
        N_("{network}: our mean is {points} points above the published {published} %.")
        if row.difference > 0
        else N_("{network}: our mean is {points} points below the published {published} %.")
    )
    said = _(
        template,
        network=_(row.title),
        points=formats.points(abs(row.difference)),
        published=formats.points(row.published.final),
    )
    if row.uses_bfloat16:
        numbers = _("Ours computed in bfloat16, the published run most likely in float32.")
        said = paragraph(said, numbers)
    return paragraph(said, _reason([run.final for run in row.runs], row.published.final))


def _reason(final_accuracies: Sequence[float], published: float) -> str:
    """Whether the spread between our seeds explains the published accuracy."""
    expected = one_more(final_accuracies)
    if expected is None:
        return _("With {count} of our seeds it cannot be said why.", count=len(final_accuracies))
    low, high = expected
    template = (
        N_(
            "One run of ours would lie within {low}–{high} % (95 %), and so does the published one:"
            " the spread between seeds explains it."
        )
        if low <= published <= high
        else N_(
            "One run of ours would lie within {low}–{high} % (95 %), and the published one does"
            " not: seeds alone do not explain it. Its seed, batch order and library versions are"
            " not known."
        )
    )
    return _(template, low=formats.points(low), high=formats.points(high))
