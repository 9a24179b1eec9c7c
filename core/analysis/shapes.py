"""The shapes of common operations on meta, worked out without torch's own decompositions.

torch works these out on meta by running Python, a tenth of a millisecond or more for each, and the
first of them by importing its compiler or sympy, 4 s: most of the time that an analysis would take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from core.analysis.operations import pair
from core.zoo.architecture import output_side

_aten = torch.ops.aten


def _same_shape(source: Any, other: Any) -> bool:
    """Whether the result is like `source`: `other` is a number, or a tensor of the same form."""
    return isinstance(other, int | float) or (
        isinstance(other, Tensor)
        and source.shape == other.shape
        and source.stride() == other.stride()
        and source.dtype == other.dtype
    )


def shaped_like(func: Any, args: tuple[Any, ...]) -> Any:
    """The result of the operations in SHAPES, an empty tensor; None where torch must work it out.

    What does not fit is left to torch to refuse.
    """
    maker = _SHAPES.get(func)
    if maker is None:
        return None
    first = args[0][0] if isinstance(args[0], list) else args[0]
    if not (isinstance(first, Tensor) and first.is_meta):
        return None  # with numbers
    if not first.is_floating_point() and maker is not _counted:
        return None  # whole ones may become fractions
    return maker(*args)


def _in_place(source: Tensor, *rest: Any) -> Tensor:
    """The result of an operation in place."""
    return source


def _counted(source: Tensor, other: Any) -> Tensor | None:
    """The result of adding a number in place: BatchNorm counts its batches so."""
    return source if isinstance(other, int) or other.dim() == 0 else None


def _elementwise(source: Tensor, *rest: Any) -> Tensor:
    """The result of an operation on each number."""
    return like(source)


def _pairwise(source: Any, other: Any) -> Tensor | None:
    """The result of an operation on two tensors of the same form."""
    return like(source) if _same_shape(source, other) else None


def _emptied(source: Tensor) -> Tensor | None:
    """As empty_like, which is what makes dropout's mask."""
    return empty(source, source.shape) if source.is_contiguous() else None


def _multiplied(bias: Tensor, source: Tensor, weight: Tensor) -> Tensor | None:
    """The result of a linear layer (N, features)."""
    fits = source.shape[1] == weight.shape[0] and bias.shape == weight.shape[1:]
    if not fits or not source.dtype == weight.dtype == bias.dtype:
        return None
    return empty(bias, (source.shape[0], weight.shape[1]))


def _convolved(
    source: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, *rest: Any
) -> Tensor | None:
    """The map after a convolution (N, C, H, W) that is not transposed."""
    transposed, _, groups = rest
    fits = source.dim() == weight.dim() == 4 and source.shape[1] == weight.shape[1] * groups
    fits &= weight.shape[0] % groups == 0 and source.dtype == weight.dtype
    fits &= bias is None or (bias.shape == weight.shape[:1] and bias.dtype == weight.dtype)
    if not fits or transposed:
        return None
    sides = _sides_after(source, weight.shape[2:], stride, padding, dilation)
    return empty(source, (source.shape[0], weight.shape[0], *sides)) if sides else None


def _average_pooled(
    source: Tensor, kernel: Any, stride: Any = (), padding: Any = (0,), *rest: Any
) -> Tensor | None:
    """The map after average pooling, without `ceil_mode`."""
    too_wide = any(2 * p > k for k, p in zip(pair(kernel), pair(padding or (0,)), strict=True))
    if rest[:1] == (True,) or too_wide:
        return None
    sides = _sides_after(source, kernel, stride or kernel, padding)
    return empty(source, (*source.shape[:-2], *sides)) if sides else None


def _max_pooled(source: Tensor, *window: Any) -> tuple[Tensor, Tensor] | None:
    """The map after max-pooling, without dilation and `ceil_mode`, and its indices."""
    if len(window) > 3:
        return None
    pooled = _average_pooled(source, *window)
    return None if pooled is None else (pooled, empty(pooled, pooled.shape, torch.int64))


def _averaged_along_channels(
    source: Tensor, kernel: Sequence[int], stride: Sequence[int] = (), *rest: Any
) -> Tensor | None:
    """What local response normalization averages: (N, 1, C, H, W) over windows of channels."""
    if rest or list(kernel[1:]) != [1, 1] or set(stride) != {1}:
        return None
    channels = output_side(source.shape[2], kernel[0], 1, 0)
    return empty(source, (*source.shape[:2], channels, *source.shape[3:])) if channels > 0 else None


def _averaged(source: Tensor, dims: Any = None, keepdim: bool = False) -> Tensor | None:
    """(N, C, 1, 1) or (N, C) of a map (N, C, H, W) averaged over its pixels."""
    if source.dim() != 4 or dims is None or sorted(dim % 4 for dim in dims) != [2, 3]:
        return None
    return empty(source, (*source.shape[:2], 1, 1) if keepdim else source.shape[:2])


def _concatenated(sources: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    """Maps (N, C, H, W) one behind the other along their channels."""
    maps = {(x.shape[0], *x.shape[2:]) if x.dim() == 4 else () for x in sources}
    if dim != 1 or len(maps) > 1 or () in maps:
        return None
    first = sources[0]
    return empty(first, (first.shape[0], sum(x.shape[1] for x in sources), *first.shape[2:]))


def _normalized(source: Tensor, weight: Any, *rest: Any) -> tuple[Tensor, ...] | None:
    """The map after BatchNorm in training, and the statistics of the batch that it keeps."""
    _, _, _, training = rest[:4]
    channels = source.shape[1]
    if not training or (weight is not None and weight.shape[0] != channels):
        return None
    return like(source), empty(source, (channels,)), empty(source, (channels,))


_SHAPES: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys((_aten.relu_.default, _aten.bernoulli_.float, _aten.div_.Scalar), _in_place),
    **dict.fromkeys(
        (_aten.relu.default, _aten.sigmoid.default, _aten.tanh.default, _aten.silu.default)
        + (_aten.gelu.default, _aten.hardswish.default, _aten.pow.Tensor_Scalar)
        + (_aten.rsub.Scalar,),
        _elementwise,
    ),
    **dict.fromkeys((_aten.add.Tensor, _aten.mul.Tensor, _aten.div.Tensor), _pairwise),
    _aten.add_.Tensor: _counted,
    _aten.empty_like.default: _emptied,
    _aten.addmm.default: _multiplied,
    _aten.convolution.default: _convolved,
    _aten.avg_pool2d.default: _average_pooled,
    _aten.avg_pool3d.default: _averaged_along_channels,
    _aten.max_pool2d_with_indices.default: _max_pooled,
    _aten.mean.dim: _averaged,
    _aten.cat.default: _concatenated,
    _aten.native_batch_norm.default: _normalized,
}


def like(tensor: Tensor) -> Tensor:
    """An empty tensor of the same shape and order of dimensions; the second way is slow on meta."""
    if tensor.is_contiguous():
        return empty(tensor, tensor.shape)
    return torch.empty_like(tensor)


def empty(near: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    """A tensor beside `near`; its own new_empty takes torch ten times as long on meta."""
    return torch.empty(shape, dtype=dtype or near.dtype, device=near.device)


def _sides_after(
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
    sides = []
    for side, k, s, p, d in windows:
        if min(k, s, d) < 1 or p < 0:
            return None
        sides.append(output_side(side, d * (k - 1) + 1, s, p))
    return sides if min(sides) > 0 else None
