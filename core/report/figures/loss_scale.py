"""One scale of the loss for all networks of a landscape, in colors and in height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from core.inside.landscape_records import Landscape
from core.report import formats

COLORS = "Cividis"  # made for color-blind readers (Nuñez et al. 2018)
LEVELS = 14  # of color, and between contour lines
_LOG_FROM = 20.0  # times the lowest loss: a wider range is drawn by its logarithm
_LEAST = 1e-6  # of a loss on a log scale
_MOST_TICKS = 6


@dataclass(frozen=True)
class LossScale:
    """From the lowest to the highest loss; by its logarithm where the range is large."""

    lowest: float
    highest: float
    is_log: bool

    @classmethod
    def of(cls, landscape: Landscape) -> LossScale:
        """Of all its networks together, with the points of their paths."""
        losses = [
            loss
            for network in landscape.networks
            for row in (*network.loss, [point.loss for point in network.path])
            for loss in row
            if loss is not None
        ] or [0.0, 1.0]
        lowest, highest = min(losses), max(losses)
        return cls(lowest, highest, highest > _LOG_FROM * max(lowest, _LEAST))

    def place(self, loss: float) -> float:
        """Where a loss stands: the loss itself or its logarithm."""
        return log10(max(loss, _LEAST)) if self.is_log else loss

    def height(self, loss: float) -> float:
        """The same from 0, the lowest, to 1."""
        low, high = self.ends
        return (self.place(loss) - low) / (high - low)

    @property
    def ends(self) -> tuple[float, float]:
        """Where lowest and highest stand."""
        low, high = self.place(self.lowest), self.place(self.highest)
        return low, high if high > low else low + 1

    @property
    def ticks(self) -> Sequence[float]:
        """Losses to write beside the scale."""
        low, high = self.ends
        if not self.is_log:
            step = next(
                m * 10**e for e in range(-8, 9) for m in (1, 2, 5)
                if (high - low) / (m * 10**e) <= _MOST_TICKS
            )  # fmt: skip
            first = int(-(-low // step))
            return [step * i for i in range(first, int(high // step) + 1)]
        for factors in ((1, 2, 5), (1, 3), (1,)):
            ticks = [
                m * 10.0**e
                for e in range(int(low) - 1, int(high) + 2)
                for m in factors
                if low <= log10(m * 10.0**e) <= high
            ]
            if len(ticks) <= _MOST_TICKS:
                break
        return ticks[:: -(-len(ticks) // _MOST_TICKS) or 1]

    @property
    def texts(self) -> list[str]:
        """Of the ticks."""
        return [number(tick) for tick in self.ticks]


def number(loss: float) -> str:
    """Two or three digits: 0.31, 2.1, 48, 1.2 × 10⁹."""
    if 0 < loss < 0.01 or loss >= 1e5:
        return formats.scientific(loss)
    return f"{loss:,.0f}" if loss >= 10 else f"{loss:.2g}"
