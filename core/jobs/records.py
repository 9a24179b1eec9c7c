"""What the store tells: jobs, which are runs or measurements, and studies. Imports no torch."""

from __future__ import annotations

import json
import time
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from core.data.catalogue import train_images_of
from core.jobs.needs import Needs
from core.jobs.people import NOBODY
from core.language import N_, read_kept
from core.measure.request import Request
from core.measure.requests import request_from_json
from core.specs import LabError, RunSpec
from core.training.records import ComputePlan, Progress
from core.zoo.own import plain_name
from core.zoo.own_source import KeptSource

_RESULT_VERSION = 1  # of the JSON in which results of measurements are kept
NOBODY_ASKED = ("device-speed", "compute-plan", "runs-at-once")  # kinds that workers measure
TRAIN = "train"  # the kind of a job that is a run; measurements have the kind of their request


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = N_("queued")
    RUNNING = N_("running")
    FINISHED = N_("finished")
    STOPPED = N_("stopped")
    FAILED = N_("failed")
    DIVERGED = N_("diverged")  # a run whose loss was no longer a number: it would diverge again

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of the job by itself."""
        return self not in (JobState.QUEUED, JobState.RUNNING)

    @property
    def has_failed(self) -> bool:
        """Whether the job ended with a message that says why."""
        return self in (JobState.FAILED, JobState.DIVERGED)

    @property
    def can_go_on(self) -> bool:
        """Whether the job can be put back into the queue, to go on where it ended."""
        return self in (JobState.STOPPED, JobState.FAILED)


class StudyKind(StrEnum):
    """What the runs of a study have in common."""

    VARIANTS = "variants"  # residual variants over seeds
    STACK = "stack"  # plain and residual nets of growing depth
    REPRODUCTION = "reproduction"  # the published runs, trained again


@dataclass(frozen=True)
class StoredFile:
    """A file in the run's folder whose hash the store has saved."""

    name: str
    sha256: str
    size: int = 0  # bytes; 0: of a lab that did not keep it
    trail_bytes: int = 0  # of a checkpoint: what the trail takes, for whose epochs it vouches


@dataclass(frozen=True)
class Job:
    """A row of the queue. Times are seconds since 1970, UTC."""

    id: int
    state: JobState
    kept_message: str = ""  # why it failed, as `Message.kept` writes it
    created_at: float = 0.0
    started_at: float | None = None  # of its first attempt
    finished_at: float | None = None
    attempt: int = 0
    attempt_started_at: float | None = None
    spent_seconds: float = 0.0  # in earlier attempts
    progress: Progress | None = None
    stop_requested: bool = False
    machine: str = ""  # what it ran on
    needs_device: str = ""  # what a worker must have to take it, see needs.py
    needs_hardware: str | None = None
    needs_bytes: int | None = None
    owner: str = NOBODY  # whoever has started it: a Person's id
    is_shared: bool = True  # with everybody; else its owner and teachers alone see it
    turn: float = 0.0  # the lower, the sooner it is taken

    @property
    def needs(self) -> Needs:
        """What a worker must have to take it."""
        return Needs(self.needs_device, self.needs_hardware, self.needs_bytes)

    @property
    def seconds(self) -> float | None:
        """Wall-clock time in which a worker had it; waiting and pauses are left out."""
        if self.started_at is None:
            return None
        if self.state is JobState.RUNNING and self.attempt_started_at is not None:
            return self.spent_seconds + max(0.0, time.time() - self.attempt_started_at)
        return self.spent_seconds

    @property
    def message(self) -> str:
        """Why it failed, in one sentence."""
        return read_kept(self.kept_message)

    @property
    def fraction(self) -> float:
        """Share of the job that is done, 0 to 1."""
        if self.state is JobState.FINISHED:  # whatever its last sign of life said
            return 1.0
        return self.progress.fraction if self.progress else 0.0

    @property
    def stage(self) -> tuple[Hashable, ...]:
        """Equal as long as only steps within an epoch have been done."""
        epoch = self.progress.epoch if self.progress else 0
        return self.id, self.state, self.stop_requested, self.attempt, epoch


@dataclass(frozen=True, kw_only=True)
class Run(Job):
    """A job that trains a network."""

    spec: RunSpec
    study: str | None = None  # runs that belong together share this
    best_epoch: int | None = None
    best_accuracy: float | None = None  # fraction of the test images
    fingerprint: str = ""  # what its bits depend on besides the spec and the compute plan
    compute_plan: ComputePlan | None = None  # chosen when it first started
    checkpoint: StoredFile | None = None  # where it goes on
    best_file: StoredFile | None = None  # the parameters of its best epoch
    dead_parameters: dict[str, int] | None = None  # never got a gradient; None: not known yet
    store_id: str = ""  # that it was made in; before schema 8, whose files lie at the top: ""
    source: KeptSource | None = None  # of a network of the user's own; None: the lab's, or not kept
    kept_note: str = ""  # what a reader should know about its figures, as `kept_message`

    @property
    def note(self) -> str:
        """What a reader should know about its figures, in sentences."""
        return read_kept(self.kept_note)


