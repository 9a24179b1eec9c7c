"""One forward pass on the meta device, watched: every module and functional operation it runs.

Modules are followed by hooks, the operations inside them by a TorchDispatchMode, which sees each
one after autograd has recorded it, and the tensors that autograd keeps by saved-tensor hooks. No
number is computed and no memory is taken; the batch is a large prime, so that a size divisible by
it belongs to the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode

from core.analysis.records import IMAGE, LayerCost, Shape, Window
from core.zoo.architecture import output_side

BATCH = 100_003  # prime, larger than every channel count and class count a spec allows

aten = torch.ops.aten

# Which kind an operation is, by its name in aten. Everything else is "other".
KIND_OF_OPERATION = {
    **dict.fromkeys(("convolution", "_convolution"), "convolution"),
    **dict.fromkeys(("addmm", "mm", "bmm", "baddbmm", "linear", "matmul"), "linear"),
    **dict.fromkeys(
        ("max_pool2d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "mean"), "pooling"
    ),
    **dict.fromkeys(
        ("native_batch_norm", "_batch_norm_with_update", "native_layer_norm", "native_group_norm"),
        "normalisation",
    ),
    **dict.fromkeys(
        ("relu", "sigmoid", "tanh", "gelu", "silu", "hardswish", "hardsigmoid", "hardtanh")
        + ("leaky_relu", "elu", "_softmax", "_log_softmax", "clamp", "clamp_min"),
        "activation",
    ),
    **dict.fromkeys(("add", "sub", "cat", "mul", "stack"), "join"),
}
NORMALIZING = (
    *(nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm),
    nn.LocalResponseNorm,
)

MAX_VIEW = 2**62  # wider than any known receptive field: where attention looked, it stays unknown

FREE = ("detach", "alias", "_unsafe_view", "empty", "empty_like")  # no work on any element


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
        return self.backward_macs > 0 and any(one.grad_fn in reached for one in self.results)


class View(NamedTuple):
    """How one unit of a tensor looks back at the image."""

    receptive_field: int | None = 1  # pixels a side; None after attention, which looks anywhere
    jump: int = 1  # pixels between neighbouring units
    side: int = 1  # units a side
    depth: int = 0  # weight layers so far

    def slide(self, kernel: int, stride: int, dilation: int, side: int, depth: int) -> View:
        """After a window of `kernel` units (Dumoulin & Visin 2016; Araujo et al. 2019, eq. 2)."""
        reach = dilation * (kernel - 1) * self.jump
        seen = None if self.receptive_field is None else self.receptive_field + reach
        return View(seen, self.jump * stride, side, self.depth + depth)

    def see_all(self, depth: int) -> View:
        """After an operation that reads the whole map: global pooling, or Linear on a flat map."""
        return self.slide(self.side, 1, 1, 1, depth)


class Operation(NamedTuple):
    """One call that has reached the watcher."""

    name: str
    kind: str
    args: tuple[Any, ...]
    tensors: list[Tensor]  # among its arguments
    sources: list[Tensor]  # those of them that grow with the batch
    source_keys: list[int]  # their storages
    output: Tensor
    output_key: int


def joined(views: list[View]) -> View:
    """How a tensor made of several looks back: with the widest, through the deepest."""
    if len(views) == 1:
        return views[0]
    widest = max(views, key=lambda view: (view.receptive_field or MAX_VIEW, view.depth))
    return widest._replace(depth=max(view.depth for view in views))


def per_image(shape: Shape) -> Shape:
    """`shape` with N = 1, wherever the batch stands."""
    return tuple([side // BATCH if side % BATCH == 0 else side for side in shape])


def is_batched(tensor: Tensor) -> bool:
    """Whether the tensor grows with the batch."""
    numbers = tensor.numel()
    return numbers % BATCH == 0 and numbers > 0


def storage_key(tensor: Tensor) -> int:
    """One number for all the views of the same memory."""
    return tensor.untyped_storage()._cdata


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors of a nested argument or result, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (tuple, list)):
        return []
    found: list[Tensor] = []
    for item in value:
        if isinstance(item, Tensor):
            found.append(item)
        elif isinstance(item, (tuple, list, dict)) and item:
            found += tensors_in(item)
    return found


def multiply_adds(name: str, args: tuple[Any, ...], output: Tensor) -> int:
    """Multiply-adds of a convolution or matrix product over the whole batch, without bias."""
    if name in ("convolution", "_convolution"):
        source, weight, transposed = args[0], args[1], args[6]
        touched = source if transposed else output
        return touched.numel() * prod(weight.shape[1:])
    if name in ("mm", "bmm"):
        return args[0].numel() * args[1].shape[-1]
    if name in ("addmm", "baddbmm"):
        return args[1].numel() * args[2].shape[-1]
    if name == "linear":
        return args[0].numel() * args[1].shape[0]
    return 0


# Where the two operands of a product stand among its arguments.
OPERANDS = {
    **dict.fromkeys(("convolution", "_convolution", "mm", "bmm", "linear"), (0, 1)),
    **dict.fromkeys(("addmm", "baddbmm"), (1, 2)),
}


def gradients_wanted(name: str, args: tuple[Any, ...]) -> int:
    """How many operands of a product need a gradient; each costs as many multiply-adds again."""
    return sum(args[place].requires_grad for place in OPERANDS.get(name, ()))


def sliding_window(name: str, args: tuple[Any, ...]) -> Window | None:
    """The window of a convolution or pooling over two dimensions, None for all else."""
    if name in ("convolution", "_convolution") and args[1].dim() == 4:
        return Window(
            tuple(args[1].shape[2:]), pair(args[3]), pair(args[4]), pair(args[5]), args[8]
        )
    if name in ("max_pool2d", "avg_pool2d"):
        kernel, stride, padding = (args[i] if len(args) > i else () for i in (1, 2, 3))
        return Window(pair(kernel), pair(stride or kernel), pair(padding or (0,)))
    return None


def pair(sizes: Sequence[int]) -> tuple[int, int]:
    """[3] and [3, 3] as (3, 3)."""
    return (sizes[0], sizes[-1])


def pooling_window(name: str, args: tuple[Any, ...], source: Tensor) -> tuple[int, int]:
    """Kernel area, and kernel a side, of a pooling operation."""
    if name in ("max_pool2d", "avg_pool2d"):
        kernel = args[1]
        return (kernel[0] * kernel[-1], kernel[-1])
    if name == "avg_pool3d":
        return (prod(args[1]), 1)
    if name == "_adaptive_avg_pool2d":
        target = args[1]
        return (source.shape[-2] * source.shape[-1] // (target[0] * target[-1]), 0)
    return (source.numel() // BATCH, 0)


def elementwise_operations(run: Operation) -> int:
    """Element-wise operations over the whole batch; see core.analysis.records."""
    if run.kind in ("convolution", "linear"):
        return 0
    numbers = run.output.numel()
    if run.name == "mean":
        return max(numbers, *(source.numel() for source in run.sources))
    if run.kind == "pooling":
        return numbers * pooling_window(run.name, run.args, run.sources[0])[0]
    return 2 * numbers if run.kind == "normalisation" else numbers


class Inventory:
    """The modules, parameters and buffers of a network, found on one walk through it.

    torch's own walks (named_parameters and the like) take a fifth of an analysis.
    """

    def __init__(self, network: nn.Module) -> None:
        self.names: dict[int, str] = {}  # id of a module → its name
        self.own: dict[str, list[nn.Parameter]] = {}  # module → its parameters, not its children's
        self.parameters: dict[int, nn.Parameter] = {}  # by storage
        self.named: dict[int, tuple[str, nn.Parameter]] = {}  # by id, each under its first name
        self.buffers: dict[int, Tensor] = {}  # by id, each once
        for name, module in network.named_modules():
            self.names[id(module)] = name
            self._take(name, module)
        parents = {name.rpartition(".")[0] for name in self.names.values() if name}
        self.leaves = {key: name for key, name in self.names.items() if name not in parents}

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


class Watcher(TorchDispatchMode):
    """Collects a Row for every leaf module and every operation outside of one."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would import its compiler, 6 s, to keep it away from a mode it never sees."""
        return False

    def __init__(self, network: Inventory, image: Tensor) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.network = network
        self.parameters = network.parameters
        self.state = {*self.parameters, *map(storage_key, network.buffers.values())}
        self.counted: set[int] = set()  # parameters that a row has already taken
        self.stack: list[nn.Module] = []
        self.leaf: Row | None = None
        self.uses: dict[str, int] = {}
        self.views = {storage_key(image): View(side=image.shape[-1])}
        self.saved: set[int] = set()
        self.unclaimed: list[Tensor] = []  # saved before the operation that needs them was seen
        self.last_result = 0  # storage that the last operation outside of a leaf has made
        self.makers = {storage_key(image): IMAGE}  # storage → path of the row that made it
        self.kept: list[Any] = [image]  # keeps storages alive, so that their keys stay unique

    # Modules -------------------------------------------------------------------------------

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Before a module's forward: a leaf opens its row."""
        if id(module) not in self.network.names:
            return
        self.stack.append(module)
        name = self.network.leaves.get(id(module))
        if name is not None and self.leaf is None:
            self.leaf = row = self.open_row(name, type(module).__name__)
            if isinstance(module, NORMALIZING):
                row.kind = "normalisation"
            elif isinstance(module, nn.modules.dropout._DropoutNd):
                row.kind = "other"
            self.take_parameters(row, self.network.own.get(name, ()))
            sources = tensors_in(args)
            row.input_shape = tuple(sources[0].shape) if sources else ()
            self.read(row, [storage_key(source) for source in sources])

    def leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """After a module's forward: a leaf closes its row."""
        if not self.stack or self.stack[-1] is not module:
            return
        self.stack.pop()
        row = self.leaf
        if row is None or id(module) not in self.network.leaves:
            return
        self.leaf = None
        for result in tensors_in(output)[:1]:
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
        """A new row whose path is unique: the second use of `relu` is `relu_2`."""
        uses = self.uses[path] = self.uses.get(path, 0) + 1
        row = Row(path if uses == 1 else f"{path}_{uses}", operation)
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
        self.kept.append(result)
        name, kind, is_work = operation(func)
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
        macs = multiply_adds(run.name, run.args, run.output)
        if macs:
            row.macs += macs
            row.backward_macs += macs * gradients_wanted(run.name, run.args)
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
        module = self.network.names[id(self.stack[-1])] if self.stack else ""
        row = self.open_row(f"{module}.{run.name}" if module else run.name, run.name)
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
            self.views[run.output_key] = self.step(joined(known), run)

    def step(self, view: View, run: Operation) -> View:
        """`view` after this operation."""
        if run.kind == "convolution":
            kernel, stride, dilation = run.args[1].shape[-1], run.args[3][-1], run.args[5][-1]
            return view.slide(kernel, stride, dilation, run.output.shape[-1], depth=1)
        if run.name in ("max_pool2d", "avg_pool2d"):
            kernel = run.args[1][-1]
            stride = run.args[2][-1] if len(run.args) > 2 and run.args[2] else kernel
            return view.slide(kernel, stride, 1, run.output.shape[-1], depth=0)
        if run.name in ("mean", "_adaptive_avg_pool2d"):
            return view.see_all(depth=0)
        if run.kind == "linear":
            if not self.weights_among(run.tensors):
                return view._replace(receptive_field=None)
            flat = run.sources[0].shape[0] == BATCH
            return view.see_all(depth=1) if flat else view._replace(depth=view.depth + 1)
        return view

    # Tensors kept for the backward pass -------------------------------------------------------

    def pack(self, tensor: Tensor) -> Tensor:
        """Autograd saves `tensor`: charge it to the row under way, once for each storage."""
        self.kept.append(tensor)
        if self.leaf is not None:
            self.charge(self.leaf, tensor)
        elif self.rows and storage_key(tensor) == self.last_result:
            self.charge(self.rows[-1], tensor)  # a result is saved after its operation ran
        else:
            self.unclaimed.append(tensor)  # an input is saved before its operation is dispatched
        return tensor

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


