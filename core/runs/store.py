"""The run store, which is also the queue: any SQLAlchemy URL, an SQLite file by default.

Each change of state is one UPDATE with its condition, and everything a worker writes names the
attempt it holds, so a worker that has lost its run can no longer change it. Imports no torch.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    case,
    create_engine,
    delete,
    event,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from core.specs import LabError, RunSpec
from core.training.records import EpochMetrics, Progress

SCHEMA_VERSION = 1
LEASE_SECONDS = 20.0  # a running row whose worker has been silent for longer is free again
MAX_ATTEMPTS = 3  # without finishing one more epoch
SQLITE_WITH_SAFE_WAL = (3, 51, 3)  # older ones can corrupt a WAL file on reset


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of the run by itself."""
        return self in (RunState.FINISHED, RunState.STOPPED, RunState.FAILED)


@dataclass(frozen=True)
class Run:
    """A row of the store. Times are seconds since 1970, UTC."""

    id: int
    spec: RunSpec
    state: RunState
    study: str | None = None  # runs that belong together share this
    message: str = ""  # why it failed
    created_at: float = 0.0
    started_at: float | None = None  # of its first attempt
    finished_at: float | None = None
    attempt: int = 0
    attempt_started_at: float | None = None
    spent_seconds: float = 0.0  # in earlier attempts
    progress: Progress | None = None
    stop_requested: bool = False
    best_epoch: int | None = None
    best_accuracy: float | None = None  # fraction of the test images
    machine: str = ""  # what it ran on

    @property
    def seconds(self) -> float | None:
        """Wall-clock time in which a worker had it; waiting and pauses are left out."""
        if self.started_at is None:
            return None
        if self.state is RunState.RUNNING and self.attempt_started_at is not None:
            return self.spent_seconds + time.time() - self.attempt_started_at
        return self.spent_seconds


class LostRun(Exception):
    """This worker no longer holds the run: it was stopped, deleted or taken over."""


tables = MetaData()

lab_table = Table(
    "lab", tables, Column("name", String(40), primary_key=True), Column("value", Text)
)

