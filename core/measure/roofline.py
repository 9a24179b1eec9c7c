"""How fast layers compute beside what their device lets them. Imports no torch.

The roofline (see `core.measure.roofs`): a layer computes at most as fast as the widest work that
there is, and at most as fast as memory brings what it works on, each number once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.analysis.records import Analysis, LayerCost
from core.training.records import LayerTimes


@dataclass(frozen=True)
class RooflinePoint:
    """One layer, forward or backward, for a batch."""

    path: str
    is_backward: bool
    seconds: float  # measured, in the fastest pass
    flops: int  # two for each multiply-add
    moved_bytes: int  # at least: what it reads and writes, each number once
    attainable: float  # FLOP/s, of the device at this many operations a byte

    @property
    def intensity(self) -> float:
        """FLOPs for each byte moved."""
        return self.flops / self.moved_bytes

    @property
    def flops_per_second(self) -> float:
        """Achieved."""
        return self.flops / self.seconds

    @property
    def share(self) -> float:
        """Achieved of what is attainable; above 1 where a cache is faster than memory."""
        return self.flops_per_second / self.attainable


def attainable(times: LayerTimes, intensity: float) -> float:
    """FLOP/s that the device of `times` reaches with so many FLOPs a byte, at most."""
    return min(times.peak_flops_per_second, intensity * times.bytes_per_second)


def roofline_points(analysis: Analysis, times: LayerTimes) -> list[RooflinePoint]:
    """Every layer with multiply-adds, forward and, where it was timed, backward.

    Each at its fastest, as the roofs are: what else runs on the machine may slow down every other
    pass. None where the roofs were not measured, as in an older lab.
    """
    if not times.peak_flops_per_second or not times.bytes_per_second:
        return []
    costs = {layer.path: layer for layer in analysis.layers}
    points = []
    for time in times.layers:
        layer = costs[time.path]
        forward = time.least_forward_seconds or time.forward_seconds
        backward = time.least_backward_seconds or time.backward_seconds
        for is_backward, seconds in ((False, forward), (True, backward)):
            macs = layer.backward_macs if is_backward else layer.macs
            if macs and seconds:
                flops = 2 * macs * times.batch_size
                moved = moved_bytes(layer, times.batch_size, is_backward)
                limit = attainable(times, flops / moved)
                points.append(RooflinePoint(time.path, is_backward, seconds, flops, moved, limit))
    return points


def points_by_layer(points: Sequence[RooflinePoint]) -> dict[str, list[RooflinePoint]]:
    """Those of each layer, by its path."""
    layers: dict[str, list[RooflinePoint]] = {}
    for point in points:
        layers.setdefault(point.path, []).append(point)
    return layers


def share_of_attainable(points: Sequence[RooflinePoint]) -> float | None:
    """Of the time that these have taken, what the roofs would have taken; None without points."""
    taken = sum(point.seconds for point in points)
    return sum(point.share * point.seconds for point in points) / taken if taken else None


def moved_bytes(layer: LayerCost, batch_size: int, is_backward: bool = False) -> int:
    """Weights once, maps once an image; backward their gradients too, as far as there are any."""
    once, an_image = layer.weight_bytes, layer.input_bytes + layer.output_bytes
    if is_backward:
        once += layer.trained_bytes
        has_gradient = layer.backward_macs > layer.macs  # the image has none
        an_image += layer.input_bytes if has_gradient else 0
    return max(1, once + batch_size * an_image)
