"""A backup holds the whole store, also one that is in use; a store is made from it anywhere."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from core.cli.commands import main
from core.jobs.backup import COPIED, back_up, restore
from core.jobs.database import file_url
from core.jobs.execution import execute
from core.jobs.files import best_path, delete_runs, load_checkpoint
from core.jobs.schema import lab_table, tables, workers_table
from core.jobs.store import JobState, Store, open_store
from core.jobs.trail import read_trail
from core.jobs.worker import work
from core.measure.requests import DeviceSpeedRequest, PredictRequest
from core.specs import LabError
from tests.core.jobs.tiny_runs import TINY, history, stopped_in_the_second_epoch, uninterrupted

pytestmark = pytest.mark.usefixtures("one_thread", "few_test_images")


def rows(store: Store) -> dict[str, list[dict]]:
    """Everything but what a copy has of its own: which store it is."""
    with store.reading() as connection:
        return {
            table.name: [
                {name: value for name, value in row.items() if name != "store_id"}
                for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in COPIED
        }


@pytest.fixture
def full(store: Store) -> Store:
    """A finished run with predictions, a study with a stopped and a queued run, a measurement."""
    finished = store.get(store.enqueue(TINY))
    work(store, drain=True)
    best = store.get(finished.id).best_file
    store.enqueue_measurement(PredictRequest(finished.id, best.sha256))
    store.keep_result(DeviceSpeedRequest("cpu"), {"speed": 1.0})
    work(store, drain=True)
    stopped_in_the_second_epoch(store)
    store.create_study("Two", {"seeds": 1}, [TINY])
    return store


def folder_store(folder: Path) -> Store:
    return open_store(file_url(folder / "lab.sqlite"))


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    """Another lab, on a disk and in an SQLite file of its own."""

    def make() -> Store:
        monkeypatch.setenv("LAB_RUNS_DIR", str(tmp_path / "other"))
        monkeypatch.delenv("LAB_DATABASE_URL", raising=False)
        return open_store()

    return make


def test_a_restored_store_is_the_one_that_was_backed_up(full, tmp_path, empty_store):
    before, predicted = rows(full), read_trail(full.get(1))
    folder = tmp_path / "backup"
    saved = back_up(full, folder)
    assert saved.jobs == len(before["jobs"]) and saved.missing == []
    other = empty_store()
    restored = restore(folder, other)
    assert (restored.jobs, restored.files, restored.missing) == (saved.jobs, saved.files, [])
    assert rows(other) == before and other.id != full.id
    run = other.get(1)
    assert run.store_id == other.id
    assert best_path(run).is_file() and load_checkpoint(run)
    assert len(read_trail(run).moments) == len(predicted.moments)
    assert other.enqueue(TINY) > max(row["id"] for row in before["jobs"])


def test_what_waited_goes_on_in_the_restored_store_to_the_same_figures(full, tmp_path, empty_store):
    expected = uninterrupted(full, TINY)
    stopped = next(run.id for run in full.runs() if run.state is JobState.STOPPED)
    full.resume(stopped)
    back_up(full, tmp_path / "backup")
    other = empty_store()
    restore(tmp_path / "backup", other)
    assert work(other, drain=True) == 2  # the resumed one and the study's
    assert history(other, stopped) == expected
    assert {run.state for run in other.runs()} == {JobState.FINISHED}


def test_a_run_under_way_is_queued_in_the_copy_and_not_touched_in_the_store(store, tmp_path):
    store.enqueue_all([TINY, TINY])
    going_on, to_stop = store.claim("worker 1"), store.claim("worker 2")
    store.request_stop([to_stop.id])
    back_up(store, tmp_path / "backup")
    copy = folder_store(tmp_path / "backup")
    assert copy.get(going_on.id).state is JobState.QUEUED and copy.workers() == []
    assert copy.get(to_stop.id).state is JobState.STOPPED
    assert copy.claim("worker 3").id == going_on.id
    assert store.get(going_on.id).state is JobState.RUNNING
    store.heartbeat(going_on, None)
    copy.close()


@pytest.mark.slow
def test_a_backup_can_be_made_while_a_worker_trains(store, tmp_path, empty_store):
    """Checkpoints come and go meanwhile: each copy goes on to the figures of an unbroken run."""
    expected = uninterrupted(store, TINY)
    ids = store.enqueue_all([TINY] * 4)
    worker = threading.Thread(target=work, args=(open_store(),), kwargs={"drain": True})
    worker.start()
    folders = []
    while worker.is_alive():
        folders.append(tmp_path / f"backup-{len(folders)}")
        assert back_up(store, folders[-1]).missing == []
    worker.join()
    assert len(folders) > 3
    other = empty_store()
    restore(folders[len(folders) // 2], other)
    work(other, drain=True)
    for run_id in ids:
        assert history(other, run_id) == expected


def test_a_file_that_was_replaced_meanwhile_brings_its_newer_row(store, tmp_path, monkeypatch):
    run_id = stopped_in_the_second_epoch(store)
    from core.jobs import backup

    copy_files, times = backup._copy_files, []

    def train_on_first(*arguments):
        if not times:
            store.resume(run_id)
            execute(store, store.claim())
        times.append(1)
        return copy_files(*arguments)

    monkeypatch.setattr(backup, "_copy_files", train_on_first)
    assert back_up(store, tmp_path / "backup").missing == []
    copy = folder_store(tmp_path / "backup")
    assert len(times) == 2 and copy.get(run_id).state is JobState.FINISHED
    assert history(copy, run_id) == history(store, run_id)
    copy.close()


def test_a_run_that_is_deleted_meanwhile_is_not_in_the_copy(store, tmp_path, monkeypatch):
    run_id = stopped_in_the_second_epoch(store)
    from core.jobs import backup

    copy_database = backup._copy_database

    def delete_afterwards(*arguments):
        copy_database(*arguments)
        delete_runs(store, [run_id])

    monkeypatch.setattr(backup, "_copy_database", delete_afterwards)
    saved = back_up(store, tmp_path / "backup")
    assert (saved.jobs, saved.files, saved.missing) == (0, 0, [])


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"damaged")])
def test_a_damaged_file_is_named_and_left_out(full, tmp_path, harm, capsys):
    best = best_path(full.get(1))
    harm(best)
    folder = tmp_path / "backup"
    assert main(["backup", str(folder)]) == 1
    said = capsys.readouterr().err
    assert f"{best.name} is gone or damaged" in said and not list(folder.rglob(best.name))
    assert folder_store(folder).get(1).state is JobState.FINISHED


def test_a_backup_that_was_damaged_is_noticed_when_it_is_restored(full, tmp_path, empty_store):
    back_up(full, tmp_path / "backup")
    [best] = (tmp_path / "backup").rglob("run-1/best-*.safetensors")
    best.write_bytes(best.read_bytes()[:-1])
    other = empty_store()
    restored = restore(tmp_path / "backup", other)
    [missing] = restored.missing
    assert missing.endswith(best.name) and best_path(other.get(1)) is None


def test_nothing_is_overwritten(full, tmp_path, empty_store, capsys):
    folder = tmp_path / "backup"
    back_up(full, folder)
    before = rows(full)
    assert main(["restore", str(folder)]) == 2
    assert "runs and measurements already; restore into an empty one" in capsys.readouterr().err
    assert rows(full) == before
    assert main(["backup", str(folder)]) == 2
    assert "is not empty; name a new folder" in capsys.readouterr().err


def test_what_an_idle_worker_has_measured_is_nothing_to_keep(full, tmp_path, empty_store):
    back_up(full, tmp_path / "backup")
    other = empty_store()
    other.keep_result(DeviceSpeedRequest("cpu"), {"speed": 2.0})
    restore(tmp_path / "backup", other)
    assert rows(other) == rows(full)


def test_half_a_backup_is_none(store, tmp_path):
    with pytest.raises(LabError, match="holds no whole backup"):
        restore(tmp_path, store)


def test_a_store_moves_into_this_database(database, store, tmp_path, monkeypatch):
    """From an SQLite file to whatever this test runs on; numbers go on behind the last one."""
    old = open_store(file_url(tmp_path / "old" / "lab.sqlite"))
    run_id = stopped_in_the_second_epoch(old)
    old.resume(run_id)
    waiting = old.enqueue(TINY)
    back_up(old, tmp_path / "backup")
    assert main(["restore", str(tmp_path / "backup")]) == 0
    assert [run.id for run in store.waiting()] == [run_id, waiting]
    assert store.enqueue(TINY) == waiting + 1
    assert work(store, drain=True) == 3
    assert history(store, run_id) == history(store, waiting)


def test_files_move_between_a_folder_and_a_bucket(full, tmp_path, bucket, elsewhere):
    back_up_folder = tmp_path / "backup"
    with pytest.MonkeyPatch.context() as here:
        here.delenv("LAB_FILES_URL")
        back_up(full, back_up_folder)
    elsewhere()
    other = open_store(file_url(tmp_path / "new.sqlite"))
    assert restore(back_up_folder, other).missing == []
    assert best_path(other.get(1)).is_file() and load_checkpoint(other.get(1))
    assert back_up(other, tmp_path / "again").missing == []


def test_sources_of_somebodys_own_networks_come_along(store, networks_file, tmp_path, empty_store):
    from dataclasses import replace

    from core.specs import ModelSpec
    from core.zoo.catalogue import complete

    networks_file(
        "import torch.nn as nn\n\nclass Net(nn.Sequential):\n"
        "    def __init__(self, in_channels=1, num_classes=10):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(784 * in_channels, num_classes))\n"
    )
    own = replace(TINY, model=complete(ModelSpec("nets.py:Net", image_size=28)))
    run_id = store.enqueue(own)
    back_up(store, tmp_path / "backup")
    other = empty_store()
    restore(tmp_path / "backup", other)
    assert work(other, drain=True) == 1
    assert other.get(run_id).state is JobState.FINISHED


def test_a_backup_of_an_older_lab_is_brought_up_to_date_and_stays_as_it_was(
    store, tmp_path, empty_store
):
    stopped_in_the_second_epoch(store)
    folder = tmp_path / "backup"
    back_up(store, folder)
    with sqlite3.connect(folder / "lab.sqlite") as older:
        older.execute("UPDATE lab SET value = '7' WHERE name = 'schema_version'")
        older.execute("DELETE FROM lab WHERE name = 'store_id'")
        older.execute("ALTER TABLE jobs ADD COLUMN host VARCHAR(200)")
    older.close()
    before = (folder / "lab.sqlite").read_bytes()
    assert restore(folder, empty_store()).missing == []
    assert (folder / "lab.sqlite").read_bytes() == before


def test_every_table_is_copied_or_told_of_the_store_alone():
    assert set(COPIED) | {lab_table, workers_table} == set(tables.tables.values())
