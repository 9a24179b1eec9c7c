"""One forward pass on the meta device, watched: a row for every module and operation it runs.

No number is computed and no memory is taken; the batch is a large prime, so that a size divisible
by it belongs to the batch. What autograd keeps for the backward pass is seen by saved-tensor hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from weakref import WeakMethod

import torch
from torch import Tensor, nn

from core.analysis.macs import backward_macs, forward_macs
from core.analysis.module_watcher import ModuleWatcher
from core.analysis.operations import (
    Operation,
    elementwise_operations,
    name_and_kind,
    sliding_window,
)
from core.analysis.receptive_field import View, joined
from core.analysis.records import IMAGE, LayerCost, Shape, Window
from core.analysis.shapes import shaped_like
from core.analysis.tensors import BATCH, is_batched, per_image, storage_key, tensors_in

_NORMALIZING = (
    *(nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm),
    nn.LocalResponseNorm,
)


@dataclass
class Row:
    """A LayerCost in the making: sums over the whole batch, shapes with N = BATCH."""

    path: str
    operation: str
    kind: str | None = None
    input_shape: Shape = ()
    output_shape: Shape = ()
    params: int = 0
    biases: int = 0
    has_bias: bool = False
    is_module: bool = True
    weight_shape: Shape = ()
    window: Window | None = None
    macs: int = 0
    backward_macs: int = 0
    elementwise_ops: int = 0
    output_bytes: int = 0
    saved_bytes: int = 0
    fixed_saved_bytes: int = 0
    view: View | None = None
    kinds: dict[str, int] = field(default_factory=dict)  # kind → work of that kind inside
    inputs: dict[str, None] = field(default_factory=dict)  # paths, in order, each once
    sources: list[int] = field(default_factory=list)  # storages of what it was given
    results: list[Tensor] = field(default_factory=list)  # what its operations have made

    def finish(self, reached: set[Any]) -> LayerCost:
        """The row as a record, for one image; `reached`: what the backward pass visits."""
        kind = self.kind or max(self.kinds, key=self.kinds.__getitem__, default="other")
        view = self.view or View()
        return LayerCost(
            path=self.path,
            operation=self.operation,
            kind=kind,
            input_shape=per_image(self.input_shape),
            output_shape=per_image(self.output_shape),
            params=self.params,
            macs=self.macs // BATCH,
            backward_macs=self.backward_macs // BATCH if self.is_trained(reached) else 0,
            elementwise_ops=self.elementwise_ops // BATCH,
            output_bytes=self.output_bytes // BATCH,
            saved_bytes=self.saved_bytes // BATCH,
            fixed_saved_bytes=self.fixed_saved_bytes,
            receptive_field=view.receptive_field,
            depth=view.depth,
            inputs=tuple(self.inputs),
            weight_shape=self.weight_shape,
            biases=self.biases,
            has_bias=self.has_bias,
            is_module=self.is_module,
            window=self.window,
        )

    def is_trained(self, reached: set[Any]) -> bool:
        """Whether any of its products gets a gradient."""
        return self.backward_macs > 0 and any(result.grad_fn in reached for result in self.results)


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
        for short, parameter in module._parameters.items():
            if parameter is not None:
                self.own.setdefault(name, []).append(parameter)
                self.parameters[storage_key(parameter)] = parameter
                self.named.setdefault(id(parameter), (prefix + short, parameter))
        for buffer in module._buffers.values():
            if buffer is not None:
                self.buffers[id(buffer)] = buffer


class Watcher(ModuleWatcher):
    """Collects a Row for every leaf module and every operation outside of one."""

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        named_modules = list(network.named_modules())
        super().__init__(named_modules)
        self.inventory = Inventory(named_modules)
        self.parameters = self.inventory.parameters
        self.state = {*self.parameters, *map(storage_key, self.inventory.buffers.values())}
        self.rows: list[Row] = []
        self.counted: set[int] = set()  # parameters that a row has already taken
        self.leaf: Row | None = None
        self.views = {storage_key(image): View(side=image.shape[-1])}
        self.saved: set[int] = set()
        self.unclaimed: list[Tensor] = []  # saved before the operation that needs them was seen
        self.last_result = 0  # storage that the last operation outside of a leaf has made
        self.makers = {storage_key(image): IMAGE}  # storage → path of the row that made it
        self.alive: list[Any] = [image]  # keeps storages alive, so that their keys stay unique

    @contextmanager
    def watching(self) -> Iterator[None]:
        """As ModuleWatcher.watching, and autograd tells what it saves.

        What autograd holds must not hold this watcher, which holds the results: that would be a
        cycle through C++, which no collector sees, and the network would stay in memory for good.
        """
        pack = WeakMethod(self.pack)
        with (
            torch.autograd.graph.saved_tensors_hooks(lambda saved: pack()(saved), _never),  # type: ignore[misc]
            super().watching(),
        ):
            yield

    # Modules -------------------------------------------------------------------------------

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """A leaf opens its row."""
        self.leaf = row = self.open_row(self.unique_path(name), type(module).__name__)
        if isinstance(module, _NORMALIZING):
            row.kind = "normalisation"
        elif isinstance(module, nn.modules.dropout._DropoutNd):
            row.kind = "other"
        self.take_parameters(row, self.inventory.own.get(name, ()))
        row.input_shape = tuple(inputs[0].shape) if inputs else ()
        self.read(row, [storage_key(tensor) for tensor in inputs])

    def close_leaf(self, outputs: list[Tensor]) -> None:
        """A leaf closes its row."""
        row, self.leaf = self.leaf, None
        assert row is not None
        for result in outputs[:1]:
            key = storage_key(result)
            row.output_shape = tuple(result.shape)
            row.view = self.views.get(key, row.view)
            fresh = result.dtype.is_floating_point and row.kinds and key not in row.sources
            row.output_bytes = result.nbytes if fresh else 0
            row.results.append(result)
            self.makers[key] = row.path

    def take_parameters(self, row: Row, parameters: Iterable[nn.Parameter]) -> None:
        """Charge the parameters that no row has counted before; a shared one has only a shape."""
        for parameter in parameters:
            is_bias = bool(row.weight_shape) and parameter.dim() == 1
            row.has_bias |= is_bias
            if not is_bias:
                row.weight_shape = tuple(parameter.shape)
            if id(parameter) in self.counted:
                continue
            self.counted.add(id(parameter))
            row.params += parameter.numel()
            row.biases += parameter.numel() if is_bias else 0

    def read(self, row: Row, sources: list[int]) -> None:
        """Note which storages the row is given, and which rows have made them."""
        row.sources = sources
        for source in sources:
            maker = self.makers.get(source)
            if maker is not None and maker != row.path:
                row.inputs[maker] = None

    def open_row(self, path: str, operation: str) -> Row:
        """A new row, the last so far."""
        row = Row(path, operation)
        self.rows.append(row)
        return row

    # Operations ----------------------------------------------------------------------------

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operation and add it to the row it belongs to."""
        result = None if kwargs else shaped_like(func, args)
        if result is None:
            result = func(*args, **(kwargs or {}))
        output = result if isinstance(result, Tensor) else next(iter(tensors_in(result)), None)
        if output is None or not is_batched(output):
            return result
        self.alive.append(result)
        name, kind, is_work = name_and_kind(func)
        tensors = tensors_in(args)
        sources = [tensor for tensor in tensors if is_batched(tensor)]
        keys = [storage_key(source) for source in sources]
        run = Operation(name, kind, args, tensors, sources, keys, output, storage_key(output))
        self.look_back(run)
        if is_work:
            self.add(run)
        return result

    def add(self, run: Operation) -> None:
        """Charge one operation to the open leaf, or to a row of its own."""
        row = self.leaf or self.functional_row(run)
        work = elementwise_operations(run)
        macs = forward_macs(run.name, run.args, run.output)
        if macs:
            row.macs += macs
            row.backward_macs += backward_macs(run.name, run.args, macs)
        row.window = sliding_window(run.name, run.args) or row.window
        row.results.append(run.output)
        row.elementwise_ops += work
        row.kinds[run.kind] = row.kinds.get(run.kind, 0) + macs + work
        row.view = self.views.get(run.output_key, row.view)
        for tensor in self.unclaimed:
            self.charge(row, tensor)
        self.unclaimed.clear()
        self.last_result = run.output_key
        self.makers[run.output_key] = row.path

    def functional_row(self, run: Operation) -> Row:
        """A row for an operation that a non-leaf module runs itself, with the weights it reads."""
        row = self.open_row(self.operation_path(run.name), run.name)
        row.kind, row.is_module = run.kind, False
        row.input_shape = tuple(run.sources[0].shape) if run.sources else ()
        row.output_shape = tuple(run.output.shape)
        row.output_bytes = 0 if run.output_key in run.source_keys else run.output.nbytes
        self.read(row, run.source_keys)
        weights = self.weights_among(run.tensors)
        self.take_parameters(row, sorted(weights, key=Tensor.dim, reverse=True))
        return row

    def weights_among(self, tensors: Iterable[Tensor]) -> list[nn.Parameter]:
        """The parameters that these tensors are, or are views of."""
        keys = map(storage_key, tensors)
        return [self.parameters[key] for key in keys if key in self.parameters]

    def look_back(self, run: Operation) -> None:
        """Note what one unit of the output sees of the image."""
        known = [self.views[key] for key in run.source_keys if key in self.views]
        if known:
            has_weights = run.kind == "linear" and bool(self.weights_among(run.tensors))
            self.views[run.output_key] = joined(known).after(run, has_weights)

    # Tensors kept for the backward pass -------------------------------------------------------

    def pack(self, tensor: Tensor) -> None:
        """Autograd saves `tensor`: charge it to the row under way, once for each storage.

        Nothing is packed: a result that its own operation held would be such a cycle too.
        """
        self.alive.append(tensor)
        if self.leaf is not None:
            self.charge(self.leaf, tensor)
        elif self.rows and storage_key(tensor) == self.last_result:
            self.charge(self.rows[-1], tensor)  # a result is saved after its operation ran
        else:
            self.unclaimed.append(tensor)  # an input is saved before its operation is dispatched

    def charge(self, row: Row, tensor: Tensor) -> None:
        """Add the tensor's storage to the row, unless it is a parameter or was counted before."""
        key = storage_key(tensor)
        if key in self.state or key in self.saved:
            return
        self.saved.add(key)
        size = tensor.untyped_storage().nbytes()
        if size % BATCH == 0:
            row.saved_bytes += size
        else:
            row.fixed_saved_bytes += size


