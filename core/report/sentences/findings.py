"""What a figure shows, as its title: where most of something sits. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.explain.growth import GrowthStep
from core.measure.first_and_last import first_and_last, gradient_outcome
from core.measure.gradient_records import QUANTITIES, NetworkFlow
from core.measure.layer_shares import TimedRow
from core.report import formats
from core.report.cost_rows import CostRow
from core.report.sentences.gradients import label


def cost_finding(rows: Sequence[CostRow], unit: str) -> str:
    """Which layer has most of the MACs (or FLOPs: `unit`), and which most of the parameters."""
    macs, params = sum(row.macs for row in rows), sum(row.params for row in rows)
    if not macs or not params:
        return f"{unit} and parameters by layer"
    busiest = max(rows, key=lambda row: row.macs)
    largest = max(rows, key=lambda row: row.params)
    return (
        f"{busiest.path} does {100 * busiest.macs / macs:.1f} % of the {unit},<br>"
        f"{largest.path} holds {100 * largest.params / params:.1f} % of the parameters"
    )


def saved_finding(rows: Sequence[CostRow], batch_size: int) -> str:
    """Which row keeps most for the backward pass."""
    total = sum(row.saved_bytes(batch_size) for row in rows)
    if not total:
        return "Nothing is kept for the backward pass"
    most = max(rows, key=lambda row: row.saved_bytes(batch_size))
    share = 100 * most.saved_bytes(batch_size) / total
    return f"{most.path} has {share:.1f} % of what is kept<br>for the backward pass"


def layer_time_finding(rows: Sequence[TimedRow]) -> str:
    """Where time and work disagree most."""
    if not rows:
        return "Time and multiply-adds by layer"
    oddest = max(rows, key=lambda row: abs(row.time_share - row.macs_share))
    return (
        f"{oddest.path} takes {100 * oddest.time_share:.1f} % of the time<br>"
        f"and does {100 * oddest.macs_share:.1f} % of the multiply-adds"
    )


def growth_finding(steps: Sequence[GrowthStep]) -> str:
    """How many channels the widest map of a DenseNet has, and how few of them each layer makes."""
    widest = max(steps, key=lambda step: step.channels_out)
    dense = next(step for step in steps if not step.is_transition)
    return (
        f"Up to {widest.channels_out:,} channels side by side,<br>of which each layer makes"
        f" {dense.channels_new}"
    )


def time_finding(seconds: Mapping[str, float], total: float) -> str:
    """Which part of a run took most of its time; `seconds`: of each part, `total` of all."""
    if not total:
        return "Where the time went"
    part = max(seconds, key=lambda name: seconds[name])
    share = formats.whole_percent(seconds[part] / total)
    return f"Where {formats.duration(total)} went: {share} {part}"


def overlay_finding(finals: Mapping[int, float]) -> str:
    """Which of some equal runs ends highest; `finals`: run → test accuracy after its last epoch."""
    (best, highest), (second, next_one), *_ = sorted(finals.items(), key=lambda pair: -pair[1])
    if formats.points(highest) == formats.points(next_one):
        return f"Runs {best} and {second} end highest: {formats.percent(highest)}"
    return (
        f"Run {best} ends highest: {formats.percent(highest)},<br>"
        f"{formats.points(highest - next_one)} points above run {second}"
    )


def confusion_finding(matrix: NDArray[np.int64], names: Sequence[str]) -> str:
    """The mistake that is made most often; `matrix`: (true class, predicted class) → images."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return "No mistake at all"
    row, column = map(int, np.unravel_index(wrong.argmax(), wrong.shape))
    return f"Most often {names[row]} is taken for {names[column]}: {wrong[row, column]:,} times"


def gradient_finding(networks: Sequence[NetworkFlow], quantity: str) -> str:
    """In which network least of the last layer's gradient arrives at the first one."""
    title = f"{QUANTITIES[quantity]}, layer by layer"
    title = title[0].upper() + title[1:]
    ratios = [
        (flow, ends.ratio)
        for flow in networks
        if (ends := first_and_last(flow, quantity)) and ends.ratio is not None
    ]
    if quantity == "variance" or not ratios:
        return title
    flow, ratio = min(ratios, key=lambda pair: pair[1])
    if gradient_outcome(ratio) != "vanishes":
        return f"{title}<br>it vanishes in none of these networks"
    share = "nothing" if ratio == 0 else f"{formats.scientific(ratio)} of the last layer's"
    return f"{title}<br>{share} arrives at layer 1:<br>{label(flow)}"
