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
from math import prod
from typing import Any

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
KIND_OF_MODULE: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.modules.batchnorm._NormBase, "normalisation"),
    (nn.LayerNorm, "normalisation"),
    (nn.GroupNorm, "normalisation"),
    (nn.LocalResponseNorm, "normalisation"),
    (nn.modules.dropout._DropoutNd, "other"),
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
            backward_macs=self.backward_macs // BATCH if self.is_reached(reached) else 0,
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

    def is_reached(self, nodes: set[Any]) -> bool:
        """Whether anything that the row has computed gets a gradient."""
        return any(result.grad_fn in nodes for result in self.results)


@dataclass(frozen=True)
class View:
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


def per_image(shape: Shape) -> Shape:
    """`shape` with N = 1, wherever the batch stands."""
    return tuple(side // BATCH if side % BATCH == 0 else side for side in shape)


def is_batched(tensor: Tensor) -> bool:
    """Whether the tensor grows with the batch."""
    return tensor.numel() % BATCH == 0 and tensor.numel() > 0


def storage_key(tensor: Tensor) -> int:
    """One number for all the views of the same memory."""
    return tensor.untyped_storage()._cdata


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors of a nested argument or result, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, tuple | list):
        return []
    found: list[Tensor] = []
    for item in value:
        if isinstance(item, Tensor):
            found.append(item)
        elif isinstance(item, tuple | list | dict):
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


def elementwise_operations(
    name: str, kind: str, args: tuple[Any, ...], sources: list[Tensor], output: Tensor
) -> int:
    """Element-wise operations over the whole batch; see core.analysis.records."""
    if kind in ("convolution", "linear"):
        return 0
    if kind == "pooling" and name != "mean":
        return output.numel() * pooling_window(name, args, sources[0])[0]
    if kind == "normalisation":
        return 2 * output.numel()
    largest = max((source.numel() for source in sources), default=0)
    return max(output.numel(), largest if name == "mean" else 0)


class Watcher(TorchDispatchMode):
    """Collects a Row for every leaf module and every operation outside of one."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would import its compiler, 6 s, to keep it away from a mode it never sees."""
        return False

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.names = {id(module): name for name, module in network.named_modules()}
        parents = {name.rpartition(".")[0] for name in self.names.values() if name}
        self.leaves = {key for key, name in self.names.items() if name not in parents}
        self.own: dict[str, list[nn.Parameter]] = {}  # module → its parameters, not its children's
        for name, parameter in network.named_parameters(remove_duplicate=False):
            self.own.setdefault(name.rpartition(".")[0], []).append(parameter)
        self.parameters = {storage_key(p): p for p in network.parameters()}
        self.state = {*self.parameters, *(storage_key(buffer) for buffer in network.buffers())}
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
        if id(module) not in self.names:
            return
        self.stack.append(module)
        if id(module) in self.leaves and self.leaf is None:
            name = self.names[id(module)]
            self.leaf = self.open_row(name, type(module).__name__)
            self.leaf.kind = next(
                (kind for cls, kind in KIND_OF_MODULE if isinstance(module, cls)), None
            )
            self.take_parameters(self.leaf, self.own.get(name, ()))
            sources = tensors_in(args)
            self.leaf.input_shape = tuple(sources[0].shape) if sources else ()
            self.read(self.leaf, sources)

    def leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """After a module's forward: a leaf closes its row."""
        if not self.stack or self.stack[-1] is not module:
            return
        self.stack.pop()
        if id(module) in self.leaves and self.leaf is not None:
            for result in tensors_in(output)[:1]:
                self.leaf.output_shape = tuple(result.shape)
                self.leaf.view = self.views.get(storage_key(result), self.leaf.view)
                in_place = storage_key(result) in map(storage_key, tensors_in(args))
                fresh = result.dtype.is_floating_point and self.leaf.kinds and not in_place
                self.leaf.output_bytes = result.nbytes if fresh else 0
                self.leaf.results.append(result)
                self.makers[storage_key(result)] = self.leaf.path
            self.leaf = None

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

    def read(self, row: Row, sources: Iterable[Tensor]) -> None:
        """Note which rows have made what this one reads."""
        for source in sources:
            maker = self.makers.get(storage_key(source))
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
        name = operation_name(func)
        sources = [tensor for tensor in tensors_in(args) if is_batched(tensor)]
        self.kept.append(result)
        self.look_back(name, args, sources, output)
        if not func.is_view and name not in FREE:
            self.add(name, args, sources, output)
        return result

    def add(self, name: str, args: tuple[Any, ...], sources: list[Tensor], output: Tensor) -> None:
        """Charge one operation to the open leaf, or to a row of its own."""
        kind = KIND_OF_OPERATION.get(name, "other")
        row = self.leaf or self.functional_row(name, kind, args, sources, output)
        macs = multiply_adds(name, args, output)
        work = elementwise_operations(name, kind, args, sources, output)
        row.macs += macs
        row.backward_macs += macs * gradients_wanted(name, args)
        row.window = sliding_window(name, args) or row.window
        row.results.append(output)
        row.elementwise_ops += work
        row.kinds[kind] = row.kinds.get(kind, 0) + macs + work
        row.view = self.views.get(storage_key(output), row.view)
        for tensor in self.unclaimed:
            self.charge(row, tensor)
        self.unclaimed.clear()
        self.last_result = storage_key(output)
        self.makers[self.last_result] = row.path

    def functional_row(
        self, name: str, kind: str, args: tuple[Any, ...], sources: list[Tensor], output: Tensor
    ) -> Row:
        """A row for an operation that a non-leaf module runs itself, with the weights it reads."""
        module = self.names.get(id(self.stack[-1]), "") if self.stack else ""
        row = self.open_row(f"{module}.{name}" if module else name, name)
        row.kind, row.is_module = kind, False
        row.input_shape = tuple(sources[0].shape) if sources else ()
        row.output_shape = tuple(output.shape)
        in_place = any(storage_key(output) == storage_key(source) for source in sources)
        row.output_bytes = 0 if in_place else output.nbytes
        self.read(row, sources)
        keys = [storage_key(tensor) for tensor in tensors_in(args)]
        weights = [self.parameters[key] for key in keys if key in self.parameters]
        self.take_parameters(row, sorted(weights, key=Tensor.dim, reverse=True))
        return row

    def look_back(
        self, name: str, args: tuple[Any, ...], sources: list[Tensor], output: Tensor
    ) -> None:
        """Note what one unit of `output` sees of the image."""
        known = [self.views[key] for s in sources if (key := storage_key(s)) in self.views]
        if not known:
            return
        widest = max(known, key=lambda view: (view.receptive_field or MAX_VIEW, view.depth))
        deepest = max(view.depth for view in known)
        view = View(widest.receptive_field, widest.jump, widest.side, deepest)
        self.views[storage_key(output)] = self.step(view, name, args, sources, output)

    def step(
        self, view: View, name: str, args: tuple[Any, ...], sources: list[Tensor], output: Tensor
    ) -> View:
        """`view` after this operation."""
        if name in ("convolution", "_convolution"):
            kernel, stride, dilation = args[1].shape[-1], args[3][-1], args[5][-1]
            return view.slide(kernel, stride, dilation, output.shape[-1], depth=1)
        if name in ("max_pool2d", "avg_pool2d"):
            kernel = args[1][-1]
            stride = args[2][-1] if len(args) > 2 and args[2] else kernel
            return view.slide(kernel, stride, 1, output.shape[-1], depth=0)
        if name in ("mean", "_adaptive_avg_pool2d"):
            return view.see_all(depth=0)
        if KIND_OF_OPERATION.get(name) == "linear":
            weighted = any(storage_key(t) in self.parameters for t in tensors_in(args))
            if not weighted:
                return View(None, view.jump, view.side, view.depth)
            flat = sources[0].shape[0] == BATCH
            kept = View(view.receptive_field, view.jump, view.side, view.depth + 1)
            return view.see_all(depth=1) if flat else kept
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


