"""How whoever shows a store learns that something in it has changed, whoever changed it.

PostgreSQL tells it, an SQLite file is asked ten times a second whether it is another one; of other
databases nothing is known, so each second something may have changed. Imports no torch.
"""

from __future__ import annotations

import time
from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from core.jobs.database import CHANGES, Database
from core.jobs.listener import Listener, can_listen

_LOOK_SECONDS = 0.1  # between two looks at an SQLite file, a few microseconds each
_LONGEST_SECONDS = 1.0  # that one waits, and between two guesses where nothing is known
_ECHO_SECONDS = 2.0  # until one's own voice must have come back


class Changes:
    """Heard by one who waits at this database."""

    def __init__(self, database: Database) -> None:
        self.engine = database.engine
        self._listener = Listener(self.engine, CHANGES)
        self._is_deaf = False
        self._file: Connection | None = None
        self._version: int | None = None

    def wait(self) -> bool:
        """At most a second, until something has changed; whether something may have."""
        if can_listen(self.engine):
            return self._hear()
        if self.engine.dialect.name == "sqlite":
            return self._look()
        time.sleep(_LONGEST_SECONDS)
        return True

    def _hear(self) -> bool:
        try:
            if self._listener.listen():
                self._is_deaf = not self._hears_itself()
                return True  # what has changed before was not heard
            if not self._is_deaf:
                return self._listener.hears(_LONGEST_SECONDS)
        except (ConnectionError, SQLAlchemyError):  # who looks finds out why
            self._listener.close()
        time.sleep(_LONGEST_SECONDS)
        return True

    def _hears_itself(self) -> bool:
        """Through a pool of connections between here and the server nothing is heard."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
            other.execute(text(f"NOTIFY {CHANGES}"))
        return self._listener.hears(_ECHO_SECONDS)

    def _look(self) -> bool:
        """SQLite counts what other connections have written."""
        until = time.monotonic() + _LONGEST_SECONDS
        try:
            while (now := self._version_now()) == self._version:
                if time.monotonic() > until:
                    return False
                time.sleep(_LOOK_SECONDS)
            self._version = now
        except SQLAlchemyError:  # somebody holds the file; who looks finds out who
            time.sleep(_LONGEST_SECONDS)
        return True

    def _version_now(self) -> int:
        if self._file is None:
            self._file = self.engine.connect().execution_options(reads_only=True)
        return int(self._file.exec_driver_sql("PRAGMA data_version").scalar_one())

    def close(self) -> None:
        """Hear no longer."""
        self._listener.close()
        with suppress(SQLAlchemyError):
            if self._file is not None:
                self._file.close()
