"""Build on meta, trace, look for what a reader should be warned about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from core.analysis.records import Analysis, LayerCost, Shape
from core.analysis.trace import trace
from core.analysis.vgg_configuration import vgg_configuration
from core.specs import LabError, ModelSpec
from core.zoo.building import build_on_meta
from core.zoo.catalogue import complete
from core.zoo.families.vgg import FORUM_ONE_BY_ONE_FROM, FORUM_ONE_BY_ONES
from core.zoo.libraries import first_line

_NAMED = 4  # modules that a warning names; it counts the others


def analyze(spec: ModelSpec) -> Analysis:
    """See core.analysis.analyze."""
    spec = complete(spec)
    return _take_apart(spec, build_on_meta(spec), (spec.in_channels, spec.image_size))


def analyze_module(module: nn.Module, input_shape: Shape) -> Analysis:
    """See core.analysis.analyze_module."""
    name = type(module).__name__
    if len(input_shape) != 3 or input_shape[1] != input_shape[2]:
        raise LabError(
            f"input_shape is (channels, pixels, pixels) of a square image, such as (3, 224, 224),"
            f" not {input_shape}."
        )
    spec = ModelSpec(f"module/{name}", image_size=input_shape[1], in_channels=input_shape[0])
    analysis = _take_apart(spec, _copy_to_meta(module).train(), input_shape[:2])
    results = [layer.output_shape for layer in analysis.layers if len(layer.output_shape) > 1]
    return replace(analysis, spec=replace(spec, num_classes=results[-1][1] if results else 1))


def _take_apart(spec: ModelSpec, network: nn.Module, image: Shape) -> Analysis:
    """Trace a network in training with images of (channels, pixels a side). Raises LabError."""
    channels, side = image
    try:
        traced = trace(network, (channels, side, side))
    except Exception as error:  # a module of somebody's own may raise anything
        raise LabError(
            f"{spec.arch} cannot be taken apart at {channels}×{side}×{side}: its forward pass,"
            f" run without numbers, says {first_line(error)!r}."
        ) from error
    analysis = Analysis(spec, traced.layers, traced.buffer_bytes)
    return replace(analysis, warnings=tuple(_warnings(analysis, traced.dead)))


def _copy_to_meta(module: nn.Module) -> nn.Module:
    """A copy of the module without memory, in float32; the module itself stays as it is.

    Raises LabError for a lazy module that has not seen an image yet.
    """
    without_memory: dict[int, Any] = {}
    for parameter in module.parameters():
        if is_lazy(parameter):
            raise LabError(
                f"{type(module).__name__} has lazy layers: run it once on an image, so that they"
                " get their sizes."
            )
        without_memory[id(parameter)] = nn.Parameter(_on_meta(parameter), parameter.requires_grad)
    for buffer in module.buffers():
        without_memory[id(buffer)] = _on_meta(buffer)
    return deepcopy(module, without_memory)


def _on_meta(tensor: Tensor) -> Tensor:
    """The same shape without memory; whatever its precision, numbers are counted as float32."""
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return torch.empty_like(tensor, dtype=dtype, device="meta")


def _warnings(analysis: Analysis, dead: Mapping[str, int]) -> Iterator[str]:
    """One sentence for each thing that a reader might not expect of this network.

    `dead`: the numbers in each parameter that can never get a gradient.
    """
    spec, layers = analysis.spec, analysis.layers
    if dead:
        yield _dead_warning(layers, dead)
    if spec.arch == "vgg16-forum":
        yield from _condition_warnings(analysis)
    convolutions = [layer for layer in layers if layer.kind == "convolution"]
    if spec.ratio > 1 and any(layer.output_shape[1] == 1 for layer in convolutions):
        yield (
            f"Ratio {spec.ratio} leaves some convolutions with a single channel, the fewest"
            " there can be."
        )


def _dead_warning(layers: Sequence[LayerCost], dead: Mapping[str, int]) -> str:
    """Which parameters never get a gradient, why, and the work that is spent on them."""
    names = sorted({name.rpartition(".")[0] or name for name in dead})
    macs = sum(layer.macs for layer in layers if layer.path in names)
    listed = " and ".join(names[:_NAMED]) + (
        f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    )
    text = f"{sum(dead.values()):,} parameters can never get a gradient, because what {listed}"
    if not macs:
        return f"{text} could compute is never used."
    return f"{text} compute is thrown away; their {macs:,} MACs an image are spent for nothing."


def _condition_warnings(analysis: Analysis) -> Iterator[str]:
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
    configuration = vgg_configuration(analysis)
    yield (
        f"At ratio {ratio} {where} {FORUM_ONE_BY_ONE_FROM} channels, so {missing} of the forum's"
        f" 1×1 convolutions was {'left out' if blocks else 'added'}."
        + (f" {configuration.sentence()}" if configuration else "")
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
