"""What nodes of a cluster execute: functions that Ray finds here by their names.

Whoever gives them out need not have torch: they import it where they are executed.
"""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.host_memory import total_host_bytes
from core.jobs.asleep import open_patiently
from core.jobs.engines.cluster.placing import Node, Share
from core.jobs.store import Store, StoreUnavailable
from core.training.records import Device


@dataclass(frozen=True)
class Sight:
    """What a task finds where it is executed."""

    machine: str
    devices: tuple[Device, ...]  # that it may use, the fastest first
    memory_bytes: int
    sees_mark: bool  # the file that the dispatcher has written beside those of runs


def look(threads: int, mark: str) -> Sight:
    """What there is, with so many threads."""
    from core.training.devices import devices_here

    _use(threads)
    memory = total_host_bytes() or 0
    return Sight(platform.node(), tuple(devices_here()), memory, Path(mark).exists())


def measure(device: Device, threads: int) -> None:
    """The speed of the device, for estimates; kept in the store."""
    from core.jobs.worker import measure_devices

    _use(threads)
    measure_devices(_store(), [device])


def execute(job_id: int, node: Node, share: Share) -> bool:
    """Claim this job for the node and carry it out; False where somebody else has it by now."""
    from core.jobs.worker import carry_out

    _use(share.threads)
    store, workers = _store(), node.workers()
    worker = workers[1 + _card_number()] if share.cards else workers[0]
    try:
        job = store.claim(worker.process, job_id=job_id, devices=worker.devices)
    except StoreUnavailable:  # it stays queued, and is given out again
        return False
    if job is None:
        return False
    carry_out(store, job, worker, abandon=_end)
    return True


def _card_number() -> int:
    """Which card of its node this task was given."""
    import ray

    return int(ray.get_gpu_ids()[0])


def _use(threads: int) -> None:
    """Ray keeps the process for the next job, which may have another number."""
    import torch

    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)


@cache
def _store() -> Store:
    with suppress(OSError):
        os.nice(10)  # as a page server's workers
    return open_patiently()


def _end() -> None:
    """After a stop a step took too long to wait for: Ray starts another process."""
    os._exit(0)
