"""Builds ResNet-18, 34 and 50: the basic block, the bottleneck, and the stages of them.

As torchvision builds them: the stride of a bottleneck sits in its 3×3 convolution. The depths are
in core.zoo.families.resnet.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from core.specs import ModelSpec
from core.zoo.architecture import cells_after, scaled
from core.zoo.families.resnet import STAGE_CHANNELS, TABLE

WINDOWS = ((7, 2, 3), (3, 2, 1), *[(3, 2, 1)] * 3)  # conv, pool, the first block of stages 2 to 4


class Block(nn.Module):
    """Convolutions with BatchNorm, an identity or 1×1 shortcut, ReLU after the addition.

    `kernels` and `channels` list the residual branch; `stride` sits in its first 3×3 convolution.
    (N, channels[0], S, S) to (N, channels[-1], S / stride, S / stride).
    """

    def __init__(
        self, kernels: tuple[int, ...], channels: tuple[int, ...], stride: int = 1
    ) -> None:
        super().__init__()
        self.kernels, self.channels, self.stride = kernels, channels, stride
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        stride_at = kernels.index(3)
        for number, (kernel, (before, after)) in enumerate(
            zip(kernels, pairwise(channels), strict=True)
        ):
            step = stride if number == stride_at else 1
            self.convs.append(nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False))
            self.norms.append(nn.BatchNorm2d(after))
        self.downsample: nn.Module | None = None
        if stride != 1 or channels[0] != channels[-1]:
            self.downsample = nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(channels[0], channels[-1], 1, stride, bias=False),
                    norm=nn.BatchNorm2d(channels[-1]),
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        """ReLU(shortcut(x) + residual(x))."""
        y = x
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(F.relu(y, inplace=True) if number else y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(y + shortcut, inplace=True)


def basic(in_channels: int, channels: int, stride: int) -> Block:
    """Two 3×3 convolutions."""
    return Block((3, 3), (in_channels, channels, channels), stride)


def bottleneck(in_channels: int, channels: int, stride: int) -> Block:
    """1×1 down, 3×3, 1×1 up to four times the channels."""
    return Block((1, 3, 1), (in_channels, channels, channels, 4 * channels), stride)


def resnet(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes): a stem, four stages, global average pooling."""
    cells_after(spec.sides, WINDOWS)
    _, is_bottleneck, stages = TABLE[spec.arch]
    block, expansion = (bottleneck, 4) if is_bottleneck else (basic, 1)
    width = scaled(STAGE_CHANNELS[0], spec.ratio)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(spec.in_channels, width, 7, 2, 3, bias=False),
                norm=nn.BatchNorm2d(width),
                relu=nn.ReLU(inplace=True),
                pool=nn.MaxPool2d(3, 2, 1),
            )
        )
    )
    in_channels = width
    for number, (channels, depth) in enumerate(zip(STAGE_CHANNELS, stages, strict=True), start=1):
        width = scaled(channels, spec.ratio)
        stage = []
        for position in range(depth):
            stride = 2 if position == 0 and number > 1 else 1
            stage.append(block(in_channels, width, stride))
            in_channels = width * expansion
        layers[f"stage{number}"] = nn.Sequential(*stage)
    layers["head"] = nn.Sequential(
        OrderedDict(
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear=nn.Linear(in_channels, spec.num_classes),
        )
    )
    return nn.Sequential(layers)
