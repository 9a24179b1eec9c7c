"""Builds the course note's residual net: its block, with the homework's mistake if asked for."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F

from core.specs import LabError, ModelSpec
from core.zoo.architecture import cells_after, scaled
from core.zoo.families.residual import COURSE_SHORTCUTS
from core.zoo.networks.residual_units import UnitOptions, residual_unit
from core.zoo.variants import DEFAULTS


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with bias, a shortcut, no BatchNorm: (N, C, S, S) to the same shape.

    `shortcut` is identity, constant-scaling, conv or none. With `drops_conv1` the homework's
    mistake is kept: conv2 reads x, so conv1 has no gradient.
    """

    def __init__(self, channels: int, shortcut: str, *, drops_conv1: bool = False) -> None:
        super().__init__()
        self.channels, self.shortcut, self.drops_conv1 = channels, shortcut, drops_conv1
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        if shortcut == "conv":
            self.conv_shortcut = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """ReLU of shortcut and residual; without a shortcut, of the residual alone."""
        y = F.relu(self.conv1(x))
        y = self.conv2(x if self.drops_conv1 else y)
        match self.shortcut:
            case "identity":
                y = x + y
            case "constant-scaling":
                y = 0.5 * (x + y)
            case "conv":
                y = self.conv_shortcut(x) + y
        return F.relu(y)


WINDOWS = ((5, 1, 0), (2, 2, 0)) * 2  # conv, pool, conv, pool


def course_residual(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes); at 28 pixels the linear layer has 512 inputs."""
    cells = cells_after(spec.sides, WINDOWS)  # 28 × 28 to 4 × 4
    first, second = scaled(16, spec.ratio), scaled(32, spec.ratio)
    return nn.Sequential(
        OrderedDict(
            stem1=stem(spec.in_channels, first),
            residual1=block(first, spec),
            stem2=stem(first, second),
            residual2=block(second, spec),
            dense=nn.Sequential(
                OrderedDict(
                    flatten=nn.Flatten(), linear=nn.Linear(second * cells, spec.num_classes)
                )
            ),
        )
    )


def block(channels: int, spec: ModelSpec) -> nn.Module:
    """The course's own block where it has one, else a unit of Identity Mappings.

    (N, channels, S, S) to the same shape. Raises LabError for a mistake that nobody has published.
    """
    options = UnitOptions.of(spec)
    drops_conv1 = bool(spec.option("as_published"))
    has_factor = options.shortcut == "constant-scaling" and options.factor != DEFAULTS["factor"]
    is_course = options.shortcut in COURSE_SHORTCUTS and not has_factor
    if is_course and options.order == "original" and not options.batch_norm:
        return ResidualBlock(channels, options.shortcut, drops_conv1=drops_conv1)
    if drops_conv1:
        raise LabError(
            "The homework's mistake was published with a factor of 0.5, without BatchNorm and in"
            " the original order only; set as_published to false."
        )
    return residual_unit(channels, channels, 1, options, bias=True)


def stem(in_channels: int, out_channels: int) -> nn.Sequential:
    """(N, in, S, S) to (N, out, (S - 4) // 2, (S - 4) // 2), ReLU before the pool."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(in_channels, out_channels, 5), relu=nn.ReLU(), pool=nn.MaxPool2d(2)
        )
    )
