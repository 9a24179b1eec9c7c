"""What a training run tells about itself while it goes on. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """Where a run is, sent after every step."""

    phase: str  # downloading, training, evaluating
    epoch: int  # the epoch under way, from 1
    epochs: int
    step: int  # steps of this phase that are done; bytes of a download
    steps: int  # steps in this phase; bytes of a download
    images_per_second: float = 0.0  # of this epoch so far

    @property
    def fraction(self) -> float:
        """Share of the whole run that is done, 0 to 1."""
        if self.phase == "downloading":
            return 0.0
        within = self.step / self.steps if self.phase == "training" else 1.0
        return min(1.0, (self.epoch - 1 + within) / self.epochs)


@dataclass(frozen=True)
class EpochMetrics:
    """One finished epoch. Losses are means of the cross-entropy in nats, accuracies fractions.

    Training figures are taken while the network learns, before each step, as the book does.
    """

    epoch: int  # from 1
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    train_seconds: float  # evaluation excluded
    evaluation_seconds: float
    images_per_second: float  # training images ÷ train_seconds
    last_learning_rate: float  # of the last step; with one-cycle it changes at every step


@dataclass(frozen=True)
class LayerTime:
    """Seconds that one layer took for a batch: medians over several passes."""

    path: str  # of core.analysis.LayerCost
    forward_seconds: float
    backward_seconds: float

    @property
    def seconds(self) -> float:
        """Forward and backward."""
        return self.forward_seconds + self.backward_seconds


@dataclass(frozen=True)
class LayerTimes:
    """Where the time of one step goes, layer by layer, as measured on one machine."""

    device: str
    machine: str  # what the device is, in words
    batch_size: int
    passes: int  # that are done; of a finished measurement, all
    step_seconds: float  # forward and backward without any watching, median
    layers: tuple[LayerTime, ...]  # in the order of execution

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LayerTimes:
        """The inverse of `to_dict`."""
        layers = tuple(LayerTime(**layer) for layer in values["layers"])
        return cls(**(values | {"layers": layers}))
