"""The tables of the run store, and how a database of it is opened; any SQLAlchemy URL will do.

Everything that only SQLite needs stands in `make_engine`. Imports no torch.
"""

from __future__ import annotations

import os
import sqlite3
import sys
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
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from core.specs import LabError
from core.training.records import EpochMetrics

SCHEMA_VERSION = 2
OLDEST_VERSION = 1  # whose stores are brought up to date: the columns that they lack are added
SQLITE_WITH_SAFE_WAL = (3, 51, 3)  # older ones can corrupt a WAL file on reset


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
    Column("study", String(80), index=True),  # of studies_table; older runs have names only
    Column("message", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("attempt", Integer, nullable=False, default=0),  # rises with each claim: the fence
    Column("attempt_started_at", Float),
    Column("spent_seconds", Float, nullable=False, default=0.0),
    Column("failures", Integer, nullable=False, default=0),  # deaths since the last epoch
    Column("heartbeat_at", Float),
    Column("worker", Text),  # the process that has it, or had it last; see worker.this_process
    Column("stop_requested", Boolean, nullable=False, default=False),
    Column("progress", Text),  # Progress as JSON
    Column("best_epoch", Integer),
    Column("best_accuracy", Float),
    Column("machine", Text, nullable=False, default=""),
    Column("fingerprint", Text, nullable=False, server_default=""),  # what its bits depend on
    Column("compute_plan", Text),  # Execution as JSON, chosen when the run first started
    Column("checkpoint", Text),  # StoredFile as JSON: where the run goes on
    Column("best_file", Text),  # StoredFile as JSON: the parameters of the best epoch
    Column("dead_parameters", Text),  # names and counts as JSON, of those without any gradient
    Column("note", Text, nullable=False, server_default=""),  # what a reader should know
    sqlite_autoincrement=True,  # the id of a deleted run is never given again
)

studies_table = Table(
    "studies",
    tables,
    Column("id", String(80), primary_key=True),
    Column("title", Text, nullable=False),
    Column("settings", Text, nullable=False),  # what was chosen, as JSON
    Column("created_at", Float, nullable=False),
)

epochs_table = Table(
    "epochs",
    tables,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    *(
        Column(name, Float, nullable=False, server_default="0")
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
    """LAB_DATABASE_URL, else an SQLite file in `runs_dir()`; a file by its absolute path."""
    if not (chosen := os.environ.get("LAB_DATABASE_URL")):
        return file_url(runs_dir() / "lab.sqlite")
    file, mark, query = chosen.removeprefix("sqlite:///").partition("?")
    if not chosen.startswith("sqlite:///") or file.startswith((":memory:", "file:")) or not file:
        return chosen
    return f"{file_url(Path(unquote(file)))}{mark}{query}"


def file_url(path: Path) -> str:
    """The address of an SQLite file, wherever the process that reads it runs."""
    quoted = quote(str(path.absolute()), safe="/:\\")  # a ? in it is no query
    return f"sqlite:///{quoted}"


def open_database(url: str | None = None) -> Engine:
    """The database at `url` (default: `database_url()`), its tables made when they are missing.

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
            bring_up_to_date(connection)
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
            f"The run store cannot be opened ({reason(error)}); {advice(error)}."
        ) from error
    return engine


def reason(error: SQLAlchemyError) -> str:
    """The database's own words, without the statement."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def advice(error: SQLAlchemyError) -> str:
    """What may help when a store cannot be opened."""
    if any(words in reason(error) for words in ("not a database", "malformed")):
        return "move that file away, or set LAB_RUNS_DIR to another folder"
    return "check that its folder can be written and its disk is not full"


def bring_up_to_date(connection: Connection) -> None:
    """Write the schema's version into a new store, add to an older one what it lacks.

    Raises LabError for a version that this lab cannot read.
    """
    query = select(lab_table.c.value).where(lab_table.c.name == "schema_version")
    found = connection.scalar(query.with_for_update())  # one process upgrades; SQLite locks anyway
    if found is None:
        connection.execute(insert(lab_table), {"name": "schema_version", "value": SCHEMA_VERSION})
        return
    version = int(found)
    if not OLDEST_VERSION <= version <= SCHEMA_VERSION:
        newer = "newer" if version > SCHEMA_VERSION else "older"
        raise LabError(
            f"The run store was made by a {newer} version of the lab (schema {found}, this one"
            f" reads {SCHEMA_VERSION}); use that version, or another LAB_RUNS_DIR."
        )
    if version < SCHEMA_VERSION:
        add_missing_columns(connection)
        connection.execute(  # version 1 had one name for it, and no hash
            update(runs_table)
            .where(runs_table.c.best_epoch.is_not(None))
            .values(best_file='{"name": "best.safetensors", "sha256": ""}')
        )
        connection.execute(
            update(lab_table)
            .where(lab_table.c.name == "schema_version")
            .values(value=str(SCHEMA_VERSION))
        )


def add_missing_columns(connection: Connection) -> None:
    """Add the columns that later versions have; rows that are there get their defaults."""
    for table in tables.sorted_tables:
        present = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")


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
