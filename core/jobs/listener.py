"""Hearing what PostgreSQL is told to tell others (NOTIFY). Imports no torch."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from core.jobs.database import PSYCOPG


def can_listen(engine: Engine) -> bool:
    """Whether this database tells, by a driver that hears it."""
    return engine.dialect.driver == PSYCOPG


class Listener:
    """Of one channel, on a connection of its own."""

    def __init__(self, engine: Engine, channel: str) -> None:
        self.engine, self.channel = engine, channel
        self._connection: Connection | None = None

    def listen(self) -> bool:
        """Hear from now on; False where it did so already. Raises SQLAlchemyError."""
        if self._connection is not None:
            return False
        self._connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.execute(text(f"LISTEN {self.channel}"))
        return True

    def hears(self, seconds: float) -> bool:
        """Whether something is told within so many seconds; returns as soon as it is.

        Raises ConnectionError when the server is away.
        """
        import psycopg

        try:
            self.listen()
            assert self._connection is not None
            line: Any = self._connection.connection.driver_connection
            return any(True for _told in line.notifies(timeout=seconds, stop_after=1))
        except (SQLAlchemyError, psycopg.Error) as error:
            self.close()
            raise ConnectionError(str(error)) from error

    def close(self) -> None:
        """Hear no longer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()  # nobody else shall get a connection that listens
                connection.close()
