"""In which order the jobs of several people are taken: fairly, the small ones first.

Each job gets a number when it is queued, its turn; the lowest is taken next. It is the work asked
for, added to where its owner's last job stands, or to where the queue is now if that is further: at
the furthest start of a job that was taken. So people take turns by the work that they ask for, a
short job of one is not behind a long study of another, and whoever waits is passed by each other
person for no longer than their own job takes. Jobs are ordered by their ends as in self-clocked
fair queueing (Golestani, INFOCOM 1994, section 3); the queue's clock is the start of those served,
as in start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996, section 2), so a long job that
is taken early, while quotas hold others back, puts nobody back. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import accumulate

from sqlalchemy import Connection, and_, func, select, update

from core.analysis.kept import kept_analysis
from core.data.catalogue import train_images_of
from core.jobs.people import NOBODY, THE_CLASS
from core.jobs.records import JobState
from core.jobs.schema import jobs_table, people_table
from core.specs import LabError, RunSpec

_JOBS, _PEOPLE = jobs_table.c, people_table.c
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
    goes_on = _JOBS.state.in_([JobState.RUNNING, JobState.QUEUED])
    last_there = connection.scalar(
        select(func.max(_JOBS.turn)).where(_JOBS.owner == owner, goes_on)
    )
    known = connection.scalars(select(_PEOPLE.turn).where(_PEOPLE.id.in_([owner, THE_CLASS])))
    start = max(0.0, last_there or 0.0, *known)
    return list(accumulate(works, initial=start))[1:]


def note_taken(connection: Connection, owner: str, work: float, turn: float) -> None:
    """A job is taken: its owner's next one comes after it, and the queue is as far as its start."""
    _go_on_to(connection, THE_CLASS, turn - work)
    if owner != NOBODY:
        _go_on_to(connection, owner, turn)


def _go_on_to(connection: Connection, person_id: str, turn: float) -> None:
    is_behind = and_(_PEOPLE.id == person_id, _PEOPLE.turn < turn)
    connection.execute(update(people_table).where(is_behind).values(turn=turn))


def has_people(connection: Connection) -> bool:
    """Whether anybody has ever signed in."""
    anybody = select(people_table.c.id).where(people_table.c.id != THE_CLASS).limit(1)
    return connection.scalar(anybody) is not None
