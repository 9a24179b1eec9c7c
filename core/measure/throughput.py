"""How many images a second a device trains: the lab's loop and the published one, in turns.

Everything is measured there and then. The loops take turns of a second or so, so that what
else the machine does meets all of them; figures are medians over the rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from math import ceil
from statistics import median
from time import perf_counter

import torch

from core.analysis import analyze
from core.data.load import Dataset, load
from core.measure.conventional_loop import LOADER_WORKERS, PREFETCHED, conventional_steps
from core.measure.requests import ROUNDS
from core.measure.roofs import matrix_peak
from core.specs import MAX_EPOCHS, LabError, RunSpec
from core.training.allocator import memory_kept
from core.training.compute_plan import choose_compute_plan, precision, threads_restored
from core.training.devices import available_bytes, describe, find_device, synchronize
from core.training.estimate import check_data, check_feasible
from core.training.fit import fit, start
from core.training.records import ComputePlan, Progress, Throughput, ThroughputPoint
from core.training.state import Training

TURN_SECONDS = 0.7
MIN_STEPS, MAX_STEPS = 3, 100  # of a turn
_WARM_UP = 3  # steps before the clock starts for the first time


@dataclass
class TimedLoop:
    """A loop that trains, and what its turns have shown."""

    spec: RunSpec
    loop: str  # lab, conventional
    steps: Iterator[int]  # images of each step
    compute_plan: ComputePlan | None = None
    training: Training | None = None
    loader_workers: int = 0
    steps_a_turn: int = 0
    rates: list[float] = field(default_factory=list)
    compute_rates: list[float] = field(default_factory=list)

    def take_turn(self) -> None:
        """Train for TURN_SECONDS, and note the rate."""
        device = find_device(self.spec.device)
        with self.own_settings():
            for _ in range(PREFETCHED if self.loader_workers else 2):
                next(self.steps)  # a queue that has filled meanwhile is no merit of the loop
            synchronize(device)
            before = self.compute_seconds()
            began = perf_counter()
            images = sum(next(self.steps) for _ in range(self.steps_a_turn))
            synchronize(device)
            seconds = perf_counter() - began
        self.rates.append(images / seconds)
        if compute := self.compute_seconds() - before:
            self.compute_rates.append(images / compute)

    @contextmanager
    def own_settings(self) -> Iterator[None]:
        """Threads and allocator as the lab's worker sets them, or as torch has them by itself."""
        with threads_restored(), memory_kept() if self.compute_plan else nullcontext():
            if self.compute_plan is not None:
                torch.set_num_threads(self.compute_plan.threads_of_an_operation)
            yield

    def compute_seconds(self) -> float:
        """Time spent in the network so far, where the loop tells it."""
        if self.training is None:
            return 0.0
        phases = self.training.sums.phases
        return phases["forward"] + phases["backward"] + phases["optimiser"] + phases["captured"]

    @property
    def precision(self) -> str:
        """In which its convolutions multiply; the published loop's recipe knows no bfloat16."""
        if self.compute_plan is not None:
            return precision(self.spec, self.compute_plan)
        plain = replace(self.spec, recipe=replace(self.spec.recipe, bfloat16=False))
        return precision(plain, ComputePlan(torch.get_num_threads(), channels_last=False))

    def warm_up(self) -> None:
        """Load kernels, and find how many steps make a turn."""
        device = find_device(self.spec.device)
        with self.own_settings():
            for _ in range(_WARM_UP):
                next(self.steps)
            synchronize(device)
            began = perf_counter()
            next(self.steps)
            synchronize(device)
        wanted = ceil(TURN_SECONDS / (perf_counter() - began))
        self.steps_a_turn = min(MAX_STEPS, max(MIN_STEPS, wanted))

    def point(self, flops_an_image: float) -> ThroughputPoint:
        """What is known so far."""
        rate = median(self.rates)
        return ThroughputPoint(
            device=self.spec.device,
            loop=self.loop,
            batch_size=self.spec.recipe.batch_size,
            loader_workers=self.loader_workers,
            images_per_second=rate,
            slowest=min(self.rates),
            fastest=max(self.rates),
            step_images_per_second=median(self.compute_rates) if self.compute_rates else None,
            flops_per_second=rate * flops_an_image,
            threads=self.compute_plan.threads if self.compute_plan else torch.get_num_threads(),
            channels_last=bool(self.compute_plan and self.compute_plan.channels_last),
            precision=self.precision,
        )


