"""The sign of life of a worker, whether it has a job or not. Imports no torch."""

from __future__ import annotations

import threading
from contextlib import suppress

from core.jobs.store import Store
from core.jobs.workers import SIGN_SECONDS, Worker
from core.specs import LabError


class Presence(threading.Thread):
    """Declares a worker again and again, as long as it is entered.

    A thread of its own, because a job may take hours.
    """

    def __init__(self, store: Store, worker: Worker) -> None:
        super().__init__(daemon=True)
        self.store, self.worker = store, worker
        self._over = threading.Event()

    def run(self) -> None:
        """Until the worker leaves."""
        is_over = False
        while not is_over:  # once at least: whoever has started it reads what it has
            with suppress(LabError):  # the store may answer again before the lease ends
                self.store.declare(self.worker)
            is_over = self._over.wait(SIGN_SECONDS)

    def __enter__(self) -> Presence:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self.join()
        with suppress(LabError):
            self.store.leave(self.worker.process)
