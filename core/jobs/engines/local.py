"""Starting workers on this machine."""

from __future__ import annotations

import atexit
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from core.analysis.cpu import threads
from core.jobs.schema import database_url
from core.jobs.store import Kind
from core.specs import LabError, ModelSpec, RunSpec

PROJECT = Path(__file__).parents[3]
LEAVE_SECONDS = 5.0
STARTING_SECONDS = 10.0  # in which a worker of studies takes its first run


def absolute_folders() -> dict[str, str]:
    """The lab's folders as this process sees them: the worker runs in another folder."""
    names = [name for name in ("LAB_RUNS_DIR", "LAB_DATA_DIR") if os.environ.get(name)]
    found = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in names}
    return found | {"LAB_DATABASE_URL": database_url()}


class ChildProcess:
    """`python -m core` with these arguments, which leaves when its standard input closes."""

    def __init__(self, *arguments: str, threads: int | None = None) -> None:
        own = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core", *arguments, "--exit-with-parent"],
            cwd=PROJECT,
            env=os.environ | absolute_folders() | own,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal reaches the server, not the child
        )
        self.began = time.monotonic()
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

    def __init__(self, kind: Kind = Kind.ANY) -> None:
        super().__init__("worker", "--only", kind)


class StudyWorkers:
    """The workers of studies on this machine: many runs go fastest side by side, a thread each.

    They leave by themselves when no run of a study is left. Workers of single runs stand beside
    them with all threads, and neither takes from the other's queue.
    """

    def __init__(self) -> None:
        self.workers: list[ChildProcess] = []
        self.lock = threading.Lock()  # sessions of the page server are threads of it

    def ensure(self, waiting: int, cores: int | None = None) -> None:
        """Workers for so many runs that nobody has yet: no more than cores at a time.

        One that has just been started is about to take a run. With fewer runs than cores each
        worker gets more threads.
        """
        cores = cores or threads()
        with self.lock:
            self.workers = [worker for worker in self.workers if worker.is_alive]
            now = time.monotonic()
            starting = sum(now - worker.began < STARTING_SECONDS for worker in self.workers)
            room = min(cores, memory_gibibytes()) - len(self.workers)
            new = max(0, min(waiting - starting, room))
            share = max(1, cores // max(1, len(self.workers) + new))
            flags = ("worker", "--drain", "--only", Kind.STUDIES)
            self.workers += [ChildProcess(*flags, threads=share) for _ in range(new)]


def memory_gibibytes() -> int:
    """Of this machine, at least 1: a worker needs less than one for a small network."""
    try:
        return max(1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30)
    except (ValueError, OSError, AttributeError):
        return 4


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
    initialization: str,
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
        *("--dataset", dataset, "--seeds", str(seeds), "--initialization", initialization),
        *(["--runs", *map(str, runs)] if runs else []),
    ]


def gradients_name(
    specs: Sequence[ModelSpec],
    dataset: str,
    seeds: int,
    initialization: str,
    batch_size: int,
    runs: Sequence[int],
) -> str:
    """The name under which the store keeps the gradient flow of these networks and runs."""
    networks = sorted(spec.to_json() for spec in specs)
    what = (dataset, seeds, initialization, batch_size, sorted(runs))
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
