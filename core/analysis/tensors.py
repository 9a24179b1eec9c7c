"""What a watcher asks of tensors: which grow with the batch, and which share their memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from torch import Tensor

from core.analysis.records import Shape

PRIME = 100_003  # larger than every channel count and class count a spec allows
BATCH = 840 * PRIME  # images; also what is left of a batch in halves, thirds … has the prime in it
_NUMBERS = (int, float, bool)
_NESTED = 8  # levels of somebody's own records in which tensors are looked for


def per_image(shape: Shape) -> Shape:
    """`shape` with N = 1, wherever the batch stands."""
    return tuple([max(1, side // BATCH) if side and side % PRIME == 0 else side for side in shape])


def alone(shape: Shape, images: int) -> Shape:
    """`shape` of a batch of so many images with N = 1, where the batch stands first."""
    if images % PRIME == 0:
        return per_image(shape)
    return (shape[0] // images, *shape[1:]) if shape and shape[0] % images == 0 else shape


def is_batched(tensor: Tensor) -> bool:
    """Whether the tensor grows with the batch."""
    numbers = tensor.numel()
    return numbers % PRIME == 0 and numbers > 0


def storage_key(tensor: Tensor) -> int:
    """One number for all the views of the same memory."""
    try:
        return tensor.untyped_storage()._cdata
    except NotImplementedError:  # a sparse one, or one inside of torch.vmap
        return id(tensor)


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors of a nested argument or result, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (tuple, list)):
        return []
    tensors: list[Tensor] = []
    for item in value:
        if item is None or item.__class__ in _NUMBERS:
            continue
        if isinstance(item, Tensor):
            tensors.append(item)
        elif isinstance(item, (tuple, list, dict)) and item:
            tensors += tensors_in(item)
    return tensors


def tensors_inside(value: Any, levels: int = _NESTED) -> Iterator[Tensor]:
    """As `tensors_in`, also in dataclasses and objects with attributes, as networks return them."""
    if isinstance(value, Tensor):
        yield value
    elif levels:
        for part in _parts(value):
            yield from tensors_inside(part, levels - 1)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (tuple, list, set, frozenset)):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name, None) for field in fields(value)]
    if isinstance(value, type):
        return []
    if isinstance(value, partial):
        return [*value.args, *value.keywords.values()]
    slots = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
    return [*getattr(value, "__dict__", {}).values(), *slots]
