"""python -m core reproduce"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from core.cli.runs import INTERRUPTED, check_writable
from core.cli.writing import say
from core.specs import ModelSpec, RunSpec, check_whole
from core.training.records import EpochMetrics

if TYPE_CHECKING:
    from core.jobs.store import Run, Store

MAX_SEEDS = 100
STUDY = "reproduction"
EPOCH_FIELDS = (
    *("train_loss", "train_accuracy", "test_loss", "test_accuracy"),
    *("train_seconds", "evaluation_seconds"),
)


def reproduce(arguments: Namespace) -> int:
    """python -m core reproduce"""
    import pandas as pd

    from core.jobs.store import open_store
    from core.jobs.worker import work
    from core.report.tables.csv import to_csv

    check_whole("seeds", arguments.seeds, 1, MAX_SEEDS)
    check_writable(arguments.csv)
    store = open_store()
    wanted = [spec for rows in arguments.rows for spec in RUNS[rows](arguments.seeds)]
    trained, begun = finished(store), unfinished(store)
    missing = [spec for spec in wanted if key(spec) not in trained]
    there = len(wanted) - len(missing)
    say(f"{there} of {len(wanted)} runs are in the store; training the rest.")
    store.continue_study(STUDY)  # what an earlier try has left
    store.enqueue_all([spec for spec in missing if key(spec) not in begun], study=STUDY)
    try:
        work(store, drain=True)
    except KeyboardInterrupt:
        say("Interrupted. What is left stays in the queue; the same command goes on with it.")
        return INTERRUPTED
    done = finished(store)
    runs = [done[key(spec)] for spec in wanted if key(spec) in done]
    epochs = store.epochs([run.id for run in runs])
    rows = [row for run in runs for row in rows_of(run, epochs[run.id])]
    arguments.csv.write_text(to_csv(pd.DataFrame(rows)), encoding="utf-8", newline="")
    say(f"{len(runs)} of {len(wanted)} runs, {len(rows)} epochs, are in {arguments.csv}.")
    return 0 if len(runs) == len(wanted) else 1


def course_runs(seeds: int) -> Iterator[RunSpec]:
    """The course note's rows over the seeds; its homework as published and corrected."""
    from core.studies.published import COURSE_NOTE, PUBLISHED
    from core.training.recipes import recipe

    rows = [row for row in PUBLISHED if row.source == COURSE_NOTE]
    models = [row.model for row in rows]
    models += [corrected(row.model) for row in rows if row.model.option("as_published")]
    for seed in range(seeds):
        for model in models:
            yield RunSpec(model, rows[0].dataset, recipe(rows[0].recipe, 60_000), 60_000, seed=seed)


def small_vgg_runs(seeds: int) -> Iterator[RunSpec]:
    """The chapter's VGG-11, ratio 4, at 64 pixels instead of 224, which a CPU can train."""
    from core.studies.published import SMALL_VGG
    from core.training.recipes import recipe

    chosen = recipe("published-vgg", 60_000)
    for seed in range(seeds):
        yield RunSpec(SMALL_VGG, "fashion-mnist", chosen, 60_000, seed=seed)


def dense_runs(seeds: int) -> Iterator[RunSpec]:
    """DenseNets and residual nets to compare at equal accuracy."""
    from core.studies.equal_accuracy import DATASET, DENSE, EPOCHS, IMAGES, RECIPE, RESIDUAL
    from core.training.recipes import recipe

    chosen = recipe(RECIPE, IMAGES, EPOCHS)
    for seed in range(seeds):
        for model in (*DENSE, *RESIDUAL):
            yield RunSpec(model, DATASET, chosen, IMAGES, seed=seed)


RUNS = {
    "course": course_runs,
    "vgg-64": small_vgg_runs,
    "dense": dense_runs,
}


def corrected(model: ModelSpec) -> ModelSpec:
    """The homework's block without its mistake."""
    others = (pair for pair in model.options if pair[0] != "as_published")
    return replace(model, options=(*others, ("as_published", False)))


def key(spec: RunSpec) -> RunSpec:
    """Equal for runs with equal curves: every option is filled in."""
    from core.zoo.catalogue import complete

    return replace(spec, model=complete(spec.model))


def finished(store: Store) -> dict[RunSpec, Run]:
    """The finished runs of the store, the oldest of equal ones."""
    from core.jobs.store import RunState

    return {key(run.spec): run for run in store.runs() if run.state is RunState.FINISHED}


def unfinished(store: Store) -> set[RunSpec]:
    """Runs of an earlier try that wait, or broke off and can go on."""
    from core.jobs.store import RunState

    runs = store.runs(study=STUDY)
    return {key(run.spec) for run in runs if run.state is not RunState.FINISHED}


def rows_of(run: Run, epochs: Iterable[EpochMetrics]) -> Iterator[dict[str, Any]]:
    """One row an epoch, complete in itself."""
    from core.report.tables.runs import as_time

    spec, recipe = run.spec, run.spec.recipe
    version = re.search(r"torch ([\w.+]+)", run.fingerprint)
    for metrics in epochs:
        figures = asdict(metrics)
        yield {
            "arch": spec.model.arch,
            "ratio": spec.model.ratio,
            "image_size": spec.model.image_size,
            "shortcut": spec.model.option("shortcut") or "",
            "as_published": bool(spec.model.option("as_published")),
            "seed": spec.seed,
            "epoch": metrics.epoch,
            **{name: figures[name] for name in EPOCH_FIELDS},
            "dataset": spec.dataset,
            "recipe": recipe.name,
            "epochs": recipe.epochs,
            "batch_size": recipe.batch_size,
            "machine": run.machine.partition(": ")[2] or run.machine,  # without the host's name
            "torch": version[1] if version else "",
            "date": as_time(run.finished_at or run.created_at)[:10],
        }
