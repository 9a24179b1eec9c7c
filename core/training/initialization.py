"""The weights that a network begins with: PyTorch's own, Xavier's or He's, drawn by a seed."""

from __future__ import annotations

import torch
from torch import nn

from core.specs import LabError, ModelSpec, RunSpec
from core.zoo.building import build


def initialized(spec: RunSpec) -> nn.Module:
    """The network of a run, on the CPU, with the weights that its seed and its recipe begin with.

    Raises LabError if it cannot be built.
    """
    return initialized_network(spec.model, spec.recipe.initialization, spec.seed)


def initialized_network(spec: ModelSpec, initialization: str, seed: int) -> nn.Module:
    """The network of `spec`, on the CPU, with weights drawn as default, xavier or he says.

    Raises LabError for another way to draw them, or if the network cannot be built.
    """
    if initialization not in ("default", *_INITIALIZERS):
        raise LabError(
            "initialization must be default, xavier or he, not {initialization}.",
            initialization=repr(initialization),
        )
    torch.manual_seed(seed)
    network = build(spec)  # PyTorch's layers draw their own weights
    if initialization in _INITIALIZERS:
        network.apply(_INITIALIZERS[initialization])
    return network


def xavier(module: nn.Module) -> None:
    """Glorot & Bengio 2010, equation 16, for the weights of convolutions and linear layers."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)


def _he(module: nn.Module) -> None:
    """He et al. 2015, equation 10: the variance that ReLU halves is doubled; biases are 0."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


_INITIALIZERS = {"xavier": xavier, "he": _he}
