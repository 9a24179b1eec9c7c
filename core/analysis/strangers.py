"""Tensors that a network of somebody else brings along or makes on a device of its own.

A table made in `forward`, a mask kept in a list, a copy "to the CPU": they meet tensors without
numbers, and what would take the memory of a whole batch is not made at all.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from core.analysis.tensors import PRIME, tensors_in

_aten = torch.ops.aten
_SMALL = 2**24  # numbers of a tensor that is really made: a branch may ask, a cache may keep it
_MOVING = (_aten._to_copy, _aten.to, _aten.pin_memory)


def received(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with which the operation can run without numbers."""
    tensors = tensors_in([*args, *kwargs.values()])
    if not tensors:
        return args, _made(func, args, kwargs)
    on_meta = [tensor.is_meta for tensor in tensors]
    if any(on_meta):
        if "device" in kwargs and func.overloadpacket in _MOVING:
            kwargs = {name: value for name, value in kwargs.items() if name != "device"}
        elif kwargs.get("device") is not None:
            kwargs = kwargs | {"device": torch.device("meta")}
    if not all(on_meta) and (any(on_meta) or _grows(args)):
        args, kwargs = tree_map(_without_numbers, (args, kwargs))
    return args, kwargs


def _made(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """A new tensor: without memory where it is as large as the batch, or large at all."""
    if "device" not in kwargs and not _makes(func):
        return kwargs
    without = kwargs | {"device": torch.device("meta")}
    try:
        numbers = func(*args, **without).numel()
    except (RuntimeError, NotImplementedError, TypeError):
        return kwargs
    if numbers > _SMALL or (numbers and numbers % PRIME == 0):
        return without
    return kwargs | {"device": torch.device("cpu")}


@cache
def _makes(func: Any) -> bool:
    """Whether the operation makes a tensor out of nothing."""
    return any(argument.name == "device" for argument in func._schema.arguments)


def _grows(args: tuple[Any, ...]) -> bool:
    """Whether an argument has the size of the batch in it: repeat, expand."""
    numbers: list[Any] = []
    for value in args:
        numbers += value if isinstance(value, (list, tuple)) else [value]
    return any(type(number) is int and number and number % PRIME == 0 for number in numbers)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Tensor) and not value.is_meta:
        return torch.empty_like(value, device="meta", requires_grad=False)
    return value
