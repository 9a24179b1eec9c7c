"""The training loop: data stays uint8 on the device, nothing is awaited inside an epoch.

Batch order and dropout derive from seed, epoch and step alone, so a run that continues in the
middle of an epoch needs no replay of what came before to give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from time import perf_counter

import torch
from torch import Tensor, nn

from core.analysis import analyze
from core.data.batches import Images, batch_of, epoch_order
from core.data.load import Dataset, load
from core.specs import LabError, Recipe, RunSpec
from core.training.captured import CapturedEvaluation, CapturedSteps
from core.training.compute_plan import (
    default_compute_plan,
    memory_format,
    pool_before_relu,
    uses_bfloat16,
)
from core.training.devices import available_bytes, choose_kernels, find_device, synchronize
from core.training.estimate import WORKING_BYTES, check_data, keeps_resized
from core.training.initialization import initialized
from core.training.muon import Muon
from core.training.recipes import learning_rate_at
from core.training.records import ComputePlan, EpochMetrics, Progress
from core.training.sgd import SGD
from core.training.state import EpochSums, Training
from core.training.step import (
    PhaseClock,
    evaluation_step,
    seed_dropout,
    timing_weight,
    train_step,
)
from core.training.step_readings import StepReadings

_EVALUATION_BYTES = 256 * 2**20  # the two largest neighboring maps of an evaluation batch
_MAX_EVALUATION_BATCH = 1_000


class Diverged(LabError):
    """The loss is no longer a number; the same run would diverge again."""


def start(spec: RunSpec, compute_plan: ComputePlan | None = None) -> Training:
    """A freshly initialized network on its device, computed by this process as `compute_plan` says.

    Without it, on as many threads as torch uses now. Raises LabError if spec cannot be built.
    """
    device = find_device(spec.device)
    network = pool_before_relu(initialized(spec))
    compute_plan = compute_plan or default_compute_plan(network, torch.get_num_threads(), device)
    torch.set_num_threads(compute_plan.threads_of_an_operation)
    layout = memory_format(network, compute_plan.channels_last)
    network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
    optimizer = _optimizer(network, spec.recipe)
    bf16 = uses_bfloat16(spec, device, compute_plan)
    return Training(
        network,
        optimizer,
        device,
        EpochSums(device),
        bfloat16=bf16,
        replicas=compute_plan.replicas,
        captured=compute_plan.captured,
    )


def _optimizer(network: nn.Module, recipe: Recipe) -> SGD:
    """The one that the recipe names, for all parameters."""
    if recipe.optimizer == "muon":
        return Muon(network, recipe)
    return SGD(network.parameters(), recipe)


def fit(
    spec: RunSpec, data: Dataset | None = None, training: Training | None = None
) -> Iterator[Progress | EpochMetrics]:
    """Train `spec`, epoch by epoch; yields Progress after each step, EpochMetrics after each epoch.

    Close the generator to stop: `training`, which may hold a restored state, then holds everything
    up to the last step. `data` is loaded when it is not given. Raises LabError when the run cannot
    start or its loss is no longer a number.
    """
    data = (data or load(spec.dataset)).first(spec.train_images)
    check_data(spec, data.info, len(data.train_labels))
    training = training or start(spec)
    if training.epoch >= spec.recipe.epochs:
        return
    choose_kernels(training.device, spec.deterministic)
    began = perf_counter()
    train, test = image_sets(spec, data, training.device)
    synchronize(training.device)
    training.sums.charge("transfer", perf_counter() - began)
    yield from _resize_once(spec, training, (train, test))
    tested = EpochSums(training.device)
    steps = evaluation = None
    batch_size = evaluation_batch_size(spec)
    if training.captured:
        batch_size = _batch_of_no_more_memory(spec, batch_size)
        steps = CapturedSteps(spec, training, train)
        evaluation = CapturedEvaluation(training, test, batch_size, tested)
    readings = StepReadings(training, len(train.labels))
    while training.epoch < spec.recipe.epochs:
        yield from _train_epoch(spec, training, train, steps, readings)
        tested.begin_anew()
        yield from _evaluate(spec, training, test, batch_size, tested, evaluation)
        metrics = _metrics_of(spec, training, tested)
        training.next_epoch()
        yield metrics


def _metrics_of(spec: RunSpec, training: Training, tested: EpochSums) -> EpochMetrics:
    """The record of the epoch under way. Raises Diverged when its loss is no number."""
    seen, epoch = training.sums, training.epoch + 1
    (loss, accuracy), (test_loss, test_accuracy) = seen.means(), tested.means()
    if not math.isfinite(loss) or not math.isfinite(test_loss):
        raise Diverged(
            "The loss is no longer a number in epoch {epoch}: the network diverged; try a learning"
            " rate below {learning_rate:g}.",
            epoch=epoch,
            learning_rate=spec.recipe.learning_rate,
        )
    return EpochMetrics(
        epoch=epoch,
        train_loss=loss,
        train_accuracy=accuracy,
        test_loss=test_loss,
        test_accuracy=test_accuracy,
        train_seconds=seen.seconds,
        evaluation_seconds=tested.seconds,
        images_per_second=seen.images / seen.seconds,
        last_learning_rate=training.optimizer.learning_rate,
        **{f"{name}_seconds": seconds for name, seconds in seen.phases.items()},
    )


def image_sets(spec: RunSpec, data: Dataset, device: torch.device) -> tuple[Images, Images]:
    """Training and test images on `device`, as the recipe scales them."""
    mean, std = (data.info.mean, data.info.std) if spec.recipe.normalize else (None, None)

    def half(images: Tensor, labels: Tensor) -> Images:
        sides, channels = spec.model.sides, spec.model.in_channels
        return Images(images.to(device), labels.to(device), sides, channels, mean, std)

    return (
        half(data.train_images, data.train_labels),
        half(data.test_images, data.test_labels),
    )


def _resize_once(
    spec: RunSpec, training: Training, sets: tuple[Images, Images]
) -> Iterator[Progress]:
    """Resize all images now and keep them, where memory allows; else each batch is resized."""
    total = sum(len(images.labels) for images in sets if images.resized_bytes)
    needed = sum(images.resized_bytes for images in sets)
    if not needed or not keeps_resized(needed, available_bytes(training.device)):
        return
    before = 0
    for images in sets:
        began = perf_counter()
        for done in images.resize_all():
            training.sums.charge("data", perf_counter() - began)
            epoch, epochs = training.epoch + 1, spec.recipe.epochs
            yield Progress("preparing", epoch, epochs, before + done, total)
            began = perf_counter()
        before += len(images.labels)


def _train_epoch(
    spec: RunSpec,
    training: Training,
    train: Images,
    captured: CapturedSteps | None,
    readings: StepReadings,
) -> Iterator[Progress]:
    """What is left of the epoch under way, over the images in the order of (seed, epoch)."""
    recipe, epoch, sums = spec.recipe, training.epoch + 1, training.sums
    order = epoch_order(len(train.labels), spec.seed, epoch).to(training.device)
    steps = math.ceil(len(order) / recipe.batch_size)
    training.network.train()
    if captured is not None:
        captured.begin_epoch(order)
    began = perf_counter()
    for step in range(training.step, steps):
        done, total = (epoch - 1) * steps + step, recipe.epochs * steps
        training.optimizer.learning_rate = learning_rate_at(recipe, done, total)
        seed_dropout(spec.seed, epoch, step, training.device)
        is_replayed = captured is not None and captured.take(step)
        if not is_replayed:
            weight = timing_weight(step, steps, training.device)
            phase_clock = PhaseClock(sums, weight if captured is None else min(1, weight))
            images, labels = train.batch(batch_of(order, step, recipe.batch_size))
            phase_clock.end("data")
            train_step(spec, training, images, labels, phase_clock)
        training.step = step + 1
        if training.step == steps:
            synchronize(training.device)
        ended = perf_counter()
        sums.seconds += ended - began
        if is_replayed:
            sums.phases["captured"] += ended - began
        readings.after_step(ended)
        rate = sums.images / sums.seconds
        yield Progress("training", epoch, recipe.epochs, training.step, steps, rate)
        # What the reader does meanwhile is not training
        began = ended if training.takes_turns else perf_counter()
    readings.end_epoch(is_last=epoch == recipe.epochs)


def evaluation_batch_size(spec: RunSpec) -> int:
    """Images in an evaluation batch, so that its largest maps stay within EVALUATION_BYTES."""
    layers = analyze(spec.model).layers
    largest = max(layer.output_bytes for layer in layers)
    return max(1, min(_MAX_EVALUATION_BATCH, _EVALUATION_BYTES // (2 * largest)))


def _batch_of_no_more_memory(spec: RunSpec, most: int) -> int:
    """Images whose evaluation takes no more than a training step, whose memory it then shares, or
    than estimates leave for it. A graph keeps its memory as long as the run goes on.
    """
    analysis, recipe = analyze(spec.model), spec.recipe
    held = analysis.inference_bytes(0)
    step = analysis.training_bytes(recipe.batch_size, bool(recipe.momentum))
    room = max(step - held, WORKING_BYTES)
    return max(1, min(most, room // (analysis.inference_bytes(1) - held)))


def _evaluate(
    spec: RunSpec,
    training: Training,
    test: Images,
    batch_size: int,
    tested: EpochSums,
    captured: CapturedEvaluation | None,
) -> Iterator[Progress]:
    """Add all test images to `tested`."""
    training.network.eval()
    steps = math.ceil(len(test.labels) / batch_size)
    began = perf_counter()
    for step in range(steps):
        if captured is None or not captured.take(step):
            images, labels = test.batch(slice(step * batch_size, (step + 1) * batch_size))
            evaluation_step(training, images, labels, tested)
        if step + 1 == steps:
            synchronize(training.device)
        ended = perf_counter()
        tested.seconds += ended - began
        epoch, rate = training.epoch + 1, training.sums.images / training.sums.seconds
        yield Progress("evaluating", epoch, spec.recipe.epochs, step + 1, steps, rate)
        began = ended if training.takes_turns else perf_counter()
