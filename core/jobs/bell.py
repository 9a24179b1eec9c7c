"""How a worker without a job learns of one: PostgreSQL rings, elsewhere it looks now and then.

Imports no torch.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from core.jobs.database import PSYCOPG, Database
from core.jobs.dialects import is_postgresql

_CHANNEL = "lab_jobs"
_LOOK_SECONDS = 0.1  # between two looks at the queue, a millisecond each
_LOOK_THOUGH_IT_RINGS_SECONDS = 1.0  # that a worker has died rings no bell


def ring(connection: Connection) -> None:
    """Once this transaction is written, wake the workers that wait; where the database can."""
    if is_postgresql(connection):
        connection.execute(text(f"NOTIFY {_CHANNEL}"))


class Bell:
    """Of one worker that waits at this database."""

    def __init__(self, database: Database) -> None:
        self.engine = database.engine
        self._line: Connection | None = None

    def wait(self) -> None:
        """Until there may be a job."""
        if self.engine.dialect.driver != PSYCOPG:
            time.sleep(_LOOK_SECONDS)
            return
        import psycopg

        try:
            line: Any = self._listen().connection.driver_connection
            for _rung in line.notifies(timeout=_LOOK_THOUGH_IT_RINGS_SECONDS, stop_after=1):
                pass
        except (SQLAlchemyError, psycopg.Error):  # the server is away; who looks finds out why
            self.close()
            time.sleep(_LOOK_SECONDS)

    def _listen(self) -> Connection:
        """A connection of its own, which hears from now on."""
        if self._line is None:
            self._line = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._line.execute(text(f"LISTEN {_CHANNEL}"))
        return self._line

    def close(self) -> None:
        """Hear no longer."""
        line, self._line = self._line, None
        if line is not None:
            with suppress(SQLAlchemyError):
                line.invalidate()  # nobody else shall get a connection that listens
                line.close()
