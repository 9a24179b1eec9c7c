"""Measurements in the store: who asks for the same gets the same job. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from core.jobs.bell import ring
from core.jobs.dialects import insert_or_change
from core.jobs.members import Members
from core.jobs.needs import needs_of_request
from core.jobs.queue import JOBS
from core.jobs.reading import read_row
from core.jobs.records import (
    NOBODY_ASKED,
    TRAIN,
    JobState,
    Measurement,
    UnreadableJob,
    result_to_json,
)
from core.jobs.schema import jobs_table
from core.jobs.sources import keep_source
from core.jobs.turns import WORK_OF_MEASUREMENT, turns
from core.measure.request import Request
from core.specs import LabError
from core.zoo.own import renamed

_IS_OVER = JOBS.state.in_([state for state in JobState if state.is_over])


class Asked(Members):
    """The measurements of a store."""

    def measurement(self, request: Request) -> Measurement | None:
        """The job that measures, or has measured, what is asked for; None before anybody asked."""
        asked = renamed(request)
        rows = self.rows(JOBS.key.in_([asked.key, asked.key_by_host]))
        rows.sort(key=lambda row: row["key"] != asked.key)
        job = read_row(rows[0]) if rows else None
        return job if isinstance(job, Measurement) and self._is_seen(job) else None

    def measurements(self, limit: int | None = None) -> list[Measurement]:
        """Measurements that somebody asked for, the newest first."""
        kinds = JOBS.kind.not_in([TRAIN, *NOBODY_ASKED])
        jobs = (read_row(row) for row in self.rows(kinds, limit))
        return [job for job in jobs if isinstance(job, Measurement) and self._is_seen(job)]

    def unreadable_measurements(self, limit: int | None = None) -> list[UnreadableJob]:
        """Among the newest, those that this lab cannot read; of runs, `listed` tells them."""
        jobs = (read_row(row) for row in self.rows(JOBS.kind != TRAIN, limit))
        return [job for job in jobs if isinstance(job, UnreadableJob)]

    def enqueue_measurement(self, request: Request) -> Measurement:
        """Put what is asked for into the queue, unless it waits there or is measured already."""
        for run_id in request.runs_needed():
            if self.is_limited:
                self.get(run_id)  # others' runs that are not shared are not there
        fresh = {
            "state": JobState.QUEUED,
            "result": None,
            "message": "",
            "created_at": time.time(),
            "started_at": None,
            "finished_at": None,
            "spent_seconds": 0.0,
            "stop_requested": False,
            "progress": None,
            "owner": self.owner,
        }
        request = self._upsert(request, fresh, _IS_OVER)
        job = self.measurement(request)
        if job is None:
            raise LabError("The measurement was deleted while it was queued; ask for it again.")
        return job

    def keep_result(
        self, request: Request, result: Mapping[str, Any], replace: bool = False
    ) -> dict[str, Any]:
        """Keep the caller's own result; returns the result that is stored now.

        Without `replace` the first result stays, so that all who measure the same use one.
        """
        moment = time.time()
        finished = {
            "state": JobState.FINISHED,
            "result": result_to_json(result),
            "created_at": moment,
            "started_at": moment,
            "finished_at": moment,
        }
        self._upsert(request, finished, replace)
        return self.result_of(request) or dict(result)

    def result_of(self, request: Request) -> dict[str, Any] | None:
        """The result of what was asked for, as far as it is known."""
        job = self.measurement(request)
        return job.result if job else None

    def _upsert(self, request: Request, values: Mapping[str, Any], change: Any) -> Request:
        """Insert a measurement; where its key is there already, change it if `change` holds.

        Returns what is asked for, with the sources that are kept for it.
        """
        with self.writing() as connection:
            request = renamed(request, partial(keep_source, connection))
            if values["state"] is JobState.QUEUED:
                self._check_place(connection, request)
            row = {
                "kind": request.kind,
                "key": request.key,
                "request": request.to_json(),
                **needs_of_request(request).columns(),
                "work": WORK_OF_MEASUREMENT,
                "turn": turns(connection, self.owner, [WORK_OF_MEASUREMENT])[0],
                **values,
            }
            statement = insert_or_change(connection, jobs_table).values(**row)
            if change is False:
                statement = statement.on_conflict_do_nothing(index_elements=[JOBS.key])
            else:
                where = None if change is True else change
                statement = statement.on_conflict_do_update(
                    index_elements=[JOBS.key], set_=row, where=where
                )
            connection.execute(statement)
            ring(connection)
        return request

    def _check_place(self, connection: Connection, request: Request) -> None:
        """Raise LabError where the actor may ask for nothing more; joining what is asked already
        takes no place."""
        going_on = select(JOBS.id).where(JOBS.key == request.key, ~_IS_OVER)
        if connection.scalar(going_on) is None:
            self.check_room(connection, 1, keeps_files=False)

    def _is_seen(self, job: Measurement) -> bool:
        """Whether the actor may see all runs that were measured."""
        if not self.is_limited or job.request is None:
            return True
        return all(map(self.has, job.request.runs_needed()))
