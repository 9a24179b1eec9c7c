"""What a watched pass collects: a row for each layer or operation, and the network's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from core.analysis.receptive_field import View
from core.analysis.records import Shape, Window
from core.analysis.tensors import storage_key


@dataclass(slots=True)
class Row:
    """A LayerCost in the making: sums over the whole batch, shapes with its N."""

    path: str
    operation: str
    base: str = ""  # the path without a number for the second use
    kind: str | None = None
    input_shape: Shape = ()
    output_shape: Shape = ()
    params: int = 0
    biases: int = 0
    weight_bytes: int = 0
    trained_bytes: int = 0
    has_bias: bool = False
    is_module: bool = True
    weight_shape: Shape = ()
    window: Window | None = None
    macs: int = 0
    backward_macs: int = 0
    once_macs: int = 0
    elementwise_ops: int = 0
    output_bytes: int = 0
    input_bytes: int = 0
    saved_bytes: int = 0
    fixed_saved_bytes: int = 0
    recomputed_bytes: int = 0
    work_bytes: int = 0
    forward_work_bytes: int = 0
    small_batch_bytes: int = 0
    weights_of: str = ""
    checkpoint: int = 0
    view: View | None = None
    kinds: dict[str, int] = field(default_factory=dict)  # kind → work of that kind inside
    inputs: dict[str, None] = field(default_factory=dict)  # paths, in order, each once
    sources: list[int] = field(default_factory=list)  # storages of what it was given
    results: list[Tensor] = field(default_factory=list)  # what its operations have made

    @property
    def main_kind(self) -> str:
        """Its own kind, or that of most of its work."""
        return self.kind or max(self.kinds, key=self.kinds.__getitem__, default="other")

    def take(self, part: Row) -> None:
        """Add what a part of it has cost."""
        kind, view = part.kind or "other", part.view
        self.kinds[kind] = self.kinds.get(kind, 0) + part.elementwise_ops
        self.elementwise_ops += part.elementwise_ops
        self.saved_bytes += part.saved_bytes
        self.fixed_saved_bytes += part.fixed_saved_bytes
        self.recomputed_bytes += part.recomputed_bytes
        self.work_bytes = max(self.work_bytes, part.work_bytes)
        self.results += part.results
        self.view = view or self.view

    def is_reached(self, reached: set[Any]) -> bool:
        """Whether the backward pass comes through it."""
        return any(result.grad_fn in reached for result in self.results)


class Inventory:
    """The parameters and buffers of a network, found on one walk through its modules.

    torch's own walks (named_parameters and the like) take a fifth of an analysis.
    """

    def __init__(self, named_modules: Sequence[tuple[str, nn.Module]]) -> None:
        self.own: dict[str, list[nn.Parameter]] = {}  # module → its parameters, not its children's
        self.parameters: dict[int, nn.Parameter] = {}  # by storage
        self.named: dict[int, tuple[str, nn.Parameter]] = {}  # by id, each under its first name
        self.buffers: dict[int, Tensor] = {}  # by id, each once
        for name, module in named_modules:
            self._take(name, module)

    def _take(self, name: str, module: nn.Module) -> None:
        prefix = f"{name}." if name else ""
        layer = name.partition(".parametrizations.")[0] if "parametrizations" in name else name
        for short, parameter in module._parameters.items():
            if parameter is not None:
                self.own.setdefault(layer, []).append(parameter)
                self.parameters[storage_key(parameter)] = parameter
                self.named.setdefault(id(parameter), (prefix + short, parameter))
        for buffer in module._buffers.values():
            if buffer is not None:
                self.buffers[id(buffer)] = buffer