@dataclass(frozen=True, kw_only=True)
class Measurement(Job):
    """A job that measures something; who asks for the same again gets the same job."""

    kind: str
    key: str  # equal for equal requests, see `Request`
    request: Request | None = None  # None: of an older lab, which kept only a hash
    result: dict[str, Any] | None = None  # as far as it is known; its record's `to_dict`


@dataclass(frozen=True)
class UnreadableJob:
    """A row that this lab cannot read: it is shown as such, and can be deleted."""

    id: int
    state: str
    reason: str


@dataclass(frozen=True)
class Study:
    """Runs that belong together."""

    id: str  # what Run.study holds, and the address
    kept_title: str  # as `Message.kept` writes it, or plain
    settings: dict[str, Any] = field(default_factory=dict)  # what was chosen
    created_at: float = 0.0
    kind: StudyKind = StudyKind.VARIANTS
    owner: str = NOBODY  # of its runs
    is_shared: bool = True  # as its runs are

    @property
    def title(self) -> str:
        """What it compares, in words."""
        return read_kept(self.kept_title)


def to_json(record: StoredFile | KeptSource | ComputePlan | Progress | None) -> str | None:
    """A small record as the table keeps it."""
    return json.dumps(asdict(record)) if record else None


def result_to_json(result: Mapping[str, Any]) -> str:
    """The result of a measurement as the table keeps it."""
    return json.dumps({"version": _RESULT_VERSION, "result": result})


def _result_from_json(text: str | None) -> dict[str, Any] | None:
    """The inverse of `result_to_json`; None without one, and for one of a newer lab."""
    kept = json.loads(text) if text else {}
    if kept.get("version") != _RESULT_VERSION:
        return None
    result: dict[str, Any] = kept["result"]
    return result


_RECORDS: dict[str, Any] = {  # columns that hold JSON, and what is made of it
    "progress": Progress,
    "compute_plan": ComputePlan,
    "checkpoint": StoredFile,
    "best_file": StoredFile,
    "dead_parameters": dict,
    "source": KeptSource,
}


def job_from_row(row: Mapping[Any, Any]) -> Run | Measurement:
    """A row of the table as a record. Raises LabError when this lab cannot read it."""
    record = Run if row["kind"] == TRAIN else Measurement
    columns = {name: name.removeprefix("kept_") for name in record.__dataclass_fields__}
    values = {name: row[column] for name, column in columns.items() if column in row}
    values.pop("request", None)
    try:
        values["state"] = JobState(row["state"])
        for name, make in _RECORDS.items():
            if values.get(name):
                values[name] = make(**json.loads(values[name]))
        if record is Run:
            return Run(spec=RunSpec.from_json(row["request"]), **values)
        if row["request"]:
            values["request"] = request_from_json(row["kind"], row["request"])
        values["result"] = _result_from_json(row["result"])
        return Measurement(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # LabError is a ValueError
        raise LabError(
            "Job {id} cannot be read: {error}",
            id=row["id"],
            error=error.message if isinstance(error, LabError) else str(error),
        ) from error


def run_columns(spec: RunSpec) -> dict[str, str]:
    """What is asked for in columns of its own, by which runs are found."""
    return {
        "request": spec.to_json(),
        "network": plain_name(spec.model.arch),
        "dataset": spec.dataset,
        "setting": setting_key(spec),
    }


def setting_key(spec: RunSpec) -> str:
    """Equal for runs that may be averaged: they differ in seed and device alone."""
    with suppress(LabError):  # a data set of another lab
        spec = replace(spec, train_images=train_images_of(spec))
    setting = json.loads(replace(spec, seed=0, device="cpu").to_json(), parse_int=float)  # 1 is 1.0
    return sha256(json.dumps(setting, sort_keys=True).encode()).hexdigest()


def as_unreadable(row: Mapping[Any, Any], error: LabError) -> UnreadableJob:
    """What can be said of a row that cannot be read."""
    return UnreadableJob(row["id"], str(row["state"]), str(error))


def extended(spec: RunSpec, epochs: int) -> RunSpec:
    """The same run with so many epochs."""
    return replace(spec, recipe=replace(spec.recipe, epochs=epochs))
