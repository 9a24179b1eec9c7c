"""Starting workers on this machine."""

from __future__ import annotations

import atexit
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from core.specs import LabError, ModelSpec, RunSpec

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


class Measurer:
    """Measures one thing at a time, in a process of its own that keeps in the store what it finds.

    A measurement goes by the name under which the store keeps it.
    """

    def __init__(self) -> None:
        self.process: ChildProcess | None = None
        self.name = ""

    def is_measuring(self, name: str = "") -> bool:
        """Whether a measurement, or the one of this name, is under way."""
        alive = self.process is not None and self.process.is_alive
        return alive and name in ("", self.name)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Begin `python -m core` with these arguments; LabError while another is under way."""
        if self.is_measuring():
            raise LabError("Something else is being measured; wait until it is done, or stop it.")
        self.name = name
        self.process = ChildProcess(*arguments, "--keep")

    def stop(self) -> None:
        """End the measurement; what is known so far stays in the store."""
        if self.process is not None:
            self.process.close()
            self.process = None


def model_flags(spec: ModelSpec) -> list[str]:
    """The flags of `python -m core` that make this network."""
    options = [text for name, value in spec.options for text in ("--option", f"{name}={value}")]
    return [
        spec.arch,
        *("--ratio", str(spec.ratio), "--size", str(spec.image_size)),
        *("--in-channels", str(spec.in_channels), "--classes", str(spec.num_classes)),
        *options,
    ]


def layer_times_flags(spec: ModelSpec, device: str, batch_size: int) -> list[str]:
    """The command that times every layer."""
    return ["time", *model_flags(spec), "--device", device, "--batch-size", str(batch_size)]


def throughput_flags(
    spec: RunSpec, batch_sizes: Sequence[int], devices: Sequence[str]
) -> list[str]:
    """The command that measures training rates."""
    return [
        *("bench", *model_flags(spec.model), "--dataset", spec.dataset),
        *("--recipe", spec.recipe.name, "--batch-sizes", *map(str, batch_sizes)),
        *(["--train-images", str(spec.train_images)] if spec.train_images else []),
        *(["--all-devices"] if len(devices) > 1 else ["--device", *devices]),
    ]


def gradients_flags(
    spec: ModelSpec | None,
    depths: Sequence[int],
    shortcuts: Sequence[str],
    batch_norm: str,
    dataset: str,
    seeds: int,
    initialisation: str,
    runs: Sequence[int],
) -> list[str]:
    """The command that measures gradient flow; without `spec` that of the runs alone."""
    networks = [
        *(model_flags(spec) if spec else []),
        *(["--depths", *map(str, depths)] if depths else []),
        *(["--shortcuts", *shortcuts] if shortcuts else []),
        *(["--batch-norm", batch_norm] if batch_norm else []),
    ]
    return [
        *("gradients", *(networks if spec else [])),
        *("--dataset", dataset, "--seeds", str(seeds), "--initialisation", initialisation),
        *(["--runs", *map(str, runs)] if runs else []),
    ]


def gradients_name(
    specs: Sequence[ModelSpec],
    dataset: str,
    seeds: int,
    initialisation: str,
    batch_size: int,
    runs: Sequence[int],
) -> str:
    """The name under which the store keeps the gradient flow of these networks and runs."""
    networks = sorted(spec.to_json() for spec in specs)
    what = (dataset, seeds, initialisation, batch_size, sorted(runs))
    return measurement_name("gradients", *networks, *what)


def predictions_name(run_id: int, sha256_of_parameters: str) -> str:
    """The name under which the store keeps that these parameters' predictions are known."""
    return measurement_name("predictions", run_id, sha256_of_parameters)


def layer_times_name(spec: ModelSpec, device: str, batch_size: int) -> str:
    """The name under which the store keeps the times of this network's layers."""
    return measurement_name("layer times", spec.to_json(), device, batch_size)


def throughput_name(spec: RunSpec, batch_sizes: Sequence[int], devices: Sequence[str]) -> str:
    """The name under which the store keeps these training rates."""
    what = (spec.model.to_json(), spec.dataset, spec.train_images, spec.recipe.name)
    return measurement_name("throughput", *what, sorted(batch_sizes), sorted(devices))


def measurement_name(kind: str, *what: object) -> str:
    """A short name for a measurement of this kind and these settings on this machine."""
    text = " ".join(map(str, (platform.node(), *what)))
    return f"{kind} {sha256(text.encode()).hexdigest()}"
