"""What a watcher asks of tensors: which grow with the batch, and which share their memory."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from core.analysis.records import Shape

BATCH = 100_003  # prime, larger than every channel count and class count a spec allows


def per_image(shape: Shape) -> Shape:
    """`shape` with N = 1, wherever the batch stands."""
    return tuple([side // BATCH if side % BATCH == 0 else side for side in shape])


def is_batched(tensor: Tensor) -> bool:
    """Whether the tensor grows with the batch."""
    numbers = tensor.numel()
    return numbers % BATCH == 0 and numbers > 0


def storage_key(tensor: Tensor) -> int:
    """One number for all the views of the same memory."""
    return tensor.untyped_storage()._cdata


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
        if isinstance(item, Tensor):
            tensors.append(item)
        elif isinstance(item, (tuple, list, dict)) and item:
            tensors += tensors_in(item)
    return tensors
