"""Studies in the store, their progress, their groups, and workers that take only their kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs.store import JobState, Run, Store, open_store
from core.language import CHINESE, in_language
from core.specs import ModelSpec, Recipe, RunSpec
from core.studies.study import (
    by_variant,
    comparable,
    distinct_titles,
    progress_of,
    seconds_left,
    verdicts,
)
from core.training.records import EpochMetrics, Progress
from core.zoo.catalogue import CATALOGUE
from core.zoo.variants import VARIANTS
from tests.databases import database, postgresql_server, pytest_generate_tests  # noqa: F401

SHORT = Recipe("fast", epochs=2, batch_size=64, learning_rate=0.05)
PLAIN = ModelSpec("course-residual", image_size=28, options=VARIANTS["identity"].options)
NONE = replace(PLAIN, options=VARIANTS["none"].options)
SPECS = [
    RunSpec(model, "fashion-mini", SHORT, seed=seed) for seed in range(3) for model in (PLAIN, NONE)
]
SETTINGS = {"variants": ["identity", "none"], "seeds": 3}


@pytest.fixture
def store() -> Store:
    return open_store()


def metrics(epoch: int, accuracy: float) -> EpochMetrics:
    return EpochMetrics(epoch, 0.5, 0.8, 0.6, accuracy, 2.0, 0.5, 5000.0, 0.01)


def finish(store: Store, run: Run, *accuracies: float) -> None:
    """End a claimed run with these test accuracies."""
    for epoch, accuracy in enumerate(accuracies, start=1):
        store.record(run, metrics(epoch, accuracy))
    store.finish(run, JobState.FINISHED)


# What they have found --------------------------------------------------------------------------


def run(number: int, state: JobState, model: ModelSpec = PLAIN, **values) -> Run:
    spec = RunSpec(model, "fashion-mini", SHORT, seed=number)
    return Run(number, state, spec=spec, **values)


def at(epoch: int) -> Progress:
    """Half of this epoch of two."""
    return Progress("training", epoch, 2, 5, 10)


def test_groups_are_variants_with_the_finals_of_finished_seeds(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    for accuracy in (0.7, 0.6, 0.8, 0.5):
        finish(store, store.claim(), accuracy + 0.1, accuracy)
    partly = store.claim()
    store.record(partly, metrics(1, 0.99))
    runs = store.runs(study=study.id)
    groups = by_variant(runs, store.epochs([run.id for run in runs]))
    assert [group.title for group in groups] == ["plain residual", "no shortcut"]
    assert [group.final_accuracies for group in groups] == [{0: 0.7, 1: 0.8}, {0: 0.6, 1: 0.5}]
    assert groups[0].final.mean == pytest.approx(0.75)
    assert groups[0].best.mean == pytest.approx(0.85)  # of the first epoch
    assert groups[0].seconds == 5.0
    [pair] = verdicts(groups)
    assert pair.seeds == (0, 1) and pair.p is None


def test_a_run_that_went_on_for_longer_is_compared_with_none_of_the_others(store):
    """Go on to 4 epochs, from the record of a run of a study."""
    study = store.create_study("two blocks", SETTINGS, SPECS)
    for _ in SPECS:
        finish(store, store.claim(), 0.6, 0.7)
    runs = store.runs(study=study.id)
    epochs = {one.id: [metrics(1, 0.6), metrics(2, 0.7)] for one in runs}
    longer = next(one for one in runs if one.spec.model == NONE and one.spec.seed == 0)
    spec = replace(longer.spec, recipe=replace(SHORT, epochs=4))
    epochs[longer.id] += [metrics(3, 0.8), metrics(4, 0.9)]
    others = [one for one in runs if one.id != longer.id]
    groups = by_variant([*others, replace(longer, spec=spec)], epochs)
    assert {group.title: set(group.final_accuracies.values()) for group in groups} == {
        "plain residual, epochs 2": {0.7},
        "no shortcut, epochs 2": {0.7},
        "no shortcut, epochs 4": {0.9},
    }
    assert [group.condition.recipe.epochs for group in comparable(groups)] == [2, 2]
    [pair] = verdicts(groups)
    assert (pair.first, pair.second) == ("plain residual, epochs 2", "no shortcut, epochs 2")
    assert pair.seeds == (1, 2)


def test_networks_of_one_title_are_told_apart_by_their_options():
    narrow, wide = (ModelSpec("custom-vgg", 8, 32, options={"head_width": w}) for w in (16, 32))
    assert distinct_titles([PLAIN, narrow, wide]) == [
        "plain residual",
        f"{CATALOGUE['custom-vgg'].title}, head width 16",
        f"{CATALOGUE['custom-vgg'].title}, head width 32",
    ]


def test_what_tells_networks_apart_is_said_in_the_language_of_the_reader():
    plain, thin = PLAIN, replace(PLAIN, ratio=2)
    with in_language(CHINESE):
        assert distinct_titles([plain, thin]) == ["普通残差、比例：1", "普通残差、比例：2"]


def test_the_time_left_is_the_work_left_shared_by_the_workers():
    done = run(0, JobState.FINISHED, spent_seconds=40.0, started_at=1.0)
    waiting = [run(number, JobState.QUEUED) for number in (1, 2, 3, 4)]
    assert seconds_left([done, *waiting], 1) == pytest.approx(160)
    assert seconds_left([done, *waiting], 2) == pytest.approx(80)
    assert seconds_left([done, *waiting], 100) == pytest.approx(40)  # no shorter than one run
    assert seconds_left(waiting, 2) is None


def test_a_run_waits_as_long_as_those_of_its_network_have_taken():
    quick = run(0, JobState.FINISHED, PLAIN, spent_seconds=10.0, started_at=1.0)
    slow = run(1, JobState.FINISHED, NONE, spent_seconds=30.0, started_at=1.0)
    assert seconds_left([quick, slow, run(2, JobState.QUEUED, NONE)], 1) == pytest.approx(30)


def test_a_pause_is_no_work():
    """A run that stopped hours ago and waits again has its own seconds, not those on the wall."""
    paused = run(0, JobState.QUEUED, spent_seconds=10.0, started_at=1.0, progress=at(2))
    assert seconds_left([paused], 1) == pytest.approx(10 / 0.75 * 0.25)


def test_the_bar_counts_whole_and_part_runs():
    runs = [
        run(0, JobState.FINISHED, spent_seconds=40.0, started_at=1.0),
        run(1, JobState.STOPPED),
        run(2, JobState.RUNNING, progress=at(2)),
        run(3, JobState.QUEUED),
    ]
    progress = progress_of(runs, 1)
    assert (progress.done, progress.total) == (2, 4)
    assert progress.fraction == pytest.approx((1 + 1 + 0.75) / 4)


def test_dead_parameters_are_named_for_their_variant():
    dead = {"residual1.conv1.weight": 2304, "residual1.conv1.bias": 16}
    runs = [run(0, JobState.FINISHED, dead_parameters=dead), run(1, JobState.FINISHED, NONE)]
    first, second = by_variant(runs, {})
    assert first.dead_parameters == dead and second.dead_parameters == {}


def test_networks_of_one_variant_are_told_apart_by_what_differs():
    models = [
        ModelSpec("resnet-cifar", 4, 28, options=(("depth", depth), ("shortcut", "none")))
        for depth in (20, 56)
    ]
    titles = distinct_titles(models)
    assert [title.rpartition(", ")[2] for title in titles] == ["depth 20", "depth 56"]
    assert all("shortcut" not in title.removeprefix("no shortcut") for title in titles)
    assert distinct_titles(models[:1]) == [titles[0].removesuffix(", depth 20")]
