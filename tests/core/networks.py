"""Networks that several tests look at: each analyzed, built and counted once in a test run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch
from torch import nn
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
def flops_of(spec: ModelSpec) -> tuple[int, int]:
    """What FlopCounterMode counts for two images: forward, and forward and backward together."""
    images = torch.empty(2, spec.in_channels, spec.image_size, spec.image_size, device="meta")
    with FlopCounterMode(display=False) as counter:
        scores = module_of(spec)(images)
        forward = counter.get_total_flops()
        scores.sum().backward()
    module_of(spec).zero_grad(set_to_none=True)
    return forward, counter.get_total_flops()
