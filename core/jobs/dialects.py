"""What SQLite and PostgreSQL say differently. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, Float, Integer, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

DAY_SECONDS = 86_400  # of UTC, which has the same each day
_SQLITE_NOW = "lab_now"
_POSTGRESQL_NOW = "EXTRACT(EPOCH FROM statement_timestamp())"


def is_postgresql(place: Engine | Connection) -> bool:
    """Whether this is a PostgreSQL server."""
    return place.dialect.name == "postgresql"


def insert_or_change(connection: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return (postgresql if is_postgresql(connection) else sqlite).insert(table)


class now(FunctionElement[float]):
    """Seconds since 1970 when the statement began, by the clock of the database.

    All who share a store share it: a worker whose own clock is wrong neither loses its jobs to
    others nor keeps them too long.
    """

    type = Float()
    name = "now"
    inherit_cache = True


@compiles(now)
def _on_sqlite(*_: Any, **__: Any) -> str:
    return f"{_SQLITE_NOW}()"


@compiles(now, "postgresql")
def _on_postgresql(*_: Any, **__: Any) -> str:
    return f"CAST({_POSTGRESQL_NOW} AS DOUBLE PRECISION)"


class today(FunctionElement[int]):
    """Days since 1970, UTC, by the clock of the database."""

    type = Integer()
    name = "today"
    inherit_cache = True


@compiles(today)
def _today_on_sqlite(*_: Any, **__: Any) -> str:
    return f"CAST({_SQLITE_NOW}() / {DAY_SECONDS} AS INTEGER)"


@compiles(today, "postgresql")
def _today_on_postgresql(*_: Any, **__: Any) -> str:
    return f"CAST(FLOOR({_POSTGRESQL_NOW} / {DAY_SECONDS}) AS INTEGER)"


class file_bytes(FunctionElement[int]):
    """Bytes in the JSON of a kept file, its own and its trail's; 0 for NULL and what has none."""

    type = BigInteger()
    name = "file_bytes"
    inherit_cache = True


_SIZES = ("size", "trail_bytes")


@compiles(file_bytes)
def _file_bytes_on_sqlite(element: Any, compiler: Any, **others: Any) -> str:
    of_file = compiler.process(element.clauses, **others)
    return _sum(f"json_extract({of_file}, '$.{size}')" for size in _SIZES)


@compiles(file_bytes, "postgresql")
def _file_bytes_on_postgresql(element: Any, compiler: Any, **others: Any) -> str:
    of_file = compiler.process(element.clauses, **others)
    return _sum(f"CAST(CAST({of_file} AS JSON) ->> '{size}' AS BIGINT)" for size in _SIZES)


def _sum(numbers: Iterable[str]) -> str:
    return f"({' + '.join(f'COALESCE({number}, 0)' for number in numbers)})"


def teach_sqlite(connection: Any) -> None:
    """SQLite runs inside of its programs: its clock is theirs."""
    connection.create_function(_SQLITE_NOW, 0, lambda: time.time())
