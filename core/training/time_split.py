"""Where the time of a run went. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.training.records import PHASES, EpochMetrics


@dataclass(frozen=True)
class TimeSplit:
    """Seconds of a run by what they were spent on; they add up to its epochs' time."""

    data: float  # the phases of a step, as in PHASES
    transfer: float
    forward: float
    backward: float
    optimiser: float
    captured: float  # whole steps, forward to optimizer, replayed as one graph
    overhead: float  # Python between the phases
    evaluation: float

    @property
    def training(self) -> float:
        """Everything but the evaluation."""
        return self.data + self.transfer + self.network + self.overhead

    @property
    def network(self) -> float:
        """What the network itself took."""
        return self.forward + self.backward + self.optimiser + self.captured


def split_time(epochs: Sequence[EpochMetrics]) -> TimeSplit | None:
    """The sums over the epochs; None where an older version of the lab did not time the phases."""
    parts = {
        phase: sum(getattr(metrics, f"{phase}_seconds") for metrics in epochs) for phase in PHASES
    }
    timed = sum(parts.values())
    if not timed:
        return None
    training = sum(metrics.train_seconds for metrics in epochs)
    return TimeSplit(
        **parts,
        overhead=max(0.0, training - timed),
        evaluation=sum(metrics.evaluation_seconds for metrics in epochs),
    )
