"""One number of a convolution, a linear layer or a pooling: what it was summed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from core.inside.number_records import PADDED, Pooled, Products, Reads, Source

_Places = NDArray[np.int64]


class Slide(NamedTuple):
    """How a kernel slides over a map; pairs are (height, width)."""

    weight: Tensor  # (out, in / groups, kh, kw); transposed (in, out / groups, kh, kw)
    bias: Tensor | None
    stride: Sequence[int]
    before: Sequence[int]  # padding above and left of the map
    dilation: Sequence[int]
    groups: int
    transposed: bool
    padding_mode: str = "zeros"


def slide_of(module: nn.Module | None, name: str, arguments: Sequence[Any]) -> Slide | None:
    """How this layer or operation slides; None where it is no convolution over two dimensions."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        transposed = isinstance(module, nn.ConvTranspose2d)
        before = module._reversed_padding_repeated_twice[-2::-2]  # of left, right, top, bottom
        if transposed:
            before = [int(side) for side in module.padding]
        return Slide(
            module.weight,
            module.bias,
            module.stride,
            before,
            module.dilation,
            module.groups,
            transposed,
            module.padding_mode,
        )
    if module is None and name == "convolution" and arguments[1].dim() == 4:
        _, weight, bias, stride, padding, dilation, transposed, _, groups = arguments[:9]
        stride, padding, dilation = (_pair(sizes) for sizes in (stride, padding, dilation))
        return Slide(weight, bias, stride, padding, dilation, groups, transposed)
    return None


