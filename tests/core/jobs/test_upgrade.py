"""A store of an older lab is brought up to date on opening, with nothing lost."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect

from core.jobs.records import setting_key
from core.jobs.schema import SCHEMA_VERSION, tables
from core.jobs.store import JobState, QueueFilter, Store, StoredFile, StudyKind, open_store
from core.measure.gradient_records import GradientFlow
from core.measure.requests import (
    DeviceSpeedRequest,
    GradientFlowRequest,
    LayerTimesRequest,
    PredictRequest,
    ThroughputRequest,
)
from core.specs import ModelSpec
from core.training.estimate import Speed
from core.training.records import ComputePlan, LayerTimes, Throughput
from core.zoo.catalogue import complete
from tests.core.jobs.example_runs import unreadable

pytestmark = pytest.mark.sqlite  # older labs had no other store
VERSION_2 = Path(__file__).with_name("store_of_version_2.sql")  # made by that lab, on "example"


@pytest.fixture
def old(isolated_runs, monkeypatch) -> sqlite3.Connection:
    """A store of version 2 with runs, studies, epochs and measurements, not opened yet."""
    monkeypatch.setattr("platform.node", lambda: "example")
    isolated_runs.mkdir()
    database = sqlite3.connect(isolated_runs / "lab.sqlite")
    database.executescript(VERSION_2.read_text(encoding="utf-8"))
    database.commit()
    return database


@pytest.fixture
def before(old) -> dict[str, list[dict]]:
    """Every row of the old store."""
    old.row_factory = sqlite3.Row
    names = ("runs", "epochs", "studies", "speeds")
    return {name: [dict(row) for row in old.execute(f"SELECT * FROM {name}")] for name in names}


@pytest.fixture
def store(old, before) -> Store:
    """The same store, opened by this lab."""
    old.close()
    return open_store()


def test_it_has_the_tables_of_a_new_store(store, tmp_path):
    new = open_store(f"sqlite:///{tmp_path / 'new.sqlite'}")
    for table in tables.sorted_tables:
        columns = [
            {column["name"] for column in inspect(each.engine).get_columns(table.name)}
            for each in (store, new)
        ]
        indexes = [
            {index["name"] for index in inspect(each.engine).get_indexes(table.name)}
            for each in (store, new)
        ]
        assert columns[0] == columns[1] and indexes[0] == indexes[1]
    assert not inspect(store.engine).has_table("speeds")
    assert not inspect(store.engine).has_table("runs")


def test_runs_are_found_by_what_they_train_on(store, before):
    specs = [json.loads(row["spec"]) for row in before["runs"]]
    assert store.networks() == sorted({spec["model"]["arch"] for spec in specs})
    assert store.datasets() == sorted({spec["dataset"] for spec in specs})
    for run in store.runs():
        if run.state is JobState.FINISHED:
            [*_, last] = store.epochs([run.id])[run.id]
            finals = store.final_accuracies([setting_key(run.spec)])
            assert last.test_accuracy in finals[setting_key(run.spec)]


def test_every_run_is_there_with_its_epochs_and_files(store, before):
    runs = {run.id: run for run in store.runs()}
    assert set(runs) == {row["id"] for row in before["runs"]} and unreadable(store) == []
    epochs = store.epochs(runs)
    for row in before["runs"]:
        run, spec = runs[row["id"]], json.loads(row["spec"])
        assert run.spec.model.to_dict() == spec["model"] and run.spec.seed == spec["seed"]
        assert run.spec.recipe.normalize == spec["recipe"]["normalise"]
        assert run.spec.recipe.initialization == spec["recipe"]["initialisation"]
        for name in ("study", "attempt", "spent_seconds", "machine", "fingerprint", "note"):
            assert getattr(run, name) == row[name]
        for name in ("best_epoch", "best_accuracy", "created_at", "started_at", "finished_at"):
            assert getattr(run, name) == row[name]
        for name in ("checkpoint", "best_file"):
            assert getattr(run, name) == (row[name] and StoredFile(**json.loads(row[name])))
        assert run.compute_plan == (
            row["execution"] and ComputePlan(**json.loads(row["execution"]))
        )
        since = {"captured_seconds": 0.0}  # a column of version 4
        theirs = [epoch | since for epoch in before["epochs"] if epoch["run_id"] == run.id]
        assert [vars(metrics) | {"run_id": run.id} for metrics in epochs[run.id]] == theirs


def test_diverged_is_a_state_and_the_others_stay(store, before):
    states = {run.id: str(run.state) for run in store.runs()}
    for row in before["runs"]:
        diverged = "the network diverged" in row["message"]
        assert states[row["id"]] == ("diverged" if diverged else row["state"])
    assert list(states.values()).count("diverged") == 1


def test_studies_have_their_kind(store, before):
    [study] = store.studies(StudyKind.VARIANTS)
    [row] = before["studies"]
    assert (study.id, study.title, study.created_at) == (row["id"], row["title"], row["created_at"])
    assert study.settings == json.loads(row["settings"])
    [stack] = store.studies(StudyKind.STACK)
    [reproduction] = store.studies(StudyKind.REPRODUCTION)
    assert (stack.id, reproduction.id) == ("stack-20261101-101010", "reproduction")
    assert [len(store.runs(study=each.id)) for each in (study, stack, reproduction)] == [2, 1, 1]


def test_measurements_are_found_by_whoever_asks_for_them(store):
    lenet = complete(ModelSpec("lenet", image_size=28))
    times = store.result_of(LayerTimesRequest(lenet, "cpu", 2))
    assert LayerTimes.from_dict(times).passes == 2
    run = store.get(1)
    rates = store.result_of(ThroughputRequest(run.spec, (16,), ("cpu",)))
    assert {point.batch_size for point in Throughput.from_dict(rates).points} == {16}
    blocks = complete(ModelSpec("course-residual", image_size=28))
    from core.measure.gradient_records import variations

    models = tuple(variations(blocks, [], ["identity", "none"], ()))
    flow = store.result_of(GradientFlowRequest(models, "fashion-mini", 1, "default", 4))
    assert len(GradientFlow.from_dict(flow).networks) == 2
    assert store.result_of(PredictRequest(1, run.best_file.sha256)) == {"run": 1}
    assert Speed.from_dict(store.result_of(DeviceSpeedRequest("cpu"))).linear > 0


def test_what_broke_off_or_failed_is_said(store):
    states = {job.key: (job.state, job.message) for job in store.measurements()}
    assert states["layer times 00"][0] is JobState.FAILED
    assert "measure again" in states["layer times 00"][1]
    assert states["gradients 01"] == (
        JobState.FAILED,
        "There is no run 77; the Runs page lists those there are.",
    )
    assert states["throughput 02"][0] is JobState.STOPPED


def test_the_upgraded_store_goes_on(store):
    [waiting] = store.waiting(QueueFilter.SINGLE)
    claimed = store.claim("a worker")
    assert claimed.id == waiting.id
    store.finish(claimed, JobState.FINISHED)
    assert store.enqueue(claimed.spec) > max(job.id for job in store.measurements())
    store.delete([run.id for run in store.runs()])
    again = open_store()
    assert again.runs() == [] and again.epochs([1]) == {1: []}


def test_what_was_queued_or_under_way_is_claimed_after_the_upgrade(old):
    """The workers of the older lab were stopped; one was killed and left its run behind."""
    [(waiting,)] = old.execute("SELECT id FROM runs WHERE state = 'queued'").fetchall()
    columns = [row[1] for row in old.execute("PRAGMA table_info(runs)") if row[1] != "id"]
    names = ", ".join(columns)
    old.execute(f"INSERT INTO runs ({names}) SELECT {names} FROM runs WHERE id = ?", (waiting,))
    [(left,)] = old.execute("SELECT max(id) FROM runs").fetchall()
    old.execute(
        "UPDATE runs SET state = 'running', attempt = 1, heartbeat_at = 1000.0 WHERE id = ?",
        (left,),
    )
    old.commit()
    old.close()
    store = open_store()
    assert [run.id for run in store.waiting()] == [waiting, left]
    claimed = [store.claim("a new worker"), store.claim("a new worker")]
    assert [(run.id, run.attempt) for run in claimed] == [(waiting, 1), (left, 2)]
    assert store.claim("a new worker") is None


def test_a_store_of_version_1_is_brought_up_to_date_too(old, before):
    later = ("worker", "fingerprint", "execution", "checkpoint", "best_file", "dead_parameters")
    for column in (*later, "note"):
        old.execute(f"ALTER TABLE runs DROP COLUMN {column}")
    for phase in ("data", "transfer", "forward", "backward", "optimiser"):
        old.execute(f"ALTER TABLE epochs DROP COLUMN {phase}_seconds")
    old.execute("DROP TABLE studies")
    old.execute("DROP TABLE speeds")
    old.execute("UPDATE lab SET value = '1'")
    old.commit()
    old.close()
    store = open_store()
    runs = {run.id: run for run in store.runs()}
    assert set(runs) == {row["id"] for row in before["runs"]}
    assert runs[1].best_file == StoredFile("best.safetensors", "")
    assert (runs[1].note, runs[1].compute_plan, runs[1].checkpoint) == ("", None, None)
    assert [m.epoch for m in store.epochs([1])[1]] == [1, 2]
    assert len(store.studies(StudyKind.STACK)) == 1


def test_opening_twice_changes_nothing(store):
    runs, measurements = store.runs(), store.measurements()
    again = open_store()
    assert (again.runs(), again.measurements()) == (runs, measurements)
    with again.reading() as connection:
        version = connection.exec_driver_sql("SELECT value FROM lab").scalar()
    assert version == str(SCHEMA_VERSION)
