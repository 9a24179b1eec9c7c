"""What a run will cost before it starts: memory from the analysis, time from measured speeds.

A speed is measured once for each device by a worker, in about two seconds; a run's time is then
the sum over its layers. Imports no torch, except in `measure_speed`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from time import perf_counter
from typing import Any

from core.analysis.records import Analysis, LayerCost
from core.data.catalogue import DatasetInfo, check_channels, find_dataset, train_images_of
from core.language import N_, _
from core.specs import LabError, Recipe, RunSpec
from core.training.records import StepCost

_CHANNELS = (16, 64, 256)  # convolutions this wide are timed; others lie between
# What an estimate rests on
EQUAL_RUN = N_("an equal run here")
OWN_STEPS = N_("this run's own steps, timed here")
_BACKWARD = 3.0  # forward, gradient of the input, gradient of the weights
_EVALUATION = 1.0  # forward only
_MUON_OPERATIONS = 6  # thirty small ones a kernel, each a fifth of a layer's three passes
AROUND_LAYERS = 15  # operations of a step besides the layers: batch, loss, optimizer, sums
# What a shorter run may have, the longest first.
_SHARES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)  # of the training images
SIZES = (160, 128, 96, 64, 48, 32, 28)  # pixels a side
RATIOS = (2, 4, 8, 16)
_PASSES_IN_A_GRAPH = 20
_STARTS_IN_BFLOAT16 = 2.0  # operations for each in float32: numbers are converted before it
_MEGABYTE = 2**20
_KEPT_RESIZED = 0.25  # of the free memory that images resized once and for all may take
WORKING_BYTES = 64 * _MEGABYTE  # what the libraries take besides the tensors counted


@dataclass(frozen=True)
class Speed:
    """How fast a device is, measured forward and backward on small pieces of networks."""

    convolution: tuple[float, ...]  # MACs a second at CHANNELS
    linear: float  # MACs a second
    elementwise: float  # elements a second, forward and backward together
    operation_seconds: float  # the least that an operation takes, forward and backward
    parameter_seconds: float  # an optimizer step, for each parameter
    bfloat16: tuple[float, ...] = ()  # as `convolution`, computed in that; empty: not measured

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Speed:
        """From what the store keeps."""
        rates = {name: tuple(values.get(name, ())) for name in ("convolution", "bfloat16")}
        return cls(**(values | rates))

    def best_of(self, other: Speed) -> Speed:
        """The faster of both in every part: what else ran on the machine only ever slows it."""
        both = zip_longest(self.bfloat16, other.bfloat16, fillvalue=0.0)
        return Speed(
            convolution=tuple(map(max, self.convolution, other.convolution)),
            linear=max(self.linear, other.linear),
            elementwise=max(self.elementwise, other.elementwise),
            operation_seconds=min(self.operation_seconds, other.operation_seconds),
            parameter_seconds=min(self.parameter_seconds, other.parameter_seconds),
            bfloat16=tuple(max(rates) for rates in both),
        )


@dataclass(frozen=True)
class Estimate:
    """What a run is expected to take."""

    memory_bytes: int  # at the worst moment of a step
    seconds: float | None  # the whole run, None before the device was measured
    basis: str  # what the seconds rest on; translated where it is shown


def layer_seconds(layer: LayerCost, speed: Speed, batch_size: int, passes: float) -> float:
    """Time of one layer for one batch, `passes` times its forward work."""
    if layer.kind == "convolution":
        rate = _convolution_rate(layer, speed)
    else:
        rate = speed.linear
    work = passes * batch_size * layer.macs / rate
    moved = passes / _BACKWARD * batch_size * layer.elementwise_ops / speed.elementwise
    return speed.operation_seconds * passes / _BACKWARD + work + moved


def _convolution_rate(layer: LayerCost, speed: Speed) -> float:
    """MACs a second at the layer's narrower side, between the widths that were timed."""
    width = min(layer.input_shape[1], layer.output_shape[1])
    position = min(max(math.log(width / _CHANNELS[0], _CHANNELS[1] / _CHANNELS[0]), 0.0), 2.0)
    low = min(int(position), len(_CHANNELS) - 2)
    share = position - low
    return speed.convolution[low] ** (1 - share) * speed.convolution[low + 1] ** share


