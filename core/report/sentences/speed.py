"""Where a run's time went and what its measured rates say, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.language import N_, _, listed
from core.measure.shipped.device_use import DeviceUse
from core.report import formats
from core.training.records import Throughput, ThroughputPoint
from core.training.time_split import TimeSplit
from core.zoo.catalogue import find

_DATA_BOUND = 0.3  # of the training time, spent on preparing and moving batches
_EVALUATION_BOUND = 0.35  # of all the time, spent on the test images
_OVERHEAD_BOUND = 0.3  # of the training time, spent between the phases of the steps
_FAR_FROM_PEAK = 0.1  # of what a matrix product achieves: the device mostly waits
_KERNEL_BOUND = 0.7  # of a step in which the device computes; the published loops stay below 0.2
_CLEARLY_FASTER = 1.15  # one rate by another


def time_verdict(split: TimeSplit, device: str, kernel_share: float | None = None) -> str:
    """One or two sentences: what the run waited for, and what that means for a faster device.

    `kernel_share` of a step's time, where a profile has told it, is what a CUDA device computes.
    """
    training = split.training
    waiting = (split.data + split.transfer) / training
    overhead = split.overhead / training
    evaluation = split.evaluation / (training + split.evaluation)
    network = split.network / training
    if waiting >= _DATA_BOUND:
        return _(
            "Data-bound: {share} of the training time goes into preparing and moving batches; a"
            " faster card would change nothing about that.",
            share=formats.whole_percent(waiting),
        )
    if overhead >= _OVERHEAD_BOUND:
        return _(
            "Bound by Python: {share} of the training time passes between the steps' parts; a"
            " larger batch has fewer steps, a faster card would change little.",
            share=formats.whole_percent(overhead),
        )
    if evaluation >= _EVALUATION_BOUND:
        return _(
            "Much of it is evaluation: {share} of the time goes into the test images; more training"
            " images an epoch change that.",
            share=formats.whole_percent(evaluation),
        )
    if kernel_share is not None:
        return _kernel_verdict(kernel_share, split.captured >= split.network / 2)
    if device == "cpu":
        template = N_(
            "Bound by the network: {share} of the training time is forward, backward and optimizer,"
            " so the CPU is what limits it and a faster one would pay off."
        )
    elif split.captured >= split.network / 2:
        template = N_(
            "Bound by the network: {share} of the training time is steps that the device replays"
            " without waiting for Python; several runs at once, or a larger batch, may fill it"
            " better."
        )
    else:
        template = N_(
            "Forward, backward and optimizer are {share} of the training time. Whether the device"
            " computes then or waits for its next operation these times do not tell: where a larger"
            " batch trains more images a second, it waits, and a faster one would change little."
        )
    return _(template, share=formats.whole_percent(network))


def _kernel_verdict(kernel_share: float, is_captured: bool) -> str:
    """Whether the device computes all the time or waits to be told what."""
    share = formats.whole_percent(kernel_share)
    if kernel_share >= _KERNEL_BOUND:
        return _(
            "Bound by its kernels: the device computes {share} of a step's time. Where each kernel"
            " is too small to fill it, a larger batch or several runs at once help; where they fill"
            " it, a faster device does.",
            share=share,
        )
    if is_captured:
        return _(
            "Launch-bound: the device computes {share} of a step's time and waits for the rest,"
            " although whole steps are replayed; a larger batch or several runs at once would fill"
            " it, a faster one would wait more.",
            share=share,
        )
    return _(
        "Launch-bound: the device computes {share} of a step's time and waits for the rest until"
        " Python launches its next operation. A larger batch, steps that are captured, or several"
        " runs at once would help; a faster device would wait more.",
        share=share,
    )


def throughput_verdict(result: Throughput) -> list[str]:
    """Sentences on what the measured rates say: batch size, device, loop, distance to the peak."""
    sentences = []
    lab_loop = [point for point in result.points if point.loop == "lab"]
    for device in result.peaks:
        on_device = [point for point in lab_loop if point.device == device]
        if len(on_device) > 1:
            sentences.append(_batch_sentence(on_device))
        if on_device:
            sentences.append(_peak_sentence(max(on_device, key=rate), result))
    best = {point.device: rate(point) for point in sorted(lab_loop, key=rate)}
    if len(best) > 1:
        *_others, slower, fastest = sorted(best, key=best.__getitem__)
        factor = best[fastest] / best[slower]
        sentences.append(
            _(
                "{fastest} trains {factor:.1f} times as fast as {slower} here.",
                fastest=fastest,
                factor=factor,
                slower=slower,
            )
        )
    if factors := _loop_factors(result):
        sentences.append(_loop_sentence(factors))
    return sentences


def loop_sentence(result: Throughput) -> str:
    """The lab's loop beside the published one, and what a larger batch gives, in one line."""
    points = [point for point in result.points if point.loop == "lab"]
    smallest, largest = (choose(points, key=_batch_size) for choose in (min, max))
    factors = {
        batch_size: factor
        for batch_size, factor in _factors_by_batch(result)
        if batch_size in (smallest.batch_size, largest.batch_size)
    }
    told = [
        _("{factor:.1f} at batch {size}", factor=factor, size=size)
        for size, factor in factors.items()
    ]
    return _(
        "On {machine} the lab's loop trains {factors} times the images of the published one.",
        machine=formats.machine(result.machines[smallest.device]),
        factors=listed(told),
    )


