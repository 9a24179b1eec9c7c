"""The true peak of memory, from the allocator's own events: what estimates are held against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from core.specs import ModelSpec, Recipe, RunSpec
from core.training.compute_plan import memory_format
from core.training.fit import start
from core.training.state import Training
from core.zoo.building import build


def peak_of(work: Callable[[], object]) -> int:
    """Bytes by which the CPU allocator's balance rises at most while `work` runs."""
    with profile(
        activities=[ProfilerActivity.CPU],
        profile_memory=True,
        acc_events=True,  # there is one cycle only; torch 2.11 would warn that others are cleared
    ) as profiler:
        work()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    balance = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        balance += event.nbytes()
        highest = max(highest, balance)
    return highest


def training_peak(spec: ModelSpec, batch_size: int) -> int:
    """Bytes at the worst moment of the second step of SGD with momentum, on the CPU."""
    recipe = Recipe("fast", 1, batch_size, 1e-4, momentum=0.9)
    training = start(RunSpec(spec, "fashion-mini", recipe))
    training.network.train()
    images, labels = batch_for(spec, batch_size), torch.zeros(batch_size, dtype=torch.long)

    def step() -> None:
        loss = F.cross_entropy(training.network(images), labels)
        loss.backward()
        training.optimizer.step()

    step()
    training.optimizer.zero_grad()
    return kept_bytes(training) + images.nbytes + labels.nbytes + peak_of(step)


def kept_bytes(training: Training) -> int:
    """Parameters, running statistics and the optimizer's state."""
    network = training.network
    momenta = [momentum for momentum in training.optimizer.momenta if momentum is not None]
    return sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers(), *momenta))


def inference_peak(spec: ModelSpec, batch_size: int) -> int:
    """Bytes at the worst moment of a forward pass without gradients, on the CPU."""
    network, images = build(spec).eval(), batch_for(spec, batch_size)
    layout = memory_format(network)  # as the lab evaluates
    network = network.to(memory_format=layout)

    def forward() -> None:
        with torch.no_grad():
            network(images)

    forward()
    kept = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    return kept + images.nbytes + peak_of(forward)


def batch_for(spec: ModelSpec, batch_size: int) -> torch.Tensor:
    """Random images, (N, C, H, W)."""
    return torch.rand(batch_size, spec.in_channels, *spec.sides)


def kept_in_a_real_step(network: nn.Module, image: Tensor) -> int:
    """Bytes that autograd keeps in a real forward pass, each storage once, parameters left out."""
    kept: dict[int, Any] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()  # held on to, so that no address is used again
        kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = network.train()(image)
    assert output.requires_grad
    for parameter in (*network.parameters(), *network.buffers()):
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    return sum(storage.nbytes() for storage in kept.values())


def module_training_peak(network: nn.Module, images: Tensor) -> int:
    """As `training_peak`, of any module: the forward and backward pass of a second step."""
    network.train()

    def step() -> None:
        output = network(images)
        output = output[0] if isinstance(output, tuple) else output
        output.square().mean().backward()

    step()
    network.zero_grad(set_to_none=True)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    kept = (*network.parameters(), *network.buffers(), *trained)  # momentum, once more
    return sum(tensor.nbytes for tensor in kept) + images.nbytes + peak_of(step)