def predict_seconds(
    spec: RunSpec, analysis: Analysis, speed: Speed, train_images: int, test_images: int
) -> float:
    """The whole run: every step of every epoch, and its evaluations.

    In bfloat16 where the recipe allows it and the device is faster so.
    """
    speeds = [speed]
    if spec.recipe.bfloat16 and speed.bfloat16:
        starts = _STARTS_IN_BFLOAT16 * speed.operation_seconds
        speeds.append(replace(speed, convolution=speed.bfloat16, operation_seconds=starts))
    return min(_seconds(spec, analysis, each, train_images, test_images) for each in speeds)


def _seconds(
    spec: RunSpec, analysis: Analysis, speed: Speed, train_images: int, test_images: int
) -> float:
    batch = spec.recipe.batch_size
    steps = math.ceil(train_images / batch)
    step = sum(layer_seconds(layer, speed, batch, _BACKWARD) for layer in analysis.layers)
    step += speed.parameter_seconds * analysis.totals.params
    if spec.recipe.optimizer == "muon":
        step += sum(_muon_seconds(layer, speed) for layer in analysis.layers)
    step += AROUND_LAYERS * speed.operation_seconds
    evaluation_batch = 256
    evaluation = sum(
        layer_seconds(layer, speed, evaluation_batch, _EVALUATION) for layer in analysis.layers
    )
    evaluation *= test_images / evaluation_batch
    return spec.recipe.epochs * (steps * step + evaluation)


def _muon_seconds(layer: LayerCost, speed: Speed) -> float:
    """What making a step orthogonal takes, for the weight (O, I, H, W) of a convolution.

    As `core.training.muon.orthogonal` does it: two products of the whole matrix, and in each of
    five iterations four of a square one with as many rows as its shorter side.
    """
    if layer.kind != "convolution" or layer.weights_of:
        return 0.0
    filters, *filter_shape = layer.weight_shape
    short, long = sorted((filters, math.prod(filter_shape)))
    macs = 2 * short**2 * long + 20 * short**3
    return _MUON_OPERATIONS * speed.operation_seconds + macs / speed.linear


def estimate(
    spec: RunSpec,
    analysis: Analysis,
    speed: Speed | None,
    train_images: int,
    test_images: int,
    measured_rate: float | None = None,
    free_bytes: int | None = None,
    own_steps: StepCost | None = None,
) -> Estimate:
    """Memory and time of a run. `measured_rate`: images a second of an equal finished run.

    `own_steps`, which is best, has been timed with the very network. `free_bytes` of the device's
    memory decide whether its images are resized once and kept there.
    """
    memory = needed_bytes(spec, analysis)
    if own_steps is not None and own_steps.memory_bytes is not None:
        memory = own_steps.memory_bytes + _data_bytes(spec)
    if keeps_resized(resized_bytes(spec), free_bytes):
        memory += resized_bytes(spec)
    if own_steps is not None:
        epochs, steps = spec.recipe.epochs, math.ceil(train_images / spec.recipe.batch_size)
        seconds = own_steps.seconds(epochs, steps, train_images, test_images)
        return Estimate(memory, seconds, OWN_STEPS)
    images = spec.recipe.epochs * train_images
    if measured_rate:
        evaluated = spec.recipe.epochs * test_images / _EVALUATION_SPEEDUP
        return Estimate(memory, (images + evaluated) / measured_rate, EQUAL_RUN)
    if speed is None:
        return Estimate(memory, None, N_("not measured yet"))
    seconds = predict_seconds(spec, analysis, speed, train_images, test_images)
    basis = N_("the speed of this machine, within about a factor of 2")
    return Estimate(memory, seconds, basis)


_EVALUATION_SPEEDUP = 3.0  # an evaluation is a forward pass, a third of a step


def needed_bytes(spec: RunSpec, analysis: Analysis) -> int:
    """Memory of the run at the worst moment of a step, in bytes: its data and the step itself."""
    return _step_bytes(spec, analysis, spec.recipe.batch_size)


