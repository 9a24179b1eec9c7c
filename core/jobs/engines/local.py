"""The engine of one machine: worker processes that the page server starts. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

from core.analysis.cpu import threads
from core.host_memory import total_host_bytes
from core.jobs.engines.child_process import ChildProcess, Restarts
from core.jobs.processes import process_here
from core.jobs.records import Run
from core.jobs.store import Store
from core.jobs.workers import QueueFilter
from core.language import _
from core.training.records import Device

_UNKNOWN_MEMORY = 4 * 2**30  # is taken for this


class WorkerProcess(ChildProcess):
    """A worker for jobs that pass the filter."""

    def __init__(
        self,
        queue_filter: QueueFilter = QueueFilter.ANY,
        drain: bool = False,
        threads: int | None = None,
    ) -> None:
        flags = ["--only", queue_filter, *(["--drain"] if drain else [])]
        own = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
        super().__init__("worker", *flags, **own)

    @property
    def name(self) -> str:
        """Under which it declares itself."""
        return process_here(self.process.pid)

    def wake(self) -> None:
        """Somebody is about to queue a job: load torch, where the worker sleeps without it."""
        with suppress(OSError, ValueError):
            self.process.stdin.write(b".")  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]


class Workers:
    """The workers of one page server.

    One worker with all threads takes single runs. Many runs of a study go fastest side by side, a
    thread each; measurements take their turns in a process of their own. Both kinds leave by
    themselves when nothing is left for them. None takes from another's queue.
    """

    def __init__(self) -> None:
        self.running: dict[QueueFilter, list[WorkerProcess]] = {
            QueueFilter.SINGLE: [],
            QueueFilter.STUDIES: [],
            QueueFilter.MEASUREMENTS: [],
        }
        self.devices: Sequence[Device] | None = None  # that they have declared; None: none has yet
        self.restarts = Restarts()
        self.lock = threading.Lock()  # sessions of the page server are threads of it

    def ensure(self, store: Store, single: bool = True, cores: int | None = None) -> None:
        """Start the workers that are missing for what waits; one that died is replaced.

        With `single` also that of single runs, which stays and measures the devices. None is
        started for what needs a device that they do not have.
        """
        with self.lock:
            if self.devices is None and (started := self._names()):
                self.devices = store.devices_of(started)
            self._forget_the_dead()
            if not self.restarts.may_start:
                return
            if not self.running[QueueFilter.SINGLE] and (
                single or store.has_waiting(QueueFilter.SINGLE, self.devices)
            ):
                self._start(QueueFilter.SINGLE)
            elif single:
                self.running[QueueFilter.SINGLE][0].wake()
            if not self.running[QueueFilter.MEASUREMENTS] and store.has_waiting(
                QueueFilter.MEASUREMENTS, self.devices
            ):
                self._start(QueueFilter.MEASUREMENTS, drain=True)
            self._ensure_study_workers(store, cores or threads())

    def _ensure_study_workers(self, store: Store, cores: int) -> None:
        """No more workers than cores, and one run at a time on each card.

        With fewer runs than cores each worker gets more threads.
        """
        waiting = store.waiting(QueueFilter.STUDIES, devices=self.devices)
        devices = [job.spec.device for job in waiting if isinstance(job, Run)]
        wanted = devices.count("cpu") + len({device for device in devices if device != "cpu"})
        workers = self.running[QueueFilter.STUDIES]
        starting = sum(worker.is_starting for worker in workers)
        room = min(cores, _memory_gibibytes()) - len(workers)
        new = max(0, min(wanted - starting, room))
        share = max(1, cores // max(1, len(workers) + new))
        for _new in range(new):
            self._start(QueueFilter.STUDIES, drain=True, threads=share)

    def _start(
        self, queue_filter: QueueFilter, drain: bool = False, threads: int | None = None
    ) -> None:
        self.running[queue_filter].append(WorkerProcess(queue_filter, drain, threads))

    def _names(self) -> list[str]:
        """Of all processes that were started and not forgotten yet."""
        return [worker.name for workers in self.running.values() for worker in workers]

    def _forget_the_dead(self) -> None:
        for queue_filter, workers in self.running.items():
            for worker in workers:
                if not worker.is_alive:
                    self.restarts.note(worker)
            self.running[queue_filter] = [worker for worker in workers if worker.is_alive]

    @property
    def problem(self) -> str | None:
        """Why workers do not start, in one sentence; None while they do."""
        if not self.restarts.is_hopeless:
            return None
        return _(
            "The worker process has ended {failed} times as soon as it was started (exit code"
            " {exit_code}); the terminal of the server says why. What is queued stays queued, and"
            " the next try comes within a minute.",
            failed=self.restarts.failed,
            exit_code=self.restarts.exit_code,
        )

    def close(self) -> None:
        """Ask every worker to leave."""
        for workers in self.running.values():
            for worker in workers:
                worker.close()


def _memory_gibibytes() -> int:
    """Of this machine, at least 1: a worker needs less than one for a small network."""
    return max(1, (total_host_bytes() or _UNKNOWN_MEMORY) // 2**30)
