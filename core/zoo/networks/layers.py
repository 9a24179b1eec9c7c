"""Layers that several networks share."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def dense(in_features: int, out_features: int, flatten: bool = False) -> nn.Sequential:
    """Linear, ReLU and dropout of one half: (N, in_features) to (N, out_features)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if flatten:
        layers["flatten"] = nn.Flatten()
    layers["linear"] = nn.Linear(in_features, out_features)
    layers["relu"] = nn.ReLU()
    layers["dropout"] = nn.Dropout(0.5)
    return nn.Sequential(layers)


def response_norm() -> nn.LocalResponseNorm:
    """Local response normalization with the constants of Krizhevsky et al. 2012, section 3.3."""
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)
