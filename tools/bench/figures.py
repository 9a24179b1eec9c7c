"""What all parts of the bench use: a figure as a row, clocks, the machine, whole data sets."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.specs import RunSpec

ROUNDS = 5
SEEDS = 5
Row = dict[str, object]


def machine() -> str:
    """What the figures were measured on."""
    import torch

    model = platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), model)
    if torch.cuda.is_available():
        model = f"{torch.cuda.get_device_name()}, {model}"
    else:
        model += f" with {torch.backends.cpu.get_cpu_capability()}"
    return f"{model}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def lanes() -> int:
    """Numbers of float32 that the processor computes with at once."""
    import torch

    return 16 if "AVX512" in torch.backends.cpu.get_cpu_capability() else 8


def row(figure: str, measured: float | Sequence[float], unit: str, wanted: str) -> Row:
    """One figure beside what was asked for; of several measurements the median, with its spread."""
    values = measured if isinstance(measured, Sequence) else [measured]
    spread = {"lowest": min(values), "highest": max(values)} if len(values) > 1 else {}
    rounded = {
        name: round(value, 4) for name, value in ({"value": median(values)} | spread).items()
    }
    return {"figure": figure, **rounded, "of": len(values), "unit": unit, "wanted": wanted}


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu_seconds(process_id: int) -> float:
    """CPU time of all threads of a process so far, to the nanosecond (Linux)."""
    return time.clock_gettime((~process_id << 3) | 2)  # CPUCLOCK_SCHED, as in clock_getcpuclockid


def interleaved(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each piece of work in each round, taken in turns, after one turn to warm up."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, function in work.items():
            taken = seconds(function)
            if turn:
                times[name].append(taken)
    return times


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Of each round."""
    return [one / other for one, other in zip(numerators, denominators, strict=True)]


def run_spec(network: str, dataset: str, recipe_name: str, device: str = "cpu") -> RunSpec:
    """A run on the whole data set."""
    from core.specs import ModelSpec, RunSpec
    from core.training.recipes import recipe
    from core.zoo.catalogue import complete

    model = complete(ModelSpec.from_text(network))
    return RunSpec(model, dataset, recipe(recipe_name, 60_000), device=device)
