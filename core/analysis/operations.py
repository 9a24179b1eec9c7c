"""What an aten operation is: its name, its kind, its window, its element-wise work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any, NamedTuple

from torch import Tensor

from core.analysis.macs import PRODUCTS, is_uncounted
from core.analysis.records import Window

# Which kind an operation is, by its name in aten. Everything else is "other".
_KIND_OF_OPERATION = {
    **{name: product.kind for name, product in PRODUCTS.items()},
    **dict.fromkeys(
        ("max_pool2d", "avg_pool2d", "max_pool3d", "avg_pool3d", "fractional_max_pool2d")
        + ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d")
        + ("adaptive_max_pool3d", "fractional_max_pool3d"),
        "pooling",
    ),
    **dict.fromkeys(
        ("native_batch_norm", "_batch_norm_with_update", "native_layer_norm", "native_group_norm")
        + ("_fused_rms_norm", "_native_batch_norm_legit", "cudnn_batch_norm")
        + ("_native_batch_norm_legit_no_training",),
        "normalisation",
    ),
    **dict.fromkeys(
        ("relu", "sigmoid", "tanh", "gelu", "silu", "hardswish", "hardsigmoid", "hardtanh")
        + ("leaky_relu", "elu", "_softmax", "_safe_softmax", "_log_softmax", "clamp", "clamp_min")
        + ("_prelu_kernel", "mish", "softplus", "log_sigmoid_forward", "threshold", "celu", "selu")
        + ("rrelu_with_noise", "glu", "hardshrink", "softshrink"),
        "activation",
    ),
    **dict.fromkeys(("add", "sub", "cat", "mul", "stack"), "join"),
}
_FREE = ("detach", "alias", "_unsafe_view", "empty", "empty_like", "lift_fresh", "resize_")
_SHORTER = {  # what a device's own kernel is called in the rows
    name: "scaled_dot_product_attention"
    for name in PRODUCTS
    if name.startswith("_scaled_dot_product")
}
# Operations that read every number of what they are given, for fewer that they give.
REDUCTIONS = frozenset(
    ("sum", "mean", "nansum", "nanmean", "prod", "amax", "amin", "aminmax", "max", "min", "median")
    + ("nanmedian", "mode", "argmax", "argmin", "any", "all", "std", "var", "std_mean", "var_mean")
    + ("norm", "linalg_vector_norm", "logsumexp", "count_nonzero", "kthvalue", "topk", "sort")
    + ("_embedding_bag", "scatter_reduce", "trace", "dist", "cumsum", "cumprod", "logcumsumexp")
)
_NUMBERED = ("topk", "kthvalue")  # which of the numbers they want comes first
_MAPS = ("mean", "amax", "amin", "sum", "max", "min")  # pooling where they take whole maps together


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


class Named(NamedTuple):
    """What an operation's name tells."""

    name: str
    kind: str
    is_work: bool  # whether it works on elements at all
    is_uncounted: bool  # whether it multiplies in a way that no row of PRODUCTS has
    is_only_shaped: bool  # whether it takes no more than sizes from what it is given


@cache
def named(func: Any) -> Named:
    """What the name of `func` tells."""
    name = _operation_name(func)
    work = not func.is_view and name not in _FREE
    kind = _KIND_OF_OPERATION.get(name, "other")
    shaped = name.startswith("new_") or name.endswith("_like")
    return Named(name, kind, work, work and is_uncounted(name, func.namespace), shaped)


def name_and_kind(func: Any) -> tuple[str, str, bool]:
    """An operation's name as rows have it, its kind, and whether it works on elements at all."""
    name = named(func)
    return row_name(name.name), name.kind, name.is_work


def row_name(name: str) -> str:
    """What an operation is called in a row: a device's own kernel as what it computes."""
    return _SHORTER.get(name, name)


