"""How long each layer of a real network takes, forward and backward, on a chosen device.

The forward pass is timed by a ModuleWatcher, the backward pass by hooks on the nodes of the
autograd graph, each of which belongs to the layer that has made it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis import Analysis
from core.analysis.module_watcher import ModuleWatcher
from core.analysis.operations import name_and_kind
from core.analysis.tensors import tensors_in
from core.measure.requests import PASSES
from core.measure.roofs import arithmetic_peak, memory_peak
from core.specs import LabError
from core.training.compute_plan import memory_format
from core.training.devices import available_bytes, describe, find_device, synchronize
from core.training.records import LayerTime, LayerTimes
from core.zoo.building import build

MAX_PASSES = 1_000
_WARM_UP = 2  # passes before that, which load and choose kernels


def measure_layers(
    analysis: Analysis, device_name: str, batch_size: int, passes: int = PASSES
) -> Iterator[LayerTimes]:
    """Measure pass by pass: yields what is known after each one, the last of it is the result.

    Raises LabError for a device that is not here, or when a step would not fit into its memory.
    """
    device = find_device(device_name)
    free, needed = available_bytes(device), analysis.training_bytes(batch_size, momentum=False)
    if free is not None and needed > free:
        raise LabError(
            "A step with a batch of {batch_size} needs about {needed:.1f} GiB and only"
            " {free:.1f} GiB are free; choose a smaller batch.",
            batch_size=batch_size,
            needed=needed / 2**30,
            free=free / 2**30,
        )
    spec = analysis.spec
    network = build(spec).train()
    network = network.to(device, memory_format=memory_format(network))  # type: ignore[call-overload]
    peak = bandwidth = 0.0
    shape = (batch_size, spec.in_channels, *spec.sides)
    images = torch.rand(shape, device=device)
    labels = torch.zeros(batch_size, dtype=torch.int64, device=device)
    paths = [layer.path for layer in analysis.layers if layer.inputs]
    times: dict[str, list[tuple[float, float]]] = {path: [] for path in paths}
    steps: list[float] = []
    for done in range(1 - _WARM_UP, passes + 1):
        seconds = _timed_step(network, images, labels, device)
        watch = Stopwatch(network, device, batch_size)
        watch.time_step(images, labels)
        # In turns with the layers: others who work here slow down both or neither
        peak, bandwidth = max(peak, arithmetic_peak(device)), max(bandwidth, memory_peak(device))
        if done < 1:
            continue
        steps.append(seconds)
        for path in paths:
            times[path].append((watch.forward.get(path, 0.0), watch.backward.get(path, 0.0)))
        layers = tuple(_layer_time(path, times[path]) for path in paths)
        machine, step = describe(device_name), median(steps)
        yield LayerTimes(device_name, machine, batch_size, done, step, layers, peak, bandwidth)


def _layer_time(path: str, passes: Sequence[tuple[float, float]]) -> LayerTime:
    """Of the seconds that each pass has taken, forward and backward."""
    forward, backward = zip(*passes, strict=True)
    return LayerTime(path, median(forward), median(backward), min(forward), min(backward))


def _timed_step(network: nn.Module, images: Tensor, labels: Tensor, device: torch.device) -> float:
    """Seconds of one forward and backward pass, unwatched."""
    network.zero_grad(set_to_none=True)
    synchronize(device)
    began = perf_counter()
    F.cross_entropy(network(images), labels).backward()
    synchronize(device)
    return perf_counter() - began


class Stopwatch(ModuleWatcher):
    """Times one step, layer by layer; paths are those of the analysis."""

    def __init__(self, network: nn.Module, device: torch.device, batch_size: int) -> None:
        super().__init__(network.named_modules())
        self.network, self.device, self.batch_size = network, device, batch_size
        self.forward: dict[str, float] = {}
        self.backward: dict[str, float] = {}
        self.leaf = ""
        self.began = 0.0
        self.made: list[tuple[str, Any]] = []  # path, the graph node behind its result
        self.pending: tuple[str, Tensor] | None = None  # autograd has not seen this result yet

    def time_step(self, images: Tensor, labels: Tensor) -> None:
        """One forward and backward pass, every layer timed."""
        self.network.zero_grad(set_to_none=True)
        with self.watching():
            logits = self.network(images)
        self.settle()
        loss = F.cross_entropy(logits, labels)
        self.time_nodes()
        loss.backward()
        synchronize(self.device)

    def now(self) -> float:
        """The time once the device has done what it was told."""
        synchronize(self.device)
        return perf_counter()

    # Forward --------------------------------------------------------------------------------

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """A leaf starts the clock."""
        self.settle()
        self.leaf = self.unique_path(name)
        self.began = self.now()

    def close_leaf(self, module: nn.Module, outputs: list[Tensor]) -> None:
        """A leaf stops the clock."""
        self.forward[self.leaf] = self.now() - self.began
        self.made += [(self.leaf, output.grad_fn) for output in outputs]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Time an operation that a non-leaf module runs itself."""
        if self.in_leaf:
            return func(*args, **(kwargs or {}))
        self.settle()
        began = self.now()
        result = func(*args, **(kwargs or {}))
        seconds = self.now() - began
        name, _, is_work = name_and_kind(func)
        output = next(iter(tensors_in(result)), None)
        if output is None or not is_work or output.numel() % self.batch_size:
            return result
        path = self.operation_path(name)
        self.forward[path] = seconds
        self.pending = (path, output)
        return result

    def settle(self) -> None:
        """By now autograd has put the last result of a function into its graph."""
        if self.pending is not None:
            path, output = self.pending
            self.made.append((path, output.grad_fn))
            self.pending = None

    # Backward -------------------------------------------------------------------------------

    def time_nodes(self) -> None:
        """Put a clock on each node of the graph, for the layer whose result needed it first."""
        claimed: set[Any] = set()
        for path, result_node in self.made:
            open_nodes = [result_node]
            while open_nodes:
                node = open_nodes.pop()
                if node is None or node in claimed:
                    continue
                claimed.add(node)
                self.time_node(node, path)
                open_nodes += [parent for parent, _ in node.next_functions]

    def time_node(self, node: Any, path: str) -> None:
        """Add the node's time in the backward pass to its layer."""
        started: list[float] = []

        def before(_gradients: Any) -> None:
            started.append(self.now())

        def after(_inputs: Any, _outputs: Any) -> None:
            spent = self.now() - started.pop()
            self.backward[path] = self.backward.get(path, 0.0) + spent

        node.register_prehook(before)
        node.register_hook(after)
