"""Depths and options of the ResNets for small images (arXiv 1512.03385, section 4.2).

Depth 6n + 2: a 3×3 convolution, three stages of n units with 16, 32 and 64 channels, the first unit
of stages 2 and 3 with stride 2, global average pooling, one linear layer. Where the shape changes
the shortcut drops pixels and adds channels of zeros (option A), as the paper does for these nets: a
projection would give the residual nets parameters and a path that the plain ones do not have, and
so blur the comparison. The units, and what stands before and after them in a net with
pre-activation, are those of Identity Mappings, arXiv 1603.05027.
"""

from __future__ import annotations

from core.language import N_
from core.specs import ModelSpec
from core.zoo.architecture import Architecture, Option, built_by
from core.zoo.families.unit_options import SHORTCUT_OPTION, unit_options

STAGE_CHANNELS = (16, 32, 64)
DEPTHS = {"resnet20": 20, "resnet56": 56, "resnet110": 110}


_DEPTH_OPTION = Option(
    "depth",
    N_("Depth"),
    N_("Layers with weights on the longest path: 6n + 2 with n units in each of three stages."),
    32,
    minimum=8,
    maximum=218,
    step=6,
)
_OPTIONS = (SHORTCUT_OPTION, *unit_options(batch_norm=True, is_chain=True))
_ROWS = (
    ("resnet20", N_("ResNet-20 for small images"), _OPTIONS),
    ("resnet56", N_("ResNet-56 for small images"), _OPTIONS),
    ("resnet110", N_("ResNet-110 for small images"), _OPTIONS),
    ("resnet-cifar", N_("ResNet of any depth for small images"), (_DEPTH_OPTION, *_OPTIONS)),
)

ARCHITECTURES = tuple(
    Architecture(
        name,
        title,
        N_("Residual"),
        2015,
        N_("arXiv 1512.03385, section 4.2; units from arXiv 1603.05027"),
        built_by("cifar_resnet.cifar_resnet"),
        ModelSpec(name, image_size=32, in_channels=3),
        options,
    )
    for name, title, options in _ROWS
)
