"""Gradient norm and activation variance of every layer of a network, on one batch of real images.

Measured by hooks in one forward and one backward pass, in the float32 that training computes in:
where a gradient is 0 here, nothing arrives in training either. Sums are taken in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis import analyze
from core.analysis.module_watcher import ForwardHook, forward_hooks
from core.data.batches import epoch_order, prepare
from core.data.load import Dataset, load
from core.measure.gradient_records import (
    BATCH_SIZE,
    BlockFlow,
    GradientFlow,
    LayerFlow,
    NetworkFlow,
    Spread,
    check_seeds,
)
from core.specs import LabError, ModelSpec, RunSpec
from core.training.devices import describe
from core.training.initialization import initialized_network
from core.training.parameters import load_parameters
from core.zoo.catalogue import complete

_Loss = Callable[[Tensor, Tensor], Tensor]  # logits (N, classes), labels (N,) to one number
_SIGNIFICANT = 6  # digits that are kept


@dataclass
class LayerSample:
    """One layer in one pass."""

    weights: int
    order: int  # of execution, from 1
    variance: float = 0.0
    output_gradient: float = 0.0
    weight_gradient: float = 0.0


@dataclass
class Sample:
    """One pass: layers and blocks by path."""

    layers: dict[str, LayerSample] = field(default_factory=dict)
    gains: dict[str, float] = field(default_factory=dict)


def measure(
    network: nn.Module, images: Tensor, labels: Tensor, loss: _Loss = F.cross_entropy
) -> Sample:
    """Every weight layer and block of `network`, in training mode, on (N, C, S, S) and (N,).

    A layer that is used twice counts its last use. Gradients that were there are cleared; running
    statistics of BatchNorm move on by one batch.
    """
    sample = Sample()
    network.train().zero_grad(set_to_none=True)
    weighted = {
        path: module
        for path, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    }
    hooks: dict[nn.Module, ForwardHook] = {
        layer: _watch_layer(path, sample) for path, layer in weighted.items()
    }
    hooks |= {block: _watch_block(path, sample) for path, block in blocks_of(network).items()}
    with _without_denormals(), forward_hooks(hooks):
        loss(network(images), labels).backward()
    for path, layer_sample in sample.layers.items():
        gradient = weighted[path].weight.grad
        layer_sample.weight_gradient = 0.0 if gradient is None else norm(gradient)
    network.zero_grad(set_to_none=True)
    return sample


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Numbers below 1e-38, float32's normal range, are 0 in this thread: a CPU is slow on them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _watch_layer(path: str, sample: Sample) -> ForwardHook:
    """A forward hook that notes the variance now and the gradient when it comes."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weights = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        layer = sample.layers[path] = LayerSample(weights, len(sample.layers) + 1)
        layer.variance = output.detach().double().var(correction=0).item()
        output.register_hook(lambda gradient: setattr(layer, "output_gradient", norm(gradient)))

    return hook


