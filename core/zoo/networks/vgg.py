"""Builds VGGs from a row of blocks: those of the paper, the forum's, and a reader's own.

The blocks are in core.zoo.families.vgg.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import cast

from torch import nn

from core.specs import ModelSpec
from core.zoo.architecture import cells_after, scaled
from core.zoo.families.vgg import HEAD_WIDTH, Block, forum_blocks, parse_conv_arch
from core.zoo.networks.layers import dense, response_norm

POOL = (2, 2, 0)  # kernel, stride, padding of the max-pool that ends each block


def vgg_block(block: Block, in_channels: int, out_channels: int) -> nn.Sequential:
    """(N, in_channels, S, S) to (N, out_channels, S // 2, S // 2)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    kernels = [3] * block.convs + [1] * block.one_by_one
    for number, kernel in enumerate(kernels, start=1):
        layers[f"conv{number}"] = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        layers[f"relu{number}"] = nn.ReLU()
        if block.response_norm:
            layers[f"norm{number}"] = response_norm()
        in_channels = out_channels
    layers["pool"] = nn.MaxPool2d(2, 2)
    return nn.Sequential(layers)


def vgg(spec: ModelSpec, blocks: Iterable[Block], head: int = HEAD_WIDTH) -> nn.Sequential:
    """The blocks, then linear layers of `head`, `head` and `num_classes` units."""
    blocks = tuple(blocks)
    cells = cells_after(spec.sides, [POOL] * len(blocks))  # (224 // 2⁵)² = 7²
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = spec.in_channels
    for number, block in enumerate(blocks, start=1):
        out_channels = scaled(block.channels, spec.ratio)
        layers[f"block{number}"] = vgg_block(block, channels, out_channels)
        channels = out_channels
    layers["dense1"] = dense(channels * cells, head, flatten=True)
    layers["dense2"] = dense(head, head)
    layers["dense3"] = nn.Sequential(OrderedDict(linear=nn.Linear(head, spec.num_classes)))
    return nn.Sequential(layers)


def forum_vgg(spec: ModelSpec) -> nn.Sequential:
    """The forum's "VGG-16", whose 1×1 convolutions depend on the ratio."""
    return vgg(spec, forum_blocks(spec.ratio))


def custom_vgg(spec: ModelSpec) -> nn.Sequential:
    """A VGG whose conv_arch, head width and last activation the reader chooses."""
    network = vgg(
        spec, parse_conv_arch(str(spec.option("conv_arch"))), int(spec.option("head_width") or 0)
    )
    if spec.option("last_activation") == "sigmoid":
        cast(nn.Sequential, network.dense3).add_module("sigmoid", nn.Sigmoid())
    return network
