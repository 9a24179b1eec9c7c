"""The networks that answers speak of, and how they are told. Imports no torch."""

from __future__ import annotations

from dataclasses import replace

from core.analysis.records import Analysis, LayerCost
from core.language import _, ngettext
from core.specs import ModelSpec

ALEXNET, VGG11, VGG16, VGG19 = (ModelSpec(name) for name in ("alexnet", "vgg11", "vgg16", "vgg19"))
SMALLER_VGG11 = replace(VGG11, image_size=96)
COURSE_INCEPTION = ModelSpec("course-inception", image_size=28)
COURSE_RESIDUAL = ModelSpec("course-residual", image_size=28)
DENSENET = ModelSpec("densenet", image_size=96)
VGG = {"net_network": VGG11.arch}  # opens Architecture with it


def of_kind(analysis: Analysis, kind: str) -> list[LayerCost]:
    """Its layers of this kind."""
    return [layer for layer in analysis.layers if layer.kind == kind]


def largest_layer(analysis: Analysis) -> LayerCost:
    """The one with the most parameters."""
    return max(analysis.layers, key=lambda layer: layer.params)


def weight_layers(analysis: Analysis) -> str:
    """How many convolutions and linear layers it has."""
    kinds = [layer.kind for layer in analysis.layers if layer.is_weight_layer]
    return _(
        "{convolutions} and {linear_layers}",
        convolutions=ngettext(
            "{number} convolution", "{number} convolutions", kinds.count("convolution")
        ),
        linear_layers=ngettext(
            "{number} linear layer", "{number} linear layers", kinds.count("linear")
        ),
    )
