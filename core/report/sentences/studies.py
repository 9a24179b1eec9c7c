"""What a study that comes with the lab has found, in words. Imports no torch."""

from __future__ import annotations

from core.report import formats
from core.report.sentences.verdict import headline
from core.studies.shipped_studies import TrainedStudy


def means_sentence(trained: TrainedStudy) -> str:
    """What each of its networks reaches, and in which setting."""
    means = [
        f"{title} {formats.percent_within(mean.mean, mean.half)}"
        for title, mean in trained.finals.items()
    ]
    seeds = max((mean.count for mean in trained.finals.values()), default=0)
    return f"{', '.join(means)} ({seeds} seeds; {trained.study.conditions()})."


def study_sentence(trained: TrainedStudy) -> str:
    """The verdict on all of it, and the means behind it."""
    titles = list(trained.finals)
    return f"{headline(trained.pairs(), titles)} {means_sentence(trained)}"
