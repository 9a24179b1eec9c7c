"""python -m core reproduce"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.cli.exit_codes import FAILED, INTERRUPTED
from core.cli.flags import Several, command, csv_option
from core.cli.runs import check_writable
from core.cli.writing import say
from core.jobs.records import Study, StudyKind
from core.specs import MAX_SEEDS, ModelSpec, OptionValue, RunSpec, check_whole, image_size_text
from core.studies.published import COURSE_NOTE, PUBLISHED, SMALL_VGG
from core.studies.shipped_studies import STUDIES
from core.training.recipes import recipe
from core.training.records import EpochMetrics
from core.zoo.catalogue import complete

if TYPE_CHECKING:
    from core.jobs.store import Run, Store

_STUDY = Study("reproduction", "The published runs, trained again", kind=StudyKind.REPRODUCTION)
_WITH_COLUMNS = ("shortcut", "as_published")  # options
_EPOCH_FIELDS = (
    *("train_loss", "train_accuracy", "test_loss", "test_accuracy"),
    *("train_seconds", "evaluation_seconds"),
)


def course_runs(seeds: int) -> Iterator[RunSpec]:
    """The course note's rows over the seeds; its homework as published and corrected."""
    rows = [row for row in PUBLISHED if row.source == COURSE_NOTE]
    models = [row.model for row in rows]
    models += [_corrected(row.model) for row in rows if row.model.option("as_published")]
    for seed in range(seeds):
        for model in models:
            yield RunSpec(model, rows[0].dataset, recipe(rows[0].recipe, 60_000), 60_000, seed=seed)


def small_vgg_runs(seeds: int) -> Iterator[RunSpec]:
    """The chapter's VGG-11, ratio 4, at 64 pixels instead of 224, which a CPU can train."""
    published = recipe("published-vgg", 60_000)
    for seed in range(seeds):
        yield RunSpec(SMALL_VGG, "fashion-mnist", published, 60_000, seed=seed)


def dense_runs(seeds: int) -> Iterator[RunSpec]:
    """DenseNets and residual nets to compare at equal accuracy."""
    from core.studies.equal_accuracy import DATASET, DENSE, EPOCHS, IMAGES, RECIPE, RESIDUAL

    short = recipe(RECIPE, IMAGES, EPOCHS)
    for seed in range(seeds):
        for model in (*DENSE, *RESIDUAL):
            yield RunSpec(model, DATASET, short, IMAGES, seed=seed)


RUNS: dict[str, Callable[[int], Iterator[RunSpec]]] = {
    "course": course_runs,
    "vgg-64": small_vgg_runs,
    "dense": dense_runs,
    **{name: study.run_specs for name, study in STUDIES.items()},
}


@command("reproduce", "train the runs that the lab ships again")
@click.option(
    "--rows",
    type=Several(click.Choice(tuple(RUNS))),
    default=("course",),
    metavar=f"[{'|'.join(RUNS)}] ...",
)
@click.option("--seeds", type=int, default=5, metavar="N")
@csv_option(required=True, help="where to write")
def reproduce(rows: tuple[str, ...], seeds: int, csv: Path) -> int:
    """Trains the rows of the course note as published, or others that the lab ships.

    The rows: "course" (10 epochs of MNIST, batch 64, SGD 0.01, momentum 0.5), its two homework
    blocks also corrected; "vgg-64", the chapter's VGG-11, ratio 4, at 64 pixels instead of 224;
    "dense", thin DenseNets beside residual nets (10 epochs of fashion-mini); "heads", the Inception
    net with one to three linear layers in its head; "last-activation", logits beside a sigmoid;
    "sizes", a small VGG-11 at three sizes. Every epoch of several seeds is written. Runs that are
    in the store are not trained again.
    """
    import pandas as pd

    from core.jobs.store import open_store
    from core.jobs.worker import work
    from core.report.tables.csv import to_csv

    check_whole("seeds", seeds, 1, MAX_SEEDS)
    check_writable(csv)
    store = open_store()
    wanted = [spec for name in rows for spec in RUNS[name](seeds)]
    trained, begun = _finished(store), _unfinished(store)
    missing = [spec for spec in wanted if _key(spec) not in trained]
    say(f"{len(wanted) - len(missing)} of {len(wanted)} runs are in the store; training the rest.")
    store.continue_study(_STUDY.id)  # what an earlier try has left
    store.add_to_study(_STUDY, [spec for spec in missing if _key(spec) not in begun])
    try:
        work(store, drain=True)
    except KeyboardInterrupt:
        say("Interrupted. What is left stays in the queue; the same command goes on with it.")
        return INTERRUPTED
    done = _finished(store)
    runs = [done[_key(spec)] for spec in wanted if _key(spec) in done]
    epochs = store.epochs([run.id for run in runs])
    lines = [row for run in runs for row in rows_of(run, epochs[run.id])]
    csv.write_text(to_csv(pd.DataFrame(lines)), encoding="utf-8", newline="")
    say(f"{len(runs)} of {len(wanted)} runs, {len(lines)} epochs, are in {csv}.")
    return 0 if len(runs) == len(wanted) else FAILED


def _corrected(model: ModelSpec) -> ModelSpec:
    """The homework's block without its mistake."""
    options = (pair for pair in model.options if pair[0] != "as_published")
    return replace(model, options=(*options, ("as_published", False)))


def _key(spec: RunSpec) -> RunSpec:
    """Equal for runs with equal curves: every option is filled in."""
    return replace(spec, model=complete(spec.model))


def _finished(store: Store) -> dict[RunSpec, Run]:
    """The finished runs of the store, the oldest of equal ones."""
    from core.jobs.store import JobState

    return {_key(run.spec): run for run in store.runs() if run.state is JobState.FINISHED}


def _unfinished(store: Store) -> set[RunSpec]:
    """Runs of an earlier try that wait, or broke off and can go on."""
    from core.jobs.store import JobState

    runs = store.runs(study=_STUDY.id)
    return {_key(run.spec) for run in runs if run.state is not JobState.FINISHED}


def _further_options(model: ModelSpec) -> tuple[tuple[str, OptionValue], ...]:
    """Those that have no column of their own."""
    return tuple(pair for pair in model.options if pair[0] not in _WITH_COLUMNS)


def rows_of(run: Run, epochs: Iterable[EpochMetrics]) -> Iterator[dict[str, Any]]:
    """One row an epoch, complete in itself."""
    from core.report.tables.columns import options_text
    from core.report.tables.runs import as_time

    spec = run.spec
    version = re.search(r"torch ([\w.+]+)", run.fingerprint)
    for metrics in epochs:
        figures = asdict(metrics)
        yield {
            "arch": spec.model.arch,
            "ratio": spec.model.ratio,
            "image_size": image_size_text(spec.model.image_size),
            "shortcut": spec.model.option("shortcut") or "",
            "as_published": bool(spec.model.option("as_published")),
            "options": options_text(replace(spec.model, options=_further_options(spec.model))),
            "seed": spec.seed,
            "epoch": metrics.epoch,
            **{name: figures[name] for name in _EPOCH_FIELDS},
            "dataset": spec.dataset,
            "recipe": spec.recipe.name,
            "epochs": spec.recipe.epochs,
            "batch_size": spec.recipe.batch_size,
            "machine": run.machine.partition(": ")[2] or run.machine,  # without the host's name
            "torch": version[1] if version else "",
            "date": as_time(run.finished_at or run.created_at)[:10],
        }
