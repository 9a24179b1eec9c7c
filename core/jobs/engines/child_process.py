"""A command of the lab as a child of this process, and when one that dies is started again.

Imports no torch.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import time
from pathlib import Path

from core.folders import absolute_folders
from core.jobs.database import database_url
from core.operating.metrics import Counter

WORKER_DEATHS = Counter(
    "lab_worker_deaths_total", "Worker processes of this page server that ended with an error."
)
PROJECT = Path(__file__).parents[3]
MAX_PAUSE_SECONDS = 60.0  # between two starts of a process that fails each time
_LEAVE_SECONDS = 5.0
_STARTING_SECONDS = 10.0  # in which a worker takes its first job; one that ends before has failed
_TOLD_AFTER = 3  # failed starts, the reader is told


def absolute_settings() -> dict[str, str]:
    """The lab's folders and store as this process sees them: the child runs in another folder."""
    return absolute_folders() | {"LAB_DATABASE_URL": database_url()}


class ChildProcess:
    """`python -m core COMMAND --exit-with-parent`; it leaves when its standard input closes."""

    def __init__(self, *command: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core", *command, "--exit-with-parent"],
            cwd=PROJECT,
            env=os.environ | absolute_settings() | environment,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal reaches the server, not the child
        )
        self.began = time.monotonic()
        atexit.register(self.close)

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    @property
    def is_starting(self) -> bool:
        """Whether it has just been started, so that it is about to take a job."""
        return self.is_alive and time.monotonic() - self.began < _STARTING_SECONDS

    def close(self) -> None:
        """Ask the process to leave, and end it when it does not."""
        atexit.unregister(self.close)
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Restarts:
    """When a child that dies while it starts may be started again: ever later."""

    def __init__(self) -> None:
        self.failed = 0
        self.exit_code = 0
        self.not_before = 0.0

    def note(self, child: ChildProcess) -> None:
        """A child has ended."""
        code = child.process.poll()
        if not code:  # it left in good order, or was asked to
            self.failed, self.not_before = 0, 0.0
            return
        WORKER_DEATHS.add()
        now = time.monotonic()
        lived = now - child.began
        self.failed = self.failed + 1 if lived < _STARTING_SECONDS else 1
        self.exit_code = code
        self.not_before = now + min(MAX_PAUSE_SECONDS, 2.0 ** (self.failed - 1))

    @property
    def may_start(self) -> bool:
        """Whether the pause is over."""
        return time.monotonic() >= self.not_before

    @property
    def is_hopeless(self) -> bool:
        """Whether it failed so often that the reader should know."""
        return self.failed >= _TOLD_AFTER
