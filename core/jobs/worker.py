"""The worker: takes queued jobs from the store and executes them.

One after the other, or on a CUDA device several runs side by side.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict

import torch

from core.jobs.asleep import IDLE_SECONDS, fall_asleep
from core.jobs.bell import Bell
from core.jobs.execution import execute, under_way
from core.jobs.files import remove_orphans
from core.jobs.heartbeat import RETRY_SECONDS, report
from core.jobs.processes import end_leases_of_the_dead, this_process
from core.jobs.queue import LEASE_SECONDS
from core.jobs.records import Measurement, Run
from core.jobs.side_by_side import SharedDevice, is_shared
from core.jobs.store import QueueFilter, Store, StoreUnavailable
from core.measure.requests import DeviceSpeedRequest
from core.specs import LabError
from core.training.devices import available_devices
from core.training.estimate import Speed, measure_speed

_NICENESS = 10  # of a page server's workers: pages come first


def work(
    store: Store,
    drain: bool = False,
    leave: threading.Event | None = None,
    when_idle: Callable[[Store], None] | None = None,
    abandon: Callable[[], None] | None = None,
    queue_filter: QueueFilter = QueueFilter.ANY,
) -> int:
    """Execute queued jobs for ever, or with `drain` until none is left; how many there were.

    Only jobs that pass the filter. `when_idle` is called once, as soon as there is no job. Without
    one for long, the process falls asleep and gives its memory back.
    """
    count, last_job, bell = 0, time.monotonic(), Bell(store)
    looks_for_the_dead = True  # once, as soon as the store answers
    while leave is None or not leave.is_set():
        try:
            if looks_for_the_dead:
                end_leases_of_the_dead(store)
                looks_for_the_dead = False
            has_job = store.has_waiting(queue_filter)
            job = store.claim(this_process(), queue_filter) if has_job else None
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
                remove_orphans(store)
                when_idle = None
            if time.monotonic() - last_job > IDLE_SECONDS:
                fall_asleep()
            bell.wait()
            continue
        count += _execute(store, job, abandon, queue_filter)
        _free_memory()
        last_job = time.monotonic()
    bell.close()
    return count


def _execute(
    store: Store, job: Run | Measurement, abandon: Callable[[], None] | None, queue: QueueFilter
) -> int:
    """Execute the job, with others beside it where the device is large enough; how many."""
    if isinstance(job, Run) and is_shared(job.spec):
        return SharedDevice(store, job, queue).execute()
    try:
        execute(store, job, abandon=abandon)
    except KeyboardInterrupt:
        store.release(job)
        raise
    return 1


def _free_memory() -> None:
    """Give back what the last job has left on an accelerator, so that the next one finds it."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


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
        for job in list(under_way):
            with suppress(LabError):
                store.release(job)
        os._exit(0)  # files are written whole, so there is nothing to clean up

    threading.Thread(target=wait, daemon=True).start()


def main(
    store: Store,
    drain: bool,
    exit_with_parent: bool,
    queue_filter: QueueFilter = QueueFilter.ANY,
) -> int:
    """`python -m core worker`."""
    if exit_with_parent:
        leave_with_parent(store)
        if hasattr(os, "nice"):
            os.nice(_NICENESS)
    work(store, drain, when_idle=_measure_devices, abandon=_begin_anew, queue_filter=queue_filter)
    return 0


def _begin_anew() -> None:
    """Put a fresh worker into the place of this process, whose step takes too long to end."""
    if os.name == "posix":  # standard input, and with it the tie to the parent, stays open
        os.execv(sys.executable, [sys.executable, "-m", "core", *sys.argv[1:]])
    os._exit(0)  # whoever started the worker starts another one
