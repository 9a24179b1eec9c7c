"""What a worker does with jobs: claim one, say that it lives, write what it finds, end it.

Each change of state is one UPDATE with its condition, and everything a worker writes names the
attempt it holds (the fence), so a worker that has lost its job can no longer change it. A worker
holds a job for as long as its lease, which each sign of life renews. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    union_all,
    update,
)

from core.jobs.bell import ring
from core.jobs.dialects import now
from core.jobs.needs import fits, fits_in_ways
from core.jobs.quotas import book_time, count_alone, may_begin
from core.jobs.records import (
    TRAIN,
    Job,
    JobState,
    Measurement,
    Run,
    StoredFile,
    job_from_row,
    result_to_json,
    to_json,
)
from core.jobs.schema import epochs_table, jobs_table, series_table, workers_table
from core.jobs.turns import note_taken
from core.jobs.workers import QueueFilter, Register
from core.language import NO_MESSAGE, Message, lazy
from core.specs import LabError
from core.training.records import ComputePlan, Device, EpochMetrics, Progress
from core.training.step_series import StepSeries

LEASE_SECONDS = 20.0  # a job whose worker has been silent for longer is free again
MAX_DEATHS = 3  # of workers in training, without one more epoch or checkpoint between them
MAX_EARLY_DEATHS = 10  # of workers before their first step: they died while they started

JOBS = jobs_table.c
IN_TURN = (JOBS.turn, JOBS.id)  # the order in which jobs are taken, see turns.py


class LostJob(Exception):
    """This worker no longer holds the job: it was stopped, deleted or taken over."""


class Queue(Register):
    """The jobs of a store, as workers see them."""

    def waiting(
        self,
        queue_filter: QueueFilter = QueueFilter.ANY,
        limit: int | None = None,
        devices: Sequence[Device] | None = None,
    ) -> list[Run | Measurement]:
        """The jobs that a worker could claim now: queued, or their worker died; in their order.

        Those that pass the filter and need no other than these `devices`; None: any.
        """
        query = select(jobs_table).where(_is_free(), _for_worker(queue_filter, devices))
        query = query.order_by(*IN_TURN).limit(limit)
        jobs: list[Run | Measurement] = []
        with self.reading() as connection:
            query = query.where(may_begin(connection))
            for row in connection.execute(query).mappings():
                with suppress(LabError):  # a job that cannot be read cannot be executed
                    jobs.append(job_from_row(row))
        return jobs

    def has_waiting(
        self,
        queue_filter: QueueFilter = QueueFilter.ANY,
        devices: Sequence[Device] | None = None,
    ) -> bool:
        """Whether a worker would get a job now, readable or not; takes no lock."""
        query = select(JOBS.id).where(_is_free(), _for_worker(queue_filter, devices)).limit(1)
        with self.reading() as connection:
            return connection.scalar(query.where(may_begin(connection))) is not None

    def claim(
        self,
        worker: str = "",
        queue_filter: QueueFilter = QueueFilter.ANY,
        job_id: int | None = None,
        devices: Sequence[Device] | None = None,
    ) -> Run | Measurement | None:
        """Let `worker` take the free job whose turn it is; None if it can execute none.

        One that passes the filter and needs no other than these `devices`; None: any. With
        `job_id` only that job. A job whose workers died too often, or that cannot be read, is
        set to failed.
        """
        wanted = true() if job_id is None else JOBS.id == job_id
        suits = and_(wanted, _passes(queue_filter))
        while row := self._claim_row(worker, suits, devices):
            try:
                return job_from_row(row)
            except LabError as error:
                self._fail_unreadable(row, error.message)
        return None

    def _claim_row(
        self, worker: str, condition: Any, devices: Sequence[Device] | None
    ) -> Mapping[Any, Any] | None:
        silent = is_silent()
        with self.writing() as connection:
            count_alone(connection)
            settle(connection)
            next_job = _next_job(and_(condition, may_begin(connection)), devices)
            row = (
                connection.execute(
                    update(jobs_table)
                    .where(JOBS.id == next_job)
                    .values(
                        state=JobState.RUNNING,
                        attempt=JOBS.attempt + 1,
                        deaths=JOBS.deaths + case((and_(silent, JOBS.has_stepped), 1), else_=0),
                        early_deaths=JOBS.early_deaths
                        + case((and_(silent, ~JOBS.has_stepped), 1), else_=0),
                        has_stepped=False,
                        attempt_started_at=now(),
                        **sign_of_life(),
                        worker=worker,
                        started_at=func.coalesce(JOBS.started_at, now()),
                        progress=None,
                    )
                    .returning(jobs_table)
                )
                .mappings()
                .first()
            )
            if row and row["turn"]:
                note_taken(connection, row["owner"], row["work"], row["turn"])
            return row

    def _fail_unreadable(self, row: Mapping[Any, Any], reason: Message) -> None:
        with self.writing() as connection:
            connection.execute(
                update(jobs_table)
                .where(JOBS.id == row["id"], JOBS.attempt == row["attempt"])
                .values(state=JobState.FAILED, finished_at=now(), message=reason.kept())
            )

    def end_lease(self, worker: str, job_id: int | None = None) -> None:
        """`worker`, a process, is dead: its jobs are free again, or over.

        With `job_id` only that job, whose part of the worker is dead.
        """
        wanted = true() if job_id is None else JOBS.id == job_id
        with self.writing() as connection:
            if job_id is None:
                connection.execute(delete(workers_table).where(workers_table.c.process == worker))
            connection.execute(
                update(jobs_table)
                .where(JOBS.state == JobState.RUNNING, JOBS.worker == worker, wanted)
                .values(worker=None, lease_until=0.0)
            )
            settle(connection)

    def heartbeat(
        self, job: Job, progress: Progress | None, series: StepSeries | None = None
    ) -> bool:
        """Say that the job is alive and where it is; whether it should stop.

        `series` takes the place of what was kept of its steps; None: that stays. Raises LostJob
        when the caller no longer holds it.
        """
        values = sign_of_life()
        if progress is not None:
            values["progress"] = to_json(progress)
            if progress.phase in ("training", "evaluating"):
                values["has_stepped"] = True
        with self.writing() as connection:
            row = connection.execute(
                update(jobs_table).where(held(job)).values(values).returning(JOBS.stop_requested)
            ).first()
            if row is None:
                raise LostJob(job.id)
            if series is not None:
                kept = {"run_id": job.id, "attempt": job.attempt, "series": series.to_json()}
                connection.execute(delete(series_table).where(series_table.c.run_id == job.id))
                connection.execute(insert(series_table), kept)
        return bool(row.stop_requested)

    def describe(
        self, job: Job, machine: str, fingerprint: str = "", plan: ComputePlan | None = None
    ) -> None:
        """Note what the job runs on and how it is computed. Raises LostJob."""
        self._change(job, machine=machine, fingerprint=fingerprint, compute_plan=to_json(plan))

    def add_note(self, run: Run, sentence: Message) -> None:
        """Add a sentence to what a reader should know about the run. Raises LostJob."""
        self._change(run, note=JOBS.note + sentence.kept())

    def keep_checkpoint(self, run: Run, checkpoint: StoredFile) -> None:
        """From now on the run goes on from this file. Raises LostJob."""
        self._change(run, checkpoint=to_json(checkpoint), **_made_progress())

    def keep_partial_result(self, job: Job, result: Mapping[str, Any], progress: Progress) -> None:
        """What a measurement has found so far. Raises LostJob."""
        self._change(
            job, result=result_to_json(result), progress=to_json(progress), **sign_of_life()
        )

    def record(
        self,
        run: Run,
        metrics: EpochMetrics,
        checkpoint: StoredFile | None = None,
        best_file: StoredFile | None = None,
        dead_parameters: dict[str, int] | None = None,
    ) -> None:
        """Keep the figures of one epoch, with the files that belong to them. Raises LostJob."""
        dead = None if dead_parameters is None else json.dumps(dead_parameters)
        values = {"checkpoint": to_json(checkpoint), "dead_parameters": dead}
        with self.writing() as connection:
            row = connection.execute(
                update(jobs_table)
                .where(held(run))
                .values(**values, **sign_of_life(), **_made_progress())
                .returning(JOBS.best_accuracy, JOBS.best_epoch)
            ).first()
            if row is None:
                raise LostJob(run.id)
            connection.execute(
                delete(epochs_table).where(
                    epochs_table.c.run_id == run.id, epochs_table.c.epoch >= metrics.epoch
                )
            )
            connection.execute(insert(epochs_table), asdict(metrics) | {"run_id": run.id})
            if row.best_accuracy is None or metrics.test_accuracy > row.best_accuracy:
                connection.execute(
                    update(jobs_table)
                    .where(JOBS.id == run.id)
                    .values(
                        best_epoch=metrics.epoch,
                        best_accuracy=metrics.test_accuracy,
                        best_file=to_json(best_file),
                    )
                )

    def forget_epochs(self, run: Run, after: int) -> None:
        """Drop the epochs after the checkpoint that the run continues from. Raises LostJob."""
        epochs = epochs_table.c
        with self.writing() as connection:
            if not connection.execute(
                update(jobs_table).where(held(run)).values(sign_of_life())
            ).rowcount:
                raise LostJob(run.id)
            connection.execute(
                delete(epochs_table).where(epochs.run_id == run.id, epochs.epoch > after)
            )
            best = connection.execute(
                select(epochs.epoch, epochs.test_accuracy)
                .where(epochs.run_id == run.id)
                .order_by(epochs.test_accuracy.desc(), epochs.epoch)
                .limit(1)
            ).first()
            best_epoch, best_accuracy = best or (None, None)
            same = JOBS.best_epoch == best_epoch  # never true for None
            connection.execute(
                update(jobs_table)
                .where(JOBS.id == run.id)
                .values(
                    best_epoch=best_epoch,
                    best_accuracy=best_accuracy,
                    best_file=case((same, JOBS.best_file), else_=None),
                )
            )

    def finish(self, job: Job, state: JobState, message: Message = NO_MESSAGE) -> None:
        """End the job. Raises LostJob."""
        self._end_attempt(
            job, state=state, message=message.kept(), finished_at=now(), stop_requested=False
        )

    def release(self, job: Job) -> None:
        """Put the job back into the queue, because its worker leaves in good order."""
        with suppress(LostJob):
            self._end_attempt(job, state=JobState.QUEUED, deaths=0, early_deaths=0)

    def _end_attempt(self, job: Job, **values: Any) -> None:
        with self.writing() as connection:
            book_time(connection, held(job), now())
            changed = connection.execute(
                update(jobs_table)
                .where(held(job))
                .values(spent_seconds=_spent_until(now()), **values)
            ).rowcount
            ring(connection)  # the job is free, or its owner may have another one
        if not changed:
            raise LostJob(job.id)

    def _change(self, job: Job, **values: Any) -> None:
        with self.writing() as connection:
            statement = update(jobs_table).where(held(job)).values(**values)
            if not connection.execute(statement).rowcount:
                raise LostJob(job.id)


def settle(connection: Connection) -> None:
    """Close the attempts of dead workers; end the jobs that must not be tried again."""
    silent = is_silent()
    if connection.scalar(select(JOBS.id).where(silent).limit(1)) is None:
        return
    # A worker that died has spent the time until its last sign of life
    last_sign = JOBS.heartbeat_at
    book_time(connection, silent, last_sign)
    closed = {"spent_seconds": _spent_until(last_sign), "attempt_started_at": last_sign}
    connection.execute(update(jobs_table).where(silent).values(closed))
    endings = (
        (JOBS.stop_requested, JobState.STOPPED, NO_MESSAGE),  # nobody is left to obey the wish
        (
            JOBS.kind != TRAIN,
            JobState.FAILED,
            lazy("The process that measured ended before it was done; measure again."),
        ),
        (
            and_(JOBS.has_stepped, JOBS.deaths + 1 >= MAX_DEATHS),
            JobState.FAILED,
            lazy(
                "Its worker died {deaths} times without finishing one more epoch; a smaller batch"
                " or image needs less memory.",
                deaths=MAX_DEATHS,
            ),
        ),
        (
            and_(~JOBS.has_stepped, JOBS.early_deaths + 1 >= MAX_EARLY_DEATHS),
            JobState.FAILED,
            lazy(
                "Its worker died {deaths} times before the first step, while it started, so nothing"
                " was trained; the terminal of the server or of the worker says why.",
                deaths=MAX_EARLY_DEATHS,
            ),
        ),
    )
    for condition, state, message in endings:
        values = {"state": state, "message": message.kept(), "finished_at": now()}
        connection.execute(update(jobs_table).where(silent, condition).values(values))


def is_silent() -> Any:
    """The condition that a job's worker has died: its lease has run out."""
    return and_(JOBS.state == JobState.RUNNING, JOBS.lease_until < now())


