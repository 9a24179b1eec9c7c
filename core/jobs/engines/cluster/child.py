"""The dispatcher of a page server, a child of it. Imports neither torch nor Ray."""

from __future__ import annotations

import threading

from core.jobs.engines.child_process import ChildProcess, Restarts
from core.jobs.store import Store
from core.language import _


class DispatcherChild:
    """Gives what is queued to a Ray cluster, as long as the page server lives."""

    def __init__(self) -> None:
        self.child: ChildProcess | None = None
        self.restarts = Restarts()
        self.lock = threading.Lock()  # sessions of the page server are threads of it

    def ensure(self, _store: Store, single: bool = True) -> None:
        """Start it where it does not run; one that died is replaced."""
        with self.lock:
            if self.child and not self.child.is_alive:
                self.restarts.note(self.child)
                self.child = None
            if self.child is None and self.restarts.may_start:
                self.child = ChildProcess("cluster", "dispatch")

    @property
    def problem(self) -> str | None:
        """Why it does not start, in one sentence; None while it does."""
        if not self.restarts.is_hopeless:
            return None
        return _(
            "The Ray cluster cannot be used (exit code {exit_code}); the terminal of the server"
            " says why, and so does python -m core cluster status. What is queued stays queued,"
            " and the next try comes within a minute.",
            exit_code=self.restarts.exit_code,
        )

    def close(self) -> None:
        """Ask it to leave."""
        if self.child:
            self.child.close()
