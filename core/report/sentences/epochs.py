"""Whether the last epoch was the best one, over the seeds of a setting. Imports no torch."""

from __future__ import annotations

from core.report import formats
from core.studies.reproduction import Reproduction


def best_epoch_sentence(row: Reproduction) -> str:
    """In how many of its runs an earlier epoch was the best, and by how much."""
    best = [max(run.metrics, key=lambda one: one.test_accuracy) for run in row.runs]
    gains = [epoch.test_accuracy - run.final for epoch, run in zip(best, row.runs, strict=True)]
    earlier = sum(gain > 0 for gain in gains)
    if not earlier:
        return f"{row.title}: in each of {len(best)} runs the last of {row.epochs} epochs was best."
    return (
        f"{row.title}: in {earlier} of {len(best)} runs of {row.epochs} epochs the best one came"
        f" before the last; it was up to {formats.points(max(gains))} points better."
    )