runs_table = Table(
    "runs",
    tables,
    Column("id", Integer, primary_key=True),
    Column("state", String(10), nullable=False, index=True),
    Column("spec", Text, nullable=False),  # RunSpec as JSON
    Column("study", String(80), index=True),
    Column("message", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("attempt", Integer, nullable=False, default=0),  # rises with each claim: the fence
    Column("attempt_started_at", Float),
    Column("spent_seconds", Float, nullable=False, default=0.0),
    Column("failures", Integer, nullable=False, default=0),  # deaths since the last epoch
    Column("heartbeat_at", Float),
    Column("stop_requested", Boolean, nullable=False, default=False),
    Column("progress", Text),  # Progress as JSON
    Column("best_epoch", Integer),
    Column("best_accuracy", Float),
    Column("machine", Text, nullable=False, default=""),
    sqlite_autoincrement=True,  # the id of a deleted run is never given again
)

epochs_table = Table(
    "epochs",
    tables,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    *(
        Column(name, Float, nullable=False)
        for name in EpochMetrics.__dataclass_fields__
        if name != "epoch"
    ),
)

speeds_table = Table(
    "speeds",
    tables,
    Column("device", String(200), key="name", primary_key=True),  # what was measured, and where
    Column("measured_at", Float, nullable=False),
    Column("speed", Text, key="found", nullable=False),  # JSON
)


def runs_dir() -> Path:
    """The folder for the store and for checkpoints: LAB_RUNS_DIR, else the user's data folder."""
    if chosen := os.environ.get("LAB_RUNS_DIR"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", str(Path.home())))
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share")))
    return base / "cnn-architecture-lab" / "runs"


def database_url() -> str:
    """LAB_DATABASE_URL, else an SQLite file in `runs_dir()`."""
    if chosen := os.environ.get("LAB_DATABASE_URL"):
        return chosen
    path = quote(str(runs_dir() / "lab.sqlite"), safe="/:\\")  # a ? in it is no query
    return f"sqlite:///{path}"


def open_store(url: str | None = None) -> Store:
    """The store at `url` (default: `database_url()`), its tables made when they are missing.

    Raises LabError with one sentence when it cannot be opened, or belongs to another version.
    """
    chosen = url or database_url()
    try:
        if chosen.startswith("sqlite:///"):
            file = unquote(chosen.removeprefix("sqlite:///").partition("?")[0])
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        engine = make_engine(chosen)
        with engine.begin() as connection:
            tables.create_all(connection)
            check_version(connection)
    except OSError as error:
        raise LabError(
            f"The folder for runs cannot be written ({error.strerror or error}); set LAB_RUNS_DIR"
            " to a folder that can."
        ) from error
    except LabError:
        raise
    except ImportError as error:
        raise LabError(
            f"LAB_DATABASE_URL needs the Python package {error.name}, which is not installed;"
            " install it, or leave the variable away to use an SQLite file."
        ) from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # ValueError: a broken port
        raise LabError(
            "LAB_DATABASE_URL is not a database address that can be opened; an example is"
            " sqlite:////home/me/lab.sqlite."
        ) from error
    except SQLAlchemyError as error:
        raise LabError(
            f"The run store cannot be opened ({reason(error)}); check that its folder can be"
            " written and its disk is not full."
        ) from error
    return Store(engine)


def reason(error: SQLAlchemyError) -> str:
    """The database's own words, without the statement."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def check_version(connection: Connection) -> None:
    """Write the schema's version into a new store; raise LabError for another one."""
    found = connection.scalar(select(lab_table.c.value).where(lab_table.c.name == "schema_version"))
    if found is None:
        connection.execute(insert(lab_table), {"name": "schema_version", "value": SCHEMA_VERSION})
    elif int(found) != SCHEMA_VERSION:
        newer = "newer" if int(found) > SCHEMA_VERSION else "older"
        raise LabError(
            f"The run store was made by a {newer} version of the lab (schema {found}, this one"
            f" reads {SCHEMA_VERSION}); use that version, or another LAB_RUNS_DIR."
        )


def make_engine(url: str) -> Engine:
    """An engine; everything that only SQLite needs stands here."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin is written below, not by sqlite3
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 30000")
        safe = sqlite3.sqlite_version_info >= SQLITE_WITH_SAFE_WAL
        cursor.execute(f"PRAGMA journal_mode = {'WAL' if safe else 'DELETE'}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails with "database is locked"
        if not connection.get_execution_options().get("reads_only"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


class Store:
    """What pages, workers and the command line do with runs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; raises LabError when the database refuses."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise LabError(
                f"The run store could not be written ({reason(error)}); check that its disk is"
                " not full and its folder is not read-only."
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that takes no lock; raises LabError when the database refuses."""
        try:
            with self.engine.connect().execution_options(reads_only=True) as connection:
                yield connection
        except DBAPIError as error:
            raise LabError(
                f"The run store could not be read ({reason(error)}); check that its file is there."
            ) from error

    # For pages and the command line ---------------------------------------------------------

    def enqueue(self, spec: RunSpec, study: str | None = None) -> int:
        """Put a run at the end of the queue; its id."""
        return self.enqueue_all([spec], study)[0]

    def enqueue_all(self, specs: Iterable[RunSpec], study: str | None = None) -> list[int]:
        """Put runs in the queue together; their ids."""
        return self._insert(specs, study, RunState.QUEUED)

    def start_here(self, spec: RunSpec) -> Run:
        """A run that the caller executes itself, without passing through the queue."""
        [run_id] = self._insert([spec], None, RunState.RUNNING)
        return self.get(run_id)

    def _insert(self, specs: Iterable[RunSpec], study: str | None, state: RunState) -> list[int]:
        now = time.time()
        row = {"state": state, "study": study, "created_at": now}
        if state is RunState.RUNNING:
            row |= {"attempt": 1, "started_at": now, "heartbeat_at": now}
            row |= {"attempt_started_at": now}
        with self.writing() as connection:
            return [
                connection.execute(
                    insert(runs_table).returning(runs_table.c.id), row | {"spec": spec.to_json()}
                ).scalar_one()
                for spec in specs
            ]

    def get(self, run_id: int) -> Run:
        """The run; raises LabError when there is none."""
        with self.reading() as connection:
            row = (
                connection.execute(select(runs_table).where(runs_table.c.id == run_id))
                .mappings()
                .first()
            )
        if row is None:
            raise LabError(f"There is no run {run_id}; the Runs page lists those there are.")
        return as_run(row)

    def has(self, run_id: int) -> bool:
        """Whether there is such a run."""
        with self.reading() as connection:
            found = connection.scalar(select(runs_table.c.id).where(runs_table.c.id == run_id))
        return found is not None

    def runs(self, limit: int | None = None, study: str | None = None) -> list[Run]:
        """Runs, the newest first."""
        query = select(runs_table).order_by(runs_table.c.id.desc()).limit(limit)
        if study is not None:
            query = query.where(runs_table.c.study == study)
        with self.reading() as connection:
            return [as_run(row) for row in connection.execute(query).mappings()]

    def epochs(self, run_ids: Iterable[int]) -> dict[int, list[EpochMetrics]]:
        """The finished epochs of each run, in order; an empty list for a run without any."""
        found: dict[int, list[EpochMetrics]] = {run_id: [] for run_id in run_ids}
        query = (
            select(epochs_table)
            .where(epochs_table.c.run_id.in_(found))
            .order_by(epochs_table.c.run_id, epochs_table.c.epoch)
        )
        with self.reading() as connection:
            for row in connection.execute(query).mappings():
                values = dict(row)
                found[values.pop("run_id")].append(EpochMetrics(**values))
        return found

    def request_stop(self, run_ids: Iterable[int]) -> None:
        """Queued runs stop now, running ones after their current step."""
        chosen = runs_table.c.id.in_(list(run_ids))
        with self.writing() as connection:
            connection.execute(
                update(runs_table)
                .where(chosen, runs_table.c.state == RunState.QUEUED)
                .values(state=RunState.STOPPED, finished_at=time.time())
            )
            connection.execute(
                update(runs_table)
                .where(chosen, runs_table.c.state == RunState.RUNNING)
                .values(stop_requested=True)
            )

    def resume(self, run_id: int) -> None:
        """Put a stopped or failed run back into the queue; it goes on after its last epoch."""
        with self.writing() as connection:
            changed = connection.execute(
                update(runs_table)
                .where(
                    runs_table.c.id == run_id,
                    runs_table.c.state.in_([RunState.STOPPED, RunState.FAILED]),
                )
                .values(
                    state=RunState.QUEUED,
                    message="",
                    failures=0,
                    stop_requested=False,
                    finished_at=None,
                )
            ).rowcount
        if not changed:
            raise LabError(f"Run {run_id} is not stopped, so it cannot be continued.")

    def delete(self, run_ids: Iterable[int]) -> None:
        """Remove runs and their epochs; a worker that executes one of them loses it."""
        chosen = list(run_ids)
        with self.writing() as connection:
            connection.execute(delete(epochs_table).where(epochs_table.c.run_id.in_(chosen)))
            connection.execute(delete(runs_table).where(runs_table.c.id.in_(chosen)))

    # For workers ----------------------------------------------------------------------------

    def claim(self) -> Run | None:
        """Take the oldest run that is queued or whose worker died; None when there is none.

        A run that died MAX_ATTEMPTS times without finishing one more epoch is failed instead.
        """
        now = time.time()
        silent = and_(
            runs_table.c.state == RunState.RUNNING,
            runs_table.c.heartbeat_at < now - LEASE_SECONDS,
        )
        with self.writing() as connection:
            self._give_up(connection, silent, now)
            oldest = (
                select(runs_table.c.id)
                .where(or_(runs_table.c.state == RunState.QUEUED, silent))
                .order_by(runs_table.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)  # SQLite leaves this out
            )
            row = (
                connection.execute(
                    update(runs_table)
                    .where(runs_table.c.id == oldest.scalar_subquery())
                    .values(
                        state=RunState.RUNNING,
                        attempt=runs_table.c.attempt + 1,
                        # A worker that died has spent the time until its last heartbeat
                        spent_seconds=case(
                            (silent, spent_until(runs_table.c.heartbeat_at)),
                            else_=runs_table.c.spent_seconds,
                        ),
                        attempt_started_at=now,
                        failures=runs_table.c.failures + 1,
                        heartbeat_at=now,
                        started_at=func.coalesce(runs_table.c.started_at, now),
                        progress=None,
                    )
                    .returning(runs_table)
                )
                .mappings()
                .first()
            )
        return as_run(row) if row else None

    def _give_up(self, connection: Connection, silent: Any, now: float) -> None:
        connection.execute(
            update(runs_table)
            .where(silent, runs_table.c.failures >= MAX_ATTEMPTS)
            .values(
                state=RunState.FAILED,
                finished_at=now,
                spent_seconds=spent_until(runs_table.c.heartbeat_at),
                message=f"Its worker died {MAX_ATTEMPTS} times without finishing one more epoch;"
                " a smaller batch or image needs less memory.",
            )
        )
        connection.execute(  # nobody is left to obey the wish
            update(runs_table)
            .where(silent, runs_table.c.stop_requested)
            .values(
                state=RunState.STOPPED,
                finished_at=now,
                spent_seconds=spent_until(runs_table.c.heartbeat_at),
            )
        )

    def heartbeat(self, run: Run, progress: Progress | None) -> bool:
        """Say that the run is alive and where it is; whether it should stop.

        Raises LostRun when the caller no longer holds it.
        """
        values: dict[str, Any] = {"heartbeat_at": time.time()}
        if progress is not None:
            values["progress"] = json.dumps(asdict(progress))
        with self.writing() as connection:
            row = connection.execute(
                update(runs_table)
                .where(held(run))
                .values(values)
                .returning(runs_table.c.stop_requested)
            ).first()
        if row is None:
            raise LostRun(run.id)
        return bool(row.stop_requested)

    def describe_machine(self, run: Run, machine: str) -> None:
        """Note what the run runs on. Raises LostRun."""
        self._change(run, machine=machine)

    def record(self, run: Run, metrics: EpochMetrics) -> None:
        """Keep the figures of one epoch. Raises LostRun."""
        with self.writing() as connection:
            row = connection.execute(
                update(runs_table)
                .where(held(run))
                .values(heartbeat_at=time.time(), failures=0)
                .returning(runs_table.c.best_accuracy, runs_table.c.best_epoch)
            ).first()
            if row is None:
                raise LostRun(run.id)
            connection.execute(
                delete(epochs_table).where(
                    epochs_table.c.run_id == run.id, epochs_table.c.epoch >= metrics.epoch
                )
            )
            connection.execute(insert(epochs_table), asdict(metrics) | {"run_id": run.id})
            if row.best_accuracy is None or metrics.test_accuracy > row.best_accuracy:
                connection.execute(
                    update(runs_table)
                    .where(runs_table.c.id == run.id)
                    .values(best_epoch=metrics.epoch, best_accuracy=metrics.test_accuracy)
                )

    def forget_epochs(self, run: Run, after: int) -> None:
        """Drop the epochs after the checkpoint that the run continues from. Raises LostRun."""
        with self.writing() as connection:
            if (
                connection.execute(
                    update(runs_table).where(held(run)).values(heartbeat_at=time.time())
                ).rowcount
                == 0
            ):
                raise LostRun(run.id)
            of_run = epochs_table.c.run_id == run.id
            connection.execute(delete(epochs_table).where(of_run, epochs_table.c.epoch > after))
            best = connection.execute(
                select(epochs_table.c.epoch, epochs_table.c.test_accuracy)
                .where(of_run)
                .order_by(epochs_table.c.test_accuracy.desc(), epochs_table.c.epoch)
                .limit(1)
            ).first()
            connection.execute(
                update(runs_table)
                .where(runs_table.c.id == run.id)
                .values(
                    best_epoch=best.epoch if best else None,
                    best_accuracy=best.test_accuracy if best else None,
                )
            )

    def finish(self, run: Run, state: RunState, message: str = "") -> None:
        """End the run. Raises LostRun."""
        now = time.time()
        self._change(
            run,
            state=state,
            message=message,
            finished_at=now,
            stop_requested=False,
            spent_seconds=spent_until(now),
        )

    def release(self, run: Run) -> None:
        """Put the run back into the queue, because its worker leaves in good order."""
        with suppress(LostRun):
            spent = spent_until(time.time())
            self._change(run, state=RunState.QUEUED, failures=0, spent_seconds=spent)

    def _change(self, run: Run, **values: Any) -> None:
        with self.writing() as connection:
            changed = connection.execute(
                update(runs_table).where(held(run)).values(**values)
            ).rowcount
        if not changed:
            raise LostRun(run.id)

    # Measurements of this machine -------------------------------------------------------------

    def measured(self, name: str) -> dict[str, Any] | None:
        """What was measured under this name, None before it was."""
        with self.reading() as connection:
            text = connection.scalar(
                select(speeds_table.c.found).where(speeds_table.c.name == name)
            )
        return json.loads(text) if text else None

    def keep_measured(self, name: str, found: dict[str, Any]) -> None:
        """Keep what was measured, in place of what was there."""
        row = {"name": name, "measured_at": time.time(), "found": json.dumps(found)}
        with self.writing() as connection:
            connection.execute(delete(speeds_table).where(speeds_table.c.name == name))
            connection.execute(insert(speeds_table), row)


def spent_until(moment: Any) -> Any:
    """The seconds that workers have had the run, once this attempt ends at `moment`."""
    return runs_table.c.spent_seconds + (moment - runs_table.c.attempt_started_at)


def held(run: Run) -> Any:
    """The condition that `run` is still running in the attempt that the caller was given."""
    return and_(
        runs_table.c.id == run.id,
        runs_table.c.attempt == run.attempt,
        runs_table.c.state == RunState.RUNNING,
    )


def as_run(row: RowMapping) -> Run:
    """A Run from a row of the table."""
    progress = row["progress"]
    names = [name for name in Run.__dataclass_fields__ if name in row]
    run = Run(**{name: row[name] for name in names})
    return replace(
        run,
        spec=RunSpec.from_json(row["spec"]),
        state=RunState(row["state"]),
        progress=Progress(**json.loads(progress)) if progress else None,
    )
