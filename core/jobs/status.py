"""What workers and page servers answer under /healthz and /metrics. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from sqlalchemy import func, select

from core.jobs.database import STORE_ERRORS
from core.jobs.pulse import pulse, under_way
from core.jobs.queue import JOBS
from core.jobs.records import TRAIN, JobState
from core.jobs.store import Store
from core.operating.metrics import Histogram, Labels, gauge, process_lines
from core.specs import LabError

JOB_SECONDS = Histogram(
    "lab_job_seconds",
    "How long attempts at jobs took in this worker, by their kind and how they ended.",
    ("kind", "state"),
    (1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 10800.0, 36000.0),
)
_ANSWER_SECONDS = 3.0  # that the store may take
_IDLE_SECONDS = 90.0  # a turn of a worker without a job; the longest waits for a locked store
_STEP_SECONDS = 900.0  # a step of a large network on a slow machine, or a measurement's warm-up


class StoreStatus:
    """Whether the store answers, and what waits in it; asked when somebody wants to know."""

    def __init__(self) -> None:
        self.store: Store | None = None  # until it could be opened
        self._question: threading.Thread | None = None  # under way, or the last one
        self._jobs: dict[Labels, float] = {}
        self._problem: str | None = None
        self._lock = threading.Lock()

    def opened(self) -> Store:
        """The store. Raises LabError while it cannot be opened."""
        if self.store is None:
            raise LabError("The run store is not open yet.")
        return self.store

    def problem(self) -> str | None:
        """Why nothing can be done now, in one sentence; None while all is well."""
        with self._lock:
            if self._question is None or not self._question.is_alive():
                self._question = threading.Thread(target=self._ask, daemon=True)
                self._question.start()
            question = self._question
        question.join(_ANSWER_SECONDS)
        if question.is_alive():  # nobody else asks until it has its answer
            return f"The run store has not answered for {_ANSWER_SECONDS:.0f} seconds."
        return self._problem

    def _ask(self) -> None:
        try:
            self._jobs = _unfinished(self.opened())
            self._problem = None
        except LabError as error:
            self._problem = str(error)

    def lines(self) -> Iterator[str]:
        """The queue as it is now, and what this process has met."""
        is_up = StoreStatus.problem(self) is None
        yield from gauge("lab_store_up", "Whether the run store answers.", int(is_up))
        if is_up:
            about = "Jobs in the store that are not over, by their state and kind."
            yield from gauge("lab_jobs", about, self._jobs, ("state", "kind"))
        yield from STORE_ERRORS.lines()
        yield from process_lines()


def _unfinished(store: Store) -> dict[Labels, float]:
    """How many jobs wait and run, by state and kind; of runs also that there are none."""
    states = [JobState.QUEUED, JobState.RUNNING]
    counts: dict[Labels, float] = {(state, TRAIN): 0 for state in states}
    query = (
        select(JOBS.state, JOBS.kind, func.count())
        .where(JOBS.state.in_(states))
        .group_by(JOBS.state, JOBS.kind)
    )
    with store.reading() as connection:
        counts |= {(state, kind): count for state, kind, count in connection.execute(query)}
    return counts


class WorkerStatus(StoreStatus):
    """Of a worker: also whether it goes on."""

    def problem(self) -> str | None:
        """As above; a worker that hangs is not well either."""
        silent = pulse.silent_seconds
        if silent > (_STEP_SECONDS if under_way else _IDLE_SECONDS):
            jobs = ", ".join(str(job.id) for job in list(under_way))
            doing = f"at job {jobs}" if jobs else "without a job"
            return f"The worker, {doing}, has shown no sign of life for {silent:.0f} seconds."
        return super().problem()

    def lines(self) -> Iterator[str]:
        """Also the jobs of this worker."""
        yield from super().lines()
        yield from gauge("lab_jobs_under_way", "Jobs that this worker has.", len(under_way))
        about = "Since this worker last showed that it goes on."
        yield from gauge("lab_worker_silent_seconds", about, round(pulse.silent_seconds, 3))
        yield from JOB_SECONDS.lines()
