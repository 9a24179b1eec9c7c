"""Depths of ResNet-18, 34 and 50: Deep Residual Learning, arXiv 1512.03385, table 1."""

from __future__ import annotations

from core.language import N_
from core.specs import ModelSpec
from core.zoo.architecture import Architecture, built_by

STAGE_CHANNELS = (64, 128, 256, 512)


TABLE = {  # name: title, is a bottleneck, blocks a stage
    "resnet18": ("ResNet-18", False, (2, 2, 2, 2)),
    "resnet34": ("ResNet-34", False, (3, 4, 6, 3)),
    "resnet50": ("ResNet-50", True, (3, 4, 6, 3)),
}


ARCHITECTURES = tuple(
    Architecture(
        name,
        title,
        N_("Residual"),
        2015,
        N_("arXiv 1512.03385, table 1"),
        built_by("resnet.resnet"),
        ModelSpec(name, in_channels=3, num_classes=1000),
    )
    for name, (title, *_) in TABLE.items()
)