def _step_bytes(spec: RunSpec, analysis: Analysis, batch_size: int) -> int:
    """Memory of the run with this recipe on this machine, but with `batch_size` images a step."""
    momentum = bool(spec.recipe.momentum)
    step = analysis.training_bytes(batch_size, momentum)
    return step + _data_bytes(spec) + WORKING_BYTES


def _data_bytes(spec: RunSpec) -> int:
    """The images as uint8 and their labels as int64, which stay in the device's memory."""
    info = find_dataset(spec.dataset)
    count = train_images_of(spec) + info.test_images
    return count * (info.channels * info.image_size**2 + 8)


def resized_bytes(spec: RunSpec) -> int:
    """All images in the size that the network takes, as uint8; 0 where they have that size."""
    info = find_dataset(spec.dataset)
    if info.image_size == spec.model.image_size:
        return 0
    count = train_images_of(spec) + info.test_images
    return count * info.channels * math.prod(spec.model.sides)


def keeps_resized(needed: int, free_bytes: int | None) -> bool:
    """Whether images resized once are kept beside the originals, or each batch is resized anew."""
    return free_bytes is None or needed <= _KEPT_RESIZED * free_bytes


def check_feasible(
    spec: RunSpec, analysis: Analysis, free_bytes: int | None, is_elsewhere: bool = False
) -> None:
    """Raise LabError when there is nothing to train, or no room for it in the device's free memory.

    `is_elsewhere`: other machines have it too, of whose memory nobody knows how much is free.
    """
    if not any(layer.trained_bytes for layer in analysis.layers):
        raise LabError(
            "This network has no parameters that training could change; choose one that has, or let"
            " some of its parameters require gradients."
        )
    needed = needed_bytes(spec, analysis)
    if free_bytes is None or needed <= free_bytes:
        return
    sizes = {"needed": needed / 2**30, "free": free_bytes / 2**30}
    largest = largest_batch(spec, analysis, free_bytes)
    raise LabError(_TOO_LARGE[is_elsewhere, largest > 0], largest=largest, **sizes)


_TOO_LARGE = {  # by whether another machine may execute it, and whether a smaller batch fits
    (False, True): N_(
        "This run needs about {needed:.1f} GiB and only {free:.1f} GiB are free; a batch of"
        " {largest} fits."
    ),
    (False, False): N_(
        "This run needs about {needed:.1f} GiB and only {free:.1f} GiB are free; not even a batch"
        " of 1 fits, so choose a larger ratio or a smaller image."
    ),
    (True, True): N_(
        "This run needs about {needed:.1f} GiB and no machine offers more than {free:.1f} GiB; a"
        " batch of {largest} fits."
    ),
    (True, False): N_(
        "This run needs about {needed:.1f} GiB and no machine offers more than {free:.1f} GiB; not"
        " even a batch of 1 fits, so choose a larger ratio or a smaller image."
    ),
}


def largest_batch(spec: RunSpec, analysis: Analysis, free_bytes: int) -> int:
    """The largest batch under the recipe's that fits; 0 where none does."""
    fits, too_large = 0, spec.recipe.batch_size  # memory grows with the batch, so bisection works
    while too_large - fits > 1:
        middle = (fits + too_large) // 2
        if _step_bytes(spec, analysis, middle) <= free_bytes:
            fits = middle
        else:
            too_large = middle
    return fits


def shorter_runs(
    spec: RunSpec, seconds_of: Callable[[RunSpec], float | None], limit: float
) -> Iterator[tuple[str, RunSpec, float]]:
    """Ways to bring a long run under `limit` seconds: in words, as a run, and its seconds.

    Fewer images, a smaller size and a larger ratio, each alone and as little as does.
    `seconds_of` is None for a run that cannot be built or has no estimate.
    """
    total, model = train_images_of(spec), spec.model
    counts = (int(round(total * share, -2)) for share in _SHARES)
    fewer = (count for count in counts if count >= spec.recipe.batch_size)
    smaller = (model.scaled_to(height) for height in SIZES if height < model.sides[0])
    larger = (ratio for ratio in RATIOS if ratio > model.ratio)
    images = (replace(spec, train_images=count) for count in fewer)
    sizes = (replace(spec, model=less) for less in smaller)
    ratios = (replace(spec, model=replace(model, ratio=ratio)) for ratio in larger)
    for ways in (
        ((_("{count:,} images", count=run.train_images), run) for run in images),
        ((_("{pixels} px", pixels=run.model.pixels), run) for run in sizes),
        ((_("ratio {ratio}", ratio=run.model.ratio), run) for run in ratios),
    ):
        for words, shorter in ways:
            seconds = seconds_of(shorter)
            if seconds is not None and seconds < limit:
                yield words, shorter, seconds
                break


