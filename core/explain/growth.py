"""How a DenseNet grows: what each dense layer reads and adds, what each transition keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from core.analysis.records import Analysis, LayerCost
from core.language import _

_STEP = re.compile(r"(?P<name>dense_block(?P<block>\d+)\.layer\d+|transition\d+)\.")


@dataclass(frozen=True)
class GrowthStep:
    """A dense layer, or the transition behind a block. Costs are per image."""

    name: str  # dense_block2.layer3, transition2
    is_transition: bool
    block_channels: int  # that the block began with
    channels_in: int
    channels_new: int  # that its last convolution gives
    channels_out: int  # after the concatenation, or what the transition keeps
    side_in: int  # pixels
    side_out: int
    params: int
    macs: int
    saved_bytes: int
    convolutions: tuple[LayerCost, ...]


def growth(analysis: Analysis) -> tuple[GrowthStep, ...]:
    """The steps in order; none for a network without dense blocks."""
    steps: list[GrowthStep] = []
    named = [
        (step["name"], layer) for layer in analysis.layers if (step := _STEP.match(layer.path))
    ]
    began = 0
    for name, group in groupby(named, key=lambda pair: pair[0]):
        layers = [layer for _, layer in group]
        is_transition = name.startswith("transition")
        if name.endswith(".layer1"):
            began = layers[0].input_shape[1]
        steps.append(_step_of(name, layers, began, is_transition))
    return tuple(steps)


def _step_of(name: str, layers: Sequence[LayerCost], began: int, is_transition: bool) -> GrowthStep:
    """One step from the layers inside it."""
    convolutions = tuple(layer for layer in layers if layer.kind == "convolution")
    first, last = layers[0], layers[-1]
    new = convolutions[-1].output_shape[1]
    return GrowthStep(
        name=name,
        is_transition=is_transition,
        block_channels=began,
        channels_in=first.input_shape[1],
        channels_new=new,
        channels_out=new if is_transition else first.input_shape[1] + new,
        side_in=first.input_shape[-1],
        side_out=last.output_shape[-1],
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        saved_bytes=sum(layer.saved_bytes for layer in layers),
        convolutions=convolutions,
    )


def concatenation_bytes(steps: Sequence[GrowthStep]) -> int:
    """What dense layers keep of the concatenations they read, per image of float32.

    Twice each: the first BatchNorm keeps what it reads, the convolution behind it the same maps
    after ReLU (arXiv 1608.06993, section 3: BN-ReLU-Conv).
    """
    read = (step.channels_in * step.side_in**2 for step in steps if not step.is_transition)
    return 2 * 4 * sum(read)


def growth_formula(step: GrowthStep) -> str:
    """Its channels, with this step's numbers."""
    if step.is_transition:
        return _(
            "{before} channels → {after} ({percent:.0f} %);"
            " {side_in}×{side_in} → {side_out}×{side_out} pixels",
            before=step.channels_in,
            after=step.channels_out,
            percent=100 * step.channels_out / step.channels_in,
            side_in=step.side_in,
            side_out=step.side_out,
        )
    before = (step.channels_in - step.block_channels) // step.channels_new
    grown = f"{step.block_channels} + {before} · {step.channels_new} = {step.channels_in}"
    return _(
        "reads {grown} channels, adds {new}: {total}",
        grown=grown,
        new=step.channels_new,
        total=step.channels_out,
    )


def weight_formula(layer: LayerCost) -> str:
    """The parameters of a convolution: kernel · channels in · channels out + biases."""
    out, into, height, width = layer.weight_shape
    biases = f" + {layer.biases}" if layer.biases else ""
    return f"{height} · {width} · {into} · {out}{biases} = {layer.params:,}"
