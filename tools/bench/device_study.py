"""A study on a CUDA device, whose runs go side by side, from the click to the last figure."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from tools.bench.accelerator import on_cuda
from tools.bench.figures import Row, row
from tools.bench.stores import empty_store, seconds_between

if TYPE_CHECKING:
    from core.jobs.records import Run
    from core.jobs.store import Store
    from core.specs import RunSpec

VARIANTS = ("identity", "constant-scaling", "conv", "none")
SEEDS = 5
_ALONE = 2  # runs, in the little time that such a machine is lent for


@on_cuda
def device_study() -> list[Row]:
    """4 variants × 5 seeds of the residual net on MNIST, Inception on it, one short run."""
    rows = []
    for name, runs, wanted, alone in (
        ("residual, 4 variants × 5 seeds × 10 epochs of MNIST", list(_residual(10)), "45", "6"),
        ("Inception, 5 seeds × 4 epochs of MNIST", list(_inception(4)), "", ""),
        ("residual fast, 5 epochs of fashion-mini", [_short()], "", "2"),
    ):
        with empty_store() as store:
            seconds, ended = _drained(store, runs)
            images = sum(
                run.spec.recipe.epochs * (run.spec.train_images or 60_000) for run in ended
            )
            busy = seconds_between(ended)
            rows += [
                row(f"{name}: from the click, a worker's start included", seconds, "s", wanted),
                row(f"{name}: from the first start to the last end", busy, "s", ""),
                row(f"{name}: images/s of all together", images / busy, "images/s", ""),
                row(f"{name}: at once, most", _most_at_once(ended), "", ""),
                row(f"{name}: a run beside others", [run.seconds or 0.0 for run in ended], "s", ""),
                *_beside_alone(store, name, ended[0], alone),
            ]
    return rows


def _residual(epochs: int) -> Iterator[RunSpec]:
    from core.specs import ModelSpec, RunSpec
    from core.training.recipes import recipe
    from core.zoo.variants import VARIANTS as TABLE

    for seed in range(SEEDS):
        for name in VARIANTS:
            yield RunSpec(
                ModelSpec("course-residual", image_size=28, options=TABLE[name].options),
                "mnist",
                recipe("published-course", 60_000, epochs),
                device="cuda",
                seed=seed,
            )


def _inception(epochs: int) -> Iterator[RunSpec]:
    from core.specs import ModelSpec

    for run in _residual(epochs):
        if run.model.options == next(_residual(epochs)).model.options:
            yield replace(run, model=ModelSpec("course-inception", image_size=28))


def _short() -> RunSpec:
    from core.training.recipes import recipe

    run = replace(next(_residual(1)), dataset="fashion-mini", train_images=5_000)
    return replace(run, recipe=recipe("fast", 5_000, 5))


def _drained(store: Store, specs: Iterable[RunSpec]) -> tuple[float, list[Run]]:
    """Seconds until a new worker has carried out these runs, and what they have become."""
    from core.jobs.engines.local import WorkerProcess
    from core.jobs.store import JobState, QueueFilter

    began = time.perf_counter()
    study = store.create_study("bench", {}, list(specs)).id
    worker = WorkerProcess(QueueFilter.STUDIES, drain=True)
    while not all(run.state.is_over for run in store.runs(study=study)):
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    worker.close()
    runs = store.runs(study=study)
    assert all(run.state is JobState.FINISHED for run in runs), [run.message for run in runs]
    return seconds, runs


def _most_at_once(runs: list[Run]) -> int:
    """How many were under way at the moment when most were."""
    starts = [run.started_at or 0.0 for run in runs]
    return max(
        sum((run.started_at or 0) <= moment < (run.finished_at or 0) for run in runs)
        for moment in starts
    )


def _beside_alone(store: Store, name: str, run: Run, wanted: str) -> list[Row]:
    """The run again, alone: its time, and how far its figures are from those beside others."""
    from core.jobs.execution import execute

    again = [store.start_here(run.spec) for _ in range(_ALONE)]
    for one in again:
        execute(store, one)
    taken = [store.get(one.id).seconds or 0.0 for one in again]
    beside, *alone = (
        [asdict(epoch)["train_loss"] for epoch in store.epochs([one.id])[one.id]]
        for one in (run, *again)
    )
    distance = max(abs(a - b) for losses in alone for a, b in zip(beside, losses, strict=True))
    return [
        row(f"{name}: one run alone", taken, "s", wanted),
        row(f"{name}: largest difference of losses, beside others and alone", distance, "", ""),
    ]
