"""What the steps of a run have come to, by epoch: read by charts and browsers. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.data.catalogue import train_images_of
from core.jobs.records import Run
from core.training.step_series import StepSeries


@dataclass(frozen=True)
class StepCurve:
    """Training loss and accuracy of a run between the ends of its epochs."""

    run: int
    attempt: int  # that wrote it: a later one may go on from an earlier point
    width: int  # readings that a point stands for
    settled: int  # points that change no more, as long as attempt and width stay
    epochs: list[float]  # where the points are, as a share of the training images
    loss: list[float]  # nats; not finite where the network diverges
    accuracy: list[float]  # %

    @classmethod
    def empty(cls, run: Run) -> StepCurve:
        """Of a run that has done no step."""
        return cls(run.id, 0, 1, 0, [], [], [])

    @classmethod
    def of(cls, run: Run, attempt: int, series: StepSeries) -> StepCurve:
        """Raises LabError for a data set that this lab does not know."""
        points = series.by_epoch(train_images_of(run.spec))
        return cls(run.id, attempt, series.width, series.settled, *points)
