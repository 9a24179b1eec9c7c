"""Parameters and MACs that other people published, beside ours; never our results."""

from __future__ import annotations

from dataclasses import dataclass

from core.language import N_
from core.specs import ModelSpec


@dataclass(frozen=True)
class PublishedCount:
    """Parameters and multiply-adds that somebody has published for one network."""

    model: ModelSpec  # the setting that they were counted at
    params: int
    giga_macs: float  # thousand millions of multiply-adds an image, three decimals
    source: str


_TORCHVISION = N_("torchvision's documentation")

# IMAGENET1K_V1 weights of torchvision 0.29: "num_params" and "GFLOPS", which are multiply-adds.
PUBLISHED_COUNTS: dict[str, PublishedCount] = {
    name: PublishedCount(ModelSpec(name, 1, 224, 3, 1000), params, giga_macs, _TORCHVISION)
    for name, params, giga_macs in (
        ("vgg11", 132_863_336, 7.609),
        ("vgg13", 133_047_848, 11.308),
        ("vgg16", 138_357_544, 15.470),
        ("vgg19", 143_667_240, 19.632),
        ("resnet18", 11_689_512, 1.814),
        ("resnet34", 21_797_672, 3.664),
        ("resnet50", 25_557_032, 4.089),
        ("densenet121", 7_978_856, 2.834),
    )
}
