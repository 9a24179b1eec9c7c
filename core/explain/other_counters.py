"""What other counters say of the same network: torchinfo and PyTorch's FlopCounterMode."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.explain.reconcile import COUNTED_BATCH, OtherCounts
from core.specs import ModelSpec
from core.zoo.building import build_on_meta
from core.zoo.catalogue import complete


def other_counts(spec: ModelSpec) -> OtherCounts:
    """torchinfo's and FlopCounterMode's counts for one image, of the network in training.

    Raises LabError when the network cannot be built.
    """
    import torchinfo

    spec = complete(spec)
    network = build_on_meta(spec).train()
    size = (spec.in_channels, *spec.sides)
    two, three = (flops(network, (images, *size)) for images in (COUNTED_BATCH, COUNTED_BATCH + 1))
    statistics = torchinfo.summary(
        network, input_size=(COUNTED_BATCH, *size), device="meta", mode="train", verbose=0
    )
    return OtherCounts(
        torchinfo_params=statistics.total_params,
        torchinfo_macs=statistics.total_mult_adds // COUNTED_BATCH,
        flops=three - two,
        fixed_flops=two - COUNTED_BATCH * (three - two),
    )


def flops(network: nn.Module, shape: tuple[int, ...]) -> int:
    """FlopCounterMode's total of a forward pass on a batch of `shape` (N, C, H, W)."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(shape, device="meta"))
    return int(counter.get_total_flops())
