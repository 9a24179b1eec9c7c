"""The training loop: data stays uint8 on the device, nothing is awaited inside an epoch.

Batch order and dropout derive from seed, epoch and step alone, so a run that continues in the
middle of an epoch needs no replay of what came before to give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis import analyze
from core.data.batches import Images, epoch_order, shuffled_batches
from core.data.load import Dataset, load
from core.specs import LabError, RunSpec
from core.training.compute_plan import (
    default_compute_plan,
    memory_format,
    pool_before_relu,
    uses_bfloat16,
)
from core.training.devices import available_bytes, find_device, synchronize
from core.training.estimate import check_data
from core.training.initialization import initialised, initialized  # noqa: F401
from core.training.recipes import learning_rate_at
from core.training.records import PHASES, ComputePlan, EpochMetrics, Progress
from core.training.sgd import SGD

_EVALUATION_BYTES = 256 * 2**20  # the two largest neighboring maps of an evaluation batch
_MAX_EVALUATION_BATCH = 1_000
_KEPT_RESIZED = 0.25  # of the free memory that images resized once and for all may take
_TIMED_STEP = 25  # on an accelerator, where a clock must wait for the device, every 25th step


class Diverged(LabError):
    """The loss is no longer a number; the same run would diverge again."""


@dataclass
class EpochSums:
    """Sums of an epoch, kept on the device until the epoch is over."""

    device: torch.device
    seconds: float = 0.0
    images: int = 0
    phases: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    gradients: Tensor | None = None  # (silent parameters,): sums of their gradients' norms
    loss: Tensor = field(init=False)
    correct: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.loss = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), device=self.device)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add one batch: its mean loss, logits (B, classes) and labels (B,)."""
        self.images += len(labels)
        self.loss += loss.detach() * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum()

    def add_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Add the norm of each parameter's gradient, 0 where there is none."""
        none = torch.zeros((), device=self.device)
        norms = [none if p.grad is None else torch.linalg.vector_norm(p.grad) for p in parameters]
        norm = torch.stack(norms)
        self.gradients = norm if self.gradients is None else self.gradients + norm

    def charge(self, phase: str, seconds: float) -> None:
        """Add time that was spent outside of the steps."""
        self.phases[phase] += seconds
        self.seconds += seconds

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy; waits for the device."""
        return self.loss.item() / self.images, self.correct.item() / self.images

    def state(self) -> dict[str, Any]:
        """Everything, ready to be saved."""
        return {name: value for name, value in vars(self).items() if name != "device"}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        vars(self).update(state, phases=dict(state["phases"]))
        self.loss, self.correct = self.loss.to(self.device), self.correct.to(self.device)
        if self.gradients is not None:
            self.gradients = self.gradients.to(self.device)


@dataclass
class Training:
    """A network and its optimizer between two steps."""

    network: nn.Module
    optimizer: SGD
    device: torch.device
    sums: EpochSums  # of the epoch under way
    epoch: int = 0  # epochs finished
    step: int = 0  # steps done of the epoch under way
    dead: dict[str, int] | None = None  # never got a gradient in a whole epoch: name → how many
    silent: dict[str, nn.Parameter] = field(init=False)  # have not got a gradient yet

    def __post_init__(self) -> None:
        self.silent = dict(self.network.named_parameters())

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums.state(),
            "dead": self.dead,
            "silent": list(self.silent),
            "network": self.network.state_dict(),
            "optimiser": self.optimizer.state_dict(),  # as older checkpoints spell it
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimiser"])
        self.sums.restore(state["sums"])
        self.epoch, self.step, self.dead = state["epoch"], state["step"], state["dead"]
        self._restore_silent(state)

    def _restore_silent(self, state: dict[str, Any]) -> None:
        """Which parameters have had no gradient; older labs noted it once an epoch."""
        named = dict(self.network.named_parameters())
        names = state.get("silent", named if self.dead is None else self.dead)
        self.silent = {name: named[name] for name in names}
        if "silent" not in state:
            self.sums.gradients = None

    def next_epoch(self) -> None:
        """The epoch under way is finished."""
        self.forget_those_with_gradient()
        self.dead = {name: parameter.numel() for name, parameter in self.silent.items()}
        self.epoch, self.step, self.sums = self.epoch + 1, 0, EpochSums(self.device)

    def look_for_gradients(self) -> None:
        """After a backward pass: which parameters have still not got one, in no step so far.

        After few steps nearly all have; only the others are looked at in every further step. A
        device is waited for after 1, 2, 4, 8 and so on steps of an epoch.
        """
        if not self.silent:
            return
        self.sums.add_gradients(list(self.silent.values()))
        steps = self.step + 1
        if steps & (steps - 1) == 0:
            self.forget_those_with_gradient()

    def forget_those_with_gradient(self) -> None:
        """Keep the parameters whose gradient was absent or zero in every step so far."""
        if self.sums.gradients is None:
            return
        norms = zip(self.silent.items(), self.sums.gradients.tolist(), strict=True)
        self.silent = {name: parameter for (name, parameter), norm in norms if norm == 0}
        self.sums.gradients = None


def start(spec: RunSpec, compute_plan: ComputePlan | None = None) -> Training:
    """A freshly initialized network on its device, computed by this process as `compute_plan` says.

    Without it, on as many threads as torch uses now. Raises LabError if spec cannot be built.
    """
    device = find_device(spec.device)
    network = pool_before_relu(initialized(spec))
    compute_plan = compute_plan or default_compute_plan(network, torch.get_num_threads())
    torch.set_num_threads(compute_plan.threads)
    layout = memory_format(network, compute_plan.channels_last)
    network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
    optimizer = SGD(network.parameters(), spec.recipe)
    return Training(network, optimizer, device, EpochSums(device))


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
    began = perf_counter()
    train, test = image_sets(spec, data, training.device)
    synchronize(training.device)
    training.sums.charge("transfer", perf_counter() - began)
    yield from _resize_once(spec, training, (train, test))
    batch_size = evaluation_batch_size(spec)
    while training.epoch < spec.recipe.epochs:
        yield from _train_epoch(spec, training, train)
        tested = EpochSums(training.device)
        yield from _evaluate(spec, training, test, batch_size, tested)
        metrics = _metrics_of(spec, training, tested)
        training.next_epoch()
        yield metrics


def _metrics_of(spec: RunSpec, training: Training, tested: EpochSums) -> EpochMetrics:
    """The record of the epoch under way. Raises Diverged when its loss is no number."""
    seen, epoch = training.sums, training.epoch + 1
    (loss, accuracy), (test_loss, test_accuracy) = seen.means(), tested.means()
    if not math.isfinite(loss) or not math.isfinite(test_loss):
        raise Diverged(
            f"The loss is no longer a number in epoch {epoch}: the network diverged;"
            f" try a learning rate below {spec.recipe.learning_rate:g}."
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
        size, channels = spec.model.image_size, spec.model.in_channels
        return Images(images.to(device), labels.to(device), size, channels, mean, std)

    return (
        half(data.train_images, data.train_labels),
        half(data.test_images, data.test_labels),
    )


def _resize_once(
    spec: RunSpec, training: Training, sets: tuple[Images, Images]
) -> Iterator[Progress]:
    """Resize all images now and keep them, where memory allows; else each batch is resized."""
    total = sum(len(images.labels) for images in sets if images.resized_bytes)
    free = available_bytes(training.device)
    needed = sum(images.resized_bytes for images in sets)
    if not needed or (free is not None and needed > _KEPT_RESIZED * free):
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


class PhaseClock:
    """Charges the time between two calls to a phase, `weight` times: for the steps not timed."""

    def __init__(self, sums: EpochSums, weight: int) -> None:
        self.sums, self.weight = sums, weight
        self.began = self.now() if weight else 0.0

    def now(self) -> float:
        """The time once the device has done what it was told."""
        synchronize(self.sums.device)
        return perf_counter()

    def end(self, phase: str) -> None:
        """What was done since the last call belongs to `phase`."""
        if self.weight:
            now = self.now()
            self.sums.phases[phase] += self.weight * (now - self.began)
            self.began = now


def _timing_weight(step: int, steps: int, device: torch.device) -> int:
    """For how many steps the timing of this one stands; 0: it is not timed.

    On an accelerator a clock must wait for the device, so only the middle one of TIMED_STEP steps
    has one; on the CPU, where nothing is awaited, each step.
    """
    size = 1 if device.type == "cpu" else _TIMED_STEP
    first = step - step % size
    size = min(size, steps - first)
    return size if step == first + size // 2 else 0


def _train_epoch(spec: RunSpec, training: Training, train: Images) -> Iterator[Progress]:
    """What is left of the epoch under way, over the images in the order of (seed, epoch)."""
    recipe, epoch, sums = spec.recipe, training.epoch + 1, training.sums
    order = epoch_order(len(train.labels), spec.seed, epoch).to(training.device)
    batches = list(shuffled_batches(order, recipe.batch_size))
    steps = len(batches)
    training.network.train()
    for step in range(training.step, steps):
        began = perf_counter()
        done, total = (epoch - 1) * steps + step, recipe.epochs * steps
        training.optimizer.learning_rate = learning_rate_at(recipe, done, total)
        _seed_dropout(spec.seed, epoch, step, training.device)
        phase_clock = PhaseClock(sums, _timing_weight(step, steps, training.device))
        images, labels = train.batch(batches[step])
        phase_clock.end("data")
        train_step(spec, training, images, labels, phase_clock)
        training.step = step + 1
        if training.step == steps:
            synchronize(training.device)
        sums.seconds += perf_counter() - began  # what the reader does meanwhile is not training
        rate = sums.images / sums.seconds
        yield Progress("training", epoch, recipe.epochs, training.step, steps, rate)


def train_step(
    spec: RunSpec, training: Training, images: Tensor, labels: Tensor, phase_clock: PhaseClock
) -> None:
    """One step on a batch (B, C, S, S) with its labels (B,)."""
    recipe, network, device = spec.recipe, training.network, training.device
    with torch.autocast(device.type, torch.bfloat16, enabled=uses_bfloat16(spec, device)):
        logits = network(images)
        loss = F.cross_entropy(logits, labels)
    phase_clock.end("forward")
    loss.backward()
    training.look_for_gradients()
    phase_clock.end("backward")
    if recipe.max_gradient_norm:
        nn.utils.clip_grad_norm_(network.parameters(), recipe.max_gradient_norm)
    training.optimizer.step()
    training.optimizer.zero_grad()
    training.sums.add(loss, logits, labels)
    phase_clock.end("optimiser")


def _seed_dropout(seed: int, epoch: int, step: int, device: torch.device) -> None:
    """Random numbers of this step, whatever was drawn before it.

    Only of the generator that draws them: torch.manual_seed notes a stack trace for every device
    that is not in use, which takes longer than a small network's layer.
    """
    value = ((seed * 1_000_003 + epoch) * 1_000_003 + step) % 2**63
    if device.type == "cuda":
        torch.cuda.manual_seed(value)
    elif device.type == "mps":
        torch.mps.manual_seed(value)
    else:
        torch.default_generator.manual_seed(value)


def evaluation_batch_size(spec: RunSpec) -> int:
    """Images in an evaluation batch, so that its largest maps stay within EVALUATION_BYTES."""
    layers = analyze(spec.model).layers
    largest = max(layer.output_bytes for layer in layers)
    return max(1, min(_MAX_EVALUATION_BATCH, _EVALUATION_BYTES // (2 * largest)))


def _evaluate(
    spec: RunSpec, training: Training, test: Images, batch_size: int, tested: EpochSums
) -> Iterator[Progress]:
    """Add all test images to `tested`."""
    network, device, seen = training.network.eval(), training.device, training.sums
    steps = math.ceil(len(test.labels) / batch_size)
    for step in range(steps):
        began = perf_counter()
        bf16 = uses_bfloat16(spec, device)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            images, labels = test.batch(slice(step * batch_size, (step + 1) * batch_size))
            logits = network(images)
            tested.add(F.cross_entropy(logits, labels), logits, labels)
        if step + 1 == steps:
            synchronize(device)
        tested.seconds += perf_counter() - began
        epoch, rate = training.epoch + 1, seen.images / seen.seconds
        yield Progress("evaluating", epoch, spec.recipe.epochs, step + 1, steps, rate)
