"""Somebody's module, run without memory and given back exactly as it was.

It is not copied: weights that are computed, locks, open files and functions that hold the module
itself would not survive that.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from core.specs import LabError

_CONTAINERS = (list, dict, tuple, set, OrderedDict, defaultdict, deque)
_RECURSION = 20_000  # calls
_NESTED = 4  # levels of containers in which tensors are looked for


@contextmanager
def deep_enough() -> Iterator[None]:
    """Room for a thousand modules inside each other, watched: four calls of Python for each."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextmanager
def without_memory(module: nn.Module) -> Iterator[None]:
    """While open, every tensor of the module is on meta and it is in training.

    Raises LabError for a lazy module that has not seen an image yet.
    """
    modules = list(module.modules())
    refuse_lazy(modules)
    twins: dict[int, Tensor] = {}
    before = [(one, dict(one.__dict__)) for one in modules]
    try:
        for one in modules:
            for name, value in list(one.__dict__.items()):
                if name != "_modules":
                    one.__dict__[name] = _converted(value, twins, _NESTED)
        module.train()
        yield
    finally:
        for one, values in before:
            one.__dict__.clear()
            one.__dict__.update(values)


def refuse_lazy(modules: list[nn.Module]) -> None:
    """Raise LabError where a layer does not know its sizes yet."""
    for one in modules:
        own = [*one._parameters.values(), *one._buffers.values()]
        if any(tensor is not None and is_lazy(tensor) for tensor in own):
            raise LabError(
                f"{type(modules[0]).__name__} has lazy layers: run it once on an image, so that"
                " they get their sizes."
            )


def _converted(value: Any, twins: dict[int, Tensor], levels: int) -> Any:
    """The value with tensors on meta, in containers of their own; all else as it is."""
    if isinstance(value, Tensor):
        if id(value) not in twins:
            twins[id(value)] = _twin(value)
        return twins[id(value)]
    if type(value) not in _CONTAINERS or not levels:
        return value
    if isinstance(value, dict):
        copy = value.copy()
        copy.update({key: _converted(item, twins, levels - 1) for key, item in value.items()})
        return copy
    items = [_converted(item, twins, levels - 1) for item in value]
    if isinstance(value, deque):
        return deque(items, value.maxlen)
    return type(value)(items)


def _twin(tensor: Tensor) -> Tensor:
    """The same shape and precision without memory."""
    twin = torch.empty_like(tensor, device="meta", requires_grad=False)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, tensor.requires_grad)
    return twin
