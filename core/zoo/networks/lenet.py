"""Builds LeNet-5."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from core.specs import ModelSpec
from core.zoo.architecture import cells_after, scaled

WINDOWS = ((5, 1, 2), (2, 2, 0), (5, 1, 0), (2, 2, 0))  # conv, pool, conv, pool


def lenet(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes): two convolutions, then linear layers of 120 and 84."""
    cells = cells_after(spec.sides, WINDOWS)  # 28 × 28 to 5 × 5
    first, second = scaled(6, spec.ratio), scaled(16, spec.ratio)
    return nn.Sequential(
        OrderedDict(
            block1=nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(spec.in_channels, first, 5, padding=2),
                    sigmoid=nn.Sigmoid(),
                    pool=nn.AvgPool2d(2, 2),
                )
            ),
            block2=nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(first, second, 5), sigmoid=nn.Sigmoid(), pool=nn.AvgPool2d(2, 2)
                )
            ),
            dense1=nn.Sequential(
                OrderedDict(
                    flatten=nn.Flatten(),
                    linear=nn.Linear(second * cells, 120),
                    sigmoid=nn.Sigmoid(),
                )
            ),
            dense2=nn.Sequential(OrderedDict(linear=nn.Linear(120, 84), sigmoid=nn.Sigmoid())),
            dense3=nn.Sequential(OrderedDict(linear=nn.Linear(84, spec.num_classes))),
        )
    )
