"""How channels run through a network: what each convolution, or each block, reads and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from core.analysis.records import IMAGE, Analysis, LayerCost

_DEEPEST = 3  # modules inside each other, where a block is looked for


@dataclass(frozen=True)
class ChannelStep:
    """A convolution, or a block of a network that branches."""

    path: str
    reads: tuple[int, ...]  # channels of each map that comes from outside; of a convolution: one
    gives: int


@dataclass(frozen=True)
class Channels:
    """The steps in order, each with its in_channels and out_channels."""

    is_chain: bool  # steps are convolutions, each reading what the one before gives; else blocks
    steps: tuple[ChannelStep, ...]


def channels(analysis: Analysis) -> Channels:
    """Of the convolutions where they follow each other, else of the blocks that have any."""
    convolutions = tuple(
        ChannelStep(layer.path, (layer.input_shape[1],), layer.output_shape[1])
        for layer in analysis.layers
        if _is_on_map(layer)
    )
    if _is_chain(analysis, convolutions):
        return Channels(True, convolutions)
    return Channels(False, _blocks(analysis))


def _is_on_map(layer: LayerCost) -> bool:
    return layer.kind == "convolution" and len(layer.input_shape) == len(layer.output_shape) == 4


def _is_chain(analysis: Analysis, convolutions: tuple[ChannelStep, ...]) -> bool:
    """Whether every layer up to the last convolution reads just the one before it."""
    previous = IMAGE
    last = convolutions[-1].path if convolutions else None
    for layer in analysis.layers:
        if layer.inputs != (previous,):
            return False
        previous = layer.path
        if layer.path == last:
            break
    follows = pairwise(convolutions)
    return all(after.reads == (before.gives,) for before, after in follows)


def _blocks(analysis: Analysis) -> tuple[ChannelStep, ...]:
    """The blocks with a convolution; where all stand in one module, as `features`, its parts."""
    for depth in range(1, _DEEPEST + 1):
        named = groupby(analysis.layers, key=lambda layer: layer.path.split(".")[:depth])
        groups = [(name, tuple(group)) for name, group in named]
        found = [
            _block(analysis, name, group) for name, group in groups if any(map(_is_on_map, group))
        ]
        if len(found) > 1:
            break
    steps = tuple(step for step in found if step)
    return steps if len(steps) == len(found) else ()  # one that gives no map hides the others


def _block(
    analysis: Analysis, name: Sequence[str], layers: tuple[LayerCost, ...]
) -> ChannelStep | None:
    """What the block reads from outside, and what its last layer gives; None without maps."""
    last = layers[-1].output_shape
    if len(last) != 4:
        return None
    outputs = {layer.path: layer.output_shape for layer in analysis.layers}
    outputs[IMAGE] = (1, *analysis.input_shape)
    own = {layer.path for layer in layers}
    outside = dict.fromkeys(path for layer in layers for path in layer.inputs if path not in own)
    shapes = [outputs.get(path, ()) for path in outside]
    reads = tuple(shape[1] for shape in shapes if len(shape) == 4)
    return ChannelStep(".".join(name), reads or layers[0].input_shape[1:2], last[1])


def usual_mistake(analysis: Analysis) -> str | None:
    """The path of a convolution that breaks if in_channels stays as it was for the one before.

    One in the block of the one before, where a loop builds both (chapter 8.2: in_channels =
    out_channels); else the first. None where all read equal numbers or they are no chain.
    """
    found = channels(analysis)
    if not found.is_chain:
        return None
    changing = [pair for pair in pairwise(found.steps) if pair[0].reads != pair[1].reads]
    in_one_block = [pair for pair in changing if _module(pair[0]) == _module(pair[1]) != ""]
    return next((after.path for _, after in [*in_one_block, *changing]), None)


def _module(step: ChannelStep) -> str:
    """The path of the module that it stands in."""
    return step.path.rpartition(".")[0]
