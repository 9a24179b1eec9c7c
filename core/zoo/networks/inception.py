"""Builds networks of parallel branches; the widths are in core.zoo.families.inception."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from core.specs import ModelSpec
from core.zoo.architecture import cells_after, scaled
from core.zoo.families.inception import GOOGLENET, HIDDEN_WIDTH
from core.zoo.networks.layers import response_norm


class Branches(nn.Module):
    """Runs its branches on the same input and concatenates what they give along the channels."""

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, S, S) to (N, sum of the branches' channels, S, S)."""
        return torch.cat([branch(x) for branch in self.children()], dim=1)


def course_block(in_channels: int, ratio: int) -> Branches:
    """The course note's InceptionA: 16 + 24 + 24 + 24 = 88 channels, no ReLU inside."""
    narrow, wide = scaled(16, ratio), scaled(24, ratio)
    return Branches(
        branch1x1=nn.Conv2d(in_channels, narrow, 1),
        branch5x5=nn.Sequential(
            nn.Conv2d(in_channels, narrow, 1), nn.Conv2d(narrow, wide, 5, padding=2)
        ),
        branch3x3=nn.Sequential(
            nn.Conv2d(in_channels, narrow, 1),
            nn.Conv2d(narrow, wide, 3, padding=1),
            nn.Conv2d(wide, wide, 3, padding=1),
        ),
        branch_pool=nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1), nn.Conv2d(in_channels, wide, 1)
        ),
    )


COURSE_WINDOWS = ((5, 1, 0), (2, 2, 0)) * 2  # conv, pool, conv, pool


def course_inception(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes); at 28 pixels the linear layer has 1408 inputs."""
    cells = cells_after(spec.sides, COURSE_WINDOWS)  # 28 × 28 to 4 × 4
    ratio = spec.ratio
    first, second = scaled(10, ratio), scaled(20, ratio)
    concatenated = scaled(16, ratio) + 3 * scaled(24, ratio)  # 88
    return nn.Sequential(
        OrderedDict(
            stem1=course_stem(spec.in_channels, first),
            inception1=course_block(first, ratio),
            stem2=course_stem(concatenated, second),
            inception2=course_block(second, ratio),
            dense=_course_head(spec, concatenated * cells),
        )
    )


def _course_head(spec: ModelSpec, inputs: int) -> nn.Sequential:
    """(N, …) to (N, num_classes): one linear layer as in the note, or hidden ones before it."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    width = inputs
    for number in range(1, int(spec.option("head_layers") or 1)):
        layers[f"hidden{number}"] = nn.Linear(width, HIDDEN_WIDTH)
        layers[f"relu{number}"] = nn.ReLU()
        width = HIDDEN_WIDTH
    layers["linear"] = nn.Linear(width, spec.num_classes)
    return nn.Sequential(layers)


def course_stem(in_channels: int, out_channels: int) -> nn.Sequential:
    """(N, in, S, S) to (N, out, (S - 4) // 2, (S - 4) // 2), pooled before the ReLU."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(in_channels, out_channels, 5), pool=nn.MaxPool2d(2), relu=nn.ReLU()
        )
    )


HALVE = (3, 2, 1)  # padding 1 gives the paper's 112, 56, 28, 14, 7 at 224 pixels
GOOGLENET_WINDOWS = ((7, 2, 3), HALVE, HALVE, HALVE, HALVE)


def convolution(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution with bias and "same" padding, then ReLU."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2), relu=nn.ReLU()
        )
    )


def googlenet_block(in_channels: int, widths: tuple[int, ...]) -> Branches:
    """One row of table 1: (N, in, S, S) to (N, w[0] + w[2] + w[4] + w[5], S, S)."""
    one, reduce3, three, reduce5, five, projection = widths
    return Branches(
        branch1x1=convolution(in_channels, one, 1),
        branch3x3=nn.Sequential(
            convolution(in_channels, reduce3, 1), convolution(reduce3, three, 3)
        ),
        branch5x5=nn.Sequential(
            convolution(in_channels, reduce5, 1), convolution(reduce5, five, 5)
        ),
        branch_pool=nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), convolution(in_channels, projection, 1)
        ),
    )


def googlenet(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes), without the auxiliary heads."""
    cells_after(spec.sides, GOOGLENET_WINDOWS)
    stem, wide = scaled(64, spec.ratio), scaled(192, spec.ratio)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem1=nn.Sequential(
            OrderedDict(
                conv=convolution(spec.in_channels, stem, 7, stride=2),
                pool=nn.MaxPool2d(*HALVE),
                norm=response_norm(),
            )
        ),
        stem2=nn.Sequential(
            OrderedDict(
                reduce=convolution(stem, stem, 1),
                conv=convolution(stem, wide, 3),
                norm=response_norm(),
                pool=nn.MaxPool2d(*HALVE),
            )
        ),
    )
    channels = wide
    for name, widths in GOOGLENET:
        if widths is None:
            layers[name] = nn.MaxPool2d(*HALVE)
            continue
        narrowed = tuple(scaled(width, spec.ratio) for width in widths)
        layers[name] = googlenet_block(channels, narrowed)
        channels = narrowed[0] + narrowed[2] + narrowed[4] + narrowed[5]
    layers["head"] = nn.Sequential(
        OrderedDict(
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(0.4),
            linear=nn.Linear(channels, spec.num_classes),
        )
    )
    return nn.Sequential(layers)
