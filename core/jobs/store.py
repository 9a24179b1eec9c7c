"""The store of jobs, which is also the queue: what pages and the command line do with it.

Imports no torch.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select, true, update

from core.jobs.asked import Asked
from core.jobs.bell import ring
from core.jobs.database import StoreUnavailable, open_database
from core.jobs.dialects import now
from core.jobs.needs import needs_of_run
from core.jobs.people import NOBODY, Person, one_line
from core.jobs.queue import JOBS, LostJob, is_silent, settle, sign_of_life
from core.jobs.quotas import book_time
from core.jobs.reading import RunFilter, chunks
from core.jobs.records import (
    TRAIN,
    JobState,
    Measurement,
    Run,
    StoredFile,
    Study,
    StudyKind,
    UnreadableJob,
    extended,
    run_columns,
    to_json,
)
from core.jobs.schema import STORE_ID_OF_LAB, epochs_table, jobs_table, series_table, studies_table
from core.jobs.sources import forget_unnamed, keep_source, sources_named, with_kept_source
from core.jobs.turns import has_people, turns, work_of_run
from core.jobs.workers import QueueFilter, Worker
from core.language import Message, lazy
from core.specs import LabError, RunSpec
from core.storage.files_place import files_place
from core.storage.folder import Folder

__all__ = [
    "JobState",
    "LostJob",
    "Measurement",
    "QueueFilter",
    "Run",
    "RunFilter",
    "Store",
    "StoreUnavailable",
    "StoredFile",
    "Study",
    "StudyKind",
    "UnreadableJob",
    "Worker",
    "open_store",
]

MOST_LETTERS_OF_A_TITLE = 120


def open_store(url: str | None = None) -> Store:
    """The store at `url`, default: LAB_DATABASE_URL, else a file in LAB_RUNS_DIR.

    Raises LabError with one sentence when it cannot be opened, or belongs to another version;
    StoreUnavailable when another program holds it; CannotWrite where the folder of its files cannot
    be written.
    """
    store = Store(open_database(url))
    place = files_place()
    if isinstance(place, Folder):  # no other machine need be asked
        place.check()
    return store


class Store(Asked):
    """Jobs for pages, workers and the command line."""

    def acting_for(self, person: Person) -> Store:
        """The same store as this person may see and change it."""
        return Store(self.engine, person)

    @property
    def id(self) -> str:
        """A name that no other store has, under which its files lie."""
        with self.reading() as connection:
            return str(connection.scalar(select(STORE_ID_OF_LAB)))

    # Runs

    def enqueue(self, spec: RunSpec, study: str | None = None) -> int:
        """Put a run at the end of the queue; its id."""
        return self.enqueue_all([spec], study)[0]

    def enqueue_all(self, specs: Iterable[RunSpec], study: str | None = None) -> list[int]:
        """Put runs in the queue together; their ids."""
        with self.writing() as connection:
            return self._insert_runs(connection, specs, study)

    def start_here(self, spec: RunSpec, worker: str = "") -> Run:
        """A run that the caller executes itself, without passing through the queue."""
        values = {
            "state": JobState.RUNNING,
            "attempt": 1,
            "started_at": now(),
            "attempt_started_at": now(),
            "worker": worker,
            **sign_of_life(),
        }
        with self.writing() as connection:
            [run_id] = self._insert_runs(connection, [spec], None, **values)
        return self.get(run_id)

    # What can be done with any job

    def request_stop(self, job_ids: Iterable[int]) -> None:
        """Queued jobs stop now, as do those whose worker died; others after their current step."""
        job_ids = self.changeable(job_ids)
        with self.writing() as connection:
            for ids in chunks(job_ids):
                connection.execute(
                    update(jobs_table)
                    .where(JOBS.id.in_(ids), JOBS.state == JobState.QUEUED)
                    .values(state=JobState.STOPPED, finished_at=now())
                )
                connection.execute(
                    update(jobs_table)
                    .where(JOBS.id.in_(ids), JOBS.state == JobState.RUNNING)
                    .values(stop_requested=True)
                )
            settle(connection)

    def resume(self, job_id: int) -> None:
        """Put a job that stopped, failed or lost its worker back into the queue, to go on."""
        ended = JOBS.state.in_([state for state in JobState if state.can_go_on])
        free = or_(ended, is_silent())
        self.changeable([job_id])
        if self._requeue_where(and_(JOBS.id == job_id, free)):
            return
        state = self.job(job_id).state
        if state is JobState.DIVERGED:
            raise LabError(
                "Run {job_id} has diverged and would diverge again; start a new run with a lower"
                " learning rate.",
                job_id=job_id,
            )
        raise LabError(
            "Run {job_id} is {state}; only a stopped or failed run can be continued.",
            job_id=job_id,
            state=lazy(state),
        )

    def extend(self, run_id: int, epochs: int) -> None:
        """Let a finished run go on to `epochs` epochs. Raises LabError where it cannot."""
        self.changeable([run_id])
        run = self.get(run_id)
        if run.state is not JobState.FINISHED:
            raise LabError("Run {run_id} is not finished, so it cannot be extended.", run_id=run_id)
        if run.spec.recipe.schedule != "constant":
            raise LabError(
                "The learning rate of run {run_id} follows a {schedule} schedule that has ended;"
                " start a new run of {epochs} epochs instead.",
                run_id=run_id,
                schedule=run.spec.recipe.schedule,
                epochs=epochs,
            )
        if run.checkpoint is None or epochs <= run.spec.recipe.epochs:
            raise LabError(
                "Run {run_id} can only go on to more than its {epochs} epochs, and from the"
                " checkpoint of its last one.",
                run_id=run_id,
                epochs=run.spec.recipe.epochs,
            )
        finished = and_(JOBS.id == run_id, JOBS.state == JobState.FINISHED)
        longer = extended(run.spec, epochs)
        self._requeue_where(finished, **run_columns(longer), work=work_of_run(longer))

    def delete(self, job_ids: Iterable[int]) -> None:
        """Remove jobs and their epochs; a worker that executes one of them loses it."""
        job_ids, sources = self.changeable(job_ids), set[str]()
        with self.writing() as connection:
            for ids in chunks(job_ids):
                book_time(connection, JOBS.id.in_(ids), now())
                sources |= sources_named(connection, ids)
                for table in (epochs_table, series_table):
                    connection.execute(delete(table).where(table.c.run_id.in_(ids)))
                connection.execute(delete(jobs_table).where(JOBS.id.in_(ids)))
            left = select(JOBS.study).where(JOBS.study.is_not(None))
            connection.execute(delete(studies_table).where(studies_table.c.id.not_in(left)))
            forget_unnamed(connection, sources)  # while nobody else can name them anew

    # Studies: one thing for the reader, many runs for the workers

    def create_study(
        self,
        title: str | Message,
        settings: Mapping[str, Any],
        specs: Sequence[RunSpec],
        kind: StudyKind = StudyKind.VARIANTS,
    ) -> Study:
        """Put the runs of a new study into the queue, all or none. Raises LabError without any."""
        if not specs:
            raise LabError("A study needs at least one run; choose a variant and a seed.")
        created_at = time.time()
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(created_at))}-{secrets.token_hex(2)}"
        kept = title.kept() if isinstance(title, Message) else title
        study = Study(name, kept, dict(settings), created_at, kind)
        with self.writing() as connection:
            _insert_study(connection, study)
            self._insert_runs(connection, specs, name)
        return study

    def add_to_study(self, study: Study, specs: Sequence[RunSpec]) -> None:
        """Put more runs of a study into the queue; the study is made where it is missing."""
        self.changeable([run.id for run in self.runs(study=study.id)])
        with self.writing() as connection:
            if specs:
                _insert_study(connection, study)
                self._insert_runs(connection, specs, study.id)

    def study(self, study_id: str) -> Study:
        """The study; raises LabError when there is none, or none of its runs is left."""
        studies = self._studies(studies_table.c.id == study_id)
        if not studies:
            raise LabError(
                "There is no such study: its runs were deleted, or the address is wrong; open this"
                " page without ?study= to see the newest one."
            )
        return studies[0]

    def studies(self, kind: StudyKind | None = None, limit: int | None = None) -> list[Study]:
        """Those of this kind, or of any, that still have runs, the newest first."""
        return self._studies(true() if kind is None else studies_table.c.kind == kind, limit)

    def _studies(self, condition: Any, limit: int | None = None) -> list[Study]:
        newest = func.max(JOBS.id)
        owners = func.min(JOBS.owner).label("owner"), func.max(JOBS.owner).label("other")
        shared = func.min(case((JOBS.is_shared, 1), else_=0)).label("is_shared")
        query = (
            select(studies_table, *owners, shared)
            .join(jobs_table, JOBS.study == studies_table.c.id)
            .where(condition, self.seen)
            .group_by(*studies_table.c)
            .order_by(newest.desc())
            .limit(limit)
        )
        with self.reading() as connection:
            rows = connection.execute(query).all()
        return [
            Study(
                row.id,
                row.title,
                json.loads(row.settings),
                row.created_at,
                StudyKind(row.kind),
                row.owner if row.owner == row.other else NOBODY,
                bool(row.is_shared),
            )
            for row in rows
        ]

    def rename_study(self, study_id: str, title: str) -> None:
        """Call the study so from now on. Raises LabError for an empty title, or a longer one."""
        title = one_line(title)
        if not 0 < len(title) <= MOST_LETTERS_OF_A_TITLE:
            raise LabError(
                "A title has 1 to {most} letters; this one has {count}.",
                most=MOST_LETTERS_OF_A_TITLE,
                count=len(title),
            )
        self.changeable([run.id for run in self.runs(study=self.study(study_id).id)])
        with self.writing() as connection:
            connection.execute(
                update(studies_table).where(studies_table.c.id == study_id).values(title=title)
            )

    def stop_study(self, study_id: str) -> None:
        """Queued runs stop now, running ones after their current step."""
        self.request_stop([run.id for run in self.runs(study=study_id)])

    def continue_study(self, study_id: str) -> int:
        """Put every stopped or failed run of the study back into the queue; how many."""
        ended = JOBS.state.in_([state for state in JobState if state.can_go_on])
        self.changeable([run.id for run in self.runs(study=study_id)])
        return self._requeue_where(and_(JOBS.study == study_id, ended))

    # Shared by the above

    def _requeue_where(self, condition: Any, **values: Any) -> int:
        """Put the jobs for which it holds, and that the actor may change, into the queue again."""
        which = and_(condition, self.own)
        query = select(JOBS.id, JOBS.owner, JOBS.work).where(which).order_by(JOBS.owner, JOBS.id)
        with self.writing() as connection:
            jobs = connection.execute(query).all()
            self.check_room(connection, len(jobs))
            ring(connection)
            if has_people(connection):  # before they wait: their old turns count no more
                for owner, theirs in groupby(jobs, lambda job: job.owner):
                    works = {job.id: values.get("work", job.work) for job in theirs}
                    _give_turns(connection, owner, works)
            return connection.execute(
                update(jobs_table)
                .where(which)
                .values(
                    state=JobState.QUEUED,
                    message="",
                    deaths=0,
                    early_deaths=0,
                    stop_requested=False,
                    finished_at=None,
                    **values,
                )
            ).rowcount

    def _insert_runs(
        self, connection: Connection, specs: Iterable[RunSpec], study: str | None, **values: Any
    ) -> list[int]:
        specs = list(specs)
        self.check_room(connection, len(specs))
        row = {
            "kind": TRAIN,
            "state": JobState.QUEUED,
            "study": study,
            "created_at": time.time(),
            "store_id": STORE_ID_OF_LAB,
            "owner": self.owner,
            "is_shared": _is_shared(connection, study),
            **values,
        }
        statement = insert(jobs_table).values(**row).returning(JOBS.id)
        keep = cache(partial(keep_source, connection))  # once for all
        kept = [with_kept_source(spec, keep) for spec in specs]
        needs_of, work_of = cache(needs_of_run), cache(work_of_run)  # of all seeds at once
        works = [work_of(replace(spec, seed=0)) for spec, _source in kept]
        ring(connection)
        return [
            connection.execute(
                statement.values(
                    **run_columns(spec),
                    **needs_of(replace(spec, seed=0)).columns(),
                    source=to_json(source),
                    work=work,
                    turn=turn,
                )
            ).scalar_one()
            for (spec, source), work, turn in zip(
                kept, works, turns(connection, self.owner, works), strict=True
            )
        ]


def _give_turns(connection: Connection, owner: str, works: Mapping[int, float]) -> None:
    """Turns to jobs of one owner that are queued again; `works` by their ids."""
    for job_id, turn in zip(works, turns(connection, owner, works.values()), strict=True):
        connection.execute(update(jobs_table).where(JOBS.id == job_id).values(turn=turn))


def _is_shared(connection: Connection, study: str | None) -> bool:
    """Whether a new run is: as the study is that it goes with, else from the start."""
    if study is None:
        return True
    kept_private = select(JOBS.id).where(JOBS.study == study, ~JOBS.is_shared).limit(1)
    return connection.scalar(kept_private) is None


def _insert_study(connection: Connection, study: Study) -> None:
    known = select(studies_table.c.id).where(studies_table.c.id == study.id)
    if connection.scalar(known) is None:
        connection.execute(
            insert(studies_table),
            {
                "id": study.id,
                "kind": study.kind,
                "title": study.kept_title,
                "settings": json.dumps(study.settings, sort_keys=True),
                "created_at": study.created_at,
            },
        )
