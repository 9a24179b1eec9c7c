"""Opening the database of a store, reading and writing in it; any SQLAlchemy URL will do.

Everything that only SQLite needs stands in `_sqlite_engine`. Imports no torch.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from core.folders import runs_folder
from core.jobs.dialects import teach_sqlite
from core.jobs.upgrade import bring_up_to_date
from core.language import lazy
from core.operating.metrics import Counter
from core.specs import LabError, first_line
from core.storage.place import Unavailable

_SQLITE_WITH_SAFE_WAL = (3, 51, 3)  # older ones can corrupt a WAL file on reset
LOCKED_SECONDS = 30  # how long a database waits for another program that holds what it needs
PSYCOPG = "psycopg"  # the driver of PostgreSQL that the lab is tried with
CHANGES = "lab_changes"  # where PostgreSQL tells that something has changed
_HAS_CHANGED = "lab_has_changed"  # of a connection: its transaction has changed rows
_POSTGRESQL: dict[str, Any] = {
    "pool_size": 5,
    "max_overflow": 15,  # of one page server; PostgreSQL takes 100 of all together
    "pool_timeout": 10.0,  # seconds
}
_POSTGRESQL_CONNECTION = {  # unless the address says something else
    "connect_timeout": "5",  # seconds
    # A server whose machine is gone says nothing: nobody waits longer for a sign of it
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",  # milliseconds, as the next two
    "options": f"-c lock_timeout={1000 * LOCKED_SECONDS} -c statement_timeout=120000",
}


_REFUSALS = (DBAPIError, NoFreeConnection)
STORE_ERRORS = Counter(
    "lab_store_errors_total", "How often the store could not be opened, read or written.", ("what",)
)


class StoreUnavailable(Unavailable):
    """The store cannot be used now, and may be again soon: it is locked, or its disk is full."""


def database_url() -> str:
    """LAB_DATABASE_URL, else an SQLite file in `runs_folder()`; a file by its absolute path."""
    if not (url := os.environ.get("LAB_DATABASE_URL")):
        return file_url(runs_folder() / "lab.sqlite")
    file, mark, query = url.removeprefix("sqlite:///").partition("?")
    if not url.startswith("sqlite:///") or file.startswith((":memory:", "file:")) or not file:
        return url
    return f"{file_url(Path(unquote(file)))}{mark}{query}"


def file_url(path: Path) -> str:
    """The address of an SQLite file, wherever the process that reads it runs."""
    quoted = quote(str(path.absolute()), safe="/:\\")  # a ? in it is no query
    return f"sqlite:///{quoted}"


class Database:
    """The open database of a store, in whole transactions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; raises StoreUnavailable where trying later may help, else LabError."""
        try:
            with self.engine.connect() as connection:
                with connection.begin():
                    yield connection
                _tell_changes(connection)
        except _REFUSALS as error:
            raise _refusal("written", error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that takes no lock; raises as `writing` does."""
        try:
            with self.engine.connect().execution_options(reads_only=True) as connection:
                yield connection
        except _REFUSALS as error:
            raise _refusal("read", error) from error

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def open_database(url: str | None = None) -> Engine:
    """The database at `url` (default: `database_url()`), its tables made when they are missing.

    Raises LabError with one sentence when it cannot be opened, or belongs to another version;
    StoreUnavailable when another program holds it.
    """
    url = url or database_url()
    try:
        if url.startswith("sqlite:///"):
            file = unquote(url.removeprefix("sqlite:///").partition("?")[0])
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(url)
        with engine.begin() as connection:
            bring_up_to_date(connection)
    except OSError as error:
        raise LabError(
            "The folder for runs cannot be written ({reason}); set LAB_RUNS_DIR to a folder that"
            " can.",
            reason=error.strerror or str(error),
        ) from error
    except LabError:
        raise
    except ImportError as error:
        raise LabError(
            "LAB_DATABASE_URL needs the Python package {name}, which is not installed; install it,"
            " or unset the variable to use an SQLite file.",
            name=error.name,
        ) from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # ValueError: a broken port
        raise LabError(
            "LAB_DATABASE_URL is not a database address that can be opened; an example is"
            " sqlite:////home/me/lab.sqlite."
        ) from error
    except SQLAlchemyError as error:
        raise _refusal("opened", error) from error
    return engine


_REFUSED = {
    "opened": lazy("The run store cannot be opened"),
    "read": lazy("The run store could not be read"),
    "written": lazy("The run store could not be written"),
}


def _refusal(what: str, error: SQLAlchemyError) -> LabError:
    """Why the store cannot be opened, read or written, and what would help."""
    reason = first_line(getattr(error, "orig", None) or error)
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF
    start = _REFUSED[what]
    STORE_ERRORS.add(what)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailable(
            "{start}: another program holds its file, a backup or a database browser perhaps"
            " ({reason}); close that program, or wait until it is done.",
            start=start,
            reason=reason,
        )
    if code == sqlite3.SQLITE_FULL:
        return StoreUnavailable(
            "{start} ({reason}); free some space on its disk.", start=start, reason=reason
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return LabError(
            "{start} ({reason}); move that file away, or set LAB_RUNS_DIR to another folder.",
            start=start,
            reason=reason,
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return LabError(
            "{start} ({reason}); check that its folder is there and not read-only.",
            start=start,
            reason=reason,
        )
    is_away = isinstance(error, OperationalError | NoFreeConnection) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if is_away and not code:  # a server that is gone, restarting, full
        return StoreUnavailable(
            "{start} ({reason}); check that the database server answers.",
            start=start,
            reason=reason,
        )
    return LabError("{start} ({reason}).", start=start, reason=reason)


def _engine(url: str) -> Engine:
    if url.startswith("sqlite"):
        return _sqlite_engine(url)
    address = make_url(url)
    if address.get_driver_name() != PSYCOPG:
        return create_engine(address, pool_pre_ping=True)
    address = address.set(query=_POSTGRESQL_CONNECTION | dict(address.query))
    engine = create_engine(address, pool_pre_ping=True, **_POSTGRESQL)

    @event.listens_for(engine, "after_cursor_execute")
    def note(
        connection: Connection, cursor: Any, _text: str, _values: Any, context: Any, _many: bool
    ) -> None:
        if (context.isinsert or context.isupdate or context.isdelete) and cursor.rowcount:
            connection.info[_HAS_CHANGED] = True

    return engine


def _tell_changes(connection: Connection) -> None:
    """Tell those who show the store what this connection has written.

    After it is written: a transaction that also tells holds a lock on all others until its disk has
    taken it, so that writers would wait for each other.
    """
    if connection.info.pop(_HAS_CHANGED, False):
        with suppress(SQLAlchemyError):  # it is written all the same
            connection.exec_driver_sql(f"NOTIFY {CHANGES}")
            connection.commit()


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        teach_sqlite(connection)
        connection.isolation_level = None  # SQLAlchemy's begin is written below, not by sqlite3
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {1000 * LOCKED_SECONDS}")
        safe = sqlite3.sqlite_version_info >= _SQLITE_WITH_SAFE_WAL
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
