"""What a network is given: images, sound, video, token numbers, several things at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.analysis.records import Shape
from core.analysis.tensors import tensors_inside
from core.specs import LabError, shown

_MOST_AXES = 6
_LONGEST = 2**31 - 1
Inputs = Tensor | Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """The arguments of a forward pass with the batch first, as an example has them."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    batch: int  # images of the example

    def of(self, images: int, device: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same for so many images: on meta without numbers, else the example over again."""
        args = tuple(self._resized(value, images, device) for value in self.args)
        kwargs = {key: self._resized(value, images, device) for key, value in self.kwargs.items()}
        return args, kwargs

    def _resized(self, value: Any, images: int, device: str) -> Any:
        if isinstance(value, (list, tuple)):
            items = [self._resized(item, images, device) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        if isinstance(value, Mapping):
            named = {key: self._resized(item, images, device) for key, item in value.items()}
            return named if type(value) is dict else _like(value, named)
        if not isinstance(value, Tensor):
            return value
        is_batched = value.dim() > 0 and value.shape[0] == self.batch
        shape = (images, *value.shape[1:]) if is_batched else value.shape
        if device == "meta":
            return torch.empty(shape, dtype=value.dtype, device="meta")
        if value.is_meta:  # only its shape was given
            return torch.rand(shape, dtype=value.dtype, device=device)
        if not is_batched:
            return value.detach().to(device)
        repeats = -(-images // self.batch)
        return value.detach().to(device).repeat(repeats, *[1] * (value.dim() - 1))[:images]

    @property
    def image_shape(self) -> Shape:
        """Of the first tensor, without the batch."""
        tensors = list(tensors_inside([*self.args, *self.kwargs.values()]))
        return tuple(tensors[0].shape[1:]) if tensors else ()


def _like(value: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """A mapping of the same type."""
    twin = copy(value)
    twin.update(items)  # type: ignore[attr-defined]
    return twin


def given(module: nn.Module, input_shape: Any, inputs: Inputs | None) -> Given:
    """What `analyze_module` was asked with. Raises LabError for what is no input."""
    if (input_shape is None) == (inputs is None):
        raise LabError("analyze_module takes input_shape, such as (3, 480, 640), or inputs.")
    if inputs is None:
        shape = _checked(input_shape)
        images = torch.empty((1, *shape), dtype=_precision(module), device="meta")
        return Given((images,), {}, 1)
    args, kwargs = _arguments(inputs)
    tensors = [t for t in tensors_inside([*args, *kwargs.values()]) if t.dim()]
    if not tensors:
        raise LabError("inputs has no tensor with the batch as its first dimension.")
    return Given(args, kwargs, tensors[0].shape[0])


def _arguments(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return tuple(inputs), {}
    raise LabError(
        "inputs are example tensors, (images, tokens), or a dict of them by the names of forward,"
        " not {inputs}.",
        inputs=shown(inputs),
    )


def _checked(shape: Any) -> Shape:
    sides = tuple(shape) if isinstance(shape, (tuple, list)) else ()
    whole = all(type(side) is int and 0 < side <= _LONGEST for side in sides)
    if not sides or len(sides) > _MOST_AXES or not whole:
        raise LabError(
            "input_shape is the shape of one input without the batch: (3, 480, 640) of an image,"
            " (1, 16000) of sound, (3, 16, 112, 112) of video; not {shape}.",
            shape=shown(shape),
        )
    return sides


def _precision(module: nn.Module) -> torch.dtype:
    """That of the module, where all of it has one."""
    kinds = {p.dtype for p in module.parameters() if p.is_floating_point() or p.is_complex()}
    return kinds.pop() if len(kinds) == 1 else torch.get_default_dtype()
