"""How the units of a tensor look back at the image: receptive field and depth.

What cannot be followed has the field None: it may look anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import zip_longest
from math import ceil, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from core.analysis.layout import (
    SEVERAL,
    Length,
    Part,
    Parts,
    as_whole,
    blank,
    parts_along,
    parts_by_stride,
    row_of,
)
from core.analysis.records import Sides

_MAX_VIEW = 2**62  # wider than any known receptive field: where attention looked, it stays unknown


class Axis(NamedTuple):
    """What the first unit of a tensor sees along one axis of the image: height, width, time."""

    reach: Length | None = 1  # pixels that a unit sees; None after attention, which looks anywhere
    start: Length = 0  # the first of them
    grain: Length = 1  # after upsampling several units see the same: it grows by that many pixels
    before: Length = 1  # what was seen before that

    @property
    def field(self) -> int | None:
        """Pixels that the unit sees which sees the most."""
        reach, before = self.reach, self.before
        if reach is None:
            return None
        if self.grain == 1 and isinstance(reach, int) and isinstance(before, int):
            return reach
        return ceil(before + ceil((reach - before) / self.grain) * self.grain)

    def reaching(self, further: Length, ahead: Length = 0, grain: Length = 1) -> Axis:
        """Seeing so many pixels more, so many of them ahead of the first (Araujo 2019, eq. 2)."""
        if self.reach is None:
            return self
        axis = self
        if grain > self.grain:
            seen = self.field or 0
            axis = Axis(seen, self.start, grain, seen)
        reach, start = as_whole(self.reach + further), as_whole(self.start - ahead)
        return Axis(reach, start, axis.grain, axis.before)

    def with_other(self, other: Axis) -> Axis:
        """Seeing also what the other sees, and what is between."""
        if self.reach is None or other.reach is None:
            return self if self.reach is None else other
        ends = self.start + self.reach, other.start + other.reach
        if self.start <= other.start and ends[0] >= ends[1]:
            return self
        if other.start <= self.start and ends[1] >= ends[0]:
            return other
        start = min(self.start, other.start)
        ends = self.start + (self.field or 0), other.start + (other.field or 0)
        seen = as_whole(max(ends) - start)
        return Axis(seen, start, max(self.grain, other.grain), seen)

    def beside(self, other: Axis) -> Axis:
        """As wide as the wider of two that stand beside each other, not in one unit."""
        is_wider = self.reach is None or (other.reach is not None and self.reach >= other.reach)
        return (self if is_wider else other)._replace(start=self.start)


class View(NamedTuple):
    """How the units of a tensor look back at the image."""

    axes: tuple[Axis, ...] = ()
    depth: int = 0  # weight layers so far
    layout: tuple[Parts, ...] = ()  # of each dimension of `base`
    base: Tensor | None = None  # the tensor that the layout belongs to

    @classmethod
    def of_input(cls, image: Tensor) -> View:
        """Of the input (N, C, …) itself; one of (N, features) has no axis."""
        rows = [(Part(side, axis, 1),) for axis, side in enumerate(image.shape[2:])]
        layout = (*((Part(side),) for side in image.shape[:2]), *rows)
        return cls(tuple(Axis() for _ in rows), 0, layout, image)

    @classmethod
    def of_nothing(cls, tensor: Tensor) -> View:
        """Of a tensor that holds nothing of the image."""
        return cls((), 0, blank(tensor, None), tensor)

    @property
    def receptive_field(self) -> Sides | None:
        """Pixels that one unit sees: a number where all axes agree; None after attention."""
        fields = [axis.field for axis in self.axes]
        whole = [field for field in fields if field is not None]
        if not fields or len(whole) < len(fields):
            return None if fields else 1
        return whole[0] if len(set(whole)) == 1 else tuple(whole)

    @property
    def width(self) -> tuple[int, Length, int]:
        """How much of the image it sees, to compare."""
        fields = [axis.field for axis in self.axes]
        seen = _MAX_VIEW if None in fields else prod(field for field in fields if field is not None)
        return len(fields), seen, self.depth

    def of(self, tensor: Tensor) -> View:
        """The same for a tensor that has the memory of `base`, or a part of it."""
        base = self.base
        if tensor is base:
            return self
        if base is None or torch.strided != tensor.layout or torch.strided != base.layout:
            return self._replace(layout=blank(tensor, SEVERAL if self.axes else None))
        if (
            tensor.shape == base.shape
            and tensor.stride() == base.stride()
            and tensor.storage_offset() == base.storage_offset()
        ):
            return self
        parts = parts_by_stride(self.layout, base)
        layout = tuple(
            parts_along(size, stride * tensor.itemsize, parts)
            for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
        )
        return self._replace(axes=self._starting_at(tensor, parts), layout=layout)

    def _starting_at(self, tensor: Tensor, parts: list[tuple[int, Part]]) -> tuple[Axis, ...]:
        assert self.base is not None
        left = int(tensor.storage_offset()) * tensor.itemsize
        left -= int(self.base.storage_offset()) * self.base.itemsize
        if left <= 0:
            return self.axes
        axes = list(self.axes)
        for stride, part in reversed(parts):
            units, left = divmod(left, stride)
            if part.axis is not None and part.axis != SEVERAL:
                axes[part.axis] = axes[part.axis].reaching(0, -units * part.jump)
        return tuple(axes)

    def written(self, part: View) -> View:
        """After `part` was written to this tensor, or to some of it."""
        whole = self
        if not any(one.axis is not None for parts in self.layout for one in parts):
            if self.base is None or part.base is None:
                return part
            layout = part.of(self.base).layout  # nothing stood there
            whole = View(part.axes, part.depth, layout, self.base)
        place = whole if part.base is None else whole.of(part.base)
        axes = [
            axis.reaching(0, there.start - here.start)
            for axis, here, there in zip(part.axes, whole.axes, place.axes, strict=False)
        ]
        if whole is self:
            axes = together([self.axes, axes])
        return whole._replace(axes=tuple(axes), depth=max(whole.depth, part.depth))

    # What operations do ----------------------------------------------------------------------

    def mixing(self, dims: Iterable[int]) -> View:
        """Each unit sees all that stand along these dimensions."""
        mixed = [part for dim in dims for part in self.layout[dim] if part.axis is not None]
        if not mixed:
            return self
        axes = list(self.axes)
        for part in mixed:
            if part.axis == SEVERAL:
                return self._replace(axes=tuple(axis._replace(reach=None) for axis in axes))
            axes[part.axis or 0] = axes[part.axis or 0].reaching((part.size - 1) * part.jump)
        return self._replace(axes=tuple(axes))

    def unknown(self, output: Tensor) -> View:
        """After an operation that looks anywhere."""
        axes = tuple(axis._replace(reach=None) for axis in self.axes)
        return View(axes, self.depth, blank(output, SEVERAL))

    def sliding(self, output: Tensor, windows: Sequence[tuple[Any, Any, Any]]) -> View:
        """After windows over the last dimensions, for each (reach, ahead, stride) in units.

        A window reaches `reach` units beyond its first one, `ahead` of them ahead of the map.
        """
        axes, layout = list(self.axes), list(self.layout)
        for dim, (reach, ahead, stride) in enumerate(windows, len(layout) - len(windows)):
            side, parts = output.shape[dim], layout[dim]
            if reach == 0 and ahead == 0 and stride == 1:
                continue
            row = parts[0] if len(parts) == 1 else row_of(parts)
            if row.axis == SEVERAL:
                if reach:
                    return self.unknown(output)
                layout[dim] = (Part(side, SEVERAL),)
            elif row.axis is None:
                layout[dim] = (Part(side),)
            else:
                grain = max(row.grain, row.jump if stride < 1 else 1)
                axis = axes[row.axis].reaching(0, 0, grain) if grain > 1 else axes[row.axis]
                axes[row.axis] = axis.reaching(reach * row.jump, ahead * row.jump)
                layout[dim] = (Part(side, row.axis, as_whole(row.jump * stride)),)
        return View(tuple(axes), self.depth, tuple(layout), self.base)


def together(several: Sequence[Sequence[Axis]]) -> list[Axis]:
    return [reduce(Axis.with_other, filter(None, same)) for same in zip_longest(*several)]
