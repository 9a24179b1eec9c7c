"""How a run learns between the ends of its epochs: a bounded series of means. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MOST = 512  # points of a run


class StepPoint(NamedTuple):
    """Means over the steps since the point before; each is taken before its step."""

    images: int  # trained on in the whole run, so far
    loss: float  # cross-entropy in nats; not finite where the network diverges
    accuracy: float  # fraction


@dataclass(frozen=True)
class StepSeries:
    """The points of a run in their order, at most `MOST`.

    When it is full each pair becomes one, so that a long run keeps its whole curve; a point then
    stands for twice as many readings, and the last one changes until it has as many.
    """

    points: tuple[StepPoint, ...] = ()
    width: int = 1  # readings that a point stands for
    filled: int = 1  # readings that the last point holds

    @property
    def settled(self) -> int:
        """How many points change no more, unless the series becomes full."""
        return max(0, len(self.points) - (self.filled < self.width))

    def add(self, reading: StepPoint) -> StepSeries:
        """The series with one more reading."""
        points = (*self.points, reading)
        if self.filled < self.width and self.points:
            before = self.points[-2].images if len(self.points) > 1 else 0
            merged = _mean(before, self.points[-1], reading)
            return StepSeries((*self.points[:-1], merged), self.width, self.filled + 1)
        if len(points) > MOST:
            return StepSeries((*_by_pairs(points[:-1]), reading), 2 * self.width, 1)
        return StepSeries(points, self.width, 1)

    def by_epoch(self, train_images: int) -> tuple[list[float], list[float], list[float]]:
        """Epochs that were done at each point, losses in nats, accuracies in %."""
        epochs = [point.images / train_images for point in self.points]
        accuracies = [100 * point.accuracy for point in self.points]
        return epochs, [point.loss for point in self.points], accuracies

    def to_json(self) -> str:
        """As the store keeps it; five digits are more than a picture shows."""
        points = [(images, *map(_short, means)) for images, *means in self.points]
        return json.dumps([self.width, self.filled, points], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> StepSeries:
        """The inverse of `to_json`."""
        width, filled, points = json.loads(text)
        return cls(tuple(StepPoint(*point) for point in points), width, filled)


def _by_pairs(points: Sequence[StepPoint]) -> list[StepPoint]:
    """Half as many points, each the mean of two."""
    starts = [0, *(point.images for point in points[1::2])]
    pairs = zip(starts, points[::2], points[1::2], strict=False)
    return [_mean(start, first, second) for start, first, second in pairs]


def _mean(start: int, first: StepPoint, second: StepPoint) -> StepPoint:
    """Of two neighbors, by their images; the first begins where `start` images were done."""
    images = second.images - start
    share = (second.images - first.images) / images
    loss = first.loss + share * (second.loss - first.loss)
    accuracy = first.accuracy + share * (second.accuracy - first.accuracy)
    return StepPoint(second.images, loss, accuracy)


def _short(value: float) -> float:
    return float(f"{value:.5g}")