def _watch_block(path: str, sample: Sample) -> ForwardHook:
    """A forward hook that compares the gradients on both sides of a block of one shape."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        first = inputs[0]
        if first.shape != output.shape or not first.requires_grad:
            return
        behind: list[float] = []
        output.register_hook(lambda gradient: behind.append(norm(gradient)))

        def before(gradient: Tensor) -> None:
            if behind and behind[-1]:
                sample.gains[path] = norm(gradient) / behind[-1]

        first.register_hook(before)

    return hook


def norm(gradient: Tensor) -> float:
    """Euclidean; summed in float64, where the squares of small numbers are not lost."""
    return torch.linalg.vector_norm(gradient.detach(), dtype=torch.float64).item()


def blocks_of(network: nn.Module) -> dict[str, nn.Module]:
    """The innermost modules, lists apart, that run several weight layers themselves."""

    def is_block(module: nn.Module) -> bool:
        layers = sum(isinstance(part, nn.Conv2d | nn.Linear) for part in module.modules())
        return layers > 1 and not isinstance(module, nn.Sequential | nn.ModuleList)

    blocks = {path: module for path, module in network.named_modules() if path and is_block(module)}
    return {
        path: block
        for path, block in blocks.items()
        if not any(other.startswith(f"{path}.") for other in blocks)
    }


# Several networks --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trained:
    """A finished run and the file with its best parameters."""

    run: int
    epoch: int
    spec: RunSpec
    parameters: Path


def measure_flow(
    specs: Sequence[ModelSpec],
    dataset: str,
    seeds: int = 3,
    initialization: str = "default",
    batch_size: int = BATCH_SIZE,
    runs: Sequence[Trained] = (),
) -> Iterator[GradientFlow]:
    """Measure network by network: yields what is known after each one.

    `specs` at initialization, over `seeds` draws of weights and images; each of `runs` with the
    weights that it began with and the best that it found, on images of its own data set. Raises
    LabError for a network, a data set or parameters that are not here.
    """
    check_seeds(seeds)
    if not specs and not runs:
        raise LabError("Choose at least one network to measure.")
    specs = [complete(spec) for spec in specs]
    machine, steps = describe("cpu"), len(specs) + len(runs)
    networks: list[NetworkFlow] = []
    data: dict[str, Dataset] = {}
    for spec in specs:
        if dataset not in data:
            data[dataset] = load(dataset)
        samples = []
        for seed in range(seeds):
            images = batch(data[dataset], spec, batch_size, seed)
            samples.append(measure(initialized_network(spec, initialization, seed), *images))
        networks.append(_summary(spec, initialization, samples))
        yield GradientFlow(len(networks) / steps, dataset, batch_size, machine, tuple(networks))
    for done, run in enumerate(runs, start=len(specs) + 1):
        name = run.spec.dataset
        if name not in data:
            data[name] = load(name)
        networks += _before_and_after(run, data[name], batch_size)
        yield GradientFlow(done / steps, dataset, batch_size, machine, tuple(networks))


def batch(
    data: Dataset, spec: ModelSpec, batch_size: int, seed: int, normalize: bool = True
) -> tuple[Tensor, Tensor]:
    """Training images drawn by `seed`, as the network reads them, and their labels."""
    if spec.num_classes < len(data.info.class_names):
        raise LabError(
            "{title} has {classes} classes, so the network needs as many, not {outputs}.",
            title=data.info.title,
            classes=len(data.info.class_names),
            outputs=spec.num_classes,
        )
    index = epoch_order(len(data.train_labels), seed, 1)[:batch_size]
    mean, std = (data.info.mean, data.info.std) if normalize else (None, None)
    cut = data.train_images[index]
    return prepare(cut, spec.sides, spec.in_channels, mean, std), data.train_labels[index]


def _before_and_after(run: Trained, data: Dataset, batch_size: int) -> list[NetworkFlow]:
    """The network of a run as it was initialized, and with its best parameters."""
    spec, recipe = complete(run.spec.model), run.spec.recipe
    images = batch(data, spec, batch_size, run.spec.seed, recipe.normalize)
    network = initialized_network(spec, recipe.initialization, run.spec.seed)
    before = _summary(spec, recipe.initialization, [measure(network, *images)], run.run)
    load_parameters(network, run.parameters)
    state = f"trained, epoch {run.epoch}"
    return [before, _summary(spec, state, [measure(network, *images)], run.run, trained=True)]


def _summary(
    spec: ModelSpec,
    state: str,
    samples: Sequence[Sample],
    run: int | None = None,
    trained: bool = False,
) -> NetworkFlow:
    """Median and range over the samples, layer by layer in the order of execution."""
    depths = {layer.path: layer.depth for layer in analyze(spec).layers}
    layers = []
    for path, first in samples[0].layers.items():
        each = [sample.layers[path] for sample in samples]
        layers.append(
            LayerFlow(
                path,
                depths.get(path, first.order),
                first.weights,
                _spread([layer.weight_gradient for layer in each]),
                _spread([layer.output_gradient for layer in each]),
                _spread([layer.variance for layer in each]),
            )
        )
    gains: Mapping[str, list[float]] = {
        path: [sample.gains[path] for sample in samples if path in sample.gains]
        for path in samples[0].gains
    }
    blocks = tuple(BlockFlow(path, _spread(values)) for path, values in gains.items())
    return NetworkFlow(
        spec.to_json(), state, len(samples), tuple(layers), blocks[::-1], run, trained
    )


def _spread(values: Sequence[float]) -> Spread:
    """Median and range, to six digits."""
    low, high = min(values), max(values)
    return Spread(*(float(f"{value:.{_SIGNIFICANT}g}") for value in (median(values), low, high)))
