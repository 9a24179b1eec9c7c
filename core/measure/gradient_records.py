"""What a measurement of gradient flow finds, and which networks are compared. Imports no torch.

All norms are Euclidean, of the gradient of the mean cross-entropy of one batch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from core.language import N_
from core.specs import LabError, ModelSpec, OptionValue, check_whole

# The networks of "Why it works": one place to say what they are called and what they can be told.
FAMILY = "resnet"  # its depth is the number behind it: resnet110
DEPTHS = (20, 56, 110)  # 6n + 2 weight layers, arXiv 1512.03385, section 4.2
SHORTCUTS = ("identity", "none")  # compared where nobody has chosen others
IMAGE_SIZE = 28  # pixels a side

INITIALIZATIONS = {  # how the weights are drawn before the measurement → how that is called
    "default": N_("as the network is built"),
    "xavier": N_("Xavier uniform, as the fast recipe"),
    "he": N_("He normal, arXiv 1502.01852"),
}
BATCH_SIZE = 16  # images; every layer has hundreds of outputs for each of them
_MAX_SEEDS = 20
BATCH_NORMS = {"both": (False, True), "without": (False,), "with": (True,)}  # of the networks
QUANTITIES = {  # field of LayerFlow → what it is
    "weight_gradient": N_("norm of the gradient of the weights"),
    "output_gradient": N_("norm of the gradient of the layer's output"),
    "variance": N_("variance of the layer's output"),
}


def deep_net(depth: int, shortcut: str, batch_norm: bool, ratio: int = 1) -> ModelSpec:
    """The CIFAR-style net of so many weight layers, for gray images."""
    options: dict[str, OptionValue] = {"batch_norm": batch_norm, "shortcut": shortcut}
    return ModelSpec(f"{FAMILY}{depth}", ratio, IMAGE_SIZE, options=tuple(options.items()))


def depth_of(spec: ModelSpec) -> int | None:
    """The depth in the name of a net of the family, None for another network."""
    match = re.fullmatch(rf"{FAMILY}(\d+)", spec.arch)
    depth = int(match[1]) if match else None
    return depth if depth in DEPTHS else None


def variations(
    spec: ModelSpec,
    depths: Sequence[int] = (),
    shortcuts: Sequence[str] = (),
    batch_norms: Sequence[bool] = (),
) -> list[ModelSpec]:
    """`spec` in every combination; what is left empty stays as it is in `spec`.

    Raises LabError for depths where the network's name ends in no number.
    """
    if depths and not re.search(r"\d$", spec.arch):
        raise LabError(
            "{arch} comes in one depth; {family}110 has several.", arch=spec.arch, family=FAMILY
        )
    specs = []
    for depth in depths or (None,):
        arch = spec.arch if depth is None else re.sub(r"\d+$", str(depth), spec.arch)
        for batch_norm in batch_norms or (None,):
            for shortcut in shortcuts or (None,):
                values: Mapping[str, OptionValue | None] = {
                    "batch_norm": batch_norm,
                    "shortcut": shortcut,
                }
                changed = {name: value for name, value in values.items() if value is not None}
                options = tuple((dict(spec.options) | changed).items())
                specs.append(replace(spec, arch=arch, options=options))
    return specs


class Spread(NamedTuple):
    """Over the seeds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class LayerFlow:
    """One convolution or linear layer, before normalization and activation."""

    path: str
    depth: int  # weight layers on the longest path from the image to here
    weights: int
    weight_gradient: Spread
    output_gradient: Spread
    variance: Spread


@dataclass(frozen=True)
class BlockFlow:
    """A block whose output has its input's shape."""

    path: str
    gain: Spread  # norm of the gradient of the block's input by that of its output


@dataclass(frozen=True)
class NetworkFlow:
    """A network's layers in the order of execution."""

    spec: str  # ModelSpec as JSON
    state: str  # one of INITIALIZATIONS, or the run whose parameters it has
    seeds: int
    layers: tuple[LayerFlow, ...]
    blocks: tuple[BlockFlow, ...]
    run: int | None = None
    trained: bool = False

    @property
    def model(self) -> ModelSpec:
        """The network."""
        return ModelSpec.from_json(self.spec)

    @property
    def main_path(self) -> tuple[LayerFlow, ...]:
        """Of layers at the same depth the one with the most weights: shortcuts have fewer."""
        largest: dict[int, LayerFlow] = {}
        for layer in self.layers:
            if layer.depth not in largest or layer.weights > largest[layer.depth].weights:
                largest[layer.depth] = layer
        return tuple(largest[depth] for depth in sorted(largest))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkFlow:
        """From what the store keeps."""
        layers = tuple(
            LayerFlow(**(layer | {name: Spread(*layer[name]) for name in QUANTITIES}))
            for layer in values["layers"]
        )
        blocks = tuple(
            BlockFlow(block["path"], Spread(*block["gain"])) for block in values["blocks"]
        )
        return cls(**(dict(values) | {"layers": layers, "blocks": blocks}))


@dataclass(frozen=True)
class GradientFlow:
    """Several networks, measured alike."""

    share: float  # of the measurement that is done, 0 to 1
    dataset: str  # of the networks that are measured at initialization
    batch_size: int
    machine: str
    networks: tuple[NetworkFlow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GradientFlow:
        """The inverse of `to_dict`."""
        networks = tuple(map(NetworkFlow.from_dict, values["networks"]))
        return cls(**(dict(values) | {"networks": networks}))


def check_seeds(seeds: int) -> None:
    """Raise LabError unless it is a number of seeds that can be measured."""
    check_whole("seeds", seeds, 1, _MAX_SEEDS)
