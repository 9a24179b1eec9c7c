"""Build on meta, trace, look for what a reader should be warned about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from core.analysis.records import Analysis
from core.analysis.trace import Trace, trace
from core.specs import ModelSpec
from core.zoo import build, complete
from core.zoo.vgg import FORUM_ONE_BY_ONE_FROM, forum_blocks


def analyze(spec: ModelSpec) -> Analysis:
    """See core.analysis.analyze."""
    spec = complete(spec)
    network = build_on_meta(spec)
    found = trace(network, (spec.in_channels, spec.image_size, spec.image_size))
    buffer_bytes = sum(buffer.nbytes for buffer in network.buffers())
    analysis = Analysis(spec, found.layers, buffer_bytes)
    return Analysis(spec, found.layers, buffer_bytes, tuple(warnings(analysis, found)))


def build_on_meta(spec: ModelSpec) -> nn.Module:
    """The network without memory. Raises LabError when it cannot be built."""
    with torch.device("meta"), WithoutFilling():
        return build(spec)


class WithoutFilling(TorchFunctionMode):
    """Filling a tensor without memory changes nothing, yet takes torch a tenth of a millisecond."""

    FILLING = frozenset((Tensor.uniform_, Tensor.normal_, Tensor.fill_, Tensor.zero_))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Everything but filling runs as ever."""
        return args[0] if func in self.FILLING else func(*args, **(kwargs or {}))


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
    if spec.arch == "vgg16-forum" and not any(b.one_by_one for b in forum_blocks(spec.ratio)):
        yield (
            f"At ratio {spec.ratio} no block reaches {FORUM_ONE_BY_ONE_FROM} channels, so none of"
            " the forum's 1×1 convolutions was added: what was built is VGG-13, configuration B,"
            f" with its channels divided by {spec.ratio}."
        )
    convolutions = [layer for layer in layers if layer.kind == "convolution"]
    if spec.ratio > 1 and any(layer.output_shape[1] == 1 for layer in convolutions):
        yield (
            f"Ratio {spec.ratio} leaves some convolutions with a single channel, the fewest"
            " there can be."
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
