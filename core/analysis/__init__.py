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

    from core.analysis.inputs import Inputs

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


def analyze_module(
    module: nn.Module,
    input_shape: tuple[int, ...] | None = None,
    inputs: Inputs | None = None,
) -> Analysis:
    """`analyze` for a module of your own.

    `input_shape` is the shape of one input: (3, 480, 640) of an image, (1, 16000) of sound,
    (3, 16, 112, 112) of video. `inputs` are example tensors in its place, or a dict of them by the
    names of `forward`, each with the batch as its first dimension, for several inputs and for
    token numbers. The module is run without numbers and left exactly as it was; one that decides
    on numbers is run on random ones in a process of its own, and a warning says so. Raises
    LabError, one sentence, when its forward pass fails.
    """
    from core.analysis.network import analyze_module as run

    return run(module, input_shape, inputs)


def torchinfo_summary(spec: ModelSpec) -> str:
    """torchinfo's own summary text, from a network built on meta. Raises LabError as `analyze`."""
    from core.analysis.network import torchinfo_summary as run

    return run(spec)
