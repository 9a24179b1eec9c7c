"""What this process's worker is doing, for whoever asks whether it is well. Imports no torch."""

from __future__ import annotations

import time

from core.jobs.records import Job

under_way: list[Job] = []  # the jobs of this process


class Pulse:
    """When the worker last showed that it goes on: a look at the queue, a step of a job."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def beat(self) -> None:
        """It goes on."""
        self._last = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """Since the last beat."""
        return time.monotonic() - self._last


pulse = Pulse()
