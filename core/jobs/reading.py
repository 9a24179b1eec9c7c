"""What pages read from the store: runs by the page, figures put together by the database.

Ten thousand runs with a million epochs are read as quickly as ten. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, and_, func, or_, select, true

from core.jobs.people import Person
from core.jobs.queue import JOBS, Queue
from core.jobs.records import (
    TRAIN,
    JobState,
    Measurement,
    Run,
    UnreadableJob,
    as_unreadable,
    job_from_row,
)
from core.jobs.schema import epochs_table, jobs_table, series_table
from core.jobs.step_curves import StepCurve
from core.specs import LabError, RunSpec
from core.training.records import EpochMetrics
from core.training.step_series import StepSeries

_CHUNK = 1_000  # ids in one statement; databases limit them


@dataclass(frozen=True)
class RunFilter:
    """Which runs to list; an empty collection stands for any."""

    states: Collection[str] = ()
    networks: Collection[str] = ()
    datasets: Collection[str] = ()
    studies: Collection[str] = ()
    owners: Collection[str] = ()

    def condition(self) -> Any:
        """For the table of jobs."""
        columns = (
            (JOBS.state, self.states),
            (JOBS.network, self.networks),
            (JOBS.dataset, self.datasets),
            (JOBS.study, self.studies),
            (JOBS.owner, self.owners),
        )
        wanted = [column.in_(values) for column, values in columns if values]
        return and_(JOBS.kind == TRAIN, *wanted)


_ANY = RunFilter()
_UNFINISHED = (  # asked for by every page: put together once
    select(func.count())
    .select_from(jobs_table)
    .where(RunFilter(states=(JobState.QUEUED, JobState.RUNNING)).condition())
)


class Reader(Queue):
    """The runs of a store, as pages see them.

    Where somebody reads, the `actor`, others' jobs that are not shared are not there.
    """

    def __init__(self, engine: Engine, actor: Person | None = None) -> None:
        super().__init__(engine)
        self.actor = actor  # None: nobody signs in, or a worker reads

    @property
    def is_limited(self) -> bool:
        """Whether there may be jobs that the actor must not see."""
        return self.actor is not None and not self.actor.is_teacher

    @property
    def seen(self) -> Any:
        """The condition that the actor may see a job."""
        if self.actor is None or self.actor.is_teacher:
            return true()
        return or_(JOBS.is_shared, JOBS.owner == self.actor.id)

    def _seen_chunks(self, connection: Connection, run_ids: Iterable[int]) -> Iterator[list[int]]:
        """Those of these jobs that the actor may see, so many as one statement may name."""
        for ids in chunks(run_ids):
            if self.is_limited:
                ids = list(connection.scalars(select(JOBS.id).where(JOBS.id.in_(ids), self.seen)))
            yield ids

    def get(self, run_id: int) -> Run:
        """The run; raises LabError when there is none, or it cannot be read."""
        job = self.job(run_id)
        if not isinstance(job, Run):
            raise LabError(
                "Job {run_id} is a measurement; the Runs page lists the runs.", run_id=run_id
            )
        return job

    def job(self, job_id: int) -> Run | Measurement:
        """The run or measurement; raises LabError when there is none, or it cannot be read."""
        rows = self.rows(JOBS.id == job_id)
        if not rows:
            raise LabError(
                "There is no run {job_id}; the Runs page lists those there are.", job_id=job_id
            )
        return job_from_row(rows[0])

    def has(self, job_id: int) -> bool:
        """Whether there is such a job."""
        with self.reading() as connection:
            return (
                connection.scalar(select(JOBS.id).where(JOBS.id == job_id, self.seen)) is not None
            )

    def store_ids(self, run_ids: Iterable[int]) -> dict[int, str]:
        """`Run.store_id` of those of the runs that there are, readable or not."""
        found: dict[int, str] = {}
        with self.reading() as connection:
            for ids in self._seen_chunks(connection, run_ids):
                query = select(JOBS.id, JOBS.store_id).where(JOBS.id.in_(ids), JOBS.kind == TRAIN)
                found |= {row.id: row.store_id for row in connection.execute(query)}
        return found

    def runs(self, limit: int | None = None, study: str | None = None) -> list[Run]:
        """Runs, the newest first; those that cannot be read are left out, see `listed`."""
        condition = and_(JOBS.kind == TRAIN, true() if study is None else JOBS.study == study)
        jobs = (read_row(row) for row in self.rows(condition, limit))
        return [job for job in jobs if isinstance(job, Run)]

    def listed(
        self, run_filter: RunFilter = _ANY, limit: int | None = None, offset: int = 0
    ) -> list[Run | UnreadableJob]:
        """Rows that pass the filter, the newest first, those that cannot be read among them."""
        jobs = (read_row(row) for row in self.rows(run_filter.condition(), limit, offset))
        return [job for job in jobs if not isinstance(job, Measurement)]

    def count(self, run_filter: RunFilter = _ANY) -> int:
        """How many rows `listed` has in all."""
        query = select(func.count()).select_from(jobs_table)
        query = query.where(run_filter.condition(), self.seen)
        with self.reading() as connection:
            return connection.scalar(query) or 0

    def unfinished(self) -> int:
        """How many runs wait or go on."""
        with self.reading() as connection:
            query = _UNFINISHED.where(self.seen) if self.is_limited else _UNFINISHED
            return connection.scalar(query) or 0

    def ahead_of(self, run: Run) -> int:
        """How many runs come before it: those with an earlier turn, and those under way.

        Everybody's, also those that the actor must not see. Single runs have a worker of their own,
        and so have the runs of studies.
        """
        same_worker = JOBS.study.is_(None) if run.study is None else JOBS.study.is_not(None)
        is_earlier = or_(JOBS.turn < run.turn, and_(JOBS.turn == run.turn, JOBS.id < run.id))
        ahead = or_(JOBS.state == JobState.RUNNING, and_(JOBS.state == JobState.QUEUED, is_earlier))
        query = (
            select(func.count())
            .select_from(jobs_table)
            .where(JOBS.kind == TRAIN, same_worker, ahead)
        )
        with self.reading() as connection:
            return connection.scalar(query) or 0

    def networks(self) -> list[str]:
        """Those that there are runs of."""
        return self._distinct(JOBS.network)

    def datasets(self) -> list[str]:
        """Those that there are runs on."""
        return self._distinct(JOBS.dataset)

    def _distinct(self, column: Any) -> list[str]:
        query = select(column).where(column.is_not(None), self.seen).distinct().order_by(column)
        with self.reading() as connection:
            return list(connection.scalars(query))

    def epochs(self, run_ids: Iterable[int]) -> dict[int, list[EpochMetrics]]:
        """The finished epochs of each run, in order; an empty list for a run without any."""
        epochs: dict[int, list[EpochMetrics]] = {run_id: [] for run_id in run_ids}
        with self.reading() as connection:
            for ids in self._seen_chunks(connection, epochs):
                query = (
                    select(epochs_table)
                    .where(epochs_table.c.run_id.in_(ids))
                    .order_by(epochs_table.c.run_id, epochs_table.c.epoch)
                )
                for row in connection.execute(query).mappings():
                    values = dict(row)
                    epochs[values.pop("run_id")].append(EpochMetrics(**values))
        return epochs

    def step_series(self, run_ids: Iterable[int]) -> dict[int, StepSeries]:
        """The points of each run's steps, of those that have any."""
        return {run_id: series for run_id, _, series in self._series_of(run_ids)}

    def step_curves(self, runs: Iterable[Run]) -> dict[int, StepCurve]:
        """What the steps of each run have come to, of those that have any."""
        by_id, curves = {run.id: run for run in runs}, {}
        for run_id, attempt, series in self._series_of(by_id):
            with suppress(LabError):  # a data set of another lab
                curves[run_id] = StepCurve.of(by_id[run_id], attempt, series)
        return curves

    def _series_of(self, run_ids: Iterable[int]) -> list[tuple[int, int, StepSeries]]:
        """Run, the attempt that wrote it, and its series."""
        with self.reading() as connection:
            return [
                (run_id, attempt, StepSeries.from_json(series))
                for ids in self._seen_chunks(connection, run_ids)
                for run_id, attempt, series in connection.execute(
                    select(series_table).where(series_table.c.run_id.in_(ids))
                )
            ]

    def accuracies(self, run_ids: Iterable[int]) -> dict[int, list[float]]:
        """The test accuracy after each epoch, as a fraction; an empty list for a run without."""
        accuracies: dict[int, list[float]] = {run_id: [] for run_id in run_ids}
        columns = epochs_table.c
        with self.reading() as connection:
            for ids in self._seen_chunks(connection, accuracies):
                query = (
                    select(columns.run_id, columns.test_accuracy)
                    .where(columns.run_id.in_(ids))
                    .order_by(columns.run_id, columns.epoch)
                )
                for run_id, accuracy in connection.execute(query):
                    accuracies[run_id].append(accuracy)
        return accuracies

    def final_accuracies(self, settings: Iterable[str]) -> dict[str, list[float]]:
        """The last test accuracy of each finished run, by its setting (`records.setting_key`)."""
        finals: dict[str, list[float]] = {setting: [] for setting in settings}
        columns = epochs_table.c
        last = (
            select(columns.run_id, func.max(columns.epoch).label("epoch"))
            .join(jobs_table, JOBS.id == columns.run_id)
            .where(JOBS.setting.in_(list(finals)), JOBS.state == JobState.FINISHED, self.seen)
            .group_by(columns.run_id)
            .subquery()
        )
        query = (
            select(JOBS.setting, columns.test_accuracy)
            .join(last, and_(last.c.run_id == columns.run_id, last.c.epoch == columns.epoch))
            .join(jobs_table, JOBS.id == columns.run_id)
            .order_by(JOBS.id)
        )
        with self.reading() as connection:
            for setting, accuracy in connection.execute(query):
                finals[setting].append(accuracy)
        return finals

    def best_accuracies(self) -> list[tuple[RunSpec, list[float]]]:
        """The best test accuracies of all finished runs; a spec stands for its setting.

        The setting with the newest run comes last. One none of whose runs can be read is left out.
        """
        query = (
            select(JOBS.setting, JOBS.best_accuracy, JOBS.request)
            .where(
                JOBS.kind == TRAIN,
                JOBS.state == JobState.FINISHED,
                JOBS.best_accuracy.is_not(None),
                self.seen,
            )
            .order_by(JOBS.id)
        )
        specs: dict[str | None, RunSpec] = {}
        accuracies: dict[str | None, list[float]] = {}
        with self.reading() as connection:
            for setting, accuracy, request in connection.execute(query):
                accuracies[setting] = [*accuracies.pop(setting, []), accuracy]
                if setting not in specs:
                    with suppress(LabError):
                        specs[setting] = RunSpec.from_json(request)
        return [
            (specs[setting], reached) for setting, reached in accuracies.items() if setting in specs
        ]

    def rows(self, condition: Any, limit: int | None = None, offset: int = 0) -> list[RowMapping]:
        """Rows of the table of jobs that the actor may see, the newest first."""
        query = select(jobs_table).where(condition, self.seen)
        query = query.order_by(JOBS.id.desc()).limit(limit).offset(offset)
        with self.reading() as connection:
            return list(connection.execute(query).mappings())


def read_row(row: RowMapping) -> Run | Measurement | UnreadableJob:
    """The row as a record."""
    try:
        return job_from_row(row)
    except LabError as error:
        return as_unreadable(row, error)


def chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    """So many at a time as one statement may name."""
    all_ids = list(ids)
    for start in range(0, len(all_ids), _CHUNK):
        yield all_ids[start : start + _CHUNK]
