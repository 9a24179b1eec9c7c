"""A copy of a whole store in a folder, and a store made from one; both while workers go on.

The folder is one that a lab could be started on, as LAB_RUNS_DIR: `lab.sqlite` and, in the folders
they always have, the files that the store vouches for, each held against its SHA-256. Whatever the
database and the place of the files are here and there, so a store can also move. Imports no torch.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Table, case, delete, func, insert, select, text, update

from core.jobs.bell import ring
from core.jobs.database import file_url
from core.jobs.dialects import is_postgresql
from core.jobs.files import name_of, predictions_name, run_folder
from core.jobs.queue import JOBS
from core.jobs.reading import read_row
from core.jobs.records import NOBODY_ASKED, TRAIN, JobState, Run
from core.jobs.schema import (
    STORE_ID,
    epochs_table,
    jobs_table,
    lab_table,
    people_table,
    series_table,
    spent_table,
    studies_table,
    workers_table,
)
from core.jobs.sources import sources_named
from core.jobs.store import Store, open_store
from core.jobs.trail import digits_of_trail_file
from core.jobs.upgrade import new_store_id
from core.specs import LabError
from core.storage.files_place import files_place
from core.storage.folder import Folder
from core.storage.place import Place
from core.zoo.own_source import kept_name

DATABASE = "lab.sqlite"
_OF_RUNS = (epochs_table, series_table)  # rows that belong to a run
# In the order in which they need each other
COPIED = (people_table, spent_table, studies_table, jobs_table, *_OF_RUNS)
_ROWS = 1000  # at a time
_TRIES = 20  # for a run that goes on so fast that its files are replaced again and again


@dataclass
class Copied:
    """What a backup or a restored store holds."""

    jobs: int = 0
    files: int = 0
    missing: list[str] = field(default_factory=list)  # files that are gone, or damaged


# Backup ---------------------------------------------------------------------------------------


def back_up(store: Store, folder: Path) -> Copied:
    """Copy the store into an empty folder. Runs under way are queued in the copy.

    Raises LabError where there is something in the folder, or a place cannot be read or written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise LabError("{folder} is not empty; name a new folder.", folder=str(folder))
    target = Folder(folder)
    target.check()
    unfinished = folder / f".{DATABASE}"
    _copy_database(store, unfinished)
    with _opened(unfinished) as copy:
        with copy.writing() as connection:
            connection.execute(
                update(lab_table).where(lab_table.c.name == STORE_ID).values(value=new_store_id())
            )
            _give_back(connection)
        copied = Copied()
        for run_id in _run_ids(copy):
            _back_up_files(store, copy, run_id, target, copied)
        _copy_sources(copy, files_place(), target, "", copied)
        copied.jobs = _count(copy)
    unfinished.rename(folder / DATABASE)  # from now on it is a whole one
    return copied


def _copy_database(store: Store, path: Path) -> None:
    """All rows as they are at one moment, into a new SQLite file."""
    if store.engine.dialect.name == "sqlite":  # quickly: those who write wait for it
        with store.reading() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(path),))
        return
    with _opened(path) as copy, _snapshot(store) as source, copy.writing() as target:
        for table in COPIED:
            _copy_rows(source, target, table)


@contextmanager
def _snapshot(store: Store) -> Iterator[Connection]:
    """A connection that goes on seeing the store as it is at its first look."""
    with store.reading() as connection:
        if is_postgresql(connection):
            connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def _opened(path: Path) -> Iterator[Store]:
    store = open_store(file_url(path))
    try:
        yield store
    finally:
        store.close()


def _copy_rows(
    source: Connection, target: Connection, table: Table, run_id: int | None = None
) -> None:
    """All rows of a table, or those of one run."""
    query = select(table).order_by(*table.primary_key).execution_options(yield_per=_ROWS)
    if run_id is not None:
        query = query.where((JOBS.id if table is jobs_table else table.c.run_id) == run_id)
    for rows in source.execute(query).mappings().partitions():
        target.execute(insert(table), [dict(row) for row in rows])


def _give_back(connection: Connection) -> None:
    """The workers of the store are not those of its copy: what they have is queued there."""
    spent = case(
        (JOBS.heartbeat_at > JOBS.attempt_started_at, JOBS.heartbeat_at - JOBS.attempt_started_at),
        else_=0.0,
    )
    connection.execute(
        update(jobs_table)
        .where(JOBS.state == JobState.RUNNING)
        .values(
            state=case((JOBS.stop_requested, JobState.STOPPED), else_=JobState.QUEUED),
            finished_at=case((JOBS.stop_requested, JOBS.heartbeat_at), else_=None),
            spent_seconds=JOBS.spent_seconds + spent,
            stop_requested=False,
            worker=None,
            lease_until=None,
            progress=None,
        )
    )
    connection.execute(delete(workers_table))


def _back_up_files(store: Store, copy: Store, run_id: int, target: Folder, copied: Copied) -> None:
    """The files of a run; where it has gone on and replaced them, first its newer row."""
    missing: list[str] = []
    for _try in range(_TRIES):
        run = _readable(copy, run_id)
        if run is None:
            return
        missing = _copy_files(run, files_place(), target, run_folder(run), copied)
        if not missing or not _take_newer(store, copy, run):
            break
    copied.missing += missing