def convolved(slide: Slide, x: Tensor, source: Source, place: tuple[int, int, int]) -> Products:
    """Products behind one number of a convolution's output; `x` is (C, H, W)."""
    channel, *at = place
    taps = [_taps(slide, axis, at[axis], x.shape[1 + axis]) for axis in (0, 1)]
    (rows, kernel_rows), (columns, kernel_columns) = taps
    outputs = slide.weight.shape[1] * slide.groups if slide.transposed else slide.weight.shape[0]
    group = channel // (outputs // slide.groups)
    inputs = x.shape[0] // slide.groups
    channels = np.arange(group * inputs, (group + 1) * inputs)
    if slide.transposed:
        kernel = slide.weight[channels, channel % (outputs // slide.groups)]
    else:
        kernel = slide.weight[channel]
    kernel = kernel[:, kernel_rows][:, :, kernel_columns]
    bias = None if slide.bias is None else float(slide.bias[channel])
    return Products(_read(x, source, channels, rows, columns), kernel.double().numpy(), bias)


def _taps(slide: Slide, axis: int, place: int, side: int) -> tuple[_Places, _Places]:
    """Places of the input along an axis, PADDED among them, and those of the kernel."""
    stride, before, step = slide.stride[axis], slide.before[axis], slide.dilation[axis]
    kernel = np.arange(slide.weight.shape[2 + axis])
    if not slide.transposed:
        return _within(place * stride - before + step * kernel, side, slide.padding_mode), kernel
    kernel = kernel[::-1].copy()  # so that the places that are read go up
    ends = place + before - step * kernel
    kernel = kernel[(ends % stride == 0) & (ends >= 0) & (ends < side * stride)]
    return (place + before - step * kernel) // stride, kernel


def _within(places: _Places, side: int, mode: str) -> _Places:
    """Where the numbers beyond the border come from."""
    if mode == "circular":
        return places % side
    if mode == "replicate":
        return places.clip(0, side - 1)
    if mode == "reflect":
        return side - 1 - abs(side - 1 - abs(places))
    return np.where((places >= 0) & (places < side), places, PADDED)


def _read(
    x: Tensor,
    source: Source,
    channels: _Places,
    rows: _Places,
    columns: _Places,
    padding: float = 0.0,
) -> Reads:
    part = x[channels][:, rows.clip(0)][:, :, columns.clip(0)].double().numpy().copy()
    part[:, rows == PADDED] = padding
    part[:, :, columns == PADDED] = padding
    return Reads(source, channels, rows, columns, part)


def multiplied(
    weight: Tensor, bias: Tensor | None, x: Tensor, source: Source, feature: int, first: int = 0
) -> Products:
    """Products behind one number of a linear layer; `x` is the vector that it reads.

    `first` is the place of the vector's first number in what the source has made.
    """
    places = np.arange(first, first + len(x))
    reads = Reads(
        source, places, np.zeros(1, int), np.zeros(1, int), x.double().numpy()[:, None, None]
    )
    kernel = weight.double().numpy()[:, None, None]
    return Products(reads, kernel, None if bias is None else float(bias[feature]))


# Pooling ------------------------------------------------------------------------------------------


class PoolWindow(NamedTuple):
    """How a pooling slides; pairs are (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    is_largest: bool
    counts_padding: bool = True  # in the divisor of a mean
    divisor: int | None = None


def pool_of(module: nn.Module | None, name: str, arguments: Sequence[Any]) -> PoolWindow | None:
    """How this layer or operation pools; None where it is no sliding pooling over two dims."""
    if isinstance(module, nn.MaxPool2d):
        sizes = (module.kernel_size, module.stride, module.padding, module.dilation)
        return _pool_window(sizes, True)
    if isinstance(module, nn.AvgPool2d):
        sizes = (module.kernel_size, module.stride, module.padding, 1)
        return _pool_window(sizes, False, module.count_include_pad, module.divisor_override)
    if module is not None or name not in ("max_pool2d", "avg_pool2d"):
        return None
    given = dict(enumerate(arguments))
    stride = given.get(2) or given[1]
    if name == "max_pool2d":
        sizes = (given[1], stride, given.get(3, 0), given.get(4, 1))
        return _pool_window(sizes, True)
    sizes = (given[1], stride, given.get(3, 0), 1)
    return _pool_window(sizes, False, given.get(5, True), given.get(6))


def _pool_window(
    sizes: Sequence[Any], is_largest: bool, counts_padding: bool = True, divisor: int | None = None
) -> PoolWindow:
    kernel, stride, padding, dilation = map(_pair, sizes)
    return PoolWindow(kernel, stride, padding, dilation, is_largest, counts_padding, divisor)


def pooled(pool: PoolWindow, x: Tensor, source: Source, place: tuple[int, int, int]) -> Pooled:
    """The window behind one number of a pooling's output; `x` is (C, H, W)."""
    channel, *at = place
    rows, columns = (
        _within(
            at[axis] * pool.stride[axis]
            - pool.padding[axis]
            + pool.dilation[axis] * np.arange(pool.kernel[axis]),
            x.shape[1 + axis],
            "zeros",
        )
        for axis in (0, 1)
    )
    padding = -np.inf if pool.is_largest else 0.0
    reads = _read(x, source, np.array([channel]), rows, columns, padding)
    return Pooled(reads, None if pool.is_largest else _divisor(pool, reads, at, x.shape[1:]))


def _divisor(pool: PoolWindow, reads: Reads, at: Sequence[int], sides: Sequence[int]) -> float:
    """Numbers that a mean is taken of: those beyond the padding never count."""
    if pool.divisor:
        return float(pool.divisor)
    if not pool.counts_padding:
        return float((reads.rows != PADDED).sum() * (reads.columns != PADDED).sum())
    lengths = [
        min(
            pool.kernel[axis],
            sides[axis] + 2 * pool.padding[axis] - at[axis] * pool.stride[axis],
        )
        for axis in (0, 1)
    ]
    return float(lengths[0] * lengths[1])


def cell(
    x: Tensor,
    source: Source,
    place: tuple[int, int, int],
    given: tuple[int, int],
    is_largest: bool,
) -> Pooled:
    """The cell behind one number of an adaptive pooling to `given` height and width."""
    channel, *at = place
    rows, columns = (
        np.arange(at[axis] * side // given[axis], -(-(at[axis] + 1) * side // given[axis]))
        for axis, side in enumerate(x.shape[1:])
    )
    reads = _read(x, source, np.array([channel]), rows, columns)
    return Pooled(reads, None if is_largest else float(len(rows) * len(columns)))


def _pair(sizes: Any) -> tuple[int, int]:
    """3, [3] and [3, 3] as (3, 3)."""
    both = [sizes] if isinstance(sizes, int) else list(sizes)
    return int(both[0]), int(both[-1])
