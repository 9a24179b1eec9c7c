"""Networks that several tests look at: each analyzed, built and counted once in a test run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from core.analysis import Analysis, analyze
from core.specs import ModelSpec
from core.zoo.building import build_on_meta
from core.zoo.catalogue import CATALOGUE

DEFAULTS = {name: row.default for name, row in CATALOGUE.items()}
DEEPER_TWINS = ("resnet56", "resnet110")  # of resnet20: the same code, more often
THIN = {
    f"{spec.arch}, thin": replace(spec, ratio=3, image_size=97, in_channels=2, num_classes=7)
    for spec in DEFAULTS.values()
    if spec.arch not in DEEPER_TWINS
}


@cache
def analysis_of(spec: ModelSpec) -> Analysis:
    """The analysis of `spec`."""
    return analyze(spec)


@cache
def module_of(spec: ModelSpec) -> nn.Module:
    """The network of `spec` on meta; leave it in training, as it is built."""
    return build_on_meta(spec)


@cache
def forward_flops(spec: ModelSpec) -> int:
    """What FlopCounterMode counts for two images, without gradients."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        only_what_has_flops(spec)(two_images(spec))
    return counter.get_total_flops()


@cache
def flops_of(spec: ModelSpec) -> tuple[int, int]:
    """What FlopCounterMode counts for two images: forward, and forward and backward together."""
    network = only_what_has_flops(spec)
    with FlopCounterMode(display=False) as counter:
        scores = network(two_images(spec))
        forward = counter.get_total_flops()
        scores.sum().backward()
    return forward, counter.get_total_flops()


def only_what_has_flops(spec: ModelSpec) -> nn.Module:
    """The network without modules that FlopCounterMode takes for free, but meta is slow at."""
    network = build_on_meta(spec)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU | nn.BatchNorm2d | nn.Dropout):
                setattr(parent, name, nn.Identity())
    return network


def two_images(spec: ModelSpec) -> Tensor:
    """(2, C, S, S) on meta."""
    return torch.empty(2, spec.in_channels, spec.image_size, spec.image_size, device="meta")