def _take_newer(store: Store, copy: Store, run: Run) -> bool:
    """Copy the run once more, if it has other files by now, or remove it if it is gone."""
    with _snapshot(store) as source, copy.writing() as target:
        query = select(JOBS.checkpoint, JOBS.best_file).where(JOBS.id == run.id)
        if source.execute(query).first() == target.execute(query).first():
            return False
        for table in reversed(_OF_RUNS):
            target.execute(delete(table).where(table.c.run_id == run.id))
        target.execute(delete(jobs_table).where(JOBS.id == run.id))
        for table in (jobs_table, *_OF_RUNS):
            _copy_rows(source, target, table, run.id)
        _give_back(target)
    return True


# Restore --------------------------------------------------------------------------------------


def restore(folder: Path, store: Store) -> Copied:
    """Fill a store that has no jobs from a backup. Raises LabError where that cannot be."""
    if not (folder / DATABASE).is_file():
        raise LabError(
            "{folder} holds no whole backup: there is no {file} in it.",
            folder=str(folder),
            file=DATABASE,
        )
    with store.reading() as connection:
        _check_empty(connection)
    copied, own_id = Copied(), store.id
    with tempfile.TemporaryDirectory() as temporary:  # an older backup is brought up to date there
        path = Path(shutil.copy(folder / DATABASE, temporary))
        with _opened(path) as backup:
            place, target = Folder(folder), files_place()
            for run_id in _run_ids(backup):
                if run := _readable(backup, run_id):
                    there = f"{own_id}/run-{run_id}"
                    copied.missing += _copy_files(run, place, target, there, copied)
            _copy_sources(backup, place, target, f"{own_id}/", copied)
            _restore_rows(backup, store, own_id)
            copied.jobs = _count(store)
    return copied


def _restore_rows(backup: Store, store: Store, own_id: str) -> None:
    """All at once, so that nobody finds a part of them."""
    with backup.reading() as source, store.writing() as target:
        _check_empty(target)
        target.execute(delete(jobs_table))  # an idle worker has measured its devices
        target.execute(delete(people_table))  # who restores has perhaps signed in
        target.execute(delete(spent_table))
        for table in COPIED:
            _copy_rows(source, target, table)
        target.execute(update(jobs_table).values(store_id=own_id))
        if is_postgresql(target):  # its counter has not seen these numbers
            counter = "pg_get_serial_sequence('jobs', 'id')"
            target.execute(
                text(f"SELECT setval({counter}, (SELECT max(id) FROM jobs)) FROM jobs LIMIT 1")
            )
        ring(target)


def _check_empty(connection: Connection) -> None:
    asked = select(func.count()).select_from(jobs_table).where(JOBS.kind.not_in(NOBODY_ASKED))
    if jobs := connection.scalar(asked) or 0:
        raise LabError(
            "The store has {jobs} runs and measurements already; restore into an empty one, which"
            " LAB_DATABASE_URL or LAB_RUNS_DIR names.",
            jobs=jobs,
        )


# Both -----------------------------------------------------------------------------------------


def _count(store: Store) -> int:
    with store.reading() as connection:
        return connection.scalar(select(func.count()).select_from(jobs_table)) or 0


def _run_ids(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.scalars(select(JOBS.id).where(JOBS.kind == TRAIN).order_by(JOBS.id)))


def _readable(store: Store, run_id: int) -> Run | None:
    """None: it was deleted, or this lab cannot read it, and so not name its files."""
    rows = store.rows(JOBS.id == run_id)
    run = read_row(rows[0]) if rows else None
    return run if isinstance(run, Run) else None


def _copy_files(run: Run, source: Place, target: Place, folder: str, copied: Copied) -> list[str]:
    """Copy what there is of the run; those of its files that are gone or not what was written."""
    missing = []
    kept = [file for file in (run.checkpoint, run.best_file) if file]
    for file in kept:
        if _copy_file(source, name_of(run, file), target, f"{folder}/{file.name}", file.sha256):
            copied.files += 1
        else:
            missing.append(name_of(run, file))
    for name, digits in _others(run, source):
        copied.files += _copy_file(
            source, f"{run_folder(run)}/{name}", target, f"{folder}/{name}", digits
        )
    return missing


def _others(run: Run, place: Place) -> Iterator[tuple[str, str]]:
    """Files that the run can do without: its trail, its predictions; with digits of a SHA-256."""
    for name in place.sizes(run_folder(run)):
        digits = digits_of_trail_file(name)
        if digits is not None or name == predictions_name(run):
            yield name, digits or ""


def _copy_file(source: Place, name: str, target: Place, new_name: str, sha256: str) -> bool:
    """Whether the file was there, and is what was written; a wrong one is not kept."""
    try:
        with open(source.fetch(name, sha256), "rb") as file:
            arrived = target.write(new_name, partial(_fill, file))
    except FileNotFoundError:
        return False
    if arrived.startswith(sha256):
        return True
    folder, _, last = new_name.rpartition("/")
    target.remove(folder, [last])
    return False


def _fill(file: BinaryIO, target: Path) -> None:
    with open(target, "wb") as written:
        shutil.copyfileobj(file, written)


def _copy_sources(store: Store, source: Place, target: Place, prefix: str, copied: Copied) -> None:
    """The kept files of somebody's own networks that jobs of the store name."""
    with store.reading() as connection:
        digits = sources_named(connection, select(JOBS.id))
    for name in map(kept_name, sorted(digits)):
        folder = source.fetch_folder(name)
        if folder is None:
            copied.missing.append(name)
            continue
        for path in filter(Path.is_file, folder.rglob("*")):
            inside = path.relative_to(folder).as_posix()
            with open(path, "rb") as file:
                target.write(f"{prefix}{name}/{inside}", partial(_fill, file))
            copied.files += 1
