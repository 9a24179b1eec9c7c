"""How long each layer of a real network takes, forward and backward, on a chosen device.

Modules are timed by hooks, functional operations by a TorchDispatchMode, and the backward pass by
hooks on the nodes of the autograd graph, each of which belongs to the layer that has made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from core.analysis import Analysis
from core.analysis.trace import FREE, operation_name, tensors_in
from core.measure.requests import PASSES
from core.specs import LabError
from core.training.compute_plan import memory_format
from core.training.devices import available_bytes, describe, find_device, synchronize
from core.training.records import LayerTime, LayerTimes
from core.zoo.building import build

MAX_PASSES = 1_000
WARM_UP = 2  # passes before that, which load and choose kernels


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
            f"A step with a batch of {batch_size} needs about {needed / 2**30:.1f} GiB and only"
            f" {free / 2**30:.1f} GiB are free; choose a smaller batch."
        )
    spec = analysis.spec
    network = build(spec).train()
    network = network.to(device, memory_format=memory_format(network))  # type: ignore[call-overload]
    shape = (batch_size, spec.in_channels, spec.image_size, spec.image_size)
    images = torch.rand(shape, device=device)
    labels = torch.zeros(batch_size, dtype=torch.int64, device=device)
    paths = [layer.path for layer in analysis.layers if layer.inputs]
    found: dict[str, list[tuple[float, float]]] = {path: [] for path in paths}
    steps: list[float] = []
    for done in range(1 - WARM_UP, passes + 1):
        seconds = timed_step(network, images, labels, device)
        watch = Stopwatch(network, device, batch_size)
        watch.time_step(images, labels)
        if done < 1:
            continue
        steps.append(seconds)
        for path in paths:
            found[path].append((watch.forward.get(path, 0.0), watch.backward.get(path, 0.0)))
        layers = tuple(
            LayerTime(path, median(one[0] for one in times), median(one[1] for one in times))
            for path, times in found.items()
        )
        machine = describe(device_name)
        yield LayerTimes(device_name, machine, batch_size, done, median(steps), layers)


def timed_step(network: nn.Module, images: Tensor, labels: Tensor, device: torch.device) -> float:
    """Seconds of one forward and backward pass, unwatched."""
    network.zero_grad(set_to_none=True)
    synchronize(device)
    began = perf_counter()
    F.cross_entropy(network(images), labels).backward()
    synchronize(device)
    return perf_counter() - began


class Stopwatch(TorchDispatchMode):
    """Times one step, layer by layer; paths are those of core.analysis.trace."""

    def __init__(self, network: nn.Module, device: torch.device, batch_size: int) -> None:
        super().__init__()
        self.network, self.device, self.batch_size = network, device, batch_size
        self.names = {module: name for name, module in network.named_modules()}
        self.forward: dict[str, float] = {}
        self.backward: dict[str, float] = {}
        self.stack: list[nn.Module] = []
        self.leaf: str | None = None
        self.began = 0.0
        self.uses: dict[str, int] = {}
        self.made: list[tuple[str, Any]] = []  # path, the graph node behind its result
        self.pending: tuple[str, Tensor] | None = None  # autograd has not seen this result yet

    def time_step(self, images: Tensor, labels: Tensor) -> None:
        """One forward and backward pass, every layer timed."""
        self.network.zero_grad(set_to_none=True)
        hooks = [
            hook
            for module in self.names
            for hook in (
                module.register_forward_pre_hook(self.enter),
                module.register_forward_hook(self.leave),
            )
        ]
        try:
            with self:
                logits = self.network(images)
            self.settle()
        finally:
            for hook in hooks:
                hook.remove()
        loss = F.cross_entropy(logits, labels)
        self.time_nodes()
        loss.backward()
        synchronize(self.device)

    def now(self) -> float:
        """The time once the device has done what it was told."""
        synchronize(self.device)
        return perf_counter()

    # Forward --------------------------------------------------------------------------------

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Before a module's forward: a leaf starts the clock."""
        self.settle()
        self.stack.append(module)
        if next(module.children(), None) is None and self.leaf is None:
            self.leaf = self.unique(self.names[module])
            self.began = self.now()

    def leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """After a module's forward: a leaf stops the clock."""
        self.settle()
        self.stack.pop()
        if next(module.children(), None) is None and self.leaf is not None:
            self.forward[self.leaf] = self.now() - self.began
            self.made += [(self.leaf, one.grad_fn) for one in tensors_in(output)]
            self.leaf = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Time an operation that a non-leaf module runs itself."""
        if self.leaf is not None:
            return func(*args, **(kwargs or {}))
        self.settle()
        began = self.now()
        result = func(*args, **(kwargs or {}))
        seconds = self.now() - began
        name = operation_name(func)
        output = next(iter(tensors_in(result)), None)
        if output is None or func.is_view or name in FREE or output.numel() % self.batch_size:
            return result
        module = self.names.get(self.stack[-1], "") if self.stack else ""
        path = self.unique(f"{module}.{name}" if module else name)
        self.forward[path] = seconds
        self.pending = (path, output)
        return result

    def settle(self) -> None:
        """By now autograd has put the last result of a function into its graph."""
        if self.pending is not None:
            path, output = self.pending
            self.made.append((path, output.grad_fn))
            self.pending = None

    def unique(self, path: str) -> str:
        """The second use of `relu` is `relu_2`."""
        uses = self.uses[path] = self.uses.get(path, 0) + 1
        return path if uses == 1 else f"{path}_{uses}"

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