def check_data(spec: RunSpec, info: DatasetInfo, train_images: int) -> None:
    """Raise LabError when so many images of this data set cannot train this network."""
    check_channels(info, spec.model.in_channels)
    classes = len(info.class_names)
    if spec.model.num_classes < classes:
        raise LabError(
            "{title} has {classes} classes, so the network needs at least {classes} outputs, not"
            " {outputs}.",
            title=info.title,
            classes=classes,
            outputs=spec.model.num_classes,
        )
    if spec.recipe.batch_size > train_images:
        raise LabError(
            "A batch of {batch_size:,} is larger than the {train_images:,} training images; choose"
            " a smaller batch.",
            batch_size=spec.recipe.batch_size,
            train_images=train_images,
        )


def measure_speed(device_name: str) -> Speed:
    """Time small pieces of networks on the device, forward and backward; about two seconds."""
    import torch
    from torch import Tensor, nn

    from core.training.captured import capture
    from core.training.compute_plan import has_bfloat16
    from core.training.devices import find_device, synchronize
    from core.training.sgd import SGD

    device = find_device(device_name)

    def seconds(module: nn.Module, shape: tuple[int, ...], bfloat16: bool = False) -> float:
        """Least seconds of one forward and backward pass."""
        network = module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        image = torch.rand(shape, device=device, requires_grad=True)

        def passes() -> None:
            for _again in range(count):
                network.zero_grad()
                image.grad = None
                # Nothing is kept from pass to pass, as a graph must not
                with torch.autocast(
                    device.type, torch.bfloat16, enabled=bfloat16, cache_enabled=False
                ):
                    output: Tensor = network(image)
                output.backward(torch.ones_like(output))

        count, repeat = 1, passes
        if device.type == "cuda":  # as runs are: captured, so that launches are not what is timed
            passes()
            count = _PASSES_IN_A_GRAPH
            repeat = capture(passes)
        times = []
        for _again in range(7):
            synchronize(device)
            began = perf_counter()
            repeat()
            synchronize(device)
            times.append(perf_counter() - began)
        return min(times) / count  # whatever else runs here only ever adds time

    def convolutions(bfloat16: bool = False) -> Iterator[float]:
        """MACs a second at each width."""
        for channels, side in zip(_CHANNELS, (28, 28, 14), strict=True):
            layer = nn.Conv2d(channels, channels, 3, padding=1)
            macs = 32 * channels * channels * 9 * side * side
            yield _BACKWARD * macs / seconds(layer, (32, channels, side, side), bfloat16)

    elements = 32 * 64 * 28 * 28
    parameters = 4_000_000
    weights = nn.Parameter(torch.zeros(parameters, device=device))
    weights.grad = torch.zeros_like(weights)
    optimizer = SGD([weights], Recipe("speed", 1, 1, learning_rate=0.1, momentum=0.9))
    optimizer.step()
    synchronize(device)
    began = perf_counter()
    optimizer.step()
    synchronize(device)
    step_seconds = perf_counter() - began
    with torch.random.fork_rng():
        return Speed(
            convolution=tuple(convolutions()),
            linear=_BACKWARD * 64 * 2048 * 2048 / seconds(nn.Linear(2048, 2048), (64, 2048)),
            elementwise=elements / seconds(nn.ReLU(), (32, 64, 28, 28)),
            operation_seconds=seconds(nn.ReLU(), (1, 1, 4, 4)),
            parameter_seconds=step_seconds / parameters,
            bfloat16=tuple(convolutions(bfloat16=True)) if has_bfloat16(device) else (),
        )
