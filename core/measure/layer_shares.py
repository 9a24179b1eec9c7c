"""Measured layer times beside the work: which share of both each row has. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.analysis.records import Analysis
from core.measure.roofline import points_by_layer, roofline_points, share_of_attainable
from core.training.records import LayerTimes


@dataclass(frozen=True)
class TimedRow:
    """One layer or block: seconds a batch, shares of the whole, operations a second forward."""

    path: str
    kind: str
    forward_seconds: float
    backward_seconds: float
    time_share: float  # 0 to 1, of all measured layers, forward and backward
    macs_share: float  # 0 to 1, of the network's MACs, forward and backward
    flops_per_second: float | None  # None for a row without MACs
    attainable_share: float | None = None  # of what the device lets it compute; None: unknown


def timed_rows(analysis: Analysis, times: LayerTimes, level: str) -> list[TimedRow]:
    """The measured layers as rows by block, weight layer or module; what has no time is left out.

    A row's time is the sum over its layers, which follow one another.
    """
    measured = {layer.path: layer for layer in times.layers}
    total = sum(layer.seconds for layer in times.layers) or 1.0
    work = analysis.totals.macs + analysis.totals.backward_macs or 1
    points = points_by_layer(roofline_points(analysis, times))
    rows = []
    for row, members in zip(analysis.rows(level), analysis.members(level), strict=True):
        timed = [measured[path] for path in members if path in measured]
        forward = sum(layer.forward_seconds for layer in timed)
        backward = sum(layer.backward_seconds for layer in timed)
        flops = times.batch_size * row.flops / forward if row.macs and forward else None
        share = (forward + backward) / total
        macs_share = (row.macs + row.backward_macs) / work
        attained = share_of_attainable([p for path in members for p in points.get(path, [])])
        if timed:
            rows.append(
                TimedRow(row.path, row.kind, forward, backward, share, macs_share, flops, attained)
            )
    return rows
