"""What a difference to a published accuracy can mean, in words. Imports no torch."""

from __future__ import annotations

from core.report import formats
from core.studies.reproduction import Reproduction
from core.studies.statistics import one_more


def reproduction_remark(row: Reproduction) -> str:
    """A sentence on a difference of over 0.3 points and on what explains it; else empty."""
    if row.difference is None or row.published is None or not row.is_notable:
        return ""
    side = "above" if row.difference > 0 else "below"
    text = (
        f"{row.title}: our mean is {formats.points(abs(row.difference))} points {side} the"
        f" published {formats.points(row.published.final)} %."
    )
    if row.uses_bfloat16:
        text += " Ours computed in bfloat16, the published run most likely in float32."
    final_accuracies = [run.final for run in row.runs]
    expected = one_more(final_accuracies)
    if expected is None:
        return f"{text} With {len(final_accuracies)} of our seeds it cannot be said why."
    low, high = expected
    between = f"{formats.points(low)}–{formats.points(high)} %"
    if low <= row.published.final <= high:
        return (
            f"{text} One run of ours would lie within {between} (95 %), and so does the published"
            " one: the spread between seeds explains it."
        )
    return (
        f"{text} One run of ours would lie within {between} (95 %), and the published one does"
        " not: seeds alone do not explain it. Its seed, batch order and library versions are not"
        " known."
    )