def lab_steps(spec: RunSpec, data: Dataset, training: Training) -> Iterator[int]:
    """The lab's own loop, without end; an epoch ends with a single test image."""
    small = replace(data, test_images=data.test_images[:1], test_labels=data.test_labels[:1])
    endless = replace(spec, recipe=replace(spec.recipe, epochs=MAX_EPOCHS, schedule="constant"))
    while True:
        seen = training.epoch = 0
        for event in fit(endless, small, training):
            if isinstance(event, Progress) and event.phase == "training":
                yield training.sums.images - seen
            seen = training.sums.images


def lab_loop(spec: RunSpec, data: Dataset, compute_plan: ComputePlan) -> TimedLoop:
    """The lab's, computed in this way; the threads of this process stay as they are."""
    with threads_restored():
        training = start(spec, compute_plan)
    return TimedLoop(spec, "lab", lab_steps(spec, data, training), compute_plan, training)


def timed_loops(spec: RunSpec, data: Dataset, batch_sizes: list[int]) -> Iterator[TimedLoop]:
    """The lab's loop and the published one with 0 and 2 loader workers, for each batch size."""
    for batch_size in batch_sizes:
        run = replace(spec, recipe=replace(spec.recipe, batch_size=batch_size))
        check_data(run, data.info, len(data.train_labels))
        check_feasible(run, analyze(run.model), available_bytes(find_device(run.device)))
        yield lab_loop(run, data, choose_compute_plan(run, steps=MAX_EPOCHS))
        for workers in LOADER_WORKERS:
            steps = conventional_steps(run, data, workers)
            yield TimedLoop(run, "conventional", steps, loader_workers=workers)


def measure_throughput(
    spec: RunSpec, batch_sizes: list[int], devices: list[str], rounds: int = ROUNDS
) -> Iterator[Throughput]:
    """Measure round by round: yields what is known after each round, device after device.

    Of the published loop the faster number of loader workers is reported. Raises LabError when a
    batch does not fit, or a device or the data set is not here.
    """
    if not batch_sizes or not devices:
        raise LabError("Choose at least one batch size and one device to measure.")
    data = load(spec.dataset).first(spec.train_images)
    analysis = analyze(spec.model)
    flops = 2.0 * sum(layer.macs + layer.backward_macs for layer in analysis.layers)
    finished: list[ThroughputPoint] = []
    peaks: dict[str, float] = {}
    for number, device in enumerate(devices):
        here = replace(spec, device=device)
        loops = list(timed_loops(here, data, batch_sizes))
        for loop in loops:
            loop.warm_up()
        for done in range(1, rounds + 1):
            for loop in loops:
                loop.take_turn()
            peaks[device] = max(peaks.get(device, 0.0), _peak(device, loops))
            points = (*finished, *_faster_loaders([loop.point(flops) for loop in loops]))
            share = (number + done / rounds) / len(devices)
            machines = {name: describe(name) for name in devices}
            yield Throughput(spec.to_json(), share, machines, peaks, points)
        finished = list(points)


def _faster_loaders(points: list[ThroughputPoint]) -> list[ThroughputPoint]:
    """For each loop and batch size the fastest way."""
    best: dict[tuple[str, int], ThroughputPoint] = {}
    for point in points:
        key = (point.loop, point.batch_size)
        if key not in best or point.images_per_second > best[key].images_per_second:
            best[key] = point
    return list(best.values())


def _peak(device: str, loops: list[TimedLoop]) -> float:
    """FLOP/s of a large matrix product, in the number format that the lab's loop computes in."""
    bf16 = any(loop.training.bfloat16 for loop in loops if loop.training)
    return matrix_peak(find_device(device), torch.bfloat16 if bf16 else torch.float32)
