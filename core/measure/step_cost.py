"""What the steps of one run take on its device: short epochs of that very run, timed.

An estimate from pieces of networks is off by up to a factor of 2; the run's own loop with its own
network, captured where runs are captured, is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from math import ceil, prod
from statistics import median
from time import perf_counter

import torch

from core.analysis import analyze
from core.data.load import Dataset, load
from core.measure.kernels import kernels_of
from core.specs import MAX_EPOCHS, RunSpec
from core.training.allocator import memory_kept
from core.training.compute_plan import choose_compute_plan, in_words, threads_restored
from core.training.devices import available_bytes, find_device, synchronize
from core.training.estimate import check_data, check_feasible
from core.training.fit import evaluation_batch_size, fit, start
from core.training.records import ComputePlan, EpochMetrics, Progress, StepCost

_SECONDS = 2.0  # that the timed epochs take together, where a step is short
_EPOCHS = 8  # timed at most; of a long step one
_EPOCH_SECONDS = 0.25
_LEAST_STEPS, _MOST_STEPS = 2, 64  # of an epoch
_RATE = 1e-4  # at which no network diverges; no step takes longer for it
_CAPTURED_STEPS = 48  # at least, where steps are captured: the first ones never are


def measure_step_cost(spec: RunSpec) -> Iterator[StepCost]:
    """Time short epochs of `spec`: yields what is known after each, the last is the result.

    Raises LabError when the run cannot start, or its loss is no number.
    """
    device = find_device(spec.device)
    data = load(spec.dataset).first(spec.train_images)
    check_data(spec, data.info, len(data.train_labels))
    check_feasible(spec, analyze(spec.model), available_bytes(device))
    with threads_restored(), memory_kept(), torch.random.fork_rng(devices=[]):
        plan = choose_compute_plan(spec, steps=MAX_EPOCHS)
        recipe = replace(spec.recipe, epochs=MAX_EPOCHS, learning_rate=_RATE, schedule="constant")
        endless = replace(spec, recipe=recipe, train_images=None)  # all of the excerpt
        few = _excerpt(endless, data, _steps_of(endless, data, plan))
        yield from _timed_epochs(endless, few, plan)


def _steps_of(spec: RunSpec, data: Dataset, plan: ComputePlan) -> int:
    """How many steps make a short epoch, by the second one of a run that is then dropped."""
    begun = fit(spec, _excerpt(spec, data, 3), start(spec, plan))
    times = [perf_counter() for _step in islice(_training_steps(begun), 2)]
    steps = ceil(_EPOCH_SECONDS / (times[1] - times[0]))
    least = _CAPTURED_STEPS if plan.captured else _LEAST_STEPS
    return min(_MOST_STEPS, max(least, steps))


def _training_steps(events: Iterator[Progress | EpochMetrics]) -> Iterator[Progress]:
    for event in events:
        if isinstance(event, Progress) and event.phase == "training":
            yield event


def _excerpt(spec: RunSpec, data: Dataset, steps: int) -> Dataset:
    """Images for so many full steps, and test images for no more than that."""
    batch = spec.recipe.batch_size
    few = data.first(min(steps, len(data.train_labels) // batch) * batch)
    tested = min(evaluation_batch_size(spec), len(few.train_labels))
    images, labels = data.test_images[:tested], data.test_labels[:tested]
    return replace(few, test_images=images, test_labels=labels)


def _timed_epochs(spec: RunSpec, data: Dataset, plan: ComputePlan) -> Iterator[StepCost]:
    """The first epoch finds everything cold; what it takes longer than others is the start."""
    device = find_device(spec.device)
    images, tested = len(data.train_labels), len(data.test_labels)
    steps = images // spec.recipe.batch_size
    memory, began = _Memory(device), perf_counter()
    events = fit(spec, data, start(spec, plan))
    resized = _seconds_of_resizing(events, device)
    next(_epochs(events))
    warm = perf_counter()
    resize = resized / (images + tested)
    cost = StepCost(0.0, in_words(spec, plan), 0.0, resize, 0.0, 0.0, None, None)
    epochs: list[EpochMetrics] = []
    while cost.share < 1:
        epochs.append(next(_epochs(events)))
        step = median(epoch.train_seconds for epoch in epochs) / steps
        evaluation = median(epoch.evaluation_seconds for epoch in epochs) / tested
        cold = warm - began - resized - steps * step - tested * evaluation
        cost = replace(
            cost,
            share=min(1.0, max(len(epochs) / _EPOCHS, (perf_counter() - warm) / _SECONDS)),
            start_seconds=max(0.0, cold),
            step_seconds=step,
            evaluation_seconds=evaluation,
            memory_bytes=memory.peak_besides(_bytes_of(data, spec)),
        )
        if cost.share < 1:
            yield cost
    yield replace(cost, kernel_share=_kernel_share(events, steps, cost.step_seconds, device))


def _epochs(events: Iterator[Progress | EpochMetrics]) -> Iterator[EpochMetrics]:
    return (event for event in events if isinstance(event, EpochMetrics))


def _seconds_of_resizing(events: Iterator[Progress | EpochMetrics], device: torch.device) -> float:
    """Until the first training step; 0 where no image is resized beforehand."""
    began, seconds = perf_counter(), 0.0
    for event in events:
        if not isinstance(event, Progress) or event.phase != "preparing":
            break
        synchronize(device)
        seconds = perf_counter() - began
    return seconds


class _Memory:
    """What the device's allocator hands out from now on, where it tells."""

    def __init__(self, device: torch.device) -> None:
        self._device = device if device.type == "cuda" else None
        if self._device is not None:
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)

    def peak_besides(self, data_bytes: int) -> int | None:
        """The most so far, without the data."""
        if self._device is None:
            return None
        return torch.cuda.max_memory_allocated(self._device) - self._before - data_bytes


def _bytes_of(data: Dataset, spec: RunSpec) -> int:
    """Images and labels as they stay on the device: in the network's size where that is larger."""
    count = len(data.train_labels) + len(data.test_labels)
    channels, *sides = data.train_images.shape[1:]
    pixels = max(prod(sides), prod(spec.model.sides))
    return count * (channels * pixels + data.train_labels.itemsize)


def _kernel_share(
    events: Iterator[Progress | EpochMetrics], steps: int, step_seconds: float, device: torch.device
) -> float | None:
    """Kernel time by wall time of an epoch's steps; None where no profiler tells it."""
    if device.type != "cuda":
        return None
    seconds, _launches = kernels_of(lambda: list(islice(_training_steps(events), steps)))
    return min(1.0, seconds / (steps * step_seconds))