def device_use_sentence(rows: Sequence[DeviceUse]) -> str:
    """Which network leaves a large card waiting, and which fills it."""
    plain = [row for row in rows if row.steps == "plain"]
    idle, busy = (choose(plain, key=lambda row: row.kernel_share) for choose in (min, max))
    captured = next(row for row in rows if row.model == idle.model and row.steps == "captured")
    return _(
        "It often waits: an {device} computes {idle_share} of the time with {idle} (batch"
        " {idle_batch}), {busy_share} of the time with {busy} (batch {busy_batch}). Without Python"
        " between the steps the first is {factor:.1f} times as fast.",
        device=idle.device.partition(",")[0],
        idle_share=formats.whole_percent(idle.kernel_share),
        idle=_(find(idle.model.arch).title),
        idle_batch=idle.batch_size,
        busy_share=formats.whole_percent(busy.kernel_share),
        busy=_(find(busy.model.arch).title),
        busy_batch=busy.batch_size,
        factor=captured.images_per_second / idle.images_per_second,
    )


def _batch_size(point: ThroughputPoint) -> int:
    return point.batch_size


def rate(point: ThroughputPoint) -> float:
    """Images a second."""
    return point.images_per_second


def _batch_sentence(points: Sequence[ThroughputPoint]) -> str:
    """Whether a larger batch makes this device faster."""
    best = max(points, key=rate)
    smallest = min(points, key=lambda point: point.batch_size)
    factor = rate(best) / rate(smallest)
    if factor < _CLEARLY_FASTER:
        return _("On {device} the batch size changes little.", device=best.device)
    return _(
        "On {device} a batch of {best} is {factor:.1f} times as fast as one of {smallest}.",
        device=best.device,
        best=best.batch_size,
        factor=factor,
        smallest=smallest.batch_size,
    )


def _peak_sentence(point: ThroughputPoint, result: Throughput) -> str:
    """How much of the device's matrix-product peak the training achieves."""
    share = point.flops_per_second / result.peaks[point.device]
    template = (
        N_(
            "On {device} it computes {rate:,.0f} GFLOP/s, {share} of what a large matrix product"
            " reaches: the layers are too small to fill the device, a faster one would wait more."
        )
        if share < _FAR_FROM_PEAK
        else N_(
            "On {device} it computes {rate:,.0f} GFLOP/s, {share} of what a large matrix product"
            " reaches."
        )
    )
    return _(
        template,
        device=point.device,
        rate=point.flops_per_second / 1e9,
        share=formats.whole_percent(share),
    )


def _loop_factors(result: Throughput) -> list[float]:
    """The lab's rate by the conventional loop's, where both had the same device and batch."""
    return [factor for _batch, factor in _factors_by_batch(result)]


def _factors_by_batch(result: Throughput) -> list[tuple[int, float]]:
    """The same, each behind its batch size."""
    return [
        (lab.batch_size, rate(lab) / rate(conventional))
        for lab in result.points
        for conventional in result.points
        if (lab.loop, conventional.loop) == ("lab", "conventional")
        and (lab.device, lab.batch_size) == (conventional.device, conventional.batch_size)
    ]


def _loop_sentence(factors: Sequence[float]) -> str:
    """How much faster the lab's loop is than the one that others publish."""
    lowest, highest = min(factors), max(factors)
    if lowest < 1:
        return _slower_sentence(lowest, highest)
    if len(factors) == 1:
        return _(
            "The lab's loop trains {factor:.1f} times as fast as the published one.",
            factor=lowest,
        )
    return _(
        "The lab's loop trains {lowest:.1f} to {highest:.1f} times as fast as the published one.",
        lowest=lowest,
        highest=highest,
    )


def _slower_sentence(lowest: float, highest: float) -> str:
    """The same where it was not faster everywhere, or is at no batch size."""
    worst, best = (formats.times(factor, 1, formats.SPEED) for factor in (lowest, highest))
    if lowest == highest:
        return _("The lab's loop trains {slower} the published one.", slower=worst)
    if highest < 1:
        return _(
            "The lab's loop trains at worst {worst}, at best {best} the published one.",
            worst=worst,
            best=best,
        )
    return _(
        "The lab's loop trains at worst {worst}, at best {factor:.1f} times as fast as the"
        " published one.",
        worst=worst,
        factor=highest,
    )