IN_PLACE = (aten.relu_.default, aten.bernoulli_.float, aten.div_.Scalar)
ONE_BY_ONE = (
    *(aten.relu.default, aten.sigmoid.default, aten.tanh.default, aten.silu.default),
    *(aten.gelu.default, aten.hardswish.default, aten.pow.Tensor_Scalar),
)
PAIRWISE = (aten.add.Tensor, aten.mul.Tensor, aten.div.Tensor)


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
    source: Any = args[0] if args else None
    if func in ONE_BY_ONE or (func in PAIRWISE and same_shape(source, args[1])):
        return like(source)
    if func in IN_PLACE:
        return source
    if func is aten.empty_like.default and source.is_contiguous() and len(args) == 1:
        return empty(source, source.shape)
    if func is aten.addmm.default and args[1].shape[1] == args[2].shape[0]:
        return empty(source, (args[1].shape[0], args[2].shape[1]))
    maker = SHAPES.get(func)
    return maker(*args) if maker else None


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


def normalised(source: Tensor, weight: Any, *rest: Any) -> tuple[Tensor, ...] | None:
    """The map after BatchNorm in training, and the statistics of the batch that it keeps."""
    _, _, _, training = rest[:4]
    channels = source.shape[1]
    if not training or (weight is not None and weight.shape[0] != channels):
        return None
    return like(source), empty(source, (channels,)), empty(source, (channels,))


SHAPES: dict[Any, Callable[..., Any]] = {
    aten.convolution.default: convolved,
    aten.avg_pool2d.default: average_pooled,
    aten.max_pool2d_with_indices.default: max_pooled,
    aten.mean.dim: averaged,
    aten.cat.default: concatenated,
    aten.native_batch_norm.default: normalised,
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


def trace(network: nn.Module, input_shape: Shape) -> Trace:
    """What `network`, built on meta, runs on an image of `input_shape` (C, H, W).

    Parameters that no executed leaf owns (class tokens, unused heads) get rows of their own at
    the end, so that the column of parameters always adds up to the network's.
    """
    network.train()
    image = torch.empty((BATCH, *input_shape), device="meta")
    watcher = Watcher(network, image)
    with watch(watcher), torch.enable_grad():
        output = network(image)
        watcher.kept.append(output)
    for tensor in watcher.unclaimed:
        watcher.charge(watcher.rows[-1], tensor)
    reached = nodes_behind(output)
    rows = (*watcher.rows, *unused_rows(watcher, network))
    return Trace(tuple(row.finish(reached) for row in rows), dead_parameters(network, reached))


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


def dead_parameters(network: nn.Module, reached: set[Any]) -> dict[str, int]:
    """Parameters that the backward pass never reaches, so that no step changes them."""
    variables = {id(getattr(node, "variable", None)) for node in reached}
    return {
        name: parameter.numel()
        for name, parameter in network.named_parameters()
        if id(parameter) not in variables
    }


def unused_rows(watcher: Watcher, network: nn.Module) -> Iterator[Row]:
    """A row for each module whose own parameters no executed leaf has counted."""
    if len(watcher.counted) == len(watcher.parameters):
        return
    for name, parameters in watcher.own.items():
        row = Row(name or "network", "unused or direct parameters", "other")
        watcher.take_parameters(row, parameters)
        if row.params:
            yield row
