"""The training loop: data stays uint8 on the device, nothing is awaited inside an epoch.

Batch order and dropout derive from (seed, epoch) alone, so a run that continues after epoch 3
needs no replay of epochs 1 to 3 to give the same bits.
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
from core.data.batches import epoch_order, prepare, shuffled_batches
from core.data.load import Dataset, load
from core.specs import LabError, RunSpec
from core.training.devices import find_device, synchronise
from core.training.estimate import check_data
from core.training.recipes import learning_rate_at
from core.training.records import EpochMetrics, Progress
from core.zoo import build

EVALUATION_BYTES = 256 * 2**20  # the two largest neighbouring maps of an evaluation batch
MAX_EVALUATION_BATCH = 1_000


@dataclass
class Training:
    """A network and its optimiser between two epochs."""

    network: nn.Module
    optimiser: torch.optim.SGD
    device: torch.device
    epoch: int = 0  # epochs finished

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on."""
        return {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"]


def start(spec: RunSpec) -> Training:
    """A freshly initialised network on its device. Raises LabError if spec cannot be built."""
    device = find_device(spec.device)
    torch.manual_seed(spec.seed)
    network = build(spec.model)
    if spec.recipe.initialisation == "xavier":
        network.apply(xavier)
    network = network.to(device, memory_format=memory_format(network))  # type: ignore[call-overload]
    recipe = spec.recipe
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=device.type in ("cpu", "cuda"),
    )
    return Training(network, optimiser, device)


def memory_format(network: nn.Module) -> torch.memory_format:
    """channels_last, which trains faster, except where PyTorch's CPU kernels then fail.

    In torch 2.15 the weight gradient of a 1×1 convolution with a stride and fewer than 8 input
    channels (thin ResNets) writes past its memory: wrong by half, and now and then a crash.
    """
    broken = any(
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.in_channels < 8
        for module in network.modules()
    )
    return torch.contiguous_format if broken else torch.channels_last


def xavier(module: nn.Module) -> None:
    """Glorot & Bengio 2010, equation 16, for the weights of convolutions and linear layers."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)


@dataclass
class Images:
    """One half of a data set on the device, cut into batches as the network reads them."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)
    size: int  # pixels a side that the network takes
    in_channels: int
    mean: float | None
    std: float | None

    def batch(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """float32 (B, in_channels, size, size) and int64 (B,)."""
        cut = self.images[index]
        return prepare(cut, self.size, self.in_channels, self.mean, self.std), self.labels[index]


def fit(
    spec: RunSpec, data: Dataset | None = None, training: Training | None = None
) -> Iterator[Progress | EpochMetrics]:
    """Train `spec`, epoch by epoch; yields Progress after each step, EpochMetrics after each epoch.

    Close the generator to stop. `training` may hold a restored state, and holds the network
    afterwards; `data` is loaded when it is not given. Raises LabError when the run cannot start or
    its loss is no longer a number.
    """
    data = (data or load(spec.dataset)).first(spec.train_images)
    check_data(spec, data.info, len(data.train_labels))
    training = training or start(spec)
    train, test = halves(spec, data, training.device)
    evaluation_batch = evaluation_batch_size(spec)
    for epoch in range(training.epoch + 1, spec.recipe.epochs + 1):
        seen = EpochSums(training.device)
        yield from train_epoch(spec, training, train, epoch, seen)
        loss, accuracy = seen.means()
        check_finite(loss, epoch, spec)
        began = perf_counter()
        tested = EpochSums(training.device)
        for done, steps in evaluate(training.network, test, evaluation_batch, tested):
            rate = seen.images / seen.seconds
            yield Progress("evaluating", epoch, spec.recipe.epochs, done, steps, rate)
        test_loss, test_accuracy = tested.means()
        check_finite(test_loss, epoch, spec)
        training.epoch = epoch
        yield EpochMetrics(
            epoch=epoch,
            train_loss=loss,
            train_accuracy=accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            train_seconds=seen.seconds,
            evaluation_seconds=perf_counter() - began,
            images_per_second=seen.images / seen.seconds,
            last_learning_rate=training.optimiser.param_groups[0]["lr"],
        )


def check_finite(loss: float, epoch: int, spec: RunSpec) -> None:
    """Raise LabError when `loss` shows that the network diverged."""
    if not math.isfinite(loss):
        raise LabError(
            f"The loss is no longer a number in epoch {epoch}: the network diverged;"
            f" try a learning rate below {spec.recipe.learning_rate:g}."
        )


def halves(spec: RunSpec, data: Dataset, device: torch.device) -> tuple[Images, Images]:
    """Training and test images on `device`, as the recipe scales them."""
    mean, std = (data.info.mean, data.info.std) if spec.recipe.normalise else (None, None)

    def half(images: Tensor, labels: Tensor) -> Images:
        size, channels = spec.model.image_size, spec.model.in_channels
        return Images(images.to(device), labels.to(device), size, channels, mean, std)

    return (
        half(data.train_images, data.train_labels),
        half(data.test_images, data.test_labels),
    )


@dataclass
class EpochSums:
    """Sums of an epoch, kept on the device until the epoch is over."""

    device: torch.device
    seconds: float = 0.0
    images: int = 0
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

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy; waits for the device."""
        return self.loss.item() / self.images, self.correct.item() / self.images


def train_epoch(
    spec: RunSpec, training: Training, train: Images, epoch: int, sums: EpochSums
) -> Iterator[Progress]:
    """One pass over the training images in the order of (seed, epoch)."""
    recipe = spec.recipe
    torch.manual_seed(spec.seed * 1_000_003 + epoch)  # dropout
    order = epoch_order(len(train.labels), spec.seed, epoch).to(training.device)
    steps = math.ceil(len(order) / recipe.batch_size)
    training.network.train()
    clock = perf_counter()
    for step, index in enumerate(shuffled_batches(order, recipe.batch_size)):
        rate = learning_rate_at(recipe, (epoch - 1) * steps + step, recipe.epochs * steps)
        for group in training.optimiser.param_groups:
            group["lr"] = rate
        images, labels = train.batch(index)
        training.optimiser.zero_grad(set_to_none=True)  # frees memory that the forward pass needs
        logits = training.network(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        if recipe.max_gradient_norm:
            nn.utils.clip_grad_norm_(training.network.parameters(), recipe.max_gradient_norm)
        training.optimiser.step()
        sums.add(loss, logits, labels)
        if step + 1 == steps:
            synchronise(training.device)
        sums.seconds += perf_counter() - clock
        yield Progress(
            "training", epoch, recipe.epochs, step + 1, steps, sums.images / sums.seconds
        )
        clock = perf_counter()  # what the reader does with the progress is not training time


def evaluation_batch_size(spec: RunSpec) -> int:
    """Images in an evaluation batch, so that its largest maps stay within EVALUATION_BYTES."""
    layers = analyze(spec.model).layers
    largest = max(layer.output_bytes for layer in layers)
    return max(1, min(MAX_EVALUATION_BATCH, EVALUATION_BYTES // (2 * largest)))


def evaluate(
    network: nn.Module, test: Images, batch_size: int, sums: EpochSums
) -> Iterator[tuple[int, int]]:
    """Add all test images to `sums`; yields (batches done, batches) after each."""
    network.eval()
    steps = math.ceil(len(test.labels) / batch_size)
    for step in range(steps):
        with torch.no_grad():
            images, labels = test.batch(slice(step * batch_size, (step + 1) * batch_size))
            logits = network(images)
            sums.add(F.cross_entropy(logits, labels), logits, labels)
        yield step + 1, steps
