"""torchvision's classification models: what they are, and how one is built."""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision import models as theirs

from core.specs import LabError, ModelSpec
from core.zoo.libraries import LIBRARIES, LibraryModel

_TORCHVISION = LIBRARIES["torchvision"]

# Built as torchvision's published weights are; `init_weights` would warn, and fill what we discard.
_KEYWORDS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"init_weights": False},
}


def models() -> dict[str, LibraryModel]:
    """Every model in alphabetical order, with the figures of its first weights for ImageNet."""
    return {name: _model(name) for name in theirs.list_models(module=theirs)}


def _model(name: str) -> LibraryModel:
    """What torchvision's documentation says of it, from the metadata of its weights."""
    weights = theirs.get_model_weights(name)
    first = next((entry for entry in weights if entry.name == "IMAGENET1K_V1"), next(iter(weights)))
    return LibraryModel(
        first.transforms.keywords["crop_size"], first.meta["num_params"], first.meta["_ops"]
    )


def keywords(spec: ModelSpec) -> dict[str, Any]:
    """What `get_model` is called with, besides the name."""
    name, size = _TORCHVISION.model_name(spec.arch), spec.image_size
    arguments = {"weights": None, "num_classes": spec.num_classes} | _KEYWORDS.get(name, {})
    if name.startswith("vit_") and size != 224:
        if not isinstance(size, int):
            raise LabError("torchvision's ViT takes square images")
        arguments["image_size"] = size
    if name.startswith("maxvit_") and size != 224:
        arguments["input_size"] = spec.sides
    return arguments


def build(spec: ModelSpec) -> nn.Module:
    """(N, 3, H, W) to (N, num_classes)."""
    network: nn.Module = theirs.get_model(_TORCHVISION.model_name(spec.arch), **keywords(spec))
    return network
