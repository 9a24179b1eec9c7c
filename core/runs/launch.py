"""Starting workers on this machine."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LEAVE_SECONDS = 5.0


def absolute_folders() -> dict[str, str]:
    """The lab's folders as this process sees them: the worker runs in another folder."""
    names = [name for name in ("LAB_RUNS_DIR", "LAB_DATA_DIR") if os.environ.get(name)]
    return {name: str(Path(os.environ[name]).expanduser().absolute()) for name in names}


class WorkerProcess:
    """One worker that lives as long as this process: it leaves when its standard input closes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core", "worker", "--exit-with-parent"],
            cwd=PROJECT,
            env=os.environ | absolute_folders(),
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal reaches the server, not the worker
        )
        atexit.register(self.close)

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """Ask the worker to leave, and end it when it does not."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
