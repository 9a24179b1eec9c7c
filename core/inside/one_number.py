"""One number of what a layer gives, with what stands behind it in the layers before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.analysis.operations import name_and_kind
from core.analysis.records import IMAGE, Shape
from core.inside.maps import as_maps
from core.inside.number_records import Source, Term
from core.inside.one_image import Seen, Step


class OneNumber:
    """One number of what a step gives, and the numbers that the step has read."""

    def __init__(
        self,
        seen: Seen,
        step: Step,
        inputs: Sequence[str],
        path: str,
        place: tuple[int, int, int],
    ) -> None:
        self.seen, self.step, self.inputs, self.path, self.place = seen, step, inputs, path, place
        self.module = step.module
        self.name = "" if step.module else name_and_kind(step.function)[0]
        self.shape = tuple(step.output.shape)
        maps = as_maps(step.of_image)
        self.value = float(maps[place])
        flat = int(np.ravel_multi_index(place, tuple(maps.shape)))
        at = np.unravel_index(flat, self.shape[1:]) if len(self.shape) > 1 else ()
        self.index = (0, *(int(one) for one in at))  # of the number in the result

    def source_of(self, tensor: Tensor) -> Source:
        """Which of the layers behind this one has made a tensor that it reads."""
        shape = _shape(tensor)
        for path in self.inputs:
            made = self.seen.image if path == IMAGE else self.seen.steps[path].output
            if made.numel() == tensor.numel() and torch.equal(made.flatten(), tensor.flatten()):
                return Source(path, shape, _shape(made))
        return Source("", shape, shape)

    def term(self, tensor: Tensor, index: Sequence[int]) -> Term:
        """The number of a tensor at this index."""
        source = self.source_of(tensor)
        flat = int(np.ravel_multi_index(tuple(index), tuple(tensor.shape)))
        _, height, width = source.shape
        place = flat // (height * width), flat // width % height, flat % width
        return Term(float(tensor[tuple(index)]), source.unit(*place))

    def in_place(self) -> Term | None:
        """The number that stood in its place in the first tensor that is read."""
        inputs = self.step.inputs
        if not inputs or tuple(inputs[0].shape) != self.shape:
            return None
        return self.term(inputs[0], self.index)

    def arguments(self) -> Iterator[Any]:
        """Of the operation, tensors as they were read."""
        tensors = iter(self.step.inputs)
        for argument in self.step.arguments:
            if isinstance(argument, Tensor):
                yield next(tensors)
            elif isinstance(argument, list | tuple) and any(
                isinstance(one, Tensor) for one in argument
            ):
                yield [next(tensors) for _ in argument]
            else:
                yield argument


def _shape(tensor: Tensor) -> Shape:
    return tuple(as_maps(tensor[0]).shape) if tensor.dim() else (1, 1, 1)
