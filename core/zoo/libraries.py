"""Every classification model of torchvision, as `torchvision/NAME`; imported where one is built.

They stand beside the catalogue, not in it: they have no ratio, and their channels are three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.specs import SHOWN, LabError, ModelSpec, shown
from core.zoo.architecture import Architecture

if TYPE_CHECKING:
    from torch import nn

PREFIX = "torchvision/"
FAMILY = "torchvision"
TABLE = Path(__file__).parent / "torchvision_models.csv"  # made by tools/make_shipped_analyses.py

# Built as torchvision's published weights are; `init_weights` would warn, and fill what we discard.
_KEYWORDS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"init_weights": False},
}


@dataclass(frozen=True)
class Published:
    """What torchvision's documentation says of a model's first weights for ImageNet."""

    params: int
    giga_macs: float  # thousand millions of multiply-adds, three decimals
    image_size: int  # pixels a side, at which they were counted


def names() -> tuple[str, ...]:
    """The names of torchvision's classification models, in alphabetical order."""
    return tuple(models())


def published(name: str) -> Published:
    """torchvision's own figures for `name`, from the metadata of its weights."""
    return models()[name]


@cache
def models() -> dict[str, Published]:
    """From the table that comes with the lab, where it is of the torchvision that is installed."""
    made_for, *rows = TABLE.read_text(encoding="utf-8").splitlines()
    if made_for == f"# torchvision {installed_version()}":
        return {
            name: Published(int(params), float(giga_macs), int(image_size))
            for name, params, giga_macs, image_size in (row.split(",") for row in rows[1:])
        }
    return models_of_torchvision()


def installed_version() -> str:
    """Of torchvision, such as 0.29: what its models are does not change with the last number."""
    return ".".join(version("torchvision").split(".")[:2])


def models_of_torchvision() -> dict[str, Published]:
    """The same from torchvision itself, whose import takes seconds."""
    import torchvision.models as theirs

    return {name: _published(name) for name in theirs.list_models(module=theirs)}


def _published(name: str) -> Published:
    from torchvision.models import get_model_weights

    weights = get_model_weights(name)
    first = next((entry for entry in weights if entry.name == "IMAGENET1K_V1"), next(iter(weights)))
    return Published(
        first.meta["num_params"], first.meta["_ops"], first.transforms.keywords["crop_size"]
    )


def architecture(arch: str) -> Architecture:
    """The row for `torchvision/NAME`. Raises LabError with the nearest names for another."""
    name = arch.removeprefix(PREFIX)
    known = names()
    if name not in known:
        near = get_close_matches(name[:SHOWN].lower(), known, n=3, cutoff=0.4) or known[:3]
        raise LabError(
            f"torchvision has no classification model {shown(name)}; try"
            f" {', '.join(PREFIX + model for model in near)}."
        )
    size = published(name).image_size
    default = ModelSpec(arch, image_size=size, in_channels=3, num_classes=1000)
    return Architecture(arch, name, FAMILY, None, f"torchvision's {name}", _builder(name), default)


def _builder(name: str) -> Callable[[ModelSpec], nn.Module]:
    """Builds `name` without weights. Raises LabError for a ratio or for other than 3 channels."""

    def build(spec: ModelSpec) -> nn.Module:
        """(N, 3, S, S) to (N, num_classes)."""
        from torchvision.models import get_model

        if spec.ratio != 1:
            raise LabError(f"{spec.arch} has no ratio: leave it at 1.")
        if spec.in_channels != 3:
            raise LabError(f"{spec.arch} reads images of 3 channels, not {spec.in_channels}.")
        try:
            return get_model(name, **keywords(spec))
        except (ValueError, AssertionError, RuntimeError, ZeroDivisionError) as error:
            raise LabError(
                f"{spec.arch} cannot be built for {spec.image_size}×{spec.image_size} pixels:"
                f" {first_line(error)}."
            ) from error

    return build


def keywords(spec: ModelSpec) -> dict[str, Any]:
    """What torchvision's get_model is called with, besides the name."""
    name, side = spec.arch.removeprefix(PREFIX), spec.image_size
    arguments = {"weights": None, "num_classes": spec.num_classes} | _KEYWORDS.get(name, {})
    if name.startswith("vit_") and side != 224:
        arguments["image_size"] = side
    if name.startswith("maxvit_") and side != 224:
        arguments["input_size"] = (side, side)
    return arguments


def first_line(error: Exception) -> str:
    """What an error of a library says, in one line without its full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".!")
