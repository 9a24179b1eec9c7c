"""Where the store lies, and what is said when it cannot be opened, read or written."""

from __future__ import annotations

import re
import sqlite3
import sys

import pytest
from sqlalchemy import event, text

from core.folders import runs_folder
from core.jobs.database import database_url
from core.jobs.engines.child_process import absolute_settings
from core.jobs.schema import SCHEMA_VERSION
from core.jobs.store import (
    Store,
    StoreUnavailable,
    open_store,
)
from core.specs import LabError
from tests.core.jobs.example_runs import SPEC

# Where the store lies


@pytest.mark.sqlite
def test_the_store_lies_in_the_runs_folder_unless_told(isolated_runs, monkeypatch):
    assert runs_folder() == isolated_runs
    assert database_url() == f"sqlite:///{isolated_runs / 'lab.sqlite'}"
    monkeypatch.setenv("LAB_DATABASE_URL", "postgresql://db/lab")
    assert database_url() == "postgresql://db/lab"


@pytest.mark.sqlite
def test_a_workers_store_is_the_one_of_the_process_that_starts_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_DATABASE_URL", "sqlite:///my%20runs.sqlite?timeout=9")
    assert database_url() == f"sqlite:///{tmp_path}/my%20runs.sqlite?timeout=9"
    assert absolute_settings()["LAB_DATABASE_URL"] == database_url()
    monkeypatch.delenv("LAB_DATABASE_URL")
    assert absolute_settings()["LAB_DATABASE_URL"] == database_url()


@pytest.mark.sqlite
def test_a_relative_store_lies_in_a_folder_of_any_name(monkeypatch, tmp_path):
    folder = tmp_path / "which? 100 %"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LAB_DATABASE_URL", "sqlite:///here.sqlite")
    open_store().enqueue(SPEC)
    assert [path.name for path in folder.glob("*.sqlite")] == ["here.sqlite"]


@pytest.mark.sqlite
def test_without_variables_runs_lie_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("LAB_RUNS_DIR")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert runs_folder() == tmp_path / "cnn-architecture-lab" / "runs"


def test_a_store_is_found_again(store):
    run_id = store.enqueue(SPEC)
    assert open_store().get(run_id) == store.get(run_id)


@pytest.mark.parametrize(("version", "word"), [(SCHEMA_VERSION + 1, "newer"), (0, "older")])
def test_a_store_of_another_version_is_left_alone(store, version, word):
    store.enqueue(SPEC)
    with store.writing() as connection:
        connection.execute(text(f"UPDATE lab SET value = '{version}'"))
    with pytest.raises(LabError, match=rf"made by an? {word} version .*\(schema {version}"):
        open_store()
    assert len(store.runs()) == 1


@pytest.mark.sqlite
def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_RUNS_DIR", str(tmp_path / "file" / "runs"))
    with pytest.raises(LabError, match=r"cannot be written .*set LAB_RUNS_DIR"):
        open_store()


@pytest.mark.sqlite
def test_a_file_that_cannot_be_opened_is_one_sentence(isolated_runs):
    (isolated_runs / "lab.sqlite").mkdir(parents=True)
    with pytest.raises(LabError, match=r"cannot be opened \(unable to open database file\)"):
        open_store()


@pytest.mark.sqlite
def test_a_file_that_is_no_store_is_one_sentence(isolated_runs):
    isolated_runs.mkdir()
    (isolated_runs / "lab.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(LabError, match=r"\(file is not a database\); move that file away"):
        open_store()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql+nothing://host/lab", "sqlite+nothing:///x", "postgresql://host:port/lab"],
)
def test_a_broken_database_address_is_one_sentence(monkeypatch, url):
    monkeypatch.setenv("LAB_DATABASE_URL", url)
    with pytest.raises(LabError, match=r"LAB_DATABASE_URL is not a database address .*an example"):
        open_store()


@pytest.mark.sqlite
def test_a_database_whose_driver_is_missing_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setenv("LAB_DATABASE_URL", "postgresql+psycopg2://host/lab")
    with pytest.raises(LabError, match="psycopg2") as caught:
        open_store()
    assert re.fullmatch(r"[^\n]+\.", str(caught.value))


def pragma(store: Store, words: str) -> None:
    """Have every connection of the store obey `PRAGMA words` from now on."""
    store.engine.dispose()

    @event.listens_for(store.engine, "connect")
    def obey(connection, _record):
        connection.execute(f"PRAGMA {words}")


@pytest.mark.sqlite
def test_a_read_only_store_is_one_sentence_and_can_still_be_read(store):
    run_id = store.enqueue(SPEC)
    pragma(store, "query_only = ON")
    for write in (lambda: store.enqueue(SPEC), store.claim, lambda: store.delete([run_id])):
        with pytest.raises(LabError, match=r"could not be written .*not read-only"):
            write()
    assert [run.id for run in store.runs()] == [run_id]


@pytest.mark.sqlite
def test_a_store_that_another_program_holds_is_told_as_that(store, isolated_runs, monkeypatch):
    monkeypatch.setattr("core.jobs.database.LOCKED_SECONDS", 0.1)
    store.engine.dispose()
    held = sqlite3.connect(isolated_runs / "lab.sqlite", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="another program holds its file") as caught:
        open_store()
    assert "disk" not in str(caught.value) and "full" not in str(caught.value)
    held.close()
    open_store()


@pytest.mark.sqlite
def test_a_full_disk_is_one_sentence_and_loses_nothing(store):
    run_id = store.enqueue(SPEC)
    pragma(store, "max_page_count = 1")
    with pytest.raises(LabError, match=r"could not be written \(database or disk is full\)"):
        store.enqueue_all([SPEC] * 2_000)
    assert [run.id for run in store.runs()] == [run_id]
