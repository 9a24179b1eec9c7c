"""What the tests of the zoo share: every network, built on meta once, and how to look at it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE
from core.zoo.variants import VARIANTS, variants_of
from tests.core.networks import DEEPER_TWINS, module_of

COURSE_SHORTCUTS = ("identity", "none", "constant-scaling", "conv")
EVERY = {name: row.default for name, row in CATALOGUE.items()}  # label: spec
EVERY |= {
    f"course-residual, {shortcut}{', as published' if published else ''}": ModelSpec(
        "course-residual",
        image_size=28,
        options={"shortcut": shortcut, "as_published": published},
    )
    for shortcut in COURSE_SHORTCUTS
    for published in (False, True)
}
EVERY |= {  # every variant in a deep net, on gray images; those of the course net are above
    f"resnet-cifar, {name}": ModelSpec(
        "resnet-cifar",
        image_size=28,
        options=dict(VARIANTS[name].options_in("resnet-cifar")) | {"depth": 8},
    )
    for name in variants_of("resnet-cifar")
}
EVERY["custom-vgg, sigmoid"] = ModelSpec("custom-vgg", options={"last_activation": "sigmoid"})

SHALLOW = {label: spec for label, spec in EVERY.items() if spec.arch not in DEEPER_TWINS}
every_network = pytest.mark.parametrize("spec", SHALLOW.values(), ids=SHALLOW.keys())
every_architecture = pytest.mark.parametrize("name", CATALOGUE)
DENSENETS = ("densenet", "densenet121")


on_meta = module_of


def images(spec: ModelSpec, count: int = 2, device: str = "cpu") -> Tensor:
    shape = (count, spec.in_channels, spec.image_size, spec.image_size)
    return torch.empty(shape, device=device) if device == "meta" else torch.rand(shape)


def output_shape(spec: ModelSpec) -> tuple[int, ...]:
    with torch.no_grad():
        return tuple(on_meta(spec)(images(spec, 2, "meta")).shape)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def layers_of(network: nn.Module, kind: type) -> list:
    return [module for module in network.modules() if isinstance(module, kind)]


def widths(network: nn.Module) -> list[int]:
    return [convolution.out_channels for convolution in layers_of(network, nn.Conv2d)]


def conv_params(inputs: int, outputs: int, kernel: int) -> int:
    return inputs * outputs * kernel**2 + outputs


def linear_params(*units: int) -> int:
    return sum((a + 1) * b for a, b in pairwise(units))


def conv_chain(channels: list[int], kernels: list[int]) -> int:
    pairs = zip(channels[:-1], channels[1:], kernels, strict=True)
    return sum(conv_params(a, b, kernel) for a, b, kernel in pairs)


def shapes(network: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, parameter.shape) for name, parameter in network.named_parameters()]


class Weights:
    """The weights of a network's layers, handed out in the order of the module."""

    def __init__(self, network: nn.Module) -> None:
        self.values: Iterator[Tensor] = iter(list(network.parameters()))

    def conv(self, x: Tensor, padding: int = 0) -> Tensor:
        return F.conv2d(x, next(self.values), next(self.values), padding=padding)

    def linear(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ next(self.values).T + next(self.values)

    def are_used_up(self) -> bool:
        return next(self.values, None) is None
