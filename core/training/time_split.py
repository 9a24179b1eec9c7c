"""Where the time of a run went, and what would make it faster. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.training.records import PHASES, EpochMetrics, Throughput, ThroughputPoint

DATA_BOUND = 0.3  # of the training time, spent on preparing and moving batches
EVALUATION_BOUND = 0.35  # of all the time, spent on the test images
OVERHEAD_BOUND = 0.3  # of the training time, spent between the phases of the steps
FAR_FROM_PEAK = 0.1  # of what a matrix product achieves: the device mostly waits
CLEARLY_FASTER = 1.15  # one rate by another


@dataclass(frozen=True)
class TimeSplit:
    """Seconds of a run by what they were spent on; they add up to its epochs' time."""

    data: float
    transfer: float
    forward: float
    backward: float
    optimizer: float
    overhead: float  # Python between the phases
    evaluation: float

    @property
    def training(self) -> float:
        """Everything but the evaluation."""
        return self.data + self.transfer + self.network + self.overhead

    @property
    def network(self) -> float:
        """What the network itself took."""
        return self.forward + self.backward + self.optimizer


def split_time(epochs: Sequence[EpochMetrics]) -> TimeSplit | None:
    """The sums over the epochs; None where an older version of the lab did not time the phases."""
    parts = {
        phase: sum(getattr(metrics, f"{phase}_seconds") for metrics in epochs) for phase in PHASES
    }
    timed = sum(parts.values())
    if not timed:
        return None
    training = sum(metrics.train_seconds for metrics in epochs)
    return TimeSplit(
        **parts,
        overhead=max(0.0, training - timed),
        evaluation=sum(metrics.evaluation_seconds for metrics in epochs),
    )


def verdict(split: TimeSplit, device: str) -> str:
    """One or two sentences: what the run waited for, and what that means for a faster device."""
    training = split.training
    waiting = (split.data + split.transfer) / training
    overhead = split.overhead / training
    evaluation = split.evaluation / (training + split.evaluation)
    network = split.network / training
    if waiting >= DATA_BOUND:
        return (
            f"Data-bound: {in_percent(waiting)} of the training time goes into preparing and moving"
            " batches; a faster card would change nothing about that."
        )
    if overhead >= OVERHEAD_BOUND:
        return (
            f"Bound by Python: {in_percent(overhead)} of the training time passes between"
            " the steps' parts; a larger batch has fewer steps, a faster card would change little."
        )
    if evaluation >= EVALUATION_BOUND:
        return (
            f"Much of it is evaluation: {in_percent(evaluation)} of"
            " the time goes into the test images; more training images an epoch change that."
        )
    device_name = "CPU" if device == "cpu" else "device"
    return (
        f"Bound by the network: {in_percent(network)} of the training time is forward, backward and"
        f" optimizer, so the {device_name} is what limits it and a faster one would pay off."
    )


def in_percent(share: float) -> str:
    """0.45 as "45 %"; sentences need no more digits."""
    return f"{100 * share:.0f}\u2009%"


def throughput_verdict(found: Throughput) -> list[str]:
    """Sentences on what the measured rates say: batch size, device, loop, distance to the peak."""
    sentences = []
    lab = [point for point in found.points if point.loop == "lab"]
    for device in found.peaks:
        here = [point for point in lab if point.device == device]
        if len(here) > 1:
            sentences.append(batch_sentence(here))
        if here:
            sentences.append(peak_sentence(max(here, key=rate), found))
    best = {point.device: rate(point) for point in sorted(lab, key=rate)}
    if len(best) > 1:
        *_, slower, fastest = sorted(best, key=best.__getitem__)
        factor = best[fastest] / best[slower]
        sentences.append(f"{fastest} trains {factor:.1f} times as fast as {slower} here.")
    factors = [
        rate(point) / rate(other)
        for point in lab
        for other in found.points
        if other.loop == "conventional"
        and (other.device, other.batch_size) == (point.device, point.batch_size)
    ]
    if factors:
        sentences.append(
            f"The lab's loop trains {min(factors):.1f} to {max(factors):.1f} times as fast as the"
            " published one."
            if len(factors) > 1
            else f"The lab's loop trains {factors[0]:.1f} times as fast as the published one."
        )
    return sentences


def rate(point: ThroughputPoint) -> float:
    """Images a second."""
    return point.images_per_second


def batch_sentence(points: Sequence[ThroughputPoint]) -> str:
    """Whether a larger batch makes this device faster."""
    best = max(points, key=rate)
    smallest = min(points, key=lambda point: point.batch_size)
    factor = rate(best) / rate(smallest)
    if factor < CLEARLY_FASTER:
        return f"On {best.device} the batch size changes little."
    return (
        f"On {best.device} a batch of {best.batch_size} is {factor:.1f} times as fast as one of"
        f" {smallest.batch_size}."
    )


def peak_sentence(point: ThroughputPoint, found: Throughput) -> str:
    """How much of the device's matrix-product peak the training achieves."""
    share = point.flops_per_second / found.peaks[point.device]
    text = (
        f"On {point.device} it computes {point.flops_per_second / 1e9:,.0f} GFLOP/s,"
        f" {in_percent(share)} of what a large matrix product reaches"
    )
    if share < FAR_FROM_PEAK:
        return f"{text}: the layers are too small to fill the device, a faster one would wait more."
    return f"{text}."
