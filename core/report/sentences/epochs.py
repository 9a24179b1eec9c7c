"""Whether the last epoch was the best one, over the seeds of a setting. Imports no torch."""

from __future__ import annotations

from core.language import _
from core.report import formats
from core.studies.reproduction import Reproduction


def best_epoch_sentence(row: Reproduction) -> str:
    """In how many of its runs an earlier epoch was the best, and by how much."""
    best = [max(run.metrics, key=lambda one: one.test_accuracy) for run in row.runs]
    gains = [epoch.test_accuracy - run.final for epoch, run in zip(best, row.runs, strict=True)]
    earlier = sum(gain > 0 for gain in gains)
    if not earlier:
        return _(
            "{title}: in each of {runs} runs the last of {epochs} epochs was best.",
            title=_(row.title),
            runs=len(best),
            epochs=row.epochs,
        )
    return _(
        "{title}: in {earlier} of {runs} runs of {epochs} epochs the best one came before the last;"
        " it was up to {points} points better.",
        title=_(row.title),
        earlier=earlier,
        runs=len(best),
        epochs=row.epochs,
        points=formats.points(max(gains)),
    )
