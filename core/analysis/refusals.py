"""What torch refuses when it computes, and accepts when there are no numbers."""

from __future__ import annotations

from typing import Any

import torch

_CONVOLUTIONS = (torch.ops.aten.convolution, torch.ops.aten._convolution)


def refuse(func: Any, args: tuple[Any, ...]) -> None:
    """Raise RuntimeError, in torch's words, for an operation that it does not run.

    Source: check_shape_forward of torch's Convolution.cpp.
    """
    if func.overloadpacket in _CONVOLUTIONS:
        _refuse_convolution(*args[:9])


def _refuse_convolution(
    source: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> None:
    out = weight.shape[1] * groups if transposed else weight.shape[0]
    if groups < 1 or weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0,"
            f" but got weight of size {list(weight.shape)} instead"
        )
    if bias is not None and tuple(bias.shape) != (out,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with"
            f" {out} elements, but got bias of size {list(bias.shape)} instead"
        )
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(*stride, *dilation) < 1:
        raise RuntimeError("non-positive stride or dilation is not supported")
    if transposed and any(
        extra >= max(s, d) for extra, s, d in zip(output_padding, stride, dilation, strict=False)
    ):
        raise RuntimeError("output padding must be smaller than either stride or dilation")
    if source.dtype != weight.dtype:
        raise RuntimeError(
            f"Input type ({source.dtype}) and weight type ({weight.dtype}) should be the same"
        )