def held(job: Job) -> Any:
    """The condition that `job` is still running in the attempt that the caller was given."""
    return and_(JOBS.id == job.id, JOBS.attempt == job.attempt, JOBS.state == JobState.RUNNING)


def _spent_until(moment: Any) -> Any:
    """All working seconds of the job, if this attempt ends at `moment`."""
    began = JOBS.attempt_started_at
    return JOBS.spent_seconds + case((began < moment, moment - began), else_=0.0)


def sign_of_life() -> dict[str, Any]:
    return {"heartbeat_at": now(), "lease_until": now() + LEASE_SECONDS}


def _made_progress() -> dict[str, Any]:
    return {"deaths": 0, "early_deaths": 0, "has_stepped": True}


def _is_free() -> Any:
    """The condition that a job waits for a worker: queued, or its worker died."""
    return or_(JOBS.state == JobState.QUEUED, is_silent())


def _for_worker(queue_filter: QueueFilter, devices: Sequence[Device] | None) -> Any:
    """The condition that a worker with this filter and these devices may take a job."""
    return and_(fits(devices), _passes(queue_filter))


def _passes(queue_filter: QueueFilter) -> Any:
    conditions: dict[QueueFilter, Any] = {
        QueueFilter.ANY: true(),
        QueueFilter.SINGLE: and_(JOBS.kind == TRAIN, JOBS.study.is_(None)),
        QueueFilter.STUDIES: JOBS.study.is_not(None),
        QueueFilter.MEASUREMENTS: JOBS.kind != TRAIN,
    }
    return conditions[queue_filter]


def _next_job(condition: Any, devices: Sequence[Device] | None) -> Any:
    """The id of the free job for which the condition holds and whose turn it is.

    It is the first of a few, each of which is the first entry of a part of the index: however many
    jobs wait, none is sorted.
    """
    firsts = [
        select(JOBS.id, JOBS.turn)
        .where(is_free, fits_device, condition)
        .order_by(*IN_TURN)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite leaves this out
        .subquery()
        for is_free in (JOBS.state == JobState.QUEUED, is_silent())
        for fits_device in fits_in_ways(devices)
    ]
    each = union_all(*map(select, firsts)).subquery()
    return select(each.c.id).order_by(each.c.turn, each.c.id).limit(1).scalar_subquery()
