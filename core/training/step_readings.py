"""Reading the sums of a training a few times a second, without waiting for the device."""

from __future__ import annotations

import torch

from core.training.state import EpochSums, Training
from core.training.step_series import StepPoint

READING_SECONDS = 0.25  # of training, between two readings


class _Copy:
    """The sums of an epoch as they are now, on their way to the host."""

    def __init__(self, sums: EpochSums) -> None:
        self.images = sums.images
        self.both = torch.stack((sums.loss, sums.correct))
        self.arrived: torch.cuda.Event | None = None
        if self.both.is_cuda:  # into pinned memory, behind all that the device is yet to do
            self.both = self.both.to("cpu", non_blocking=True)
            self.arrived = torch.cuda.Event()
            self.arrived.record()

    @property
    def is_there(self) -> bool:
        return self.arrived is None or self.arrived.query()


class StepReadings:
    """Adds to the series of a training what its steps come to, while they go on."""

    def __init__(self, training: Training, images_per_epoch: int) -> None:
        self.training, self.images_per_epoch = training, images_per_epoch
        self.due: float | None = 0.0  # the first step is read at once; None: from the next step on
        self.copy: _Copy | None = None
        self.images = training.sums.images  # of this epoch, with the sums, at the last reading
        self.loss, self.correct = training.sums.totals()

    def after_step(self, now: float) -> None:
        """Read when it is time, and note what was read once it has arrived."""
        if self.copy is not None and self.copy.is_there:
            self._note(self.copy.images, *self.copy.both.tolist())
            self.copy = None
        if self.due is None:
            self.due = now + READING_SECONDS
        elif now >= self.due and self.copy is None:
            self.copy, self.due = _Copy(self.training.sums), now + READING_SECONDS

    def end_epoch(self, is_last: bool) -> None:
        """The device was waited for; the steps since the last reading go to the next point."""
        sums = self.training.sums
        loss, correct = sums.totals()
        if is_last:
            self._note(sums.images, loss, correct)
        self.images -= sums.images
        self.loss, self.correct = self.loss - loss, self.correct - correct
        self.copy = self.due = None

    def _note(self, images: int, loss: float, correct: float) -> None:
        """A point for the steps since the last one."""
        if new := images - self.images:
            done = self.training.epoch * self.images_per_epoch + images
            means = (loss - self.loss) / new, (correct - self.correct) / new
            self.training.series = self.training.series.add(StepPoint(done, *means))
            self.images, self.loss, self.correct = images, loss, correct
