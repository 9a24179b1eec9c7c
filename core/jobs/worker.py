"""The worker: takes queued jobs from the store and executes them, one after the other."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict

import torch

from core.jobs.files import delete_folder
from core.jobs.heartbeat import RETRY_SECONDS, Heartbeat, StopRequested, report
from core.jobs.measurements import measure
from core.jobs.processes import end_leases_of_the_dead, this_process
from core.jobs.queue import LEASE_SECONDS
from core.jobs.records import Job, JobState, Measurement, Run
from core.jobs.store import LostJob, QueueFilter, Store, StoreUnavailable, open_store
from core.jobs.train import Listener, train
from core.measure.requests import DeviceSpeedRequest
from core.specs import LabError
from core.training.devices import available_devices
from core.training.estimate import Speed, measure_speed
from core.training.fit import Diverged

_IDLE_SECONDS = 0.5


def execute(
    store: Store,
    job: Run | Measurement,
    listen: Listener | None = None,
    abandon: Callable[[], None] | None = None,
) -> JobState:
    """Carry out the claimed job to its end and record it; never raises for a job that fails.

    Does not care who called it. A job whose store or disk cannot take it now is queued again.
    `abandon` ends the caller's process when a stop must not wait for a long step. Returns the
    state that the job ended in.
    """
    heartbeat = Heartbeat(store, job, abandon)
    heartbeat.start()
    try:
        if isinstance(job, Run):
            train(store, job, heartbeat, listen or (lambda _event: None))
        else:
            measure(store, job, heartbeat)
        return heartbeat.end(JobState.FINISHED)
    except StopRequested:
        return heartbeat.end(JobState.STOPPED)
    except LostJob:
        with suppress(LabError):
            if not store.has(job.id):  # deleted while it ran: what was written since goes too
                delete_folder(job.id)
        return JobState.STOPPED
    except StoreUnavailable as error:  # where nothing waits by itself: the queue keeps the job
        print(f"{error} The job goes back into the queue.", file=sys.stderr)
        return heartbeat.release()
    except Diverged as error:
        return heartbeat.end(JobState.DIVERGED, str(error))
    except LabError as error:
        return heartbeat.end(JobState.FAILED, str(error))
    except Exception as error:
        report(error)
        return heartbeat.end(JobState.FAILED, in_words(error))
    finally:
        heartbeat.over.set()
        heartbeat.join()


def in_words(error: Exception) -> str:
    """One sentence for an error that nobody foresaw."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        return "The device ran out of memory; choose a smaller batch or image, or a larger ratio."
    if "Expected more than 1 value per channel" in text:
        return (
            "BatchNorm cannot work on a single value: the last batch has one image and the map is"
            " 1×1; choose another batch size or a larger image."
        )
    if any(word in text for word in ("CUDA error", "CUDA driver", "cuDNN error", "MPS backend")):
        return (
            f"The device stopped working ({text}); continue the run once it is back, or start it"
            " on the CPU."
        )
    return f"The run ended with {type(error).__name__}: {text}"


def work(
    store: Store,
    drain: bool = False,
    leave: threading.Event | None = None,
    when_idle: Callable[[Store], None] | None = None,
    abandon: Callable[[], None] | None = None,
    queue_filter: QueueFilter = QueueFilter.ANY,
) -> int:
    """Execute queued jobs for ever, or with `drain` until none is left; how many there were.

    Only jobs that pass the filter. `when_idle` is called once, as soon as there is no job.
    """
    count = 0
    end_leases_of_the_dead(store)
    while leave is None or not leave.is_set():
        try:
            job = store.claim(this_process(), queue_filter)
        except StoreUnavailable as error:  # locked, or its disk is full: the queue stays
            print(f"{error} This worker waits.", file=sys.stderr)
            time.sleep(RETRY_SECONDS)
            continue
        except LabError as error:
            if drain:
                raise
            report(error)
            time.sleep(LEASE_SECONDS)
            continue
        if job is None:
            if drain:
                break
            if when_idle is not None:
                when_idle(store)
                when_idle = None
            time.sleep(_IDLE_SECONDS)
            continue
        with current_job(job):
            try:
                execute(store, job, abandon=abandon)
            except KeyboardInterrupt:
                store.release(job)
                raise
        _free_memory()
        count += 1
    return count


def _free_memory() -> None:
    """Give back what the last job has left on an accelerator, so that the next one finds it."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


_under_way: list[Job] = []  # what a worker that must leave gives back


@contextmanager
def current_job(job: Job) -> Iterator[None]:
    """While open, `job` is what this process works on."""
    _under_way.append(job)
    try:
        yield
    finally:
        _under_way.remove(job)


def _measure_devices(store: Store) -> None:
    """Measure the speed of each device, for estimates; the best of all measurements is kept."""
    for device in available_devices():
        request = DeviceSpeedRequest(device)
        try:
            speed = measure_speed(device)
            if known := store.result_of(request):
                speed = speed.best_of(Speed.from_dict(known))
            store.keep_result(request, asdict(speed), replace=True)
        except (LabError, RuntimeError) as error:  # a busy card: runs matter more than estimates
            report(error)


def leave_with_parent(store: Store) -> None:
    """End this process when its standard input closes, giving its job back to the queue."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # not through a buffer, whose lock outlives us
            pass
        for job in list(_under_way):
            with suppress(LabError):
                store.release(job)
        os._exit(0)  # files are written whole, so there is nothing to clean up

    threading.Thread(target=wait, daemon=True).start()


def main(drain: bool, exit_with_parent: bool, queue_filter: QueueFilter = QueueFilter.ANY) -> int:
    """`python -m core worker`."""
    store = open_store()
    if exit_with_parent:
        leave_with_parent(store)
    work(store, drain, when_idle=_measure_devices, abandon=_begin_anew, queue_filter=queue_filter)
    return 0


def _begin_anew() -> None:
    """Put a fresh worker into the place of this process, whose step takes too long to end."""
    if os.name == "posix":  # standard input, and with it the tie to the parent, stays open
        os.execv(sys.executable, [sys.executable, "-m", "core", *sys.argv[1:]])
    os._exit(0)  # whoever started the worker starts another one
