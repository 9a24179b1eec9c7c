"""What a measurement is asked for: one record a kind, JSON both ways. Imports no torch.

What a new measurement needs besides its record here: docs/architecture.md, "Where to add what".
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, replace
from typing import ClassVar

from core.language import N_
from core.measure.gradient_records import BATCH_SIZE
from core.measure.inside_requests import (
    ActivityRequest,
    EffectiveFieldRequest,
    EmbeddingRequest,
    LandscapeRequest,
    MissingPartsRequest,
)
from core.measure.learning_rate_records import NOT_FOLLOWED, STEPS
from core.measure.request import DeviceRequest, Request, RunRequest
from core.specs import LabError, ModelSpec, RunSpec

PASSES = 9  # of a network whose layers are timed; the medians are over these
ROUNDS = 5  # of a throughput, in which every loop has its turn


@dataclass(frozen=True)
class LayerTimesRequest(DeviceRequest):
    """How long each layer of a network takes, forward and backward."""

    kind: ClassVar[str] = "layer-times"
    title: ClassVar[str] = N_("time of every layer")
    in_key: ClassVar[str] = "layer times"
    model: ModelSpec
    device: str
    batch_size: int
    passes: int = PASSES

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", ModelSpec.read(self.model))

    def what(self) -> tuple[object, ...]:
        """Network, device, batch."""
        return self.model.to_json(), self.device, self.batch_size


@dataclass(frozen=True)
class ThroughputRequest(Request):
    """How many images a second train with each batch size on each device."""

    kind: ClassVar[str] = "throughput"
    title: ClassVar[str] = N_("throughput")
    in_key: ClassVar[str] = "throughput"
    run: RunSpec
    batch_sizes: tuple[int, ...]
    devices: tuple[str, ...]
    rounds: int = ROUNDS
    hardware: tuple[str, ...] = ()  # what each of the devices is; none: those of this host

    def __post_init__(self) -> None:
        object.__setattr__(self, "run", RunSpec.read(self.run))
        object.__setattr__(self, "batch_sizes", tuple(self.batch_sizes))
        object.__setattr__(self, "devices", tuple(self.devices))
        object.__setattr__(self, "hardware", tuple(self.hardware))

    def what(self) -> tuple[object, ...]:
        """The run but for its batch size and device, and both of these."""
        run = self.run
        recipe = run.recipe.name
        if run.recipe.optimizer != "sgd":  # which was every recipe's before
            recipe += f", {run.recipe.optimizer}"
        setting = (run.model.to_json(), run.dataset, run.train_images, recipe)
        return *setting, sorted(self.batch_sizes), sorted(self.devices)

    def where(self) -> tuple[object, ...]:
        """What the devices are."""
        return (sorted(self.hardware) or platform.node(),)


@dataclass(frozen=True)
class LearningRatesRequest(RunRequest):
    """Up to which learning rate a run's network trains, and from which on its loss rises."""

    kind: ClassVar[str] = "learning-rates"
    title: ClassVar[str] = N_("learning-rate range test")
    in_key: ClassVar[str] = "learning rates"
    steps: int = STEPS  # of a sweep
    sweeps: int | None = None  # None: as many as their time allows

    def what(self) -> tuple[object, ...]:
        """The run but for its rate, schedule and epochs, which the sweeps do not follow."""
        return _without_rates(self.run), self.steps, self.sweeps


@dataclass(frozen=True)
class StepCostRequest(RunRequest):
    """What the steps of a run take, timed with its own network."""

    kind: ClassVar[str] = "step-cost"
    title: ClassVar[str] = N_("time of a run's steps")
    in_key: ClassVar[str] = "step cost"

    def what(self) -> tuple[object, ...]:
        """What a step of the run is."""
        return (_step_of(self.run),)


