"""What an aten operation is: its name, its kind, its window, its element-wise work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any, NamedTuple

from torch import Tensor

from core.analysis.records import Window
from core.analysis.tensors import BATCH

# Which kind an operation is, by its name in aten. Everything else is "other".
_KIND_OF_OPERATION = {
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
_FREE = ("detach", "alias", "_unsafe_view", "empty", "empty_like")  # no work on any element


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


@cache
def name_and_kind(func: Any) -> tuple[str, str, bool]:
    """An operation's name and kind, and whether it works on elements at all."""
    name = _operation_name(func)
    return name, _KIND_OF_OPERATION.get(name, "other"), not func.is_view and name not in _FREE


def _operation_name(func: Any) -> str:
    """`aten.max_pool2d_with_indices.default` as max_pool2d; an in-place add_ as add."""
    name = func.overloadpacket.__name__.removesuffix("_with_indices")
    return name[:-1] if name.endswith("_") and not name.startswith("__") else name


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


def elementwise_operations(run: Operation) -> int:
    """Element-wise operations over the whole batch; see core.analysis.records."""
    if run.kind in ("convolution", "linear"):
        return 0
    numbers = run.output.numel()
    if run.name == "mean":
        return max(numbers, *(source.numel() for source in run.sources))
    if run.kind == "pooling":
        return numbers * _pooled_numbers(run.name, run.args, run.sources[0])
    return 2 * numbers if run.kind == "normalisation" else numbers


def _pooled_numbers(name: str, args: tuple[Any, ...], source: Tensor) -> int:
    """How many numbers of `source` a pooling reads for each one that it gives."""
    if name in ("max_pool2d", "avg_pool2d"):
        return int(args[1][0] * args[1][-1])
    if name == "avg_pool3d":
        return prod(args[1])
    if name == "_adaptive_avg_pool2d":
        height, width = pair(args[1])
        return source.shape[-2] * source.shape[-1] // (height * width)
    return source.numel() // BATCH
