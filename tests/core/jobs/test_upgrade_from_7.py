"""A store of schema 7 is brought up to date on either database, and its queue goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from core.jobs.database import database_url
from core.jobs.schema import SCHEMA_VERSION, tables
from core.jobs.store import JobState, Store, open_store
from core.measure.requests import DeviceSpeedRequest
from core.training.records import Device
from tests.core.jobs.example_runs import SPEC as SPEC_OF_TODAY
from tests.core.jobs.example_runs import unreadable

VERSION_7 = Path(__file__).with_name("store_of_version_7.sql")
COUNTED = {
    "sqlite": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
    "postgresql": "SERIAL PRIMARY KEY",
}
ON_CARD, ON_CPU, FINISHED, TIMES, SPEED, BROKEN = range(1, 7)  # its jobs
SPEC = replace(  # what the recipe of that name was
    SPEC_OF_TODAY, recipe=replace(SPEC_OF_TODAY.recipe, optimizer="sgd", label_smoothing=0.0)
)
CPU, CARD = Device("cpu", "a CPU"), Device("cuda", "NVIDIA H100")


@pytest.fixture
def store(database, isolated_runs, monkeypatch) -> Store:
    monkeypatch.setattr("platform.node", lambda: "example")  # as its host was called
    isolated_runs.mkdir()
    statements = VERSION_7.read_text(encoding="utf-8").replace("{id}", COUNTED[database])
    engine = create_engine(database_url())
    with engine.begin() as connection:
        for statement in statements.split(";\n"):
            if statement.strip():
                connection.execute(text(statement.replace(":", r"\:")))
    engine.dispose()
    return open_store()


def test_it_has_the_tables_of_a_new_store(store):
    found = inspect(store.engine)
    for table in tables.sorted_tables:
        assert {column["name"] for column in found.get_columns(table.name)} == set(
            table.columns.keys()
        )
        names = {index["name"] for index in found.get_indexes(table.name)}
        assert {str(index.name) for index in table.indexes} <= names
    with store.reading() as connection:
        version = connection.exec_driver_sql(
            "SELECT value FROM lab WHERE name = 'schema_version'"
        ).scalar()
    assert version == str(SCHEMA_VERSION)


def test_nothing_is_lost(store):
    assert [run.id for run in store.runs()] == [FINISHED, ON_CPU, ON_CARD]
    finished = store.get(FINISHED)
    assert finished.state is JobState.FINISHED
    assert (finished.best_accuracy, finished.seconds) == (0.5, 8.0)
    assert [row.epoch for row in store.epochs([FINISHED])[FINISHED]] == [1]
    assert [row.id for row in unreadable(store)] == [BROKEN]
    assert store.result_of(DeviceSpeedRequest("cpu", CPU.hardware)) == {"linear": 2.0}


def test_what_is_queued_is_claimed_by_a_worker_that_has_its_device(store):
    assert store.get(ON_CARD).needs_device == "cuda"  # cuda:0 is another name of it
    taken = [store.claim("of the CPU", devices=[CPU]) for _ in range(3)]
    assert [job and job.id for job in taken] == [ON_CPU, TIMES, None]
    assert taken[0].spec == SPEC
    assert unreadable(store)[0].state == "failed"  # it needs nothing: anybody says so
    card = store.claim("of the card", devices=[CARD, CPU])
    assert (card.id, card.attempt, card.spec) == (ON_CARD, 1, replace(SPEC, device="cuda:0"))
    store.finish(card, JobState.FINISHED)
    assert store.get(ON_CARD).state is JobState.FINISHED
    assert store.enqueue(SPEC) > BROKEN
