"""What the dimensions of a tensor run along: axes of the image, one part inside another.

A map need not stay a map: it may become a row of tokens, or of patches with their pixels as
features. Of a view (permute, reshape, slice) nothing need be noted: its strides tell which parts of
the layout of its storage it has.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import NamedTuple

from torch import Tensor

Length = int | Fraction  # pixels of the image
SEVERAL = -1  # in place of an axis: several of them, in an order that is no grid


class Part(NamedTuple):
    """What a dimension of a tensor runs along, as a whole or in part."""

    size: int
    axis: int | None = None  # of the image; None: images, channels; or SEVERAL
    jump: Length = 0  # pixels between neighboring units
    grain: Length = 1  # pixels between those that do not see the same


Parts = tuple[Part, ...]  # of one dimension, the outermost first


def parts_by_stride(layout: tuple[Parts, ...], base: Tensor) -> list[tuple[int, Part]]:
    """Every part with the bytes between its neighbors, the nearest first."""
    found = []
    for parts, stride in zip(layout, base.stride(), strict=True):
        step = stride * base.itemsize
        for part in reversed(parts):
            if part.size > 1 and step:
                found.append((step, part))
            step *= part.size
    return sorted(found, key=lambda one: one[0])


def parts_along(size: int, stride: int, parts: list[tuple[int, Part]]) -> Parts:
    """Those that a dimension with `stride` bytes between its numbers runs along."""
    found: list[Part] = []
    for step, part in parts:
        if size == 1 or not stride:
            break
        if stride < step:  # between two parts: numbers that were there before
            gap = min(size, step // stride)
            found.append(Part(gap))
            size, stride, is_whole = size // gap, stride * gap, not (step % stride or size % gap)
            if not is_whole:
                return (Part(size * gap, SEVERAL),)
        if size == 1 or stride >= step * part.size:
            continue
        jump = stride // step
        taken = min(size, -(-part.size // jump))
        if all(size * stride <= other or other <= step for other, _ in parts):
            taken = size  # a longer row, of which the base was a slice
        if stride % step or size % taken:
            return (Part(size * prod(one.size for one in found), SEVERAL),)
        found.append(Part(taken, part.axis, part.jump * jump))
        size, stride = size // taken, stride * taken
    if size > 1 or not found:
        found.append(Part(size))
    return tuple(reversed(found))


def row_of(parts: Parts) -> Part:
    """A dimension as one row of units, of SEVERAL axes where it is no even one."""
    size, between = prod(part.size for part in parts), 1
    row: Part | None = None
    for part in reversed(parts):
        if part.axis is None:
            between *= 1 if row else part.size  # pixels made of channels
        elif row is None:
            row = part
        elif part.axis == row.axis and part.jump == row.jump * row.size:
            row = row._replace(size=row.size * part.size)
        else:
            return Part(size, SEVERAL)
    if row is None:
        return Part(size)
    if between == 1:
        return row._replace(size=size)
    return Part(size, row.axis, as_whole(Fraction(row.jump) / between), row.jump)


def blank(tensor: Tensor, axis: int | None) -> tuple[Parts, ...]:
    return tuple((Part(side, axis),) for side in tensor.shape)


def as_whole(length: Length) -> Length:
    """A whole number where it is one: fractions are slow."""
    is_whole = type(length) is Fraction and length.denominator == 1
    return int(length) if is_whole else length
