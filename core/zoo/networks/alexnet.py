"""Builds AlexNet from its table in core.zoo.families.alexnet."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from core.specs import ModelSpec
from core.zoo.architecture import cells_after, scaled
from core.zoo.families.alexnet import CONVOLUTIONS, POOL
from core.zoo.families.vgg import HEAD_WIDTH
from core.zoo.networks.layers import dense


def alexnet(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes); at 224 the first linear layer has 6400 inputs."""
    windows = [w for _, conv, pooled in CONVOLUTIONS for w in ((conv, POOL) if pooled else (conv,))]
    cells = cells_after(spec.sides, windows)  # 224 × 224 to 5 × 5
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = spec.in_channels
    for number, (width, (kernel, stride, padding), pooled) in enumerate(CONVOLUTIONS, start=1):
        out_channels = scaled(width, spec.ratio)
        block: OrderedDict[str, nn.Module] = OrderedDict(
            conv=nn.Conv2d(channels, out_channels, kernel, stride, padding), relu=nn.ReLU()
        )
        if pooled:
            block["pool"] = nn.MaxPool2d(*POOL)
        layers[f"block{number}"] = nn.Sequential(block)
        channels = out_channels
    layers["dense1"] = dense(channels * cells, HEAD_WIDTH, flatten=True)
    layers["dense2"] = dense(HEAD_WIDTH, HEAD_WIDTH)
    layers["dense3"] = nn.Sequential(OrderedDict(linear=nn.Linear(HEAD_WIDTH, spec.num_classes)))
    return nn.Sequential(layers)