def same_shape(one: Any, other: Any) -> bool:
    """Whether the result is like `one`: `other` is a number, or a tensor of the same form."""
    return isinstance(other, int | float) or (
        isinstance(other, Tensor)
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )


def shaped_like(func: Any, args: tuple[Any, ...]) -> Any:
    """The result of the operations whose shape is plain to see; None for all others.

    torch works these out on meta by running Python, a tenth of a millisecond or more for each, and
    the first of them by importing its compiler or sympy, 4 s: most of the time that an analysis
    would take. What does not fit is left to torch to refuse.
    """
    maker = SHAPES.get(func)
    return maker(*args) if maker else None


def changed(source: Tensor, *rest: Any) -> Tensor:
    """The result of an operation in place."""
    return source


def one_by_one(source: Tensor, *rest: Any) -> Tensor:
    """The result of an operation on each number."""
    return like(source)


def pairwise(source: Any, other: Any) -> Tensor | None:
    """The result of an operation on two tensors of the same form."""
    return like(source) if same_shape(source, other) else None


def emptied(source: Tensor) -> Tensor | None:
    """As empty_like, which is what makes dropout's mask."""
    return empty(source, source.shape) if source.is_contiguous() else None


def multiplied(bias: Tensor, source: Tensor, weight: Tensor) -> Tensor | None:
    """The result of a linear layer (N, features)."""
    if source.shape[1] != weight.shape[0]:
        return None
    return empty(bias, (source.shape[0], weight.shape[1]))