@dataclass(frozen=True)
class GradientFlowRequest(Request):
    """Gradient norm and activation variance of every layer of networks and trained runs."""

    kind: ClassVar[str] = "gradient-flow"
    title: ClassVar[str] = N_("gradients")
    in_key: ClassVar[str] = "gradients"
    models: tuple[ModelSpec, ...]  # every option filled in
    dataset: str
    seeds: int
    initialization: str
    batch_size: int = BATCH_SIZE
    runs: tuple[int, ...] = ()  # finished runs, as initialized and with their best parameters

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", tuple(map(ModelSpec.read, self.models)))
        object.__setattr__(self, "runs", tuple(self.runs))

    def what(self) -> tuple[object, ...]:
        """Networks, data, seeds, initialization, batch, runs."""
        networks = sorted(model.to_json() for model in self.models)
        setting = (self.dataset, self.seeds, self.initialization, self.batch_size)
        return *networks, *setting, sorted(self.runs)

    def runs_needed(self) -> tuple[int, ...]:
        """Those with whose parameters gradients are measured."""
        return self.runs


@dataclass(frozen=True)
class PredictRequest(Request):
    """What a run's best parameters say to each test image; the result is a file of the run."""

    kind: ClassVar[str] = "predict"
    title: ClassVar[str] = N_("predictions")
    in_key: ClassVar[str] = "predictions"
    run: int
    parameters_sha256: str  # of the file that holds them

    def what(self) -> tuple[object, ...]:
        """The run and its parameters."""
        return self.run, self.parameters_sha256

    def runs_needed(self) -> tuple[int, ...]:
        """The one that predicts."""
        return (self.run,)


@dataclass(frozen=True)
class DeviceSpeedRequest(Request):
    """How fast a device is, for estimates of time."""

    kind: ClassVar[str] = "device-speed"
    title: ClassVar[str] = N_("speed of a device")
    in_key: ClassVar[str] = "speed"
    device: str
    hardware: str = ""  # what the device is, see records.Device; "": that of this host

    def what(self) -> tuple[object, ...]:
        """The device."""
        return (self.device,)

    def where(self) -> tuple[object, ...]:
        """What the device is."""
        return (self.hardware,)

    @property
    def key(self) -> str:
        """By the hardware, where that is known."""
        return super().key if self.hardware else self.key_by_host

    @property
    def key_by_host(self) -> str:
        """As older labs wrote it."""
        return f"{platform.node()} {self.device}"


@dataclass(frozen=True)
class ComputePlanRequest(Request):
    """Which threads and memory format train a network fastest; equal networks share one trial."""

    kind: ClassVar[str] = "compute-plan"
    title: ClassVar[str] = N_("threads and memory format")
    in_key: ClassVar[str] = ""
    setting: str  # see core.training.compute_plan.compute_plan_key

    @property
    def key(self) -> str:
        """The setting holds the hardware already."""
        return self.setting

    @property
    def key_by_host(self) -> str:
        """Older labs made the setting itself by the host."""
        return self.setting


@dataclass(frozen=True)
class RunsAtOnceRequest(RunRequest):
    """How many runs of a network train fastest side by side on a device that they share."""

    kind: ClassVar[str] = "runs-at-once"
    title: ClassVar[str] = N_("runs that share a device")
    in_key: ClassVar[str] = "runs at once"

    def what(self) -> tuple[object, ...]:
        """What a step of the run is."""
        return (_step_of(self.run),)


REQUESTS: dict[str, type[Request]] = {
    request.kind: request
    for request in (
        LayerTimesRequest,
        ThroughputRequest,
        LearningRatesRequest,
        StepCostRequest,
        GradientFlowRequest,
        PredictRequest,
        MissingPartsRequest,
        ActivityRequest,
        EffectiveFieldRequest,
        LandscapeRequest,
        EmbeddingRequest,
        DeviceSpeedRequest,
        ComputePlanRequest,
        RunsAtOnceRequest,
    )
}


def request_from_json(kind: str, text: str) -> Request:
    """The request of this kind. Raises LabError for another kind, or when it cannot be read."""
    if kind not in REQUESTS:
        raise LabError(
            "there is no measurement {kind} in this version of the lab.", kind=repr(kind)
        )
    return REQUESTS[kind].from_json(text)


def _step_of(run: RunSpec) -> str:
    """The run but for what changes no step: seed, images, epochs, rate."""
    return _without_rates(replace(run, seed=0, train_images=None))


def _without_rates(run: RunSpec) -> str:
    """The run as JSON, but for its rate, schedule and epochs, and the name of its recipe."""
    values = run.to_dict()
    for field in ("name", *NOT_FOLLOWED):
        del values["recipe"][field]
    return json.dumps(values, sort_keys=True)
