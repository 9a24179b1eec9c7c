"""What people have taken of what they may take, and who has to wait. Imports no torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, case, func, null, or_, select, true, union

from core.jobs.dialects import (
    DAY_SECONDS,
    file_bytes,
    insert_or_change,
    is_postgresql,
    now,
    today,
)
from core.jobs.people import NOBODY, OF_A_CLASS, THE_CLASS, Allowance, Quotas, Taken
from core.jobs.records import TRAIN, JobState
from core.jobs.schema import jobs_table, people_table, spent_table
from core.specs import LabError

_JOBS, _PEOPLE, _SPENT = jobs_table.c, people_table.c, spent_table.c
_CLAIMS = 0x1AC  # the lock of those who count what is running
_MEBIBYTE = 2**20


def count_alone(connection: Connection) -> None:
    """Until the end of this transaction nobody else claims a job, where quotas may hold it back.

    SQLite lets only one write anyway.
    """
    if is_postgresql(connection):
        connection.execute(
            select(func.pg_advisory_xact_lock(_CLAIMS)).select_from(people_table).limit(1)
        )


def may_begin(connection: Connection) -> Any:
    """The condition that a job's owner has not taken all that runs may take."""
    owners = list(connection.scalars(_HELD_BACK))
    return or_(_JOBS.kind != TRAIN, _JOBS.owner.not_in(owners)) if owners else true()


def _run_enough() -> Any:
    """People who have as many runs under way as they may; one whose worker has died is not."""
    held = jobs_table.alias("held")
    return (
        select(_PEOPLE.id)
        .join(held, held.c.owner == _PEOPLE.id)
        .where(held.c.state == JobState.RUNNING, held.c.kind == TRAIN, held.c.lease_until >= now())
        .group_by(_PEOPLE.id)
        .having(func.count() >= _limit("runs_at_once"))
    )


def _computed_enough() -> Any:
    """People whose minutes of today are over."""
    return (
        select(_PEOPLE.id)
        .join(spent_table, _SPENT.owner == _PEOPLE.id)
        .where(_SPENT.day == today(), _SPENT.seconds >= 60 * _limit("minutes_a_day"))
    )


def _limit(quota: str) -> Any:
    """A person's own, else the class's; none for teachers."""
    people = people_table.alias("the_class").c
    of_class = select(people[quota]).where(people.id == THE_CLASS).scalar_subquery()
    return case((_PEOPLE.is_teacher, null()), else_=func.coalesce(_PEOPLE[quota], of_class))


_HELD_BACK = union(_run_enough(), _computed_enough())  # asked by each claim: put together once


def book_time(connection: Connection, attempts: Any, until: Any) -> None:
    """Write down, for their owners, how long these running attempts have taken when they end.

    Of one over midnight each day has its part. Nobody else ends them before this transaction does.
    """
    began = _JOBS.attempt_started_at
    ended = (
        select(_JOBS.owner, began, until)
        .where(attempts, _JOBS.state == JobState.RUNNING, _JOBS.owner != NOBODY, until > began)
        .order_by(_JOBS.id)
        .with_for_update()  # SQLite lets only one write anyway
    )
    seconds: dict[tuple[str, int], float] = defaultdict(float)
    for owner, start, end in connection.execute(ended):
        for day, part in _days_of(start, end):
            seconds[owner, day] += part
    if not seconds:
        return
    insert = insert_or_change(connection, spent_table).values(
        [
            {"owner": owner, "day": day, "seconds": seconds[owner, day]}
            for owner, day in sorted(seconds)
        ]
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[_SPENT.owner, _SPENT.day],
            set_={"seconds": _SPENT.seconds + insert.excluded.seconds},
        )
    )


