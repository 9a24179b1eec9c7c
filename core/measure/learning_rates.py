"""Which learning rates a network takes: a range test with the very step that trains it.

What is measured and how it is read: core.measure.learning_rate_records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from math import ceil
from time import perf_counter

import torch

from core.analysis import analyze
from core.analysis.cpu import threads
from core.data.batches import Images, batch_of, epoch_order
from core.data.load import load
from core.measure.learning_rate_records import (
    LOWEST,
    STEPS,
    SWEEPS,
    LearningRates,
    Sweep,
    check_sweeps,
    seeds_of,
    swept_rates,
    until_it_diverges,
)
from core.specs import LabError, RunSpec
from core.training.allocator import memory_kept
from core.training.compute_plan import threads_restored
from core.training.devices import available_bytes, describe, find_device
from core.training.estimate import check_data, check_feasible
from core.training.fit import image_sets, start
from core.training.records import ComputePlan
from core.training.state import Training
from core.training.step import PhaseClock, seed_dropout, train_step

SECONDS = 30.0  # that several sweeps may take; of a small network on an idle machine ten do
_NEWS_SECONDS = 0.5  # of a sweep, before what is known is told again
_WARM_UP, _TIMED = 2, 3  # steps that are taken to see how long one takes
_DIGITS = 6  # of a loss that are kept


def measure_learning_rates(
    spec: RunSpec, steps: int = STEPS, sweeps: int | None = None
) -> Iterator[LearningRates]:
    """Measure sweep by sweep: yields what is known a few times a second, the last is the result.

    As many sweeps as half a minute allows, at least one, where their number is not given. With the
    same number of steps a sweep has the same losses, to the bit. Raises LabError when a batch does
    not fit, the device or the data set is not here, or the first loss is no number.
    """
    check_sweeps(steps, sweeps)
    device = find_device(spec.device)
    data = load(spec.dataset).first(spec.train_images)
    check_data(spec, data.info, len(data.train_labels))
    check_feasible(spec, analyze(spec.model), available_bytes(device))
    train, _test = image_sets(spec, data, device)
    sweeps = sweeps or _affordable_sweeps(spec, train, steps)
    known = LearningRates(spec.to_json(), 0.0, describe(spec.device), steps, ())
    for number, seed in enumerate(seeds_of(spec.seed, sweeps)):
        losses: list[float] = []
        going_on = _fresh_sweep(replace(spec, seed=seed), train, swept_rates(steps))
        while new := _for_a_moment(going_on):
            losses += new
            share = (number + len(losses) / steps) / sweeps
            sweep = Sweep(seed, tuple(losses))
            yield replace(known, share=share, sweeps=(*known.sweeps, sweep))
        if not losses:
            raise LabError(
                "The loss of the untrained network is no number; look at its initialization first."
            )
        sweep = Sweep(seed, tuple(losses), diverged=len(losses) < steps)
        known = replace(known, share=(number + 1) / sweeps, sweeps=(*known.sweeps, sweep))
        yield known


def sweep_losses(
    spec: RunSpec, training: Training, train: Images, rates: Sequence[float]
) -> Iterator[float]:
    """A training step at each of the rates; yields the loss of each batch, before its step."""
    count, batch_size = len(train.labels), spec.recipe.batch_size
    steps_an_epoch = ceil(count / batch_size)
    training.network.train()
    for number, rate in enumerate(rates):
        epoch, step = divmod(number, steps_an_epoch)
        if step == 0:
            order = epoch_order(count, spec.seed, epoch + 1).to(training.device)
        training.optimizer.learning_rate = rate
        training.sums.begin_anew()
        seed_dropout(spec.seed, epoch + 1, step, training.device)
        images, labels = train.batch(batch_of(order, step, batch_size))
        train_step(spec, training, images, labels, PhaseClock(training.sums, 0))
        yield training.sums.means()[0]


def _fresh_sweep(spec: RunSpec, train: Images, rates: Sequence[float]) -> Iterator[float]:
    """The losses of a network that is initialized for it, until it diverges.

    Computed as runs are where nobody has tried what is faster, so that the bits are always the
    same; steps are too few to capture them.
    """
    training = start(spec, ComputePlan(threads(), channels_last=True))
    for loss in until_it_diverges(sweep_losses(spec, training, train, rates), len(rates)):
        yield float(f"{loss:.{_DIGITS}g}")


def _affordable_sweeps(spec: RunSpec, train: Images, steps: int) -> int:
    """As many as half a minute allows, at least one."""
    trial = _fresh_sweep(spec, train, [LOWEST] * (_WARM_UP + _TIMED))
    with _own_settings():
        list(islice(trial, _WARM_UP))
        began = perf_counter()
        timed = len(list(trial))
        seconds = perf_counter() - began
    sweep_seconds = steps * seconds / max(1, timed)  # none: the first losses are no numbers
    return max(1, min(SWEEPS, int(SECONDS / sweep_seconds)))


def _for_a_moment(losses: Iterator[float]) -> list[float]:
    """The next losses, as far as half a second goes; none at the end."""
    new: list[float] = []
    with _own_settings():
        began = perf_counter()
        while perf_counter() - began < _NEWS_SECONDS and (loss := next(losses, None)) is not None:
            new.append(loss)
    return new


@contextmanager
def _own_settings() -> Iterator[None]:
    """Threads, memory and random numbers as a run has them; afterwards as they were before."""
    with torch.random.fork_rng(devices=[]), threads_restored(), memory_kept():
        torch.set_num_threads(threads())
        yield
