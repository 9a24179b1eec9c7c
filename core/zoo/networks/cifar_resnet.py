"""Builds the ResNets for small images: a stem, three stages of residual units, a head.

Depths and options are in core.zoo.families.cifar_resnet, the units in residual_units.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from core.specs import ModelSpec
from core.zoo.architecture import scaled
from core.zoo.families.cifar_resnet import DEPTHS, STAGE_CHANNELS
from core.zoo.networks.residual_units import UnitOptions, residual_unit
from core.zoo.variants import ORDERS


def cifar_resnet(spec: ModelSpec) -> nn.Sequential:
    """(N, C, S, S) to (N, num_classes); any size works."""
    options = UnitOptions.of(spec)
    depth = DEPTHS.get(spec.arch) or int(spec.option("depth") or 0)
    bias = not options.batch_norm  # BatchNorm has a shift of its own
    width = scaled(STAGE_CHANNELS[0], spec.ratio)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["stem"] = stem(spec.in_channels, width, options, bias)
    for number, channels in enumerate(STAGE_CHANNELS, start=1):
        units: OrderedDict[str, nn.Module] = OrderedDict()
        for index in range(1, (depth - 2) // 6 + 1):
            stride = 2 if number > 1 and index == 1 else 1
            after = scaled(channels, spec.ratio)
            is_first = number == index == 1
            units[f"unit{index}"] = residual_unit(width, after, stride, options, bias, is_first)
            width = after
        layers[f"stage{number}"] = nn.Sequential(units)
    layers["head"] = head(width, spec.num_classes, options)
    return nn.Sequential(layers)


def stem(in_channels: int, channels: int, options: UnitOptions, bias: bool) -> nn.Sequential:
    """(N, in_channels, S, S) to (N, channels, S, S)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(in_channels, channels, 3, padding=1, bias=bias)
    if options.batch_norm:
        layers["norm"] = nn.BatchNorm2d(channels)
    layers["relu"] = nn.ReLU()
    return nn.Sequential(layers)


def head(channels: int, num_classes: int, options: UnitOptions) -> nn.Sequential:
    """(N, channels, S, S) to (N, num_classes), first activated as a next unit would do it."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before = ORDERS[options.order].before
    if "BN" in before and options.batch_norm:
        layers["norm"] = nn.BatchNorm2d(channels)
    if "ReLU" in before:
        layers["relu"] = nn.ReLU()
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["linear"] = nn.Linear(channels, num_classes)
    return nn.Sequential(layers)