@dataclass(frozen=True)
class Trace:
    """What one forward pass has shown."""

    layers: tuple[LayerCost, ...]  # in the order of execution
    dead: dict[str, int]  # parameters that can never get a gradient: name, count
    buffer_bytes: int


def trace(network: nn.Module, input_shape: Shape) -> Trace:
    """What `network`, on meta and in training, runs on an image of `input_shape` (C, H, W).

    Parameters that no executed leaf owns (class tokens, unused heads) get rows of their own at
    the end, so that the column of parameters always adds up to the network's.
    """
    image = torch.empty((BATCH, *input_shape), device="meta")
    watcher = Watcher(network, image)
    with watcher.watching(), torch.enable_grad():
        output = network(image)
        watcher.alive.append(output)
    for tensor in watcher.unclaimed:
        watcher.charge(watcher.rows[-1], tensor)
    reached = _nodes_behind(output)
    return Trace(
        tuple([row.finish(reached) for row in chain(watcher.rows, _unused_rows(watcher))]),
        _dead_parameters(watcher.inventory, reached),
        sum(buffer.nbytes for buffer in watcher.inventory.buffers.values()),
    )


def _nodes_behind(output: Any) -> set[Any]:
    """The nodes of the autograd graph that a backward pass from `output` visits."""
    open_nodes = [t.grad_fn for t in tensors_in(output) if t.grad_fn is not None]
    seen = set(open_nodes)
    while open_nodes:
        node = open_nodes.pop()
        fresh = {parent for parent, _ in node.next_functions if parent is not None} - seen
        seen |= fresh
        open_nodes.extend(fresh)
    return seen


def _dead_parameters(inventory: Inventory, reached: set[Any]) -> dict[str, int]:
    """Parameters that the backward pass never reaches, so that no step changes them.

    A frozen one is left out: it was meant to get no gradient.
    """
    variables = {id(getattr(node, "variable", None)) for node in reached}
    return {
        name: parameter.numel()
        for key, (name, parameter) in inventory.named.items()
        if key not in variables and parameter.requires_grad
    }


def _unused_rows(watcher: Watcher) -> Iterator[Row]:
    """A row for each module whose own parameters no executed leaf has counted."""
    if len(watcher.counted) == len(watcher.parameters):
        return
    for name, parameters in watcher.inventory.own.items():
        row = Row(name or "network", "unused or direct parameters", "other")
        watcher.take_parameters(row, parameters)
        if row.params:
            yield row


def _never(_packed: object) -> Tensor:
    raise AssertionError("An analysis runs no backward pass.")