def convolved(
    source: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, *rest: Any
) -> Tensor | None:
    """The map after a convolution (N, C, H, W) that is not transposed."""
    transposed, _, groups = rest
    fits = source.dim() == weight.dim() == 4 and source.shape[1] == weight.shape[1] * groups
    if not fits or transposed:
        return None
    sides = sides_after(source, weight.shape[2:], stride, padding, dilation)
    return empty(source, (source.shape[0], weight.shape[0], *sides)) if sides else None


def average_pooled(
    source: Tensor, kernel: Any, stride: Any = (), padding: Any = (0,), *rest: Any
) -> Tensor | None:
    """The map after average pooling, without `ceil_mode`."""
    if rest[:1] == (True,) or 2 * padding[0] > kernel[0]:
        return None
    sides = sides_after(source, kernel, stride or kernel, padding)
    return empty(source, (*source.shape[:-2], *sides)) if sides else None


def max_pooled(source: Tensor, *window: Any) -> tuple[Tensor, Tensor] | None:
    """The map after max-pooling, without dilation and `ceil_mode`, and its indices."""
    if len(window) > 3:
        return None
    pooled = average_pooled(source, *window)
    return None if pooled is None else (pooled, empty(pooled, pooled.shape, torch.int64))


def averaged(source: Tensor, dims: Any = None, keepdim: bool = False) -> Tensor | None:
    """(N, C, 1, 1) or (N, C) of a map (N, C, H, W) averaged over its pixels."""
    if source.dim() != 4 or dims is None or sorted(dim % 4 for dim in dims) != [2, 3]:
        return None
    return empty(source, (*source.shape[:2], 1, 1) if keepdim else source.shape[:2])


