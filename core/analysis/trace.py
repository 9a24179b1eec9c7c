"""One forward pass on the meta device, watched: a row for every module and operation it runs.

No number is computed and no memory is taken; the batch has a large prime in it, so that a size
divisible by that belongs to the batch. What autograd keeps for the backward pass is seen by
saved-tensor hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from re import search
from typing import Any
from weakref import WeakMethod

import torch
from torch import Tensor, nn

from core.analysis.broken_off import Failure
from core.analysis.fused import Fused
from core.analysis.looking_back import after, is_unit_by_unit
from core.analysis.macs import backward_macs, product_of
from core.analysis.module_watcher import ModuleWatcher
from core.analysis.operations import (
    Named,
    Operation,
    elementwise_operations,
    kind_of,
    named,
    row_name,
    sliding_window,
)
from core.analysis.receptive_field import View
from core.analysis.recomputed import parts_computed_again
from core.analysis.records import IMAGE, Shape, Window
from core.analysis.refusals import refuse
from core.analysis.rows import Inventory, Row
from core.analysis.shapes import shaped_like
from core.analysis.strangers import received
from core.analysis.tensors import (
    BATCH,
    PRIME,
    alone,
    is_batched,
    storage_key,
    tensors_in,
)
from core.analysis.work_space import copies_maps, work_bytes

_MOST_ROWS = 20_000
_UNBINDING = (torch.ops.aten.unbind, torch.ops.aten.split, torch.ops.aten.unsafe_split)
_NORMALIZING = (
    *(nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm),
    nn.LocalResponseNorm,
)
_NORMALIZING_NAMES = r"(Batch|Layer|Group|Instance|RMS)Norm"  # of other libraries
_NORMALIZED_OPERATIONS = 2  # a number: scale and shift


_AsItIs = torch._C.DisableTorchFunction  # no mode is asked about what we ask of a tensor


class BatchLostError(Exception):
    """What grew with the batch does no more, in a way that sizes alone cannot tell."""


class TooLongError(Exception):
    """The forward pass runs more operations than anybody could read."""


class Watcher(ModuleWatcher):
    """Collects a Row for every leaf module and every operation outside of one."""

    def __init__(
        self,
        network: nn.Module,
        inputs: Sequence[Tensor],
        batch: int = BATCH,
        is_ours: bool = True,
        with_hooks: bool = False,
        is_trained_here: bool = False,
    ) -> None:
        named_modules = list(network.named_modules())
        super().__init__(named_modules, with_hooks)
        self.batch, self.is_whole = batch, batch == BATCH
        self.has_numbers = any(not tensor.is_meta for tensor in inputs)
        self.inventory = Inventory(named_modules)
        self.parameters = self.inventory.parameters
        self.copies_maps = not is_trained_here and copies_maps(self.parameters.values())
        self.state = {*self.parameters, *map(storage_key, self.inventory.buffers.values())}
        self.rows: list[Row] = []
        self.counted: dict[int, str] = {}  # parameters that a row has already taken → its path
        self.leaf: Row | None = None
        self.views = {storage_key(tensor): View.of_input(tensor) for tensor in inputs}
        self.cut: dict[int, int] = {}  # storage → bytes of the parts that were cut from it
        self.saved: set[int] = set()
        self.unclaimed: list[Tensor] = []  # saved before the operation that needs them was seen
        self.last_result = 0  # storage that the last operation outside of a leaf has made
        self.makers = dict.fromkeys(self.views, IMAGE)  # storage → path of the row that made it
        self.behind: dict[int, set[int]] = {}  # storage → parameters that it was computed from
        self.alive: list[Any] = [*inputs]  # keeps storages alive, so that their keys stay unique
        self.is_ours = is_ours
        self.uncounted: dict[str, None] = {}  # operations that multiply and are not counted
        self.once_macs = 0  # multiply-adds outside of a row that no image needs on its own
        self.part = 0  # the part under way that is computed again for the backward pass
        self.parts = 0
        self.refused: tuple[Exception, tuple[Row, Failure]] | None = None  # the last operation
        self.part_of: dict[int, int] = {}  # storage → the part that has made it
        self.only_again: dict[int, int] = {}  # storage → the part that alone saves it, the 2nd time

    @contextmanager
    def watching(self) -> Iterator[None]:
        """As ModuleWatcher.watching, and autograd tells what it saves.

        What autograd holds must not hold this watcher, which holds the results: that would be a
        cycle through C++, which no collector sees, and the network would stay in memory for good.
        """
        pack = WeakMethod(self.pack)
        with ExitStack() as stack:
            stack.enter_context(
                torch.autograd.graph.saved_tensors_hooks(
                    lambda saved: pack()(saved),  # type: ignore[misc]
                    _unpacked if self.has_numbers else _never,
                )
            )
            if not self.is_ours:
                stack.enter_context(parts_computed_again(self.begin_part, self.end_part))
                stack.enter_context(Fused(self.fused, self.normalized))
            stack.enter_context(super().watching())
            yield

    # Modules -------------------------------------------------------------------------------

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """A leaf opens its row."""
        operation, kind = _layer_name_and_kind(type(module))  # type: ignore[arg-type]
        self.leaf = row = self.open_row(name, operation)
        row.kind = kind
        with _AsItIs():
            self.take_parameters(row, self.inventory.own.get(name, ()))
            self.take_inputs(row, inputs)
        if isinstance(module, nn.modules.conv._ConvNd) and len(module.kernel_size) == 2:
            row.window = _window_of(module)

    def close_leaf(self, module: nn.Module, outputs: list[Tensor]) -> None:
        """A leaf closes its row."""
        row, self.leaf = self.leaf, None
        assert row is not None
        with _AsItIs():
            self.close_row(row, outputs)

    def close_row(self, row: Row, outputs: list[Tensor]) -> None:
        """What is known once a leaf has run."""
        for result in outputs[:1]:
            key = storage_key(result)
            row.output_shape = tuple(result.shape)
            row.view = self.views.get(key, row.view)
            fresh = result.dtype.is_floating_point and row.kinds and key not in row.sources
            row.output_bytes = result.nbytes if fresh else 0
            row.results.append(result)
            self.makers[key] = row.path
            if row.kind == "normalisation" and "response" not in row.operation.lower():
                row.elementwise_ops = _NORMALIZED_OPERATIONS * result.numel()

    def take_parameters(self, row: Row, parameters: Iterable[nn.Parameter]) -> None:
        """Charge the parameters that no row has counted before; a shared one has only a shape."""
        for parameter in parameters:
            is_bias = bool(row.weight_shape) and parameter.dim() == 1
            row.has_bias |= is_bias
            if not is_bias and parameter.numel() >= _size(row.weight_shape):
                row.weight_shape = tuple(parameter.shape)
            if id(parameter) in self.counted:
                row.weights_of = row.weights_of or self.counted[id(parameter)]
                continue
            self.counted[id(parameter)] = row.path
            row.params += parameter.numel()
            row.biases += parameter.numel() if is_bias else 0
            row.weight_bytes += parameter.nbytes
            row.trained_bytes += parameter.nbytes if parameter.requires_grad else 0

    def take_inputs(self, row: Row, tensors: Sequence[Tensor]) -> None:
        """Note what the row is given, and which rows have made it."""
        row.input_shape = tuple(tensors[0].shape) if tensors else ()
        row.input_bytes = tensors[0].nbytes if tensors else 0
        row.sources = [storage_key(tensor) for tensor in tensors]
        for source in row.sources:
            maker = self.makers.get(source)
            if maker is not None and maker != row.path:
                row.inputs[maker] = None

    def open_row(self, base: str, operation: str) -> Row:
        """A new row, the last so far."""
        if len(self.rows) >= _MOST_ROWS:
            raise TooLongError
        row = Row(self.unique_path(base), operation, base, checkpoint=self.part)
        self.rows.append(row)
        return row

    # Operations ----------------------------------------------------------------------------

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operation and add it to the row it belongs to."""
        with _AsItIs():
            return self.run_and_add(func, args, kwargs)

    def run_and_add(self, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """See __torch_dispatch__."""
        if not (self.is_ours or self.has_numbers):
            args, kwargs = received(func, args, kwargs or {})
            refuse(func, args)
            if self.is_whole and func.overloadpacket in _UNBINDING and is_batched(args[0]):
                self.check_unbound(func, args)
        result = None if kwargs or self.has_numbers else shaped_like(func, args)
        if result is None:
            try:
                result = func(*args, **(kwargs or {}))
            except Exception as error:
                self.refused = (
                    error,
                    self.failed(func, tensors_in([*args, *(kwargs or {}).values()])),
                )
                raise
        output = result if isinstance(result, Tensor) else next(iter(tensors_in(result)), None)
        if output is None:
            return result
        name = named(func)
        tensors = tensors_in([*args, *kwargs.values()] if kwargs else args)
        if self.of_batch(output, () if name.is_only_shaped else tensors):
            self.run(name, args, tensors, output, result)
        else:
            self.run_once(name, args, tensors, output, result)
        return result

    def failed(self, func: Any, tensors: list[Tensor]) -> tuple[Row, Failure]:
        """What torch has refused: the leaf, or a row of its own, and what met there."""
        name = row_name(named(func).name)
        if self.leaf is not None:
            return self.leaf, self.failed_leaf(self.leaf, name)
        base = self.path_of(name)
        row = Row(self.unique_path(base), name, base, named(func).kind, is_module=False)
        self.take_inputs(row, [t for t in tensors if storage_key(t) in self.makers])
        met = [(self.makers.get(storage_key(t), ""), tuple(t.shape)) for t in tensors]
        return row, self.failure(row, name, met)

    def failed_leaf(self, row: Row, operation: str) -> Failure:
        """A layer that failed: what it reads, and its weight."""
        met = [(next(iter(row.inputs), ""), row.input_shape), ("", row.weight_shape)]
        return self.failure(row, operation, [one for one in met if one[1]])

    def failure(self, row: Row, operation: str, met: list[tuple[str, Shape]]) -> Failure:
        """`met`: what met there, by whom it was made."""
        makers, shapes = zip(*met, strict=True) if met else ((), ())
        shapes = tuple(alone(shape, self.batch) for shape in shapes)
        return Failure(row.path, operation, shapes, makers, self.batch)

    def failure_of(self, error: Exception) -> Failure | None:
        """What failed with this error, the last row: an operation, or a layer before it ran one.

        What the network has caught itself is not what failed, and has no row.
        """
        if self.refused and self.refused[0] is error:
            row, failure = self.refused[1]
            if row is not self.leaf:
                self.rows.append(row)
            return failure
        return self.failed_leaf(self.leaf, self.leaf.operation) if self.leaf else None

    def of_batch(self, output: Tensor, tensors: Sequence[Tensor]) -> bool:
        """Whether a result grows with the batch: by its size, in a small batch by where it is from.

        Raises BatchLostError where sizes cannot tell.
        """
        if not self.is_whole:
            if any(storage_key(tensor) in self.views for tensor in tensors):
                return True
            # NumPy, which real numbers may go through, keeps nothing of where they are from
            return self.has_numbers and any(side % self.batch == 0 for side in output.shape if side)
        numbers = output.numel()
        is_of_batch = numbers > 0 and numbers % PRIME == 0
        if is_of_batch and numbers % (PRIME * PRIME) == 0:
            raise BatchLostError
        if not is_of_batch and any(map(is_batched, tensors)):
            raise BatchLostError
        return is_of_batch

    def check_unbound(self, func: Any, args: tuple[Any, ...]) -> None:
        """A loop over the images: taken apart with a few of them. Raises BatchLostError."""
        place = 1 if func.overloadpacket is _UNBINDING[0] else 2  # behind the tensor, the sizes
        dim = args[place] if len(args) > place else 0
        if args[0].shape[dim] % PRIME == 0:
            raise BatchLostError

    def run(
        self, name: Named, args: tuple[Any, ...], tensors: list[Tensor], output: Tensor, result: Any
    ) -> None:
        """An operation on what grows with the batch."""
        self.alive.append(result)
        if self.is_whole:
            sources = [tensor for tensor in tensors if is_batched(tensor)]
        else:
            sources = [tensor for tensor in tensors if storage_key(tensor) in self.views]
        keys = [storage_key(source) for source in sources]
        run = Operation(
            name.name, name.kind, args, tensors, sources, keys, output, storage_key(output)
        )
        self.look_back(run, name.is_work)
        if name.is_work:
            if name.is_uncounted:
                self.uncounted[name.name] = None
            self.add(run)
        elif run.output_key in keys and output.numel() < sources[0].numel():
            parts = sum(tensor.nbytes for tensor in tensors_in(result))
            self.cut[run.output_key] = self.cut.get(run.output_key, 0) + parts
        if result is not output:
            for other in tensors_in(result)[1:]:  # of a split, each belongs to the batch
                seen = self.views.get(run.output_key, View())
                base = other if other.shape == output.shape else None
                self.views.setdefault(storage_key(other), seen._replace(base=base))

    def run_once(
        self, name: Named, args: tuple[Any, ...], tensors: list[Tensor], output: Tensor, result: Any
    ) -> None:
        """An operation that is run once, however many images come: on weights, on tables."""
        behind: set[int] = set()
        for tensor in tensors:
            key = storage_key(tensor)
            behind |= self.behind.get(key, {key} if key in self.parameters else set())
        product = product_of(name.name)
        if behind or product:
            self.alive.append(result)
            self.behind.setdefault(storage_key(output), set()).update(behind)
        macs = product.macs(args, output) if product else 0
        if name.is_work and name.is_uncounted:
            self.uncounted[name.name] = None
        if self.leaf is not None:
            self.leaf.once_macs += macs
        else:
            self.once_macs += macs

    def add(self, run: Operation) -> None:
        """Charge one operation to the open leaf, or to a row of its own."""
        row = self.leaf or self.functional_row(run)
        product = product_of(run.name)
        work = elementwise_operations(run)
        macs = product.macs(run.args, run.output) if product else 0
        if self.is_whole and macs % (PRIME * PRIME) == 0 and macs:
            raise BatchLostError
        if product and macs:
            row.macs += macs
            row.backward_macs += backward_macs(product, run.args, macs)
        self.note(row, run, kind_of(run), macs + work)
        row.elementwise_ops += work
        backward, forward = work_bytes(run, self.copies_maps)
        if backward or forward:
            self.take_work(row, backward, forward)
        row.window = row.window or sliding_window(run.name, run.args)

    @staticmethod
    def take_work(row: Row, backward: int, forward: int) -> None:
        """Work space of an operation; another one gets the same memory again."""
        row.work_bytes = max(row.work_bytes, backward)
        row.forward_work_bytes = max(row.forward_work_bytes, forward)

    def note(self, row: Row, run: Operation, kind: str, work: int) -> None:
        """What every operation tells of its row."""
        row.kinds[kind] = row.kinds.get(kind, 0) + work
        row.results.append(run.output)
        row.view = self.views.get(run.output_key, row.view)
        for tensor in self.unclaimed:
            self.charge(row, tensor)
        self.unclaimed.clear()
        self.last_result = run.output_key
        self.part_of[run.output_key] = row.checkpoint
        self.makers[run.output_key] = row.path

    def fused(
        self,
        name: str,
        macs: int,
        gradients: int,
        given_back: tuple[int, int],
        inputs: list[Tensor],
        out: Tensor,
    ) -> None:
        """One that a device runs as a whole, such as an LSTM, has run with so many multiply-adds.

        `gradients`: how many products of as many multiply-adds its backward pass takes.
        `given_back`: bytes that it takes in the forward pass, and those that it takes besides where
        the batch is small.
        """
        self.alive.append(out)
        sources = [tensor for tensor in inputs if storage_key(tensor) in self.views]
        keys = [storage_key(source) for source in sources]
        key = storage_key(out)
        run = Operation(name, "linear", (), inputs, sources, keys, out, key)
        known = [(t, self.views[k].of(t)) for t, k in zip(sources, keys, strict=True)]
        self.views[key] = after(run, known, has_weights=True)
        row = self.leaf or self.functional_row(run)
        row.macs += macs
        row.backward_macs += gradients * macs
        self.take_work(row, work_bytes(run, self.copies_maps)[0], given_back[0])
        row.small_batch_bytes = max(row.small_batch_bytes, given_back[1])
        self.note(row, run, "linear", macs)

    def normalized(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A normalization of several operations: a row of its own, or a part of the leaf's."""
        tensors = tensors_in([*args, *kwargs.values()])
        outer = self.leaf
        is_told = outer is not None and outer.kind == "normalisation"
        if is_told or not any(storage_key(tensor) in self.views for tensor in tensors):
            return function(*args, **kwargs)
        name = function.__name__
        base = outer.base if outer else self.path_of(name)
        row = Row(base, name, base) if outer else self.open_row(base, name)
        row.kind, row.is_module = "normalisation", False
        with _AsItIs():
            self.take_inputs(row, tensors)
            if outer is None:
                self.take_parameters(row, self.weights_among(tensors))
        self.leaf = row
        try:
            result = function(*args, **kwargs)
        finally:
            self.leaf = outer
        with _AsItIs():
            self.close_row(row, tensors_in(result))
            if outer:
                outer.take(row)
        return result

    def take_cuts(self) -> None:
        """The gradient of a result that was cut is put together while those of its parts stand."""
        for row in self.rows if self.cut else ():
            result = row.results[-1] if row.results else None
            if result is not None:
                parts = min(result.nbytes, self.cut.get(storage_key(result), 0))
                row.work_bytes = max(row.work_bytes, parts - row.input_bytes)

    def functional_row(self, run: Operation) -> Row:
        """A row for an operation that a non-leaf module runs itself, with the weights it reads."""
        name = row_name(run.name)
        row = self.open_row(self.path_of(name), name)
        row.kind, row.is_module = kind_of(run), False
        self.take_inputs(row, run.sources)
        row.output_shape = tuple(run.output.shape)
        row.output_bytes = 0 if run.output_key in run.source_keys else run.output.nbytes
        weights = self.weights_among(run.tensors)
        self.take_parameters(row, sorted(weights, key=Tensor.dim, reverse=True))
        return row

    def weights_among(self, tensors: Iterable[Tensor]) -> list[nn.Parameter]:
        """The parameters that these tensors are, are views of, or were computed from."""
        found: dict[int, None] = {}
        for key in map(storage_key, tensors):
            if key in self.parameters:
                found[key] = None
            else:
                found.update(dict.fromkeys(self.behind.get(key, ())))
        return [self.parameters[key] for key in found]

    def look_back(self, run: Operation, is_work: bool) -> None:
        """Note what one unit of the output sees of the image."""
        key = run.output_key
        is_same = key in run.source_keys
        if is_same and not is_work:
            return  # a view: its strides tell
        if is_unit_by_unit(run):
            view = self.views.get(run.source_keys[0])
            if view is not None and not is_same:
                seen = view.of(run.sources[0])
                self.views[key] = View(seen.axes, seen.depth, seen.layout, run.output)
            if view is not None:
                return
        known = [
            (source, view.of(source))
            for source, view in zip(run.sources, map(self.views.get, run.source_keys), strict=True)
            if view is not None
        ]
        if run.name == "copy" and is_same and known:  # what stood there is gone
            if run.source_keys.count(key) == len(known) > 1:
                return  # within a tensor: padding round the edge
            known = [one for one in known if one[0] is not run.args[0]]
        if known:
            has_weights = run.kind == "linear" and bool(self.weights_among(run.tensors))
            view = after(run, known, has_weights)
            before, whole = self.views.get(key), run.output._base
            if whole is not None and not (before and before.axes):
                before = View.of_nothing(whole)
            self.views[key] = before.written(view) if before else view
        elif key not in self.views:
            self.views[key] = View.of_nothing(run.output)

    # Parts that are computed again -----------------------------------------------------------

    def begin_part(self) -> None:
        """A checkpointed part begins; one inside another belongs to it."""
        self.parts += 1
        self.part = self.part or self.parts

    def end_part(self) -> None:
        """It has ended."""
        self.part = 0

    # Tensors kept for the backward pass -------------------------------------------------------

    def pack(self, tensor: Tensor) -> Tensor | None:
        """Autograd saves `tensor`: charge it to the row under way, once for each storage.

        Without numbers nothing is packed: a result that its own operation held would be such a
        cycle too. With numbers the forward pass may itself ask for gradients.
        """
        self.alive.append(tensor)
        with _AsItIs():
            if self.leaf is not None:
                self.charge(self.leaf, tensor)
            elif self.rows and storage_key(tensor) == self.last_result:
                self.charge(self.rows[-1], tensor)  # a result is saved after its operation ran
            else:
                self.unclaimed.append(tensor)  # an input is saved before its operation is seen
        return tensor if self.has_numbers else None

    def charge(self, row: Row, tensor: Tensor) -> None:
        """Add the tensor's storage to the row, unless it is a parameter or was counted before."""
        key = storage_key(tensor)
        if self.only_again.get(key, row.checkpoint) != row.checkpoint:
            del self.only_again[key]  # it is held by somebody outside of that part too
            row.saved_bytes += tensor.untyped_storage().nbytes()
            return
        if key in self.state or key in self.saved:
            return
        self.saved.add(key)
        size = tensor.untyped_storage().nbytes()
        is_of_batch = size % PRIME == 0 if self.is_whole else key in self.views
        if not is_of_batch:
            row.fixed_saved_bytes += size
        elif row.checkpoint and self.part_of.get(key) == row.checkpoint:
            self.only_again[key] = row.checkpoint
            row.recomputed_bytes += size
        else:
            row.saved_bytes += size


@cache
def _layer_name_and_kind(layer: Any) -> tuple[str, str | None]:
    """What a layer is called, and its kind where the operations inside do not tell it."""
    name = layer.__name__.removeprefix("Parametrized")
    if issubclass(layer, _NORMALIZING) or search(_NORMALIZING_NAMES, name):
        return name, "normalisation"
    return name, "other" if issubclass(layer, nn.modules.dropout._DropoutNd) else None


def _size(shape: Shape) -> int:
    numbers = 1 if shape else 0
    for side in shape:
        numbers *= side
    return numbers


def _window_of(layer: nn.modules.conv._ConvNd) -> Window:
    """As the layer has it: its own padding, also where it pads by another operation; its groups."""
    reach = [d * (k - 1) for k, d in zip(layer.kernel_size, layer.dilation, strict=True)]
    if layer.padding == "same":
        padding = tuple(-(-side // 2) for side in reach)
    else:
        padding = (0, 0) if isinstance(layer.padding, str) else tuple(layer.padding)
    kernel, stride, dilation = (
        tuple(pair) for pair in (layer.kernel_size, layer.stride, layer.dilation)
    )
    return Window(kernel, stride, padding, dilation, layer.groups)  # type: ignore[arg-type]


def _unpacked(packed: Tensor) -> Tensor:
    return packed


def _never(_packed: object) -> Tensor:
    raise AssertionError("An analysis runs no backward pass.")
