"""How a worker without a job learns of one: PostgreSQL rings, elsewhere it looks now and then.

Imports no torch.
"""

from __future__ import annotations

import time

from sqlalchemy import Connection, text

from core.jobs.database import Database
from core.jobs.dialects import is_postgresql
from core.jobs.listener import Listener, can_listen

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
        self.listener = Listener(database.engine, _CHANNEL)

    def wait(self) -> None:
        """Until there may be a job."""
        if not can_listen(self.listener.engine):
            time.sleep(_LOOK_SECONDS)
            return
        try:
            self.listener.hears(_LOOK_THOUGH_IT_RINGS_SECONDS)
        except ConnectionError:  # who looks finds out why
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Hear no longer."""
        self.listener.close()
