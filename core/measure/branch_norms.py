"""Does the better kernel of an Inception block get more weight? Norms after training, by branch.

Imports no torch: the parameters are read as numpy arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.language import N_
from core.specs import LabError

_Parameters = Mapping[str, NDArray[np.float32]]

BRANCHES = {  # of the course note's block, in the order of its concatenation
    "branch1x1": "1×1",
    "branch5x5": "1×1 → 5×5",
    "branch3x3": "1×1 → 3×3 → 3×3",
    "branch_pool": N_("average-pool → 1×1"),
}
READERS = {  # block → the next layer's weights, the first of these that the network has
    "inception1": ("stem2.conv.weight",),
    "inception2": ("dense.hidden1.weight", "dense.linear.weight"),
}


@dataclass(frozen=True)
class BranchNorm:
    """One branch of one block. Root mean squares, so that branches of any size compare."""

    block: str
    branch: str  # a name in BRANCHES
    channels: int  # that it contributes
    weights: int
    norm: float  # Euclidean, of all its weights
    rms: float  # of its weights
    rms_at_start: float  # what the initialization gives in the mean
    read_with: float  # root mean square of the next layer's weights on this branch's channels

    @property
    def growth(self) -> float:
        """How much larger its weights have become in training."""
        return self.rms / self.rms_at_start


def branch_norms(path: Path, initialization: str) -> list[BranchNorm]:
    """Every branch of a course Inception net's parameters. Raises LabError for another file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        parameters: _Parameters = load_file(path)
        return [
            norm for block in READERS for norm in _block_norms(parameters, block, initialization)
        ]
    except (SafetensorError, OSError, KeyError, IndexError, StopIteration, ValueError) as error:
        raise LabError(
            "The parameters in {name} cannot be read; train the run again.", name=path.name
        ) from error


def _block_norms(parameters: _Parameters, block: str, initialization: str) -> list[BranchNorm]:
    """The branches of one block."""
    kernels = {branch: _weights_of(parameters, f"{block}.{branch}") for branch in BRANCHES}
    channels = {branch: weights[-1].shape[0] for branch, weights in kernels.items()}
    reader = next(parameters[name] for name in READERS[block] if name in parameters)
    reader = reader.reshape(len(reader), sum(channels.values()), -1)
    norms, start = [], 0
    for branch, weights in kernels.items():
        count = sum(weight.size for weight in weights)
        squares = sum(float(np.square(weight, dtype=np.float64).sum()) for weight in weights)
        expected = sum(weight.size * _variance(weight, initialization) for weight in weights)
        read = reader[:, start : start + channels[branch]]
        start += channels[branch]
        norms.append(
            BranchNorm(
                block,
                branch,
                channels[branch],
                count,
                sqrt(squares),
                sqrt(squares / count),
                sqrt(expected / count),
                sqrt(float(np.square(read, dtype=np.float64).mean())),
            )
        )
    return norms


def _weights_of(parameters: _Parameters, branch: str) -> list[NDArray[np.float32]]:
    """The kernels of a branch from its first to its last layer."""
    names = sorted(
        name for name in parameters if name.startswith(f"{branch}.") and name.endswith("weight")
    )
    return [parameters[name] for name in names]


def _variance(kernel: NDArray[np.float32], initialization: str) -> float:
    """Of the numbers that a kernel (out, in, height, width) is initialized to.

    xavier: 2 / (fan in + fan out), Glorot & Bengio 2010; default: 1 / (3 · fan in), PyTorch's.
    """
    window = int(np.prod(kernel.shape[2:]))
    fan_out, fan_in = window * kernel.shape[0], window * kernel.shape[1]
    return 2 / (fan_in + fan_out) if initialization == "xavier" else 1 / (3 * fan_in)
