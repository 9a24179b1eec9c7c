"""Which process holds a job, and whether it still lives. Imports no torch."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path

from core.jobs.store import Store


def this_process() -> str:
    """A name for this process that no other one has, on this machine or another."""
    return process_here(os.getpid())


def process_here(number: int) -> str:
    """The name of another process of this machine, as `this_process` gives it there."""
    return f"{this_computer()} {number}"


def this_computer() -> str:
    """Host, boot and process namespace: process numbers are unique only within these."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def end_leases_of_the_dead(store: Store) -> None:
    """What was killed on this machine need not be waited for until its lease runs out."""
    if os.name != "posix":
        return
    for worker in store.processes():
        where, _, number = worker.rpartition(" ")
        if where == this_computer() and not is_alive(int(number)):
            store.end_lease(worker)


def is_alive(process_id: int) -> bool:
    """Whether there is such a process here."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
