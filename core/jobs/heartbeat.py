"""The sign of life of a job under way, which also hears whether it should stop."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from core.jobs.records import Job, JobState
from core.jobs.store import LostJob, Store
from core.language import NO_MESSAGE, Message
from core.specs import LabError
from core.storage.place import Unavailable
from core.training.records import Progress
from core.training.step_series import StepSeries

HEARTBEAT_SECONDS = 0.6  # browsers look a little less often, and each time find something new
_QUICK_SECONDS = 0.2  # until there is something to see: somebody has just pressed a button
_MOST_QUICK = 20  # beats
STOP_SECONDS = 2.0  # a step that takes longer is not waited for when somebody presses stop
RETRY_SECONDS = 2.0  # between two tries to write what cannot be written now

_Result = TypeVar("_Result")


class StopRequested(Exception):
    """Somebody pressed stop."""


class Heartbeat(threading.Thread):
    """Tells the store that the job is alive, and hears whether it should stop.

    A thread of its own, because one step of a large network may take longer than the lease.
    `abandon` ends the process in the middle of such a step.
    """

    def __init__(self, store: Store, job: Job, abandon: Callable[[], None] | None = None) -> None:
        super().__init__(daemon=True)
        self.store, self.job, self.abandon = store, job, abandon
        self.progress: Progress | None = None
        self.series: StepSeries | None = None  # of a run; kept with the next beat
        self._kept_series: StepSeries | None = None
        self.stop_requested_at: float | None = None
        self.stop_obeyed = False
        self.lost = False
        self.over = threading.Event()

    def run(self) -> None:
        """Beat until the job is over."""
        beats = 0
        while not self.over.wait(self._pause(beats)):
            beats += 1
            try:
                if self._beat():
                    self._hear_stop()
            except LostJob:
                self.lost = True
                return
            except LabError:
                continue  # the store may answer again before the lease ends

    def _pause(self, beats: int) -> float:
        """Seconds until the next beat, after so many."""
        is_quick = beats < _MOST_QUICK and not (self._kept_series and self._kept_series.points)
        return min(_QUICK_SECONDS, HEARTBEAT_SECONDS) if is_quick else HEARTBEAT_SECONDS

    def _beat(self) -> bool:
        """Tell the store; whether the job should stop."""
        series = self.series
        is_new = series is not self._kept_series
        should_stop = self.store.heartbeat(self.job, self.progress, series if is_new else None)
        self._kept_series = series
        return should_stop

    def _hear_stop(self) -> None:
        """Note that the job shall stop; end the process when the step takes too long."""
        if self.stop_requested_at is None:
            self.stop_requested_at = time.monotonic()
        waited = time.monotonic() - self.stop_requested_at
        if self.abandon and not self.stop_obeyed and waited > STOP_SECONDS:
            self.store.finish(self.job, JobState.STOPPED)
            self.abandon()

    def check(self, progress: Progress) -> None:
        """Note where the job is; raise StopRequested or LostJob when it must end."""
        self.progress = progress
        if self.lost:
            raise LostJob(self.job.id)
        if self.stop_requested_at is not None:
            self.stop_obeyed = True
            raise StopRequested

    def end(self, state: JobState, message: Message = NO_MESSAGE) -> JobState:
        """Write the end of the job, unless somebody else holds it by now."""
        with suppress(LostJob, StopRequested, LabError):  # if this fails, the lease runs out
            if self.series is not self._kept_series:
                self.patiently(self._beat)
            self.patiently(lambda: self.store.finish(self.job, state, message))
        return state

    def release(self) -> JobState:
        """Give the job back to the queue, once the store takes that."""
        with suppress(LostJob, StopRequested, LabError):
            self.patiently(lambda: self.store.release(self.job))
        return JobState.QUEUED

    def patiently(self, write: Callable[[], _Result]) -> _Result:
        """Call `write`; while the disk is full or the store is locked, wait and try again.

        The job waits instead of failing: a full disk would fail every job of the queue, one after
        the other. Raises LostJob once another worker has it, StopRequested when it shall stop.
        """
        before = self.progress
        waits = False
        while True:
            try:
                result = write()
            except Unavailable as error:
                if not waits:
                    print(f"{error} The run waits, and goes on by itself.", file=sys.stderr)
                waits = True
                waiting = before or Progress("waiting", 1, 1, 0, 1)
                waiting = Progress("waiting", waiting.epoch, waiting.epochs, 0, 1)
                if self.stop_obeyed:  # after a stop the disk is not waited for
                    raise StopRequested from error
                self.check(waiting)
                time.sleep(RETRY_SECONDS)
            else:
                self.progress = before
                return result


def report(error: Exception) -> None:
    """The traceback for whoever runs the worker, never for the page."""
    traceback.print_exception(error, file=sys.stderr)
