"""Build on meta, trace, look for what a reader should be warned about."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from core.analysis.configuration import vgg_configuration
from core.analysis.records import Analysis, Shape
from core.analysis.trace import Trace, trace
from core.specs import LabError, ModelSpec
from core.zoo import build_on_meta, complete
from core.zoo.torchvision_models import first_line
from core.zoo.vgg import FORUM_ONE_BY_ONE_FROM, FORUM_ONE_BY_ONES


def analyze(spec: ModelSpec) -> Analysis:
    """See core.analysis.analyze."""
    spec = complete(spec)
    return take_apart(spec, build_on_meta(spec), (spec.in_channels, spec.image_size))


def analyze_module(module: nn.Module, input_shape: Shape) -> Analysis:
    """See core.analysis.analyze_module."""
    name = type(module).__name__
    if len(input_shape) != 3 or input_shape[1] != input_shape[2]:
        raise LabError(
            f"input_shape is (channels, pixels, pixels) of a square image, such as (3, 224, 224),"
            f" not {input_shape}."
        )
    spec = ModelSpec(f"module/{name}", image_size=input_shape[1], in_channels=input_shape[0])
    analysis = take_apart(spec, copy_to_meta(module), input_shape[:2])
    results = [layer.output_shape for layer in analysis.layers if len(layer.output_shape) > 1]
    return replace(analysis, spec=replace(spec, num_classes=results[-1][1] if results else 1))


def take_apart(spec: ModelSpec, network: nn.Module, image: Shape) -> Analysis:
    """Trace a network on meta with images of (channels, pixels a side). Raises LabError."""
    channels, side = image
    try:
        found = trace(network, (channels, side, side))
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError) as error:
        raise LabError(
            f"{spec.arch} cannot be taken apart at {channels}×{side}×{side}: its forward pass,"
            f" run without numbers, says {first_line(error)!r}."
        ) from error
    buffer_bytes = sum(buffer.nbytes for buffer in network.buffers())
    analysis = Analysis(spec, found.layers, buffer_bytes)
    return replace(analysis, warnings=tuple(warnings(analysis, found)))


def copy_to_meta(module: nn.Module) -> nn.Module:
    """A copy of the module without memory; the module itself stays as it is."""
    without_memory: dict[int, Any] = {}
    for parameter in module.parameters():
        without_memory[id(parameter)] = nn.Parameter(
            torch.empty_like(parameter, device="meta"), parameter.requires_grad
        )
    for buffer in module.buffers():
        without_memory[id(buffer)] = torch.empty_like(buffer, device="meta")
    return deepcopy(module, without_memory)


def warnings(analysis: Analysis, found: Trace) -> Iterator[str]:
    """One sentence for each thing that a reader might not expect of this network."""
    spec, layers = analysis.spec, analysis.layers
    if found.dead:
        names = sorted({name.rpartition(".")[0] for name in found.dead})
        macs = sum(layer.macs for layer in layers if layer.path in names)
        yield (
            f"{sum(found.dead.values()):,} parameters can never get a gradient, because what"
            f" {' and '.join(names)} compute is thrown away; their {macs:,} MACs an image are spent"
            " for nothing."
        )
    if spec.arch == "vgg16-forum":
        yield from condition_warnings(analysis)
    convolutions = [layer for layer in layers if layer.kind == "convolution"]
    if spec.ratio > 1 and any(layer.output_shape[1] == 1 for layer in convolutions):
        yield (
            f"Ratio {spec.ratio} leaves some convolutions with a single channel, the fewest"
            " there can be."
        )


def condition_warnings(analysis: Analysis) -> Iterator[str]:
    """The forum's block adds a 1×1 where its scaled channels reach 256: which ratio defeats that.

    At ratio 1 three blocks have one.
    """
    added = [layer for layer in analysis.layers if layer.window and layer.window.kernel == (1, 1)]
    if len(added) == FORUM_ONE_BY_ONES:
        return
    ratio = analysis.spec.ratio
    blocks = " and ".join(layer.block.removeprefix("block") for layer in added)
    where = f"only blocks {blocks} reach" if blocks else "no block reaches"
    missing = "one" if blocks else "none"
    found = vgg_configuration(analysis)
    yield (
        f"At ratio {ratio} {where} {FORUM_ONE_BY_ONE_FROM} channels, so {missing} of the forum's"
        f" 1×1 convolutions was {'left out' if blocks else 'added'}."
        + (f" {found.sentence()}" if found else "")
    )


def torchinfo_summary(spec: ModelSpec) -> str:
    """See core.analysis.torchinfo_summary."""
    import torchinfo

    spec = complete(spec)
    statistics = torchinfo.summary(
        build_on_meta(spec),
        input_size=(1, spec.in_channels, spec.image_size, spec.image_size),
        device="meta",
        col_names=("input_size", "output_size", "num_params", "kernel_size", "mult_adds"),
        depth=4,
        verbose=0,
    )
    return str(statistics)
