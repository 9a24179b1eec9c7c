"""Where the inputs of the first linear layer come from: channels × height × width, and why so.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from core.analysis.records import IMAGE, LayerCost, Shape


@dataclass(frozen=True)
class Sides:
    """How one side of the flattened map came about."""

    steps: tuple[int, ...]  # pixels, from the image's side to the map's, each change once
    halvings: int | None  # how often it was halved, rounded down; None: not only halved


@dataclass(frozen=True)
class Flattened:
    """A map that becomes one row of numbers, which a linear layer reads."""

    path: str  # of the Flatten, or of the linear layer where a view does it
    map_shape: Shape  # channels, height, width
    sides: tuple[Sides, ...]  # of height and width; none where the way to the image is not known
    fixed_by: str  # the pooling that makes the map so large whatever the image, such as
    # AdaptiveAvgPool2d; empty: the image's size decides

    @property
    def inputs(self) -> int:
        """How many numbers that is."""
        return prod(self.map_shape)


def is_flatten(layer: LayerCost) -> bool:
    """Whether the layer, without parameters, makes one row of what it reads."""
    before, after = layer.input_shape[1:], layer.output_shape[1:]
    return len(before) > 1 and after == (prod(before),) and not layer.params


def flattened(layers: Sequence[LayerCost], path: str | None = None) -> Flattened | None:
    """The map behind the layer at `path`, a Flatten or a linear layer; default: the first such.

    None where there is none, and after global pooling, which leaves a number a channel.
    """
    by_path = {layer.path: layer for layer in layers}
    candidates = layers if path is None else [by_path[path]]
    found = ((layer, _map_of(layer, by_path)) for layer in candidates)
    layer, shape = next(((one, shape) for one, shape in found if shape), (None, ()))
    if layer is None:
        return None
    way = _way_back(layer, by_path)
    pooling = next((step for step in way if step.kind == "pooling" and step.window is None), None)
    if pooling is not None and prod(pooling.output_shape[2:]) == 1:
        return None
    fixed_by = pooling.operation if pooling else ""
    sides = () if fixed_by or not way or way[-1].inputs != (IMAGE,) else _sides(way)
    return Flattened(layer.path, shape, sides, fixed_by)


def _map_of(layer: LayerCost, by_path: dict[str, LayerCost]) -> Shape:
    """The map (C, H, W) that the layer flattens, or that a linear layer reads flattened."""
    if is_flatten(layer):
        return layer.input_shape[1:] if len(layer.input_shape) == 4 else ()
    if layer.kind != "linear" or len(layer.input_shape) != 2:
        return ()
    while layer.inputs and layer.inputs[0] in by_path:
        inputs, layer = layer.input_shape[-1], by_path[layer.inputs[0]]
        if len(layer.output_shape) == 4 and prod(layer.output_shape[1:]) == inputs:
            return layer.output_shape[1:]
        if is_flatten(layer) and len(layer.input_shape) == 4:
            return layer.input_shape[1:]
        if layer.kind not in ("activation", "other", "normalisation"):
            return ()
    return ()


def _way_back(layer: LayerCost, by_path: dict[str, LayerCost]) -> list[LayerCost]:
    """The layers that work on maps, from here back to the image, along each one's first input."""
    way = []
    while layer.inputs and layer.inputs[0] in by_path:
        layer = by_path[layer.inputs[0]]
        if len(layer.input_shape) == len(layer.output_shape) == 4:
            way.append(layer)
    return way


def _sides(way: Sequence[LayerCost]) -> tuple[Sides, ...]:
    """Height and width along the way, which is given from its end."""
    forward = way[::-1]
    return tuple(
        _side([forward[0].input_shape[axis], *(layer.output_shape[axis] for layer in forward)])
        for axis in (2, 3)
    )


def _side(pixels: Sequence[int]) -> Sides:
    """Each change once, and how many halvings they are."""
    steps = [pixels[0]]
    steps += [after for before, after in pairwise(pixels) if after != before]
    pairs = list(pairwise(steps))
    only_halved = all(after == before // 2 for before, after in pairs)
    return Sides(tuple(steps), len(pairs) if only_halved else None)
