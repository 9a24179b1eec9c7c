"""How fast a study goes: workers side by side against one; `python -m tools.bench.study`.

Needs two cores that nothing else uses: the ways take turns, seed by seed, but not the same moment.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from tools.bench.figures import Row, ratios, row
from tools.bench.stores import seconds_between

VARIANTS = ("identity", "constant-scaling", "conv", "none")
SEEDS, EPOCHS = 3, 3
WAYS = {  # name → workers, threads of each
    "two single-threaded workers": (2, 1),
    "one single-threaded worker": (1, 1),
    "one worker with two threads": (1, 2),
}


def study() -> list[Row]:
    """4 variants × 3 seeds × 3 epochs on fashion-mini, fast recipe, in three ways."""
    with tempfile.TemporaryDirectory() as folder:
        elapsed = 0.0  # of the first way, its workers' starts included
        working: dict[str, list[float]] = {name: [] for name in WAYS}
        for seed in range(SEEDS):
            for name, (workers, threads) in WAYS.items():
                began = time.perf_counter()
                working[name].append(drained(Path(folder) / name, seed, workers, threads))
                elapsed += time.perf_counter() - began if name == next(iter(WAYS)) else 0
    two, one, wide = (working[name] for name in WAYS)
    return [
        row("study, two workers started anew for each seed", elapsed, "s", "< 180"),
        *(row(f"study of one seed, {name}, once started", working[name], "s", "") for name in WAYS),
        row("two workers: speed ÷ one single-threaded", ratios(one, two), "×", "at least 1.7"),
        row("two workers: speed ÷ one with two threads", ratios(wide, two), "×", "at least 1"),
    ]


def drained(folder: Path, seed: int, workers: int, threads: int) -> float:
    """Seconds from the first start to the last end of the four runs of this seed."""
    from core.jobs.engines.local import WorkerProcess
    from core.jobs.store import JobState, QueueFilter, open_store
    from core.specs import ModelSpec, RunSpec
    from core.training.recipes import recipe
    from core.zoo.variants import VARIANTS as TABLE

    specs = [
        RunSpec(
            ModelSpec("course-residual", image_size=28, options=TABLE[name].options),
            "fashion-mini",
            recipe("fast", 5000, EPOCHS),
            seed=seed,
        )
        for name in VARIANTS
    ]
    with patch.dict(os.environ, {"LAB_RUNS_DIR": str(folder)}):
        os.environ.pop("LAB_DATABASE_URL", None)
        store = open_store()
        study_id = store.create_study("bench", {}, specs).id
        processes = [
            WorkerProcess(QueueFilter.STUDIES, drain=True, threads=threads) for _ in range(workers)
        ]
        for process in processes:
            process.process.wait()
            process.close()
        runs = store.runs(study=study_id)
        store.engine.dispose()
    assert all(run.state is JobState.FINISHED for run in runs)
    return seconds_between(runs)


if __name__ == "__main__":
    for figure in study():
        print(f"{figure['figure']}: {figure['value']} {figure['unit']} ({figure['wanted']})")
