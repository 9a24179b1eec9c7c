"""A worker that has had nothing to do for long: it waits without torch, in a fifth of the memory.

It becomes a fresh process in place, so that whoever started it need not know. Imports no torch.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from core.jobs.heartbeat import RETRY_SECONDS
from core.jobs.queue import QueueFilter
from core.jobs.store import Store, StoreUnavailable, open_store
from core.storage.files_place import files_place
from core.storage.place import Unavailable

IDLE_SECONDS = 600.0  # without a job, after which a worker falls asleep
_ASLEEP = "LAB_WORKER_ASLEEP"  # set in the environment of the fresh process
_LOOK_SECONDS = 0.5  # between two looks at the queue

_Result = TypeVar("_Result")


def open_patiently() -> Store:
    """The store, once it can be opened and its files be written.

    Raises LabError where waiting cannot help.
    """
    store = _patiently(open_store)
    _patiently(files_place().check)
    return store


def _patiently(do: Callable[[], _Result]) -> _Result:
    is_told = False
    while True:
        try:
            return do()
        except Unavailable as error:
            if not is_told:
                print(f"{error} This worker waits.", file=sys.stderr)
            is_told = True
            time.sleep(RETRY_SECONDS)


def fall_asleep() -> None:
    """Begin this process anew, without what it has loaded; where the system can do that."""
    if os.name == "posix":  # standard input, and with it the tie to the parent, stays open
        arguments = [sys.executable, "-m", "core", *sys.argv[1:]]
        os.execve(sys.executable, arguments, os.environ | {_ASLEEP: "1"})


def sleep(store: Store, queue_filter: QueueFilter, has_parent: bool) -> None:
    """Of a worker that fell asleep: return once there is a job, or the parent says a word.

    Ends the process when its parent has closed its standard input.
    """
    if os.environ.pop(_ASLEEP, None) is None:
        return
    while not _has_waiting(store, queue_filter):
        heard, _, _ = select.select([sys.stdin] if has_parent else [], [], [], _LOOK_SECONDS)
        if heard:
            if not os.read(sys.stdin.fileno(), 4096):
                sys.exit(0)
            return


def _has_waiting(store: Store, queue_filter: QueueFilter) -> bool:
    """Whether there is a job; a store that is away has none now."""
    try:
        return store.has_waiting(queue_filter)
    except StoreUnavailable:
        return False