def _days_of(start: float, end: float) -> Iterator[tuple[int, float]]:
    """The days of UTC, since 1970, in which this time lies; of each how many seconds."""
    for day in range(int(start // DAY_SECONDS), int(end // DAY_SECONDS) + 1):
        midnight = day * DAY_SECONDS
        part = min(end, midnight + DAY_SECONDS) - max(start, midnight)
        if part > 0:
            yield day, part


def taken(connection: Connection, person_id: str | None = None) -> dict[str, Taken]:
    """What each person has taken, or this one."""
    found: dict[str, dict[str, Any]] = {}

    def note(owner: str, name: str, value: float) -> None:
        values = found.setdefault(owner, {})
        values[name] = values.get(name, 0) + value

    def of_person(owner: Any) -> Any:
        return owner != NOBODY if person_id is None else owner == person_id

    states = [JobState.QUEUED, JobState.RUNNING]
    counts = (
        select(_JOBS.owner, _JOBS.state, func.count(), func.sum(_running_seconds()))
        .where(of_person(_JOBS.owner), _JOBS.state.in_(states))
        .group_by(_JOBS.owner, _JOBS.state)
    )
    for owner, state, count, seconds in connection.execute(counts):
        note(owner, "running" if state == JobState.RUNNING else "queued", count)
        note(owner, "minutes_today", (seconds or 0.0) / 60)
    spent = select(_SPENT.owner, _SPENT.seconds).where(
        of_person(_SPENT.owner), _SPENT.day == today()
    )
    for owner, seconds in connection.execute(spent):
        note(owner, "minutes_today", seconds / 60)
    size = file_bytes(_JOBS.checkpoint) + file_bytes(_JOBS.best_file)
    files = select(_JOBS.owner, func.sum(size)).where(of_person(_JOBS.owner)).group_by(_JOBS.owner)
    for owner, kept in connection.execute(files):
        note(owner, "kept_bytes", int(kept))
    return {owner: Taken(**values) for owner, values in found.items()}


def _running_seconds() -> Any:
    """Of the attempts under way, what lies in today, until their last signs of life: nobody has
    written it down yet.
    """
    began, midnight = _JOBS.attempt_started_at, today() * DAY_SECONDS
    since = case((began > midnight, began), else_=midnight)
    lived = and_(_JOBS.state == JobState.RUNNING, _JOBS.heartbeat_at > since)
    return case((lived, _JOBS.heartbeat_at - since), else_=0.0)


def allowance(connection: Connection, person_id: str) -> Allowance:
    """What the person may take, and has."""
    query = select(people_table).where(_PEOPLE.id.in_([person_id, THE_CLASS]))
    rows = {row["id"]: row for row in connection.execute(query).mappings()}
    row, of_class = rows.get(person_id), rows.get(THE_CLASS)
    quotas = quotas_of(of_class) if of_class else OF_A_CLASS
    if row:
        quotas = Quotas() if row["is_teacher"] else quotas_of(row).or_those(quotas)
    return Allowance(quotas, taken(connection, person_id).get(person_id, Taken()))


def quotas_of(row: Any) -> Quotas:
    """Those in a row of the table of people."""
    return Quotas(**{name: row[name] for name in Quotas.__dataclass_fields__})


def check_quotas(connection: Connection, person_id: str, new_jobs: int, keeps_files: bool) -> None:
    """Raise LabError, one sentence, where the person may not queue so many more jobs.

    `keeps_files`: as runs do; whoever has no room for more may still measure what there is.
    """
    if is_postgresql(connection):  # one at a time of each person, or two would both find room
        connection.execute(
            select(_PEOPLE.id).where(_PEOPLE.id == person_id).with_for_update()
        ).all()
    given = allowance(connection, person_id)
    quotas, has = given.quotas, given.taken
    if quotas.queued is not None and new_jobs > quotas.queued:
        raise LabError(
            "This takes {new} of your places in the queue, more than the {limit} that you have;"
            " start fewer jobs at once, or ask a teacher for more.",
            new=new_jobs,
            limit=quotas.queued,
        )
    if quotas.queued is not None and has.queued + new_jobs > quotas.queued:
        raise LabError(
            "{queued} of your {limit} places in the queue are taken, too few for {new} more; wait"
            " until some jobs have begun, or stop some.",
            queued=has.queued,
            limit=quotas.queued,
            new=new_jobs,
        )
    if quotas.minutes_a_day is not None and has.minutes_today >= quotas.minutes_a_day:
        raise LabError(
            "Your runs have taken {taken} of your {limit} minutes of today; there are new ones"
            " after midnight UTC.",
            taken=round(has.minutes_today),
            limit=quotas.minutes_a_day,
        )
    if keeps_files and quotas.kept_bytes is not None and has.kept_bytes >= quotas.kept_bytes:
        raise LabError(
            "The files of your runs take {taken} of your {limit} MiB; delete runs that you no"
            " longer need.",
            taken=has.kept_bytes // _MEBIBYTE,
            limit=quotas.kept_bytes // _MEBIBYTE,
        )
