"""A spec, on the meta device, to what every layer costs.

torch takes seconds to import, so it is imported where it is used: pages and tables that only
read the records below never wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.analysis.records import KINDS, LEVELS, Analysis, LayerCost, Totals
from core.specs import ModelSpec

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "KINDS",
    "LEVELS",
    "Analysis",
    "LayerCost",
    "Totals",
    "analyze",
    "analyze_module",
    "torchinfo_summary",
]


def analyze(spec: ModelSpec) -> Analysis:
    """Every layer of `spec`'s network with shapes, parameters, MACs and bytes; no memory is taken.

    Raises LabError when the network cannot be built.
    """
    from core.analysis.network import analyze as run

    return run(spec)


def analyze_module(module: nn.Module, input_shape: tuple[int, int, int]) -> Analysis:
    """`analyze` for a module of your own, on square images of `input_shape` (C, S, S).

    The module is copied without its numbers and stays as it is. Raises LabError, one sentence,
    when its forward pass needs real numbers (branches on values, for example).
    """
    from core.analysis.network import analyze_module as run

    return run(module, input_shape)


def torchinfo_summary(spec: ModelSpec) -> str:
    """torchinfo's own summary text, from a network built on meta. Raises LabError as `analyze`."""
    from core.analysis.network import torchinfo_summary as run

    return run(spec)
