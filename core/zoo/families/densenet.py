"""Depths, growth rates and options of the DenseNets (arXiv 1608.06993).

`densenet121` is the paper's table 1; `densenet` is the small one of "Dive into Deep Learning",
chapter 8.7, whose layers have no 1×1 bottleneck.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.language import N_
from core.specs import ModelSpec
from core.zoo.architecture import Architecture, Option, built_by


@dataclass(frozen=True)
class Config:
    """One row of the family."""

    title: str
    source: str
    growth_rate: int
    initial_channels: int
    layers: tuple[int, ...]  # dense layers in each block
    bottleneck: bool
    bias: bool  # the book's convolutions have a bias, the paper's none
    default: ModelSpec


CONFIGS = {
    "densenet": Config(
        N_("DenseNet of the book"),
        N_("arXiv 1608.06993, as in Dive into Deep Learning 8.7"),
        32,
        64,
        (4, 4, 4, 4),
        bottleneck=False,
        bias=True,
        default=ModelSpec("densenet", image_size=96),
    ),
    "densenet121": Config(
        "DenseNet-121",
        N_("arXiv 1608.06993, table 1"),
        32,
        64,
        (6, 12, 24, 16),
        bottleneck=True,
        bias=False,
        default=ModelSpec("densenet121", in_channels=3, num_classes=1000),
    ),
}


def options(config: Config) -> tuple[Option, ...]:
    """What the paper varies: its k and θ, sections 3 and 4."""
    return (
        Option(
            "growth_rate",
            N_("Growth rate"),
            N_("Channels that each dense layer adds to what it has read: k in the paper."),
            config.growth_rate,
            minimum=1,
            maximum=64,
        ),
        Option(
            "compression",
            N_("Transition keeps (%)"),
            N_("Share of the channels that a transition keeps: θ in the paper, 50 % there."),
            50,
            minimum=10,
            maximum=100,
        ),
    )


ARCHITECTURES = tuple(
    Architecture(
        name,
        config.title,
        "DenseNet",
        2016,
        config.source,
        built_by("densenet.densenet"),
        config.default,
        options(config),
    )
    for name, config in CONFIGS.items()
)
