"""What a training run tells about itself while it goes on. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """Where a run is, sent after every step."""

    phase: str  # downloading, preparing, training, evaluating
    epoch: int  # the epoch under way, from 1
    epochs: int
    step: int  # steps of this phase that are done; bytes of a download, images prepared
    steps: int  # steps in this phase; bytes of a download, images to prepare
    images_per_second: float = 0.0  # of this epoch so far

    @property
    def fraction(self) -> float:
        """Share of the whole run that is done, 0 to 1."""
        if self.phase == "downloading":
            return 0.0
        within = {"preparing": 0.0, "evaluating": 1.0}.get(self.phase, self.step / self.steps)
        return min(1.0, (self.epoch - 1 + within) / self.epochs)


@dataclass(frozen=True)
class EpochMetrics:
    """One finished epoch. Losses are means of the cross-entropy in nats, accuracies fractions.

    Training figures are taken while the network learns, before each step, as the book does.
    """

    epoch: int  # from 1
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    train_seconds: float  # evaluation excluded
    evaluation_seconds: float
    images_per_second: float  # training images ÷ train_seconds
    last_learning_rate: float  # of the last step; with one-cycle it changes at every step
    # Where train_seconds went, from sampled steps; what is left is Python between the phases.
    data_seconds: float = 0.0  # cutting, resizing and scaling batches
    transfer_seconds: float = 0.0  # from the host's memory to the device's
    forward_seconds: float = 0.0
    backward_seconds: float = 0.0
    optimiser_seconds: float = 0.0
    captured_seconds: float = 0.0  # whole steps that the device replays as one graph

    @property
    def step_seconds(self) -> float:
        """What the network itself took: forward, backward, optimizer."""
        parts = (self.forward_seconds, self.backward_seconds, self.optimiser_seconds)
        return sum(parts) + self.captured_seconds

    @property
    def step_images_per_second(self) -> float | None:
        """The rate that would be left if data cost nothing; None where it was not measured."""
        images = self.images_per_second * self.train_seconds
        return images / self.step_seconds if self.step_seconds else None


@dataclass(frozen=True)
class Device:
    """What a machine can train on."""

    name: str  # as a RunSpec says it: cpu, cuda, cuda:1, mps
    hardware: str  # what it is, in words
    memory_bytes: int | None = None  # all of it; None where that cannot be known

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Device:
        """From what the store keeps."""
        return cls(str(values["name"]), str(values["hardware"]), values.get("memory_bytes"))


DETERMINISTIC = "deterministic kernels"  # in what a run was computed on, in words
PHASES = ("data", "transfer", "forward", "backward", "optimiser", "captured")  # as above
TIMES = (  # the fields that two equal runs do not share
    *("train_seconds", "evaluation_seconds", "images_per_second"),
    *(f"{phase}_seconds" for phase in PHASES),
)


@dataclass(frozen=True)
class ComputePlan:
    """How a run is computed, which decides its speed and its bits, but not what it learns.

    Chosen when the run first starts and kept with it, so that a resume computes the same bits.
    """

    threads: int  # CPU threads
    channels_last: bool  # maps as (N, H, W, C) in memory
    captured: bool = False  # steps are captured once as a CUDA graph, then replayed
    bfloat16: bool = False  # on a CPU that is faster so; of other devices the recipe decides
    replicas: int = 1  # of the network, each of which computes a part of a batch

    @property
    def threads_of_an_operation(self) -> int:
        """Into how many one operation on the CPU divides its work."""
        return max(1, self.threads // self.replicas)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ComputePlan:
        """From what the store keeps."""
        threads, channels_last = int(values["threads"]), bool(values["channels_last"])
        captured, bfloat16 = bool(values.get("captured")), bool(values.get("bfloat16"))
        return cls(threads, channels_last, captured, bfloat16, int(values.get("replicas", 1)))


@dataclass(frozen=True)
class LayerTime:
    """Seconds that one layer took for a batch: medians over several passes, and the least."""

    path: str  # of core.analysis.LayerCost
    forward_seconds: float
    backward_seconds: float
    least_forward_seconds: float = 0.0  # 0: not kept by an older lab
    least_backward_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """Forward and backward."""
        return self.forward_seconds + self.backward_seconds


@dataclass(frozen=True)
class LayerTimes:
    """Where the time of one step goes, layer by layer, as measured on one machine."""

    device: str
    machine: str  # what the device is, in words
    batch_size: int
    passes: int  # that are done; of a finished measurement, all
    step_seconds: float  # forward and backward without any watching, median
    layers: tuple[LayerTime, ...]  # in the order of execution
    peak_flops_per_second: float = 0.0  # at best, of wide work; 0: not measured
    bytes_per_second: float = 0.0  # of memory, read and written

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LayerTimes:
        """The inverse of `to_dict`."""
        layers = tuple(LayerTime(**layer) for layer in values["layers"])
        return cls(**(values | {"layers": layers}))


@dataclass(frozen=True)
class StepCost:
    """What one run's steps take on one device, timed with its own network; medians over epochs."""

    share: float  # of the measurement that is done, 0 to 1
    machine: str  # what the device is, in words
    start_seconds: float  # once: building, copying, choosing kernels, capturing
    resize_seconds: float  # an image, where all are resized once and kept; else 0
    step_seconds: float  # of training
    evaluation_seconds: float  # a test image
    memory_bytes: int | None  # the allocator's peak besides the data; None: the device tells none
    kernel_share: float | None  # of a step in which the device computes; None: no profile of it

    def seconds(self, epochs: int, steps: int, train_images: int, test_images: int) -> float:
        """A whole run of so many epochs with so many steps each."""
        once = self.start_seconds + self.resize_seconds * (train_images + test_images)
        epoch = steps * self.step_seconds + test_images * self.evaluation_seconds
        return once + epochs * epoch

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ThroughputPoint:
    """How fast one loop trains with one batch size on one device."""

    device: str
    loop: str  # lab, conventional
    batch_size: int
    loader_workers: int  # of the published loop's DataLoader
    images_per_second: float  # median over the rounds
    slowest: float  # of the rounds
    fastest: float
    step_images_per_second: float | None  # if data cost nothing; None where it was not timed
    flops_per_second: float  # of convolutions and matrix products, forward and backward
    threads: int
    channels_last: bool
    precision: str = "float32"  # in which convolutions multiply: float32, TF32, bfloat16


@dataclass(frozen=True)
class Throughput:
    """A network's training rates over batch sizes and devices, as measured on one machine."""

    spec: str  # the RunSpec as JSON, but for batch size and device
    share: float  # of the measurement that is done, 0 to 1
    machines: dict[str, str]  # device → what it is, in words
    peaks: dict[str, float]  # device → FLOP/s of a matrix product
    points: tuple[ThroughputPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Throughput:
        """The inverse of `to_dict`."""
        points = tuple(ThroughputPoint(**point) for point in values["points"])
        return cls(**(values | {"points": points}))


@dataclass(frozen=True)
class DeviceReport:
    """What PyTorch finds on a machine."""

    devices: Mapping[str, str]  # name → what it is in words; the fastest first
    torch: str  # its version
    cuda: str | None  # that torch was built for; None for a build without CUDA
    driver: str | None  # of NVIDIA; None where none is found
    has_mps: bool  # whether torch was built for Apple's GPUs
