"""Starting workers on this machine."""

from __future__ import annotations

import atexit
import os
import platform
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from core.specs import LabError, ModelSpec

PROJECT = Path(__file__).parents[2]
LEAVE_SECONDS = 5.0


def absolute_folders() -> dict[str, str]:
    """The lab's folders as this process sees them: the worker runs in another folder."""
    names = [name for name in ("LAB_RUNS_DIR", "LAB_DATA_DIR") if os.environ.get(name)]
    return {name: str(Path(os.environ[name]).expanduser().absolute()) for name in names}


class ChildProcess:
    """`python -m core` with these arguments, which leaves when its standard input closes."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core", *arguments, "--exit-with-parent"],
            cwd=PROJECT,
            env=os.environ | absolute_folders(),
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal reaches the server, not the child
        )
        atexit.register(self.close)

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """Ask the process to leave, and end it when it does not."""
        atexit.unregister(self.close)
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class WorkerProcess(ChildProcess):
    """One worker, for the runs that are queued."""

    def __init__(self) -> None:
        super().__init__("worker")


class LayerTimer:
    """Measures the layers of one network at a time, in a process of its own."""

    def __init__(self) -> None:
        self.process: ChildProcess | None = None
        self.name = ""  # under which the store keeps what is being measured

    def is_measuring(self, name: str = "") -> bool:
        """Whether a measurement, or the one of this name, is under way."""
        alive = self.process is not None and self.process.is_alive
        return alive and name in ("", self.name)

    def start(self, spec: ModelSpec, device: str, batch_size: int) -> None:
        """Begin. Raises LabError while another measurement is under way."""
        if self.is_measuring():
            raise LabError("Another network is being measured; wait until it is done, or stop it.")
        self.name = layer_times_name(spec, device, batch_size)
        options = [text for name, value in spec.options for text in ("--option", f"{name}={value}")]
        self.process = ChildProcess(
            "time",
            spec.arch,
            *("--ratio", str(spec.ratio), "--size", str(spec.image_size)),
            *("--in-channels", str(spec.in_channels), "--classes", str(spec.num_classes)),
            *options,
            *("--device", device, "--batch-size", str(batch_size), "--keep"),
        )

    def stop(self) -> None:
        """End the measurement; what is known so far stays in the store."""
        if self.process is not None:
            self.process.close()
            self.process = None


def layer_times_name(spec: ModelSpec, device: str, batch_size: int) -> str:
    """The name under which the store keeps the times of this network's layers."""
    text = f"{spec.to_json()} {platform.node()} {device} {batch_size}"
    return f"layer times {sha256(text.encode()).hexdigest()}"
