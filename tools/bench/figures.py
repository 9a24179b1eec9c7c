"""What all parts of the bench use: a figure as a row, clocks, the machine, whole data sets."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
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
    device = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    return f"{device}{model}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def row(figure: str, value: float, unit: str, wanted: str) -> Row:
    """One figure beside what was asked for."""
    return {"figure": figure, "value": round(value, 4), "unit": unit, "wanted": wanted}


def keep(rows: list[Row], prefix: str = "") -> None:
    """Print the figures and keep them as CSV in BENCH_RESULTS, with the machine in each row."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    frame["machine"] = machine()
    path = results_folder() / f"{prefix}{time.strftime('%Y%m%d-%H%M%S')}.csv"
    frame.to_csv(path, index=False)
    print(frame.drop(columns="machine").to_string(index=False))
    print(f"{machine()}\nkept in {path}")


def results_folder() -> Path:
    """Where figures are kept: BENCH_RESULTS, else bench-results."""
    folder = Path(os.environ.get("BENCH_RESULTS") or "bench-results")
    folder.mkdir(exist_ok=True)
    return folder


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu_seconds(process_id: int) -> float:
    """CPU time of all threads of a process so far, to the nanosecond (Linux)."""
    return time.clock_gettime((~process_id << 3) | 2)  # CPUCLOCK_SCHED, as in clock_getcpuclockid


def interleaved(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each piece of work, taken in turns, after one turn to warm up."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, function in work.items():
            taken = seconds(function)
            if turn:
                times[name].append(taken)
    return {name: median(values) for name, values in times.items()}


def run_spec(network: str, dataset: str, recipe_name: str, device: str = "cpu") -> RunSpec:
    """A run on the whole data set."""
    from core.specs import ModelSpec, RunSpec
    from core.training.recipes import recipe
    from core.zoo.catalogue import complete

    model = complete(ModelSpec.from_text(network))
    return RunSpec(model, dataset, recipe(recipe_name, 60_000), device=device)
