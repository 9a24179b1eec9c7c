"""Which workers live, what they have and what they do: each declares it, and says that it lives.

Imports no torch.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import case, delete, func, select, update

from core.jobs.database import Database
from core.jobs.dialects import insert_or_change, now
from core.jobs.records import JobState
from core.jobs.schema import jobs_table, workers_table
from core.training.records import Device

SIGN_SECONDS = 20.0  # between two signs of life of a worker
LEASE_SECONDS = 60.0  # a worker that has been silent for longer counts as dead
_KEPT_SECONDS = 3600.0  # for which what a dead one had can still be read

NODE = "ray "  # begins the names of workers that are parts of a cluster

_JOBS, _WORKERS = jobs_table.c, workers_table.c


class QueueFilter(StrEnum):
    """Which jobs a worker takes."""

    ANY = "any"
    SINGLE = "single"  # runs of no study
    STUDIES = "studies"  # runs of studies
    MEASUREMENTS = "measurements"


@dataclass(frozen=True)
class Worker:
    """A process that takes jobs, as it has declared itself."""

    process: str  # see processes.this_process
    machine: str
    devices: tuple[Device, ...]  # on which it takes jobs, the fastest first
    cores: int
    memory_bytes: int | None  # of the machine
    queue_filter: QueueFilter = QueueFilter.ANY
    since: float = 0.0  # seconds since 1970, by the clock of the database
    jobs: tuple[int, ...] = ()  # that it executes now
    threads: int = 0  # that they take, as far as it is known

    @property
    def takes_runs(self) -> bool:
        """Whether it is not for measurements alone."""
        return self.queue_filter is not QueueFilter.MEASUREMENTS

    @property
    def is_node(self) -> bool:
        """Whether it is no process, but the cores or a card of a node of a Ray cluster."""
        return self.process.startswith(NODE)

    @property
    def free_cores(self) -> int:
        """Cores that the jobs of a node leave; a process has no use for those it leaves."""
        return max(0, self.cores - self.threads)

    @classmethod
    def from_json(cls, text: str) -> Worker:
        """What `to_json` wrote."""
        return cls.from_row(json.loads(text))

    @classmethod
    def from_row(cls, row: Mapping[Any, Any]) -> Worker:
        """From a row of the table."""
        return cls(
            row["process"],
            row["machine"],
            tuple(map(Device.from_dict, json.loads(row["devices"]))),
            row["cores"],
            row["memory_bytes"],
            QueueFilter(row["queue_filter"]),
            row.get("since", 0.0),
        )

    def to_row(self) -> dict[str, Any]:
        """What it declares, as the table keeps it."""
        return {
            "process": self.process,
            "machine": self.machine,
            "devices": json.dumps([asdict(device) for device in self.devices]),
            "cores": self.cores,
            "memory_bytes": self.memory_bytes,
            "queue_filter": self.queue_filter,
        }

    def to_json(self) -> str:
        """What it declares, to be handed on to the process that takes its place."""
        return json.dumps(self.to_row())


class Register(Database):
    """The workers of a store."""

    def declare(self, worker: Worker) -> None:
        """This worker lives, and has what it says; said again and again, or it counts as dead."""
        row = worker.to_row() | {"lease_until": now() + LEASE_SECONDS}
        with self.writing() as connection:
            connection.execute(
                insert_or_change(connection, workers_table)
                .values(**row, since=now())
                .on_conflict_do_update(index_elements=[_WORKERS.process], set_=row)
            )
            long_dead = _WORKERS.lease_until < now() - _KEPT_SECONDS
            connection.execute(delete(workers_table).where(long_dead))

    def leave(self, process: str) -> None:
        """This worker takes no more jobs."""
        with self.writing() as connection:
            connection.execute(
                update(workers_table)
                .where(_WORKERS.process == process)
                .values(lease_until=now() - LEASE_SECONDS)
            )

    def workers(self) -> list[Worker]:
        """Those that live, with what they do, the oldest first."""
        living = (
            select(workers_table)
            .where(_WORKERS.lease_until >= now())
            .order_by(_WORKERS.since, _WORKERS.process)
        )
        running = select(_JOBS.worker, _JOBS.id, _JOBS.compute_plan).where(
            _JOBS.state == JobState.RUNNING
        )
        with self.reading() as connection:
            rows = connection.execute(living).mappings().all()
            held = connection.execute(running.order_by(_JOBS.id)).all() if rows else []
        jobs: dict[str, list[int]] = defaultdict(list)
        threads: dict[str, int] = defaultdict(int)
        for process, job, plan in held:
            jobs[process].append(job)
            threads[process] += json.loads(plan)["threads"] if plan else 1
        return [
            replace(worker, jobs=tuple(jobs[worker.process]), threads=threads[worker.process])
            for worker in map(Worker.from_row, rows)
        ]

    def devices_of(self, processes: Iterable[str]) -> Sequence[Device] | None:
        """What the first of these processes to be found has declared, dead or alive; None: nothing.

        So that whoever has started them knows what more of them could do.
        """
        query = select(_WORKERS.devices).where(_WORKERS.process.in_(list(processes))).limit(1)
        with self.reading() as connection:
            text = connection.scalar(query)
        return text and tuple(map(Device.from_dict, json.loads(text)))

    def jobs_under_way(self) -> dict[str, list[int]]:
        """Jobs that have begun, by the worker that has them; "" for those whose worker has died:
        they wait for another one.
        """
        lives = _JOBS.lease_until >= now()
        holder = case((lives, func.coalesce(_JOBS.worker, "")), else_="")
        query = select(holder, _JOBS.id).where(_JOBS.state == JobState.RUNNING).order_by(_JOBS.id)
        jobs: dict[str, list[int]] = defaultdict(list)
        with self.reading() as connection:
            for worker, job in connection.execute(query):
                jobs[worker].append(job)
        return dict(jobs)

    def processes(self) -> set[str]:
        """All that have a job, or count as living workers."""
        holding = select(_JOBS.worker).where(_JOBS.state == JobState.RUNNING)
        living = select(_WORKERS.process).where(_WORKERS.lease_until >= now())
        with self.reading() as connection:
            return {name for query in (holding, living) for name in connection.scalars(query)} - {
                None,
                "",
            }
