"""The worker: takes queued jobs from the store and executes them.

One after the other, or on a CUDA device several runs side by side.
"""

from __future__ import annotations

import gc
import logging
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict

import torch

from core.analysis.cpu import cores
from core.host_memory import total_host_bytes
from core.jobs.asleep import IDLE_SECONDS, fall_asleep
from core.jobs.bell import Bell
from core.jobs.execution import execute
from core.jobs.files import remove_orphans
from core.jobs.heartbeat import RETRY_SECONDS
from core.jobs.needs import only_named
from core.jobs.presence import Presence
from core.jobs.processes import end_leases_of_the_dead, this_process
from core.jobs.pulse import pulse, under_way
from core.jobs.queue import LEASE_SECONDS
from core.jobs.records import Measurement, Run
from core.jobs.side_by_side import SharedDevice, is_shared
from core.jobs.store import QueueFilter, Store, StoreUnavailable, Worker
from core.measure.requests import DeviceSpeedRequest
from core.operating.logs import log, log_error
from core.specs import LabError
from core.training.devices import devices_here
from core.training.estimate import Speed, measure_speed
from core.training.records import Device

_NICENESS = 10  # of a page server's workers: pages come first


def work(
    store: Store,
    drain: bool = False,
    leave: threading.Event | None = None,
    when_idle: Callable[[Store], None] | None = None,
    abandon: Callable[[], None] | None = None,
    worker: Worker | None = None,
) -> int:
    """Execute queued jobs for ever, or with `drain` until none is left; how many there were.

    Only jobs that this `worker` can execute. `when_idle` is called once, as soon as there is no
    job. Without one for long, the process falls asleep and gives its memory back.
    """
    worker = worker or this_worker()
    with Presence(store, worker):
        return _work(store, worker, drain, leave, when_idle, abandon)


def this_worker(
    queue_filter: QueueFilter = QueueFilter.ANY, device_names: Sequence[str] = ()
) -> Worker:
    """This process, on all devices of this machine or on some. Raises LabError for others."""
    return Worker(
        this_process(),
        platform.node(),
        only_named(devices_here(), device_names),
        cores(),
        total_host_bytes(),
        queue_filter,
    )


def _work(
    store: Store,
    worker: Worker,
    drain: bool,
    leave: threading.Event | None,
    when_idle: Callable[[Store], None] | None,
    abandon: Callable[[], None] | None,
) -> int:
    queue_filter, devices = worker.queue_filter, worker.devices
    count, last_job, bell = 0, time.monotonic(), Bell(store)
    looks_for_the_dead = True  # once, as soon as the store answers
    while leave is None or not leave.is_set():
        pulse.beat()
        try:
            if looks_for_the_dead:
                end_leases_of_the_dead(store)
                looks_for_the_dead = False
            has_job = store.has_waiting(queue_filter, devices)
            job = store.claim(worker.process, queue_filter, devices=devices) if has_job else None
        except StoreUnavailable as error:  # locked, or its disk is full: the queue stays
            log("store-away", f"{error} This worker waits.")
            time.sleep(RETRY_SECONDS)
            continue
        except LabError as error:
            if drain:
                raise
            log_error(error)
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
                fall_asleep(worker)
            bell.wait()
            continue
        count += carry_out(store, job, worker, abandon)
        _free_memory()
        last_job = time.monotonic()
    bell.close()
    return count


def carry_out(
    store: Store, job: Run | Measurement, worker: Worker, abandon: Callable[[], None] | None = None
) -> int:
    """Execute a job that `worker` has claimed, with others beside it where the device is large
    enough; how many.
    """
    if isinstance(job, Run) and is_shared(job.spec):
        return SharedDevice(store, job, worker).execute()
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


def measure_devices(store: Store, devices: Sequence[Device]) -> None:
    """Measure the speed of each device, for estimates; the best of all measurements is kept."""
    for device in devices:
        request = DeviceSpeedRequest(device.name, device.hardware)
        try:
            speed = measure_speed(device.name)
            if known := store.result_of(request):
                speed = speed.best_of(Speed.from_dict(known))
            store.keep_result(request, asdict(speed), replace=True)
        except (LabError, RuntimeError) as error:  # a busy card: runs matter more than estimates
            log_error(error)


def leave_with_parent(store: Store) -> None:
    """End this process when its standard input closes, giving its job back to the queue."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # not through a buffer, whose lock outlives us
            pass
        _give_back_and_leave(store)

    threading.Thread(target=wait, daemon=True).start()


def leave_when_terminated(store: Store) -> None:
    """On SIGTERM give the job back to the queue and end this process.

    In a thread: this one may be in the middle of a transaction that the store must end first.
    """

    def leave(_signal: int, _frame: object) -> None:
        threading.Thread(target=_give_back_and_leave, args=(store,), daemon=True).start()

    signal.signal(signal.SIGTERM, leave)


def _give_back_and_leave(store: Store) -> None:
    for job in list(under_way):
        with suppress(LabError):
            store.release(job)
            log("job-given-back", f"Job {job.id} is queued again.", logging.INFO, job.id)
    with suppress(LabError):
        store.leave(this_process())
    os._exit(0)  # files are written whole, so there is nothing to clean up


def main(
    store: Store,
    drain: bool,
    exit_with_parent: bool,
    queue_filter: QueueFilter = QueueFilter.ANY,
    device_names: Sequence[str] = (),
) -> int:
    """`python -m core worker`."""
    worker = this_worker(queue_filter, device_names)
    leave_when_terminated(store)
    if exit_with_parent:
        leave_with_parent(store)
        if hasattr(os, "nice"):
            os.nice(_NICENESS)
    work(
        store,
        drain,
        when_idle=lambda store: measure_devices(store, worker.devices),
        abandon=_begin_anew,
        worker=worker,
    )
    return 0


def _begin_anew() -> None:
    """Put a fresh worker into the place of this process, whose step takes too long to end."""
    if os.name == "posix":  # standard input, and with it the tie to the parent, stays open
        os.execv(sys.executable, [sys.executable, "-m", "core", *sys.argv[1:]])
    os._exit(0)  # whoever started the worker starts another one