def _operation_name(func: Any) -> str:
    """`aten.max_pool2d_with_indices.default` as max_pool2d; an in-place add_ as add."""
    name = func.overloadpacket.__name__.removesuffix("_with_indices")
    return name[:-1] if name.endswith("_") and not name.startswith("__") else name


def kind_of(run: Operation) -> str:
    """Its kind; what takes whole maps together is a pooling, whatever it is called."""
    return "pooling" if run.name in _MAPS and pooled_axes(run) else run.kind


def pooled_axes(run: Operation) -> tuple[int, ...]:
    """Along which axes of the map (N, C, …) a reduction takes all units together, from 0.

    Empty for one that keeps the map, such as a mean over the channels.
    """
    dims = reduced_dims(run) if run.sources[0].dim() >= 3 else None
    return tuple(dim - 2 for dim in dims or () if dim >= 2)


def reduced_dims(run: Operation) -> list[int] | None:
    """The dimensions that a reduction takes together; None where it is none: the larger of two."""
    source = run.sources[0]
    place = 2 if "norm" in run.name or run.name in _NUMBERED else 1  # behind the order, the number
    dims = run.args[place] if len(run.args) > place else None
    if dims is None or dims == []:
        dims = range(source.dim())
    dims = [dims] if isinstance(dims, int) else dims
    if not isinstance(dims, (list, tuple, range)):
        return None
    return sorted({dim % source.dim() for dim in dims})


def sliding_window(name: str, args: tuple[Any, ...]) -> Window | None:
    """The window of a convolution or pooling over two dimensions, None for all else."""
    if name in ("convolution", "_convolution") and args[1].dim() == 4:
        return Window(
            tuple(args[1].shape[2:]), pair(args[3]), pair(args[4]), pair(args[5]), args[8]
        )
    if name in ("max_pool2d", "avg_pool2d"):
        kernel, stride, padding = (args[i] if len(args) > i else () for i in (1, 2, 3))
        dilation = args[4] if name == "max_pool2d" and len(args) > 4 else (1,)
        return Window(pair(kernel), pair(stride or kernel), pair(padding or (0,)), pair(dilation))
    return None


def pair(sizes: Sequence[int]) -> tuple[int, int]:
    """[3] and [3, 3] as (3, 3)."""
    return (sizes[0], sizes[-1])


def elementwise_operations(run: Operation) -> int:
    """Element-wise operations over the whole batch; see core.analysis.records."""
    if run.name in PRODUCTS:
        return 0
    numbers = run.output.numel()
    if run.name in REDUCTIONS:
        return max(numbers, *(source.numel() for source in run.sources or [run.output]))
    if run.kind == "pooling":
        return _numbers_pooled(run.name, run.args, run.sources[0], run.output)
    return 2 * numbers if run.kind == "normalisation" else numbers


def _numbers_pooled(name: str, args: tuple[Any, ...], source: Tensor, output: Tensor) -> int:
    """How many numbers of `source` a pooling reads, once for each one that it gives."""
    if "adaptive" in name:
        axes = len(args[1])
        maps = source.numel() // prod(source.shape[-axes:])
        cells = [adaptive_cells(*sides) for sides in _sides(source, output, axes)]
        return maps * prod(map(sum, cells))
    return output.numel() * prod(int(side) for side in _full(args[1], name))


def _sides(source: Tensor, output: Tensor, axes: int) -> list[tuple[int, int]]:
    return list(zip(source.shape[-axes:], output.shape[-axes:], strict=True))


def _full(kernel: Sequence[int], name: str) -> Sequence[int]:
    """A kernel with a number for each axis."""
    axes = 3 if "3d" in name else 2
    return kernel if len(kernel) == axes else [kernel[0]] * axes


def adaptive_cells(units: int, cells: int) -> list[int]:
    """Units that each cell of an adaptive pooling reads: from ⌊k·u/c⌋ up to ⌈(k + 1)·u/c⌉.

    Source: torch's own start_index and end_index (AdaptivePooling.h).
    """
    return [-(-(k + 1) * units // cells) - k * units // cells for k in range(cells)]
