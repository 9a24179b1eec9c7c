"""The run store, which is also the queue.

Each change of state is one UPDATE with its condition, and everything a worker writes names the
attempt it holds, so a worker that has lost its run can no longer change it. Imports no torch.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import DBAPIError

from core.jobs.schema import (
    epochs_table,
    open_database,
    reason,
    runs_table,
    speeds_table,
    studies_table,
)
from core.specs import LabError, RunSpec
from core.training.records import ComputePlan, EpochMetrics, Progress

LEASE_SECONDS = 20.0  # a running row whose worker has been silent for longer is free again
MAX_ATTEMPTS = 3  # without finishing one more epoch


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of the run by itself."""
        return self in (RunState.FINISHED, RunState.STOPPED, RunState.FAILED)


@dataclass(frozen=True)
class StoredFile:
    """A file in the run's folder that the store vouches for."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Run:
    """A row of the store. Times are seconds since 1970, UTC."""

    id: int
    spec: RunSpec
    state: RunState
    study: str | None = None  # runs that belong together share this
    message: str = ""  # why it failed
    created_at: float = 0.0
    started_at: float | None = None  # of its first attempt
    finished_at: float | None = None
    attempt: int = 0
    attempt_started_at: float | None = None
    spent_seconds: float = 0.0  # in earlier attempts
    progress: Progress | None = None
    stop_requested: bool = False
    best_epoch: int | None = None
    best_accuracy: float | None = None  # fraction of the test images
    machine: str = ""  # what it ran on
    fingerprint: str = ""  # what its bits depend on besides the spec and the execution
    compute_plan: ComputePlan | None = None  # chosen when it first started
    checkpoint: StoredFile | None = None  # where it goes on
    best_file: StoredFile | None = None  # the parameters of its best epoch
    dead_parameters: dict[str, int] | None = None  # never got a gradient; None: not known yet
    note: str = ""  # what a reader should know about its figures

    @property
    def seconds(self) -> float | None:
        """Wall-clock time in which a worker had it; waiting and pauses are left out."""
        if self.started_at is None:
            return None
        if self.state is RunState.RUNNING and self.attempt_started_at is not None:
            return self.spent_seconds + time.time() - self.attempt_started_at
        return self.spent_seconds


@dataclass(frozen=True)
class Study:
    """Runs that belong together: variants × seeds."""

    id: str  # what Run.study holds, and the address
    title: str
    settings: dict[str, Any]  # what was chosen, for a reader and for a follow-up
    created_at: float


class Kind(StrEnum):
    """Which runs a worker takes."""

    ANY = "any"
    SINGLE = "single"  # of no study
    STUDIES = "studies"


class LostRun(Exception):
    """This worker no longer holds the run: it was stopped, deleted or taken over."""


def open_store(url: str | None = None) -> Store:
    """The store at `url`, default: LAB_DATABASE_URL, else a file in LAB_RUNS_DIR.

    Raises LabError with one sentence when it cannot be opened, or belongs to another version.
    """
    return Store(open_database(url))


class Store:
    """What pages, workers and the command line do with runs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; raises LabError when the database refuses."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise LabError(
                f"The run store could not be written ({reason(error)}); check that its disk is"
                " not full and its folder is not read-only."
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that takes no lock; raises LabError when the database refuses."""
        try:
            with self.engine.connect().execution_options(reads_only=True) as connection:
                yield connection
        except DBAPIError as error:
            raise LabError(
                f"The run store could not be read ({reason(error)}); check that its file is there."
            ) from error

    # For pages and the command line ---------------------------------------------------------

    def enqueue(self, spec: RunSpec, study: str | None = None) -> int:
        """Put a run at the end of the queue; its id."""
        return self.enqueue_all([spec], study)[0]

    def enqueue_all(self, specs: Iterable[RunSpec], study: str | None = None) -> list[int]:
        """Put runs in the queue together; their ids."""
        return self._insert(specs, study, RunState.QUEUED)

    # Studies: one thing for the reader, many runs for the workers

    def create_study(self, title: str, settings: dict[str, Any], specs: Sequence[RunSpec]) -> Study:
        """Put the runs of a new study into the queue, all or none. Raises LabError without any."""
        if not specs:
            raise LabError("A study needs at least one run; choose a variant and a seed.")
        now = time.time()
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(2)}"
        study = Study(name, title, settings, now)
        with self.writing() as connection:
            kept = asdict(study) | {"settings": json.dumps(settings, sort_keys=True)}
            connection.execute(insert(studies_table), kept)
            rows = [
                {"state": RunState.QUEUED, "study": name, "created_at": now, "spec": one.to_json()}
                for one in specs
            ]
            connection.execute(insert(runs_table), rows)
        return study

    def study(self, study_id: str) -> Study:
        """The study; raises LabError when there is none, or none of its runs is left."""
        found = self._studies(runs_table.c.study == study_id)
        if not found:
            raise LabError(
                "There is no such study: its runs were deleted, or the address is wrong; open this"
                " page without ?study= to see the newest one."
            )
        return found[0]

    def studies(self, limit: int | None = None) -> list[Study]:
        """Those that still have runs, the newest first."""
        return self._studies(runs_table.c.study.is_not(None), limit)

    def _studies(self, condition: Any, limit: int | None = None) -> list[Study]:
        named = runs_table.c.study
        newest = func.max(runs_table.c.id)
        query = (
            select(named, func.min(runs_table.c.created_at).label("queued_at"), newest)
            .where(condition)
            .group_by(named)
            .order_by(newest.desc())
            .limit(limit)
        )
        with self.reading() as connection:
            found = connection.execute(query).all()
            kept = {
                row.id: row
                for row in connection.execute(
                    select(studies_table).where(studies_table.c.id.in_([x.study for x in found]))
                )
            }
        return [
            Study(row.id, row.title, json.loads(row.settings), row.created_at)
            if (row := kept.get(one.study))
            else Study(one.study, one.study, {}, one.queued_at)  # of a lab before there were any
            for one in found
        ]

    def stop_study(self, study_id: str) -> None:
        """Queued runs stop now, running ones after their current step."""
        self.request_stop([run.id for run in self.runs(study=study_id)])

    def continue_study(self, study_id: str) -> int:
        """Put every stopped or failed run of the study back into the queue; how many."""
        ended = runs_table.c.state.in_([RunState.STOPPED, RunState.FAILED])
        return self._requeue_where(and_(runs_table.c.study == study_id, ended))

    def start_here(self, spec: RunSpec, worker: str = "") -> Run:
        """A run that the caller executes itself, without passing through the queue."""
        [run_id] = self._insert([spec], None, RunState.RUNNING, worker)
        return self.get(run_id)

    def _insert(
        self, specs: Iterable[RunSpec], study: str | None, state: RunState, worker: str = ""
    ) -> list[int]:
        now = time.time()
        row = {"state": state, "study": study, "created_at": now}
        if state is RunState.RUNNING:
            row |= {"attempt": 1, "started_at": now, "heartbeat_at": now}
            row |= {"attempt_started_at": now, "worker": worker}
        with self.writing() as connection:
            return [
                connection.execute(
                    insert(runs_table).returning(runs_table.c.id), row | {"spec": spec.to_json()}
                ).scalar_one()
                for spec in specs
            ]

    def get(self, run_id: int) -> Run:
        """The run; raises LabError when there is none."""
        with self.reading() as connection:
            row = (
                connection.execute(select(runs_table).where(runs_table.c.id == run_id))
                .mappings()
                .first()
            )
        if row is None:
            raise LabError(f"There is no run {run_id}; the Runs page lists those there are.")
        return as_run(row)

    def has(self, run_id: int) -> bool:
        """Whether there is such a run."""
        with self.reading() as connection:
            found = connection.scalar(select(runs_table.c.id).where(runs_table.c.id == run_id))
        return found is not None

    def runs(self, limit: int | None = None, study: str | None = None) -> list[Run]:
        """Runs, the newest first."""
        query = select(runs_table).order_by(runs_table.c.id.desc()).limit(limit)
        if study is not None:
            query = query.where(runs_table.c.study == study)
        with self.reading() as connection:
            return [as_run(row) for row in connection.execute(query).mappings()]

    def waiting(self, kind: Kind = Kind.ANY) -> list[Run]:
        """The runs of this kind that a worker could claim now: queued, or their worker died."""
        free = or_(runs_table.c.state == RunState.QUEUED, silent_since(time.time()))
        query = select(runs_table).where(free, of_kind(kind)).order_by(runs_table.c.id)
        with self.reading() as connection:
            return [as_run(row) for row in connection.execute(query).mappings()]

    def epochs(self, run_ids: Iterable[int]) -> dict[int, list[EpochMetrics]]:
        """The finished epochs of each run, in order; an empty list for a run without any."""
        found: dict[int, list[EpochMetrics]] = {run_id: [] for run_id in run_ids}
        query = (
            select(epochs_table)
            .where(epochs_table.c.run_id.in_(found))
            .order_by(epochs_table.c.run_id, epochs_table.c.epoch)
        )
        with self.reading() as connection:
            for row in connection.execute(query).mappings():
                values = dict(row)
                found[values.pop("run_id")].append(EpochMetrics(**values))
        return found

    def request_stop(self, run_ids: Iterable[int]) -> None:
        """Queued runs stop now, as do those whose worker died; others after their current step."""
        chosen = runs_table.c.id.in_(list(run_ids))
        now = time.time()
        with self.writing() as connection:
            connection.execute(
                update(runs_table)
                .where(chosen, runs_table.c.state == RunState.QUEUED)
                .values(state=RunState.STOPPED, finished_at=now)
            )
            connection.execute(
                update(runs_table)
                .where(chosen, runs_table.c.state == RunState.RUNNING)
                .values(stop_requested=True)
            )
            self._give_up(connection, silent_since(now), now)

    def resume(self, run_id: int) -> None:
        """Put a run that stopped, failed or lost its worker back into the queue, to go on."""
        ended = runs_table.c.state.in_([RunState.STOPPED, RunState.FAILED])
        free = or_(ended, silent_since(time.time()))
        if not self._requeue_where(and_(runs_table.c.id == run_id, free)):
            state = self.get(run_id).state
            raise LabError(
                f"Run {run_id} is {state}; only a stopped or failed run can be continued."
            )

    def extend(self, run_id: int, epochs: int) -> None:
        """Let a finished run go on to `epochs` epochs. Raises LabError where it cannot."""
        run = self.get(run_id)
        if run.state is not RunState.FINISHED:
            raise LabError(f"Run {run_id} is not finished, so it cannot be extended.")
        if run.spec.recipe.schedule != "constant":
            raise LabError(
                f"The learning rate of run {run_id} follows a {run.spec.recipe.schedule} schedule"
                f" that has ended; start a new run of {epochs} epochs instead."
            )
        if run.checkpoint is None or epochs <= run.spec.recipe.epochs:
            raise LabError(
                f"Run {run_id} can only go on to more than its {run.spec.recipe.epochs} epochs,"
                " and from the checkpoint of its last one."
            )
        longer = replace(run.spec, recipe=replace(run.spec.recipe, epochs=epochs))
        finished = and_(runs_table.c.id == run_id, runs_table.c.state == RunState.FINISHED)
        self._requeue_where(finished, spec=longer.to_json())

    def _requeue_where(self, condition: Any, **values: Any) -> int:
        with self.writing() as connection:
            return connection.execute(
                update(runs_table)
                .where(condition)
                .values(
                    state=RunState.QUEUED,
                    message="",
                    failures=0,
                    stop_requested=False,
                    finished_at=None,
                    **values,
                )
            ).rowcount

    def delete(self, run_ids: Iterable[int]) -> None:
        """Remove runs and their epochs; a worker that executes one of them loses it."""
        chosen = list(run_ids)
        with self.writing() as connection:
            connection.execute(delete(epochs_table).where(epochs_table.c.run_id.in_(chosen)))
            connection.execute(delete(runs_table).where(runs_table.c.id.in_(chosen)))
            left = select(runs_table.c.study).where(runs_table.c.study.is_not(None))
            connection.execute(delete(studies_table).where(studies_table.c.id.not_in(left)))

    # For workers ----------------------------------------------------------------------------

    def claim(self, worker: str = "", kind: Kind = Kind.ANY) -> Run | None:
        """Let `worker` take the oldest run that is queued or whose worker died; None if none is.

        Of this kind only.

        A run that died MAX_ATTEMPTS times without finishing one more epoch is failed instead.
        """
        now = time.time()
        silent = silent_since(now)
        with self.writing() as connection:
            self._give_up(connection, silent, now)
            oldest = (
                select(runs_table.c.id)
                .where(or_(runs_table.c.state == RunState.QUEUED, silent), of_kind(kind))
                .order_by(runs_table.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)  # SQLite leaves this out
            )
            row = (
                connection.execute(
                    update(runs_table)
                    .where(runs_table.c.id == oldest.scalar_subquery())
                    .values(
                        state=RunState.RUNNING,
                        attempt=runs_table.c.attempt + 1,
                        # A worker that died has spent the time until its last heartbeat
                        spent_seconds=case(
                            (silent, spent_until(runs_table.c.heartbeat_at)),
                            else_=runs_table.c.spent_seconds,
                        ),
                        attempt_started_at=now,
                        failures=runs_table.c.failures + 1,
                        heartbeat_at=now,
                        worker=worker,
                        started_at=func.coalesce(runs_table.c.started_at, now),
                        progress=None,
                    )
                    .returning(runs_table)
                )
                .mappings()
                .first()
            )
        return as_run(row) if row else None

    def workers(self) -> set[str]:
        """The processes that have a run."""
        query = select(runs_table.c.worker).where(runs_table.c.state == RunState.RUNNING)
        with self.reading() as connection:
            return {worker for worker in connection.scalars(query) if worker}

    def end_lease(self, worker: str) -> None:
        """The runs of `worker`, a process that is dead, are free again."""
        with self.writing() as connection:
            connection.execute(
                update(runs_table)
                .where(runs_table.c.state == RunState.RUNNING, runs_table.c.worker == worker)
                .values(worker=None, heartbeat_at=runs_table.c.heartbeat_at - LEASE_SECONDS)
            )

    def _give_up(self, connection: Connection, silent: Any, now: float) -> None:
        connection.execute(
            update(runs_table)
            .where(silent, runs_table.c.failures >= MAX_ATTEMPTS)
            .values(
                state=RunState.FAILED,
                finished_at=now,
                spent_seconds=spent_until(runs_table.c.heartbeat_at),
                message=f"Its worker died {MAX_ATTEMPTS} times without finishing one more epoch;"
                " a smaller batch or image needs less memory.",
            )
        )
        connection.execute(  # nobody is left to obey the wish
            update(runs_table)
            .where(silent, runs_table.c.stop_requested)
            .values(
                state=RunState.STOPPED,
                finished_at=now,
                spent_seconds=spent_until(runs_table.c.heartbeat_at),
            )
        )

    def heartbeat(self, run: Run, progress: Progress | None) -> bool:
        """Say that the run is alive and where it is; whether it should stop.

        Raises LostRun when the caller no longer holds it.
        """
        values: dict[str, Any] = {"heartbeat_at": time.time()}
        if progress is not None:
            values["progress"] = as_json(progress)
        with self.writing() as connection:
            row = connection.execute(
                update(runs_table)
                .where(held(run))
                .values(values)
                .returning(runs_table.c.stop_requested)
            ).first()
        if row is None:
            raise LostRun(run.id)
        return bool(row.stop_requested)

    def describe(self, run: Run, machine: str, fingerprint: str, compute_plan: ComputePlan) -> None:
        """Note what the run runs on and how it is computed. Raises LostRun."""
        chosen = json.dumps(asdict(compute_plan))
        self._change(run, machine=machine, fingerprint=fingerprint, compute_plan=chosen)

    def add_note(self, run: Run, sentence: str) -> None:
        """Add a sentence to what a reader should know about the run. Raises LostRun."""
        gap = case((runs_table.c.note == "", ""), else_=" ")
        self._change(run, note=runs_table.c.note + gap + sentence)

    def keep_checkpoint(self, run: Run, checkpoint: StoredFile) -> None:
        """From now on the run goes on from this file. Raises LostRun."""
        self._change(run, checkpoint=as_json(checkpoint), failures=0)

    def record(
        self,
        run: Run,
        metrics: EpochMetrics,
        checkpoint: StoredFile | None = None,
        best_file: StoredFile | None = None,
        dead_parameters: dict[str, int] | None = None,
    ) -> None:
        """Keep the figures of one epoch, with the files that belong to them. Raises LostRun."""
        dead = None if dead_parameters is None else json.dumps(dead_parameters)
        kept = {"checkpoint": as_json(checkpoint), "dead_parameters": dead}
        with self.writing() as connection:
            row = connection.execute(
                update(runs_table)
                .where(held(run))
                .values(heartbeat_at=time.time(), failures=0, **kept)
                .returning(runs_table.c.best_accuracy, runs_table.c.best_epoch)
            ).first()
            if row is None:
                raise LostRun(run.id)
            connection.execute(
                delete(epochs_table).where(
                    epochs_table.c.run_id == run.id, epochs_table.c.epoch >= metrics.epoch
                )
            )
            connection.execute(insert(epochs_table), asdict(metrics) | {"run_id": run.id})
            if row.best_accuracy is None or metrics.test_accuracy > row.best_accuracy:
                connection.execute(
                    update(runs_table)
                    .where(runs_table.c.id == run.id)
                    .values(
                        best_epoch=metrics.epoch,
                        best_accuracy=metrics.test_accuracy,
                        best_file=as_json(best_file),
                    )
                )

    def forget_epochs(self, run: Run, after: int) -> None:
        """Drop the epochs after the checkpoint that the run continues from. Raises LostRun."""
        with self.writing() as connection:
            if (
                connection.execute(
                    update(runs_table).where(held(run)).values(heartbeat_at=time.time())
                ).rowcount
                == 0
            ):
                raise LostRun(run.id)
            of_run = epochs_table.c.run_id == run.id
            connection.execute(delete(epochs_table).where(of_run, epochs_table.c.epoch > after))
            best = connection.execute(
                select(epochs_table.c.epoch, epochs_table.c.test_accuracy)
                .where(of_run)
                .order_by(epochs_table.c.test_accuracy.desc(), epochs_table.c.epoch)
                .limit(1)
            ).first()
            connection.execute(
                update(runs_table)
                .where(runs_table.c.id == run.id)
                .values(
                    best_epoch=best.epoch if best else None,
                    best_accuracy=best.test_accuracy if best else None,
                    best_file=case(
                        (runs_table.c.best_epoch == best.epoch, runs_table.c.best_file), else_=None
                    )
                    if best
                    else None,
                )
            )

    def finish(self, run: Run, state: RunState, message: str = "") -> None:
        """End the run. Raises LostRun."""
        now = time.time()
        self._change(
            run,
            state=state,
            message=message,
            finished_at=now,
            stop_requested=False,
            spent_seconds=spent_until(now),
        )

    def release(self, run: Run) -> None:
        """Put the run back into the queue, because its worker leaves in good order."""
        with suppress(LostRun):
            spent = spent_until(time.time())
            self._change(run, state=RunState.QUEUED, failures=0, spent_seconds=spent)

    def _change(self, run: Run, **values: Any) -> None:
        with self.writing() as connection:
            changed = connection.execute(
                update(runs_table).where(held(run)).values(**values)
            ).rowcount
        if not changed:
            raise LostRun(run.id)

    # Measurements of this machine -------------------------------------------------------------

    def measured(self, name: str) -> dict[str, Any] | None:
        """What was measured under this name, None before it was."""
        with self.reading() as connection:
            text = connection.scalar(
                select(speeds_table.c.found).where(speeds_table.c.name == name)
            )
        return json.loads(text) if text else None

    def keep_first_measured(self, name: str, found: dict[str, Any]) -> dict[str, Any]:
        """Keep what was measured unless something is kept already; what is kept then."""
        row = {"name": name, "measured_at": time.time(), "found": json.dumps(found)}
        with suppress(LabError), self.writing() as connection:  # another was first: the same key
            connection.execute(insert(speeds_table), row)
        return self.measured(name) or found

    def keep_measured(self, name: str, found: dict[str, Any]) -> None:
        """Keep what was measured, in place of what was there."""
        row = {"name": name, "measured_at": time.time(), "found": json.dumps(found)}
        with self.writing() as connection:
            connection.execute(delete(speeds_table).where(speeds_table.c.name == name))
            connection.execute(insert(speeds_table), row)


def spent_until(moment: Any) -> Any:
    """The seconds that workers have had the run, once this attempt ends at `moment`."""
    return runs_table.c.spent_seconds + (moment - runs_table.c.attempt_started_at)


def silent_since(now: float) -> Any:
    """The condition that a run's worker has died: it has been silent for longer than its lease."""
    running = runs_table.c.state == RunState.RUNNING
    return and_(running, runs_table.c.heartbeat_at < now - LEASE_SECONDS)


