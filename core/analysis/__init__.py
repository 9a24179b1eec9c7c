"""A spec, on the meta device, to what every layer costs.

torch takes seconds to import, so it is imported where it is used: pages and tables that only
read the records below never wait for it.
"""

from __future__ import annotations

from core.analysis.records import KINDS, LEVELS, Analysis, LayerCost, Totals
from core.specs import ModelSpec

__all__ = ["KINDS", "LEVELS", "Analysis", "LayerCost", "Totals", "analyze", "torchinfo_summary"]


def analyze(spec: ModelSpec) -> Analysis:
    """Every layer of `spec`'s network with shapes, parameters, MACs and bytes; no memory is taken.

    Raises LabError when the network cannot be built.
    """
    from core.analysis.network import analyze as run

    return run(spec)


def torchinfo_summary(spec: ModelSpec) -> str:
    """torchinfo's own summary text, from a network built on meta. Raises LabError as `analyze`."""
    from core.analysis.network import torchinfo_summary as run

    return run(spec)
