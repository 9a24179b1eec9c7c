"""The people of a store: who has signed in, what is theirs, and how much each may take.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select, true, update

from core.jobs.dialects import insert_or_change, now
from core.jobs.people import (
    NOBODY,
    OF_A_CLASS,
    THE_CLASS,
    Allowance,
    Participant,
    Person,
    Quotas,
    Taken,
)
from core.jobs.queue import JOBS
from core.jobs.quotas import allowance, check_quotas, quotas_of, taken
from core.jobs.reading import Reader, chunks
from core.jobs.records import TRAIN, Run, UnreadableJob
from core.jobs.schema import jobs_table, people_table
from core.specs import LabError

_PEOPLE = people_table.c


class Members(Reader):
    """A store in which jobs belong to people.

    Without an `actor` everything may be done: nobody signs in, or the command line asks.
    """

    def meet(self, person: Person) -> None:
        """Keep who has signed in, so that others see whose runs they are."""
        row = {
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "is_teacher": person.is_teacher,
            "last_seen": now(),
        }
        of_class = {"id": THE_CLASS, "name": "", "email": "", "is_teacher": False, "last_seen": 0.0}
        with self.writing() as connection:
            insert = insert_or_change(connection, people_table)
            connection.execute(
                insert.values(**row).on_conflict_do_update(index_elements=[_PEOPLE.id], set_=row)
            )
            connection.execute(
                insert.values(**of_class, **vars(OF_A_CLASS)).on_conflict_do_nothing()
            )

    def names(self) -> dict[str, str]:
        """How people are called, by their id."""
        query = select(_PEOPLE.id, _PEOPLE.name).where(_PEOPLE.id != THE_CLASS)
        with self.reading() as connection:
            return {row.id: row.name for row in connection.execute(query)}

    def participants(self) -> list[Participant]:
        """Everybody who has signed in, by name. Raises LabError for whoever is no teacher."""
        self._check_teacher()
        query = select(people_table).where(_PEOPLE.id != THE_CLASS)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(_PEOPLE.name, _PEOPLE.id)).mappings().all()
            by_person = taken(connection)
        return [
            Participant(
                Person(row["id"], row["name"], row["email"], row["is_teacher"]),
                by_person.get(row["id"], Taken()),
                quotas_of(row),
                row["last_seen"],
            )
            for row in rows
        ]

    def quotas_of_class(self) -> Quotas:
        """Of everybody who has none of their own."""
        with self.reading() as connection:
            row = connection.execute(select(people_table).where(_PEOPLE.id == THE_CLASS))
            found = row.mappings().first()
        return quotas_of(found) if found else OF_A_CLASS

    def set_quotas(self, quotas: Quotas, person_id: str = THE_CLASS) -> None:
        """What a person may take from now on, or everybody. Raises LabError for no teacher."""
        self._check_teacher()
        with self.writing() as connection:
            changed = connection.execute(
                update(people_table).where(_PEOPLE.id == person_id).values(**vars(quotas))
            ).rowcount
        if not changed:
            raise LabError("There is nobody of that name; choose somebody from the list.")

    def allowance(self) -> Allowance | None:
        """What the actor may take, and has; None where nobody signs in."""
        if self.actor is None:
            return None
        with self.reading() as connection:
            return allowance(connection, self.actor.id)

    # What is whose

    @property
    def owner(self) -> str:
        """Of what the actor starts."""
        return self.actor.id if self.actor else NOBODY

    def may_change(self, job: Run | Any) -> bool:
        """Whether the actor may stop, continue, delete, share the job or study."""
        if isinstance(job, UnreadableJob):
            return not self.is_limited
        return not self.is_limited or job.owner == self.owner

    @property
    def own(self) -> Any:
        """The condition that the actor may change a job."""
        return JOBS.owner == self.owner if self.is_limited else true()

    def changeable(self, job_ids: Iterable[int]) -> list[int]:
        """These jobs without those that are not there for the actor.

        Raises LabError for one that belongs to somebody else.
        """
        ids = list(job_ids)
        if not self.is_limited:
            return ids
        found: list[Any] = []
        with self.reading() as connection:
            for some in chunks(ids):
                query = select(JOBS.id, JOBS.owner).where(JOBS.id.in_(some), self.seen)
                found += connection.execute(query).all()
        if others := [row for row in found if row.owner != self.owner]:
            raise _belongs_to_another(others[0].id, self.names().get(others[0].owner))
        return [row.id for row in found]

    def share(self, run_ids: Iterable[int], is_shared: bool) -> None:
        """Let everybody see these runs, or their owner and teachers alone.

        A run of a study goes with the study. Raises LabError for somebody else's.
        """
        ids = self.changeable(run_ids)
        with self.writing() as connection:
            for some in chunks(ids):
                of_studies = select(JOBS.study).where(JOBS.id.in_(some), JOBS.study.is_not(None))
                connection.execute(
                    update(jobs_table)
                    .where(JOBS.id.in_(some) | JOBS.study.in_(of_studies), self.own)
                    .where(JOBS.kind == TRAIN)  # what is measured is everybody's
                    .values(is_shared=is_shared)
                )

    def share_study(self, study_id: str, is_shared: bool) -> None:
        """As `share`, for all runs of the study."""
        self.share([run.id for run in self.runs(study=study_id)], is_shared)

    def check_room(self, connection: Connection, new_jobs: int, keeps_files: bool = True) -> None:
        """Raise LabError, one sentence, where the actor may not queue so many more jobs."""
        if self.actor is not None:
            check_quotas(connection, self.actor.id, new_jobs, keeps_files)

    def _check_teacher(self) -> None:
        if self.is_limited:
            raise LabError("This is for teachers; LAB_TEACHERS of the server names them.")


def _belongs_to_another(job_id: int, name: str | None) -> LabError:
    if name is None:
        return LabError(
            "Job {job_id} is nobody's who has signed in; a teacher can stop, change or delete it.",
            job_id=job_id,
        )
    return LabError(
        "Job {job_id} belongs to {name}; {name} and teachers alone can stop, change or delete it.",
        job_id=job_id,
        name=name,
    )