def of_kind(kind: Kind) -> Any:
    """The condition that a run is of this kind."""
    named = runs_table.c.study
    return {Kind.ANY: true(), Kind.SINGLE: named.is_(None), Kind.STUDIES: named.is_not(None)}[kind]


def held(run: Run) -> Any:
    """The condition that `run` is still running in the attempt that the caller was given."""
    return and_(
        runs_table.c.id == run.id,
        runs_table.c.attempt == run.attempt,
        runs_table.c.state == RunState.RUNNING,
    )


def as_json(record: StoredFile | ComputePlan | Progress | None) -> str | None:
    """A small record as the table keeps it."""
    return json.dumps(asdict(record)) if record else None


def as_run(row: RowMapping) -> Run:
    """A Run from a row of the table."""
    names = [name for name in Run.__dataclass_fields__ if name in row]
    run = Run(**{name: row[name] for name in names})
    kept: dict[str, Any] = {
        "progress": Progress,
        "compute_plan": ComputePlan,
        "checkpoint": StoredFile,
        "best_file": StoredFile,
        "dead_parameters": dict,
    }
    read = {name: make(**json.loads(row[name])) for name, make in kept.items() if row[name]}
    spec, state = RunSpec.from_json(row["spec"]), RunState(row["state"])
    return replace(run, spec=spec, state=state, **read)
