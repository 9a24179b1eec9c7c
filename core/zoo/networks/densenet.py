"""Builds DenseNets: the dense block, whose layers read all earlier ones, and the transition.

Depths, growth rates and options are in core.zoo.families.densenet.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from core.specs import ModelSpec
from core.zoo.architecture import cells_after, scaled
from core.zoo.families.densenet import CONFIGS


def preactivation(
    in_channels: int, out_channels: int, kernel: int, bias: bool
) -> OrderedDict[str, nn.Module]:
    """BatchNorm, ReLU, convolution: (N, in, S, S) to (N, out, S, S)."""
    return OrderedDict(
        norm=nn.BatchNorm2d(in_channels),
        relu=nn.ReLU(inplace=True),
        conv=nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=bias),
    )


def dense_layer(in_channels: int, growth_rate: int, bottleneck: bool, bias: bool) -> nn.Sequential:
    """(N, in_channels, S, S) to (N, growth_rate, S, S)."""
    if not bottleneck:
        return nn.Sequential(preactivation(in_channels, growth_rate, 3, bias))
    narrow = 4 * growth_rate  # arXiv 1608.06993, section 3: what the 1×1 gives
    return nn.Sequential(
        OrderedDict(
            bottleneck=nn.Sequential(preactivation(in_channels, narrow, 1, bias)),
            growth=nn.Sequential(preactivation(narrow, growth_rate, 3, bias)),
        )
    )


class DenseBlock(nn.Module):
    """(N, C, S, S) to (N, C + layers × growth_rate, S, S)."""

    def __init__(
        self, in_channels: int, *, growth_rate: int, layers: int, bottleneck: bool, bias: bool
    ) -> None:
        super().__init__()
        self.in_channels, self.growth_rate, self.layers = in_channels, growth_rate, layers
        self.bottleneck, self.bias = bottleneck, bias
        for number in range(layers):
            channels = in_channels + number * growth_rate
            layer = dense_layer(channels, growth_rate, bottleneck, bias)
            self.add_module(f"layer{number + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Each layer reads the concatenation of the input and of all layers before it."""
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


def transition(in_channels: int, out_channels: int, bias: bool) -> nn.Sequential:
    """(N, in, S, S) to (N, out, S // 2, S // 2): a 1×1 convolution and average pooling."""
    layers = preactivation(in_channels, out_channels, 1, bias)
    layers["pool"] = nn.AvgPool2d(2, 2)
    return nn.Sequential(layers)


def densenet(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes); ratio divides growth rate and initial channels."""
    config = CONFIGS[spec.arch]
    compression = int(str(spec.option("compression")))
    transitions = len(config.layers) - 1
    cells_after(spec.sides, ((7, 2, 3), (3, 2, 1), *[(2, 2, 0)] * transitions))
    growth_rate = scaled(int(str(spec.option("growth_rate"))), spec.ratio)
    channels = scaled(config.initial_channels, spec.ratio)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(spec.in_channels, channels, 7, 2, 3, bias=config.bias),
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(inplace=True),
                pool=nn.MaxPool2d(3, 2, 1),
            )
        )
    )
    for number, depth in enumerate(config.layers, start=1):
        layers[f"dense_block{number}"] = DenseBlock(
            channels,
            growth_rate=growth_rate,
            layers=depth,
            bottleneck=config.bottleneck,
            bias=config.bias,
        )
        channels += depth * growth_rate
        if number <= transitions:
            compressed = max(1, channels * compression // 100)
            layers[f"transition{number}"] = transition(channels, compressed, config.bias)
            channels = compressed
    layers["head"] = nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear=nn.Linear(channels, spec.num_classes),
        )
    )
    return nn.Sequential(layers)
