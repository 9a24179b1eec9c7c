"""The rows of a chart of costs: those that cost something, few enough to be read.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.analysis.records import LayerCost
from core.report.layer_groups import MOST_ROWS, grouped


@dataclass(frozen=True)
class CostRow:
    """A layer, or several that follow each other."""

    path: str  # of the layer, or what the layers' paths begin with: stage1.3
    layers: tuple[LayerCost, ...]  # at least one

    @property
    def macs(self) -> int:
        """Multiply-adds an image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def params(self) -> int:
        """Weights and biases."""
        return sum(layer.params for layer in self.layers)

    def saved_bytes(self, batch_size: int) -> int:
        """What autograd keeps for the backward pass of a batch of so many images."""
        return sum(
            batch_size * layer.saved_bytes + layer.fixed_saved_bytes for layer in self.layers
        )

    @property
    def kind(self) -> str:
        """That of the layer which costs most, or keeps most where none costs anything."""
        macs, params = max(1, self.macs), max(1, self.params)
        return max(
            self.layers,
            key=lambda one: (one.macs / macs + one.params / params, one.saved_bytes),
        ).kind


def cost_rows(layers: Sequence[LayerCost], most: int = MOST_ROWS) -> list[CostRow]:
    """The layers that have parameters or MACs, at most so many rows, as they run."""
    return _rows([layer for layer in layers if layer.params or layer.macs], most)


def saving_rows(layers: Sequence[LayerCost], most: int = MOST_ROWS) -> list[CostRow]:
    """The layers of which something is kept for the backward pass, at most so many rows."""
    return _rows([one for one in layers if one.saved_bytes or one.fixed_saved_bytes], most)


def _rows(layers: Sequence[LayerCost], most: int) -> list[CostRow]:
    return [CostRow(path, members) for path, members in grouped(layers, most)]