def concatenated(sources: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    """Maps (N, C, H, W) one behind the other along their channels."""
    maps = {(one.shape[0], *one.shape[2:]) if one.dim() == 4 else () for one in sources}
    if dim != 1 or len(maps) > 1 or () in maps:
        return None
    first = sources[0]
    return empty(first, (first.shape[0], sum(one.shape[1] for one in sources), *first.shape[2:]))


def normalized(source: Tensor, weight: Any, *rest: Any) -> tuple[Tensor, ...] | None:
    """The map after BatchNorm in training, and the statistics of the batch that it keeps."""
    _, _, _, training = rest[:4]
    channels = source.shape[1]
    if not training or (weight is not None and weight.shape[0] != channels):
        return None
    return like(source), empty(source, (channels,)), empty(source, (channels,))


SHAPES: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((aten.relu_.default, aten.bernoulli_.float, aten.div_.Scalar), changed),
    **dict.fromkeys(
        (aten.relu.default, aten.sigmoid.default, aten.tanh.default, aten.silu.default)
        + (aten.gelu.default, aten.hardswish.default, aten.pow.Tensor_Scalar),
        one_by_one,
    ),
    **dict.fromkeys((aten.add.Tensor, aten.mul.Tensor, aten.div.Tensor), pairwise),
    aten.empty_like.default: emptied,
    aten.addmm.default: multiplied,
    aten.convolution.default: convolved,
    aten.avg_pool2d.default: average_pooled,
    aten.max_pool2d_with_indices.default: max_pooled,
    aten.mean.dim: averaged,
    aten.cat.default: concatenated,
    aten.native_batch_norm.default: normalized,
}


