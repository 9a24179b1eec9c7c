"""Somebody's module, run without memory and given back exactly as it was.

It is not copied: weights that are computed, locks, open files and functions that hold the module
itself would not survive that.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from core.analysis.class_attributes import class_attributes_kept
from core.analysis.module_watcher import computes_weights
from core.specs import LabError

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
    loan = _Loan(modules)
    with class_attributes_kept(modules):
        try:
            for one in modules:
                loan.take(one, _NESTED)
            set_training(module, True)
            yield
        finally:
            loan.give_back()


def set_training(module: nn.Module, is_training: bool) -> None:
    """As `module.train` does, also where torch.export has taken that away."""
    try:
        module.train(is_training)
    except NotImplementedError:
        for one in module.modules():
            one.training = is_training


def refuse_lazy(modules: list[nn.Module]) -> None:
    """Raise LabError where a layer does not know its sizes yet."""
    for one in modules:
        own = [*one._parameters.values(), *one._buffers.values()]
        if any(tensor is not None and is_lazy(tensor) for tensor in own):
            raise LabError(
                "{name} has lazy layers: run it once on an image, so that they get their sizes.",
                name=type(modules[0]).__name__,
            )


class _Loan:
    """Objects whose attributes are changed for a while."""

    def __init__(self, modules: list[nn.Module]) -> None:
        self.listed = set(map(id, modules))
        self.twins: dict[int, Any] = {}
        self.before: dict[int, tuple[Any, dict[str, Any]]] = {}  # by id: the object, its attributes

    def take(self, one: Any, levels: int) -> None:
        """Put every tensor among its attributes on meta."""
        if id(one) in self.before:
            return
        self.before[id(one)] = (one, dict(one.__dict__))
        for name, value in list(one.__dict__.items()):
            if name != "_modules":
                one.__dict__[name] = self.converted(value, levels)

    def take_hidden(self, module: nn.Module, levels: int) -> None:
        """One that torch does not know of, such as a teacher in a list; its hooks stay away."""
        for one in module.modules():
            if id(one) in self.before or id(one) in self.listed:
                continue
            self.take(one, levels)
            one._forward_hooks = OrderedDict()
            one._forward_pre_hooks = OrderedDict(
                (key, hook)
                for key, hook in one._forward_pre_hooks.items()
                if computes_weights(hook)
            )

    def give_back(self) -> None:
        """Every object as it was."""
        for one, values in self.before.values():
            one.__dict__.clear()
            one.__dict__.update(values)

    def converted(self, value: Any, levels: int) -> Any:
        """The value with tensors on meta, containers and arrays copied; an object stays."""
        if isinstance(value, Tensor):
            if id(value) not in self.twins:
                self.twins[id(value)] = _twin(value)
            return self.twins[id(value)]
        if isinstance(value, np.ndarray):
            return self.twins.setdefault(id(value), value.copy())
        if not levels or isinstance(value, (type, str, bytes)):
            return value
        if isinstance(value, nn.Module):
            self.take_hidden(value, levels - 1)
            return value
        if isinstance(value, (dict, list, tuple, set, deque)):
            return self._container(value, levels - 1)
        if _is_plain(value):
            self.take(value, levels - 1)
        return value

    def _container(self, value: Any, levels: int) -> Any:
        """A copy; what cannot be copied stays as it is."""
        try:
            if isinstance(value, tuple):
                items = [self.converted(item, levels) for item in value]
                return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
            twin = copy(value)
            if isinstance(value, dict):
                for key, item in value.items():
                    twin[key] = self.converted(item, levels)
            elif isinstance(value, set):
                twin = type(value)(self.converted(item, levels) for item in value)
            else:
                for index, item in enumerate(value):
                    twin[index] = self.converted(item, levels)
        except Exception:  # a class of somebody's own may refuse
            return value
        return twin


def _is_plain(value: Any) -> bool:
    """An object that only holds attributes: a record, a meter; no function, nothing of torch."""
    home = type(value).__module__.partition(".")[0]
    return hasattr(value, "__dict__") and not callable(value) and home not in ("torch", "threading")


def _twin(tensor: Tensor) -> Tensor:
    """The same shape and precision without memory."""
    twin = torch.empty_like(tensor, device="meta", requires_grad=False)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, tensor.requires_grad)
    return twin
