"""Every network of the lab: the catalogue, and the building of what a spec describes.

This much needs no torch: `build` imports it when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.specs import ModelSpec
from core.zoo.architecture import Architecture, Option
from core.zoo.catalogue import CATALOGUE, complete, find

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CATALOGUE", "Architecture", "Option", "build", "complete", "find"]


def build(spec: ModelSpec) -> nn.Module:
    """The network of `spec`; see `core.zoo.building.build`. Raises LabError."""
    from core.zoo import building

    return building.build(spec)
