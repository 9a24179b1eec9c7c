"""What of the last layer's gradient arrives at the first one. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from core.measure.gradient_records import NetworkFlow

VANISHED, EXPLODED = 1e-2, 1e2  # first layer's gradient by the last one's

_Outcome = Literal["vanishes", "is kept", "explodes", "cannot be told"]


@dataclass(frozen=True)
class FirstAndLast:
    """How a quantity differs between the first weight layer and the last one before the output."""

    first: float
    last: float
    steps: int  # layers from the one to the other

    @property
    def ratio(self) -> float | None:
        """First by last; None where the last one is 0 or there is no number."""
        valid = isfinite(self.first) and isfinite(self.last) and self.last > 0
        return self.first / self.last if valid else None

    @property
    def a_layer(self) -> float | None:
        """The factor by which it changes a layer, on the way back, in the geometric mean."""
        ratio = self.ratio
        return ratio ** (1 / self.steps) if ratio and self.steps else None


def first_and_last(flow: NetworkFlow, quantity: str) -> FirstAndLast | None:
    """Medians at both ends of the main path; None for a network of fewer than three layers.

    The output layer is left out: its gradient is that of the loss itself.
    """
    hidden = flow.main_path[:-1]
    if len(hidden) < 2:
        return None
    first, last = (getattr(layer, quantity).median for layer in (hidden[0], hidden[-1]))
    return FirstAndLast(first, last, len(hidden) - 1)


def gradient_outcome(ratio: float | None) -> _Outcome:
    """What becomes of the gradient on its way to the first layer."""
    if ratio is None:
        return "cannot be told"
    if ratio < VANISHED:
        return "vanishes"
    return "explodes" if ratio > EXPLODED else "is kept"
