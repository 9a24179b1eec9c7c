"""Studies in the store, their progress, their groups, and workers that take only their kind."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import text

from core.jobs.engines import local as launch
from core.jobs.engines.local import StudyWorkers
from core.jobs.files import delete_study, run_folder
from core.jobs.store import Kind, Run, RunState, Store, open_store
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.studies.study import by_variant, distinct_titles, progress_of, seconds_left, verdicts
from core.training.records import EpochMetrics, Progress
from core.zoo.variants import VARIANTS

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
    store.finish(run, RunState.FINISHED)


# In the store ----------------------------------------------------------------------------------


def test_a_study_and_its_runs_come_together(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    assert store.study(study.id) == study
    runs = store.runs(study=study.id)
    assert [run.spec for run in reversed(runs)] == SPECS
    assert {run.state for run in runs} == {RunState.QUEUED}
    assert open_store().studies() == [study]


def test_two_studies_in_one_second_are_two(store):
    ids = {store.create_study("twice", {}, SPECS[:1]).id for _ in range(5)}
    assert len(ids) == 5
    assert [study.id in ids for study in store.studies(3)] == [True] * 3


def test_a_study_without_runs_is_refused(store):
    with pytest.raises(LabError, match="needs at least one run"):
        store.create_study("empty", {}, [])
    with pytest.raises(LabError, match="no such study"):
        store.study("empty")


def test_a_study_of_an_older_lab_is_a_name_with_runs(store):
    store.enqueue(SPECS[0], "residual-20260101-120000")
    [study] = store.studies()
    assert (study.id, study.title, study.settings) == (study.id, "residual-20260101-120000", {})


def test_a_store_of_version_1_gets_the_table_of_studies(store):
    with store.writing() as connection:
        connection.execute(text("DROP TABLE studies"))
        connection.execute(text("UPDATE lab SET value = '1'"))
    store.engine.dispose()
    again = open_store()
    assert again.study(again.create_study("new", {}, SPECS).id).title == "new"


def test_a_study_stops_and_goes_on_as_a_whole(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    other = store.enqueue(SPECS[0])
    done, failed, running = (store.claim(kind=Kind.STUDIES) for _ in range(3))
    finish(store, done, 0.5, 0.6)
    store.finish(failed, RunState.FAILED, "The disk is full.")
    store.stop_study(study.id)
    assert store.get(running.id).stop_requested
    store.finish(running, RunState.STOPPED)
    states = [run.state for run in store.runs(study=study.id)]
    assert sorted(map(str, states)) == ["failed", "finished", *["stopped"] * 4]
    assert store.get(other).state is RunState.QUEUED

    assert store.continue_study(study.id) == 5
    again = store.get(failed.id)
    assert (again.state, again.message) == (RunState.QUEUED, "")
    assert store.get(done.id).state is RunState.FINISHED


def test_a_study_is_deleted_with_its_files(store):
    study = store.create_study("two blocks", SETTINGS, SPECS)
    single = store.enqueue(SPECS[0])
    run = store.claim()
    folder = run_folder(run.id)
    folder.mkdir(parents=True)
    delete_study(store, study.id)
    assert [run.id for run in store.runs()] == [single]
    assert store.studies() == [] and not folder.exists()
    with store.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM studies")) == 0


def test_a_worker_takes_only_its_kind_of_run(store):
    single = store.enqueue(SPECS[0])
    study = store.create_study("one", {}, SPECS[:1])
    assert [run.study for run in store.waiting(Kind.STUDIES)] == [study.id]
    assert store.claim(kind=Kind.STUDIES).study == study.id
    assert store.claim(kind=Kind.STUDIES) is None
    assert store.claim(kind=Kind.SINGLE).id == single
    assert store.waiting() == []


# Workers ---------------------------------------------------------------------------------------


class FakeProcess:
    """What StudyWorkers asks of a process."""

    def __init__(self, *flags: str, threads: int | None = None) -> None:
        self.flags, self.threads, self.is_alive, self.began = flags, threads, True, 0.0


@pytest.fixture
def processes(monkeypatch) -> StudyWorkers:
    """Workers that are no processes, on a machine with memory."""
    monkeypatch.setattr(launch, "ChildProcess", FakeProcess)
    monkeypatch.setattr(launch, "memory_gibibytes", lambda: 64)
    return StudyWorkers()


@pytest.mark.parametrize(
    ("runs", "cores", "workers", "threads"),
    [(12, 2, 2, 1), (12, 8, 8, 1), (3, 8, 3, 2), (1, 8, 1, 8), (1, 1, 1, 1), (0, 4, 0, 0)],
)
def test_as_many_workers_as_cores_share_the_threads(processes, runs, cores, workers, threads):
    processes.ensure(runs, cores)
    assert [worker.threads for worker in processes.workers] == [threads] * workers
    assert all("--drain" in worker.flags for worker in processes.workers)


def test_one_that_has_just_been_started_is_about_to_take_a_run(processes):
    processes.ensure(1, 8)
    processes.workers[0].began = time.monotonic()
    processes.ensure(1, 8)
    assert len(processes.workers) == 1
    processes.ensure(2, 8)
    assert len(processes.workers) == 2


def test_runs_that_others_have_need_no_worker(processes, store):
    """A worker in a terminal may execute the study; none is started over and over beside it."""
    store.create_study("one", {}, SPECS[:1])
    store.claim()
    processes.ensure(len(store.waiting(Kind.STUDIES)), 8)
    assert processes.workers == []


def test_a_run_whose_worker_died_waits_for_another(store, monkeypatch):
    store.create_study("one", {}, SPECS[:1])
    run = store.claim()
    monkeypatch.setattr("core.jobs.store.LEASE_SECONDS", -1.0)
    assert [waiting.id for waiting in store.waiting(Kind.STUDIES)] == [run.id]


def test_only_dead_workers_are_replaced(processes):
    processes.ensure(12, 2)
    first, second = processes.workers
    first.is_alive = False
    processes.ensure(12, 2)
    assert processes.workers[0] is second and len(processes.workers) == 2


def test_little_memory_means_few_workers(processes, monkeypatch):
    monkeypatch.setattr(launch, "memory_gibibytes", lambda: 3)
    processes.ensure(100, 64)
    assert len(processes.workers) == 3


# What they have found --------------------------------------------------------------------------


def run(number: int, state: RunState, model: ModelSpec = PLAIN, **values) -> Run:
    return Run(number, RunSpec(model, "fashion-mini", SHORT, seed=number), state, **values)


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


def test_networks_of_one_title_are_told_apart_by_their_options():
    narrow, wide = (ModelSpec("custom-vgg", 8, 32, options={"head_width": w}) for w in (16, 32))
    assert distinct_titles([PLAIN, narrow, wide]) == [
        "plain residual",
        "custom-vgg, head_width 16",
        "custom-vgg, head_width 32",
    ]


def test_the_time_left_is_the_work_left_shared_by_the_workers():
    done = run(0, RunState.FINISHED, spent_seconds=40.0, started_at=1.0)
    waiting = [run(number, RunState.QUEUED) for number in (1, 2, 3, 4)]
    assert seconds_left([done, *waiting], 1) == pytest.approx(160)
    assert seconds_left([done, *waiting], 2) == pytest.approx(80)
    assert seconds_left([done, *waiting], 100) == pytest.approx(40)  # no shorter than one run
    assert seconds_left(waiting, 2) is None


def test_a_run_waits_as_long_as_those_of_its_network_have_taken():
    quick = run(0, RunState.FINISHED, PLAIN, spent_seconds=10.0, started_at=1.0)
    slow = run(1, RunState.FINISHED, NONE, spent_seconds=30.0, started_at=1.0)
    assert seconds_left([quick, slow, run(2, RunState.QUEUED, NONE)], 1) == pytest.approx(30)


def test_a_pause_is_no_work():
    """A run that stopped hours ago and waits again has its own seconds, not those on the wall."""
    paused = run(0, RunState.QUEUED, spent_seconds=10.0, started_at=1.0, progress=at(2))
    assert seconds_left([paused], 1) == pytest.approx(10 / 0.75 * 0.25)


def test_the_bar_counts_whole_and_part_runs():
    runs = [
        run(0, RunState.FINISHED, spent_seconds=40.0, started_at=1.0),
        run(1, RunState.STOPPED),
        run(2, RunState.RUNNING, progress=at(2)),
        run(3, RunState.QUEUED),
    ]
    progress = progress_of(runs, 1)
    assert (progress.done, progress.total) == (2, 4)
    assert progress.fraction == pytest.approx((1 + 1 + 0.75) / 4)


def test_dead_parameters_are_named_for_their_variant():
    dead = {"residual1.conv1.weight": 2304, "residual1.conv1.bias": 16}
    runs = [run(0, RunState.FINISHED, dead_parameters=dead), run(1, RunState.FINISHED, NONE)]
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
