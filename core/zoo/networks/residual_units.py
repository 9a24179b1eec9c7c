"""Builds residual units from their parts: every shortcut, every order of activations.

Identity Mappings in Deep Residual Networks, arXiv 1603.05027, figures 2 and 4.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.specs import ModelSpec
from core.zoo.variants import ORDERS, SHORTCUTS


class ResidualUnit(nn.Module):
    """after(shortcut(x) + residual(x)); without a module `shortcut`, x itself is added.

    With `adds` false nothing is added: after(residual(x)).
    """

    residual: nn.Module
    shortcut: nn.Module
    after: nn.Module

    def __init__(self, *, adds: bool = True, **parts: nn.Module) -> None:
        super().__init__()
        self.adds = adds
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, S, S) to (N, C', S', S'), as its parts decide."""
        y = self.residual(x)
        if self.adds:
            y = (self.shortcut(x) if hasattr(self, "shortcut") else x) + y
        return self.after(y) if hasattr(self, "after") else y


class GatedUnit(nn.Module):
    """after((1 - g) · shortcut(x) + g · residual(x)) with a gate g = σ(gate(x)).

    Without a module `shortcut` that is x itself. Without `exclusive` the gate is on the shortcut
    only: (1 - g) · shortcut(x) + residual(x). `gate_bias` is the bias of `gate` before training.
    """

    gate: nn.Conv2d
    residual: nn.Module
    shortcut: nn.Module
    after: nn.Module

    def __init__(self, *, exclusive: bool, gate_bias: float, **parts: nn.Module) -> None:
        super().__init__()
        self.exclusive, self.gate_bias = exclusive, gate_bias
        for name, part in parts.items():
            self.add_module(name, part)
        nn.init.constant_(self.gate.get_parameter("bias"), gate_bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, S, S) to (N, C', S', S'), as its parts decide."""
        gate = torch.sigmoid(self.gate(x))
        y = self.residual(x)
        past = self.shortcut(x) if hasattr(self, "shortcut") else x
        y = (1 - gate) * past + (gate * y if self.exclusive else y)
        return self.after(y) if hasattr(self, "after") else y


class Scale(nn.Module):
    """Every value times a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return self.factor * x


class PadChannels(nn.Module):
    """Every `stride`-th pixel, and channels of zeros: a shortcut to a larger width, no parameters.

    Option A of arXiv 1512.03385, section 4.2.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, S, S) to (N, channels, S / stride, S / stride)."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))


@dataclass(frozen=True)
class UnitOptions:
    """What a network's options say of its units."""

    shortcut: str
    order: str
    batch_norm: bool
    factor: float  # of the scaled shortcuts
    gate_bias: float  # at the start of training
    dropout: float  # share of the shortcut's values that are dropped

    @classmethod
    def of(cls, spec: ModelSpec) -> UnitOptions:
        """From a spec whose options are complete."""
        given = dict(spec.options)
        return cls(
            str(given["shortcut"]),
            str(given["order"]),
            bool(given["batch_norm"]),
            float(given["factor"]),
            float(given["gate_bias"]),
            float(given["dropout"]),
        )


def residual_unit(
    in_channels: int,
    channels: int,
    stride: int,
    options: UnitOptions,
    bias: bool,
    is_activated: bool = False,
) -> nn.Module:
    """(N, in_channels, S, S) to (N, channels, S / stride, S / stride).

    With `is_activated` the unit gets what its branch would otherwise make of x first: the first
    unit of a net with pre-activation (arXiv 1603.05027, appendix).
    """
    order, row = ORDERS[options.order], SHORTCUTS[options.shortcut]
    branch = order.branch[len(order.before) :] if is_activated else order.branch
    residual = sequence(branch, in_channels, channels, stride, options, bias)
    if row.name == "constant-scaling":
        residual.add_module("scale", Scale(1 - options.factor))
    parts: dict[str, nn.Module] = {}
    past = shortcut_path(in_channels, channels, stride, options)
    if past is not None and row.name != "none":
        parts["shortcut"] = past
    parts["residual"] = residual
    if len(after := sequence(order.after, channels, channels, 1, options, bias)):
        parts["after"] = after
    if not row.has_gate:
        return ResidualUnit(adds=row.name != "none", **parts)
    return GatedUnit(
        exclusive=row.name == "exclusive-gating",
        gate_bias=options.gate_bias,
        gate=nn.Conv2d(in_channels, channels, 1, stride),
        **parts,
    )


def shortcut_path(
    in_channels: int, channels: int, stride: int, options: UnitOptions
) -> nn.Module | None:
    """From the unit's input to the addition, None where x goes there as it is.

    Where the shape changes it has no parameters, but for the 1×1 convolution.
    """
    if options.shortcut == "conv":
        return nn.Conv2d(in_channels, channels, 1, stride)
    path: OrderedDict[str, nn.Module] = OrderedDict()
    if in_channels != channels or stride != 1:
        path["pad"] = PadChannels(channels, stride)
    if SHORTCUTS[options.shortcut].setting == "factor":
        path["scale"] = Scale(options.factor)
    if options.shortcut == "dropout":
        path["dropout"] = nn.Dropout(options.dropout)
    return nn.Sequential(path) if path else None


def sequence(
    parts: tuple[str, ...],
    in_channels: int,
    channels: int,
    stride: int,
    options: UnitOptions,
    bias: bool,
) -> nn.Sequential:
    """`("conv1", "BN", "ReLU", "conv2")` as layers named conv1, norm1, relu1, conv2."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = in_channels
    for part in parts:
        if part == "BN":
            if options.batch_norm:
                layers[numbered("norm", layers)] = nn.BatchNorm2d(width)
        elif part == "ReLU":
            layers[numbered("relu", layers)] = nn.ReLU()
        else:
            step = stride if part == "conv1" else 1
            layers[part] = nn.Conv2d(width, channels, 3, step, 1, bias=bias)
            width = channels
    return nn.Sequential(layers)


def numbered(name: str, layers: OrderedDict[str, nn.Module]) -> str:
    """norm1, then norm2."""
    return f"{name}{1 + sum(other.startswith(name) for other in layers)}"