def like(tensor: Tensor) -> Tensor:
    """An empty tensor of the same shape and order of dimensions; the second way is slow on meta."""
    if tensor.is_contiguous():
        return empty(tensor, tensor.shape)
    return torch.empty_like(tensor)


def empty(near: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    """A tensor beside `near`; its own new_empty takes torch ten times as long on meta."""
    return torch.empty(shape, dtype=dtype or near.dtype, device=near.device)


def sides_after(
    source: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
) -> list[int] | None:
    """Height and width after the window; None where one is lost."""
    windows = zip(
        source.shape[-2:], pair(kernel), pair(stride), pair(padding), pair(dilation), strict=True
    )
    sides = [output_side(side, d * (k - 1) + 1, s, p) for side, k, s, p, d in windows]
    return sides if min(sides) > 0 else None


@cache
def operation(func: Any) -> tuple[str, str, bool]:
    """An operation's name and kind, and whether it works on elements at all."""
    name = operation_name(func)
    return name, KIND_OF_OPERATION.get(name, "other"), not func.is_view and name not in FREE


def operation_name(func: Any) -> str:
    """`aten.max_pool2d_with_indices.default` as max_pool2d; an in-place add_ as add."""
    name = func.overloadpacket.__name__.removesuffix("_with_indices")
    return name[:-1] if name.endswith("_") and not name.startswith("__") else name


@contextmanager
def watch(watcher: Watcher) -> Iterator[None]:
    """While open, every module call and operation in this thread reaches the watcher."""
    hooks = [
        register_module_forward_pre_hook(watcher.enter),
        register_module_forward_hook(watcher.leave),
    ]
    try:
        with torch.autograd.graph.saved_tensors_hooks(watcher.pack, lambda tensor: tensor), watcher:
            yield
    finally:
        for hook in hooks:
            hook.remove()


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
    inventory = Inventory(network)
    image = torch.empty((BATCH, *input_shape), device="meta")
    watcher = Watcher(inventory, image)
    with watch(watcher), torch.enable_grad():
        output = network(image)
        watcher.kept.append(output)
    for tensor in watcher.unclaimed:
        watcher.charge(watcher.rows[-1], tensor)
    reached = nodes_behind(output)
    return Trace(
        tuple([row.finish(reached) for row in chain(watcher.rows, unused_rows(watcher))]),
        dead_parameters(inventory, reached),
        sum(buffer.nbytes for buffer in inventory.buffers.values()),
    )


def nodes_behind(output: Any) -> set[Any]:
    """The nodes of the autograd graph that a backward pass from `output` visits."""
    open_nodes = [t.grad_fn for t in tensors_in(output) if t.grad_fn is not None]
    seen = set(open_nodes)
    while open_nodes:
        node = open_nodes.pop()
        fresh = {parent for parent, _ in node.next_functions if parent is not None} - seen
        seen |= fresh
        open_nodes.extend(fresh)
    return seen


def dead_parameters(network: Inventory, reached: set[Any]) -> dict[str, int]:
    """Parameters that the backward pass never reaches, so that no step changes them.

    A frozen one is left out: it was meant to get no gradient.
    """
    variables = {id(getattr(node, "variable", None)) for node in reached}
    return {
        name: parameter.numel()
        for key, (name, parameter) in network.named.items()
        if key not in variables and parameter.requires_grad
    }


def unused_rows(watcher: Watcher) -> Iterator[Row]:
    """A row for each module whose own parameters no executed leaf has counted."""
    if len(watcher.counted) == len(watcher.parameters):
        return
    for name, parameters in watcher.network.own.items():
        row = Row(name or "network", "unused or direct parameters", "other")
        watcher.take_parameters(row, parameters)
        if row.params:
            yield row
