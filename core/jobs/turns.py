"""In which order the jobs of several people are taken: fairly, the small ones first.

Each job gets a number when it is queued, its turn; the lowest is taken next. A person's next job
stands as far behind the last one as that one is long, and whoever comes anew starts where the queue
is now. So people take turns by the work that they ask for, a short job of one is not behind a long
study of another, and the turn of everything that waits comes: new jobs get ever higher numbers.
This is self-clocked fair queueing (Golestani, INFOCOM 1994, section 3). Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, func, or_, select

from core.analysis.kept import kept_analysis
from core.data.catalogue import train_images_of
from core.jobs.people import THE_CLASS
from core.jobs.records import JobState
from core.jobs.schema import jobs_table, people_table
from core.specs import LabError, RunSpec

_JOBS = jobs_table.c
_START = 5.0  # seconds that any job takes
_UNKNOWN = 60.0  # is taken for the work of a network that nobody has taken apart yet
_MACS_A_SECOND = 2e10  # forward and backward, of an ordinary core: only relations matter
_PASSES = 3  # forward, gradient of the input, gradient of the weights
WORK_OF_MEASUREMENT = 10.0


def work_of_run(spec: RunSpec) -> float:
    """How long a run is beside others, in seconds of an ordinary core."""
    with suppress(LabError):  # a network or a data set of another lab
        if analysis := kept_analysis(spec.model):
            images = spec.recipe.epochs * train_images_of(spec)
            return _START + _PASSES * analysis.totals.macs * images / _MACS_A_SECOND
    return _UNKNOWN


def turns(connection: Connection, owner: str, works: Iterable[float]) -> list[float]:
    """The turns of new jobs of `owner`, in their order. All 0 as long as nobody has signed in:
    then the oldest job is taken first."""
    works = list(works)
    if not has_people(connection):
        return [0.0] * len(works)
    is_running = _JOBS.state == JobState.RUNNING
    is_queued = _JOBS.state == JobState.QUEUED
    own_last = _first(connection, func.max(_JOBS.turn), or_(is_running, is_queued), owner)
    at = _first(connection, func.max(_JOBS.turn), is_running)  # where the queue is now
    if at is None:
        at = _first(connection, func.min(_JOBS.turn - _JOBS.work), is_queued)
    start = max(at or 0.0, own_last or 0.0)
    return list(accumulate(works, initial=start))[1:]


def has_people(connection: Connection) -> bool:
    """Whether anybody has ever signed in."""
    anybody = select(people_table.c.id).where(people_table.c.id != THE_CLASS).limit(1)
    return connection.scalar(anybody) is not None


def _first(
    connection: Connection, value: Any, condition: Any, owner: str | None = None
) -> float | None:
    """Of the jobs for which the condition holds, or of one owner's; None without any."""
    query = select(value).where(condition)
    if owner is not None:
        query = query.where(_JOBS.owner == owner)
    found: float | None = connection.scalar(query)
    return found
