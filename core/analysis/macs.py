"""The multiply-adds of convolutions and matrix products, forward and backward, without bias."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

# Where the two operands of a product stand among its arguments.
_OPERANDS = {
    **dict.fromkeys(("convolution", "_convolution", "mm", "bmm", "linear"), (0, 1)),
    **dict.fromkeys(("addmm", "baddbmm"), (1, 2)),
}


def forward_macs(name: str, args: tuple[Any, ...], output: Tensor) -> int:
    """Multiply-adds of the aten operation `name` over the whole batch; 0 for what is no product."""
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


def backward_macs(name: str, args: tuple[Any, ...], macs: int) -> int:
    """Multiply-adds of the gradients behind a product of `macs` multiply-adds.

    Each operand that needs a gradient (the weight; the input, unless it is the image) costs as
    many multiply-adds again: its gradient is the product of the output's with the other operand.
    """
    return macs * sum(args[index].requires_grad for index in _OPERANDS.get(name, ()))
