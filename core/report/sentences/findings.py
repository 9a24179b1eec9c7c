"""What a figure shows, as its title: where most of something sits. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.explain.growth import GrowthStep
from core.language import N_, _
from core.measure.first_and_last import first_and_last, gradient_outcome
from core.measure.gradient_records import NetworkFlow
from core.measure.layer_shares import TimedRow
from core.measure.roofline import RooflinePoint, points_by_layer, share_of_attainable
from core.report import formats
from core.report.cost_rows import CostRow
from core.report.sentences.gradients import label

_QUANTITIES = {  # field of LayerFlow → the title of its chart
    "weight_gradient": N_("Norm of the gradient of the weights, layer by layer"),
    "output_gradient": N_("Norm of the gradient of the layer's output, layer by layer"),
    "variance": N_("Variance of the layer's output, layer by layer"),
}


def cost_finding(rows: Sequence[CostRow], unit: str) -> str:
    """Which layer has most of the MACs (or FLOPs: `unit`), and which most of the parameters."""
    macs, params = sum(row.macs for row in rows), sum(row.params for row in rows)
    if not macs or not params:
        return _("{unit} and parameters by layer", unit=unit)
    busiest = max(rows, key=lambda row: row.macs)
    largest = max(rows, key=lambda row: row.params)
    return _(
        "{busiest} does {work:.1f} % of the {unit},<br>{largest} holds {share:.1f} % of the"
        " parameters",
        busiest=busiest.path,
        work=100 * busiest.macs / macs,
        unit=unit,
        largest=largest.path,
        share=100 * largest.params / params,
    )


def saved_finding(rows: Sequence[CostRow], batch_size: int) -> str:
    """Which row keeps most for the backward pass."""
    total = sum(row.saved_bytes(batch_size) for row in rows)
    if not total:
        return _("Nothing is kept for the backward pass")
    most = max(rows, key=lambda row: row.saved_bytes(batch_size))
    return _(
        "{layer} has {share:.1f} % of what is kept<br>for the backward pass",
        layer=most.path,
        share=100 * most.saved_bytes(batch_size) / total,
    )


def layer_time_finding(rows: Sequence[TimedRow]) -> str:
    """Where time and work disagree most."""
    if not rows:
        return _("Time and multiply-adds by layer")
    oddest = max(rows, key=lambda row: abs(row.time_share - row.macs_share))
    return _(
        "{layer} takes {time:.1f} % of the time<br>and does {work:.1f} % of the multiply-adds",
        layer=oddest.path,
        time=100 * oddest.time_share,
        work=100 * oddest.macs_share,
    )


def roofline_finding(points: Sequence[RooflinePoint]) -> str:
    """How near to its roof the layer is that takes longest, of those with multiply-adds."""
    layers = points_by_layer(points).values()
    longest = max(layers, key=lambda layer: sum(point.seconds for point in layer))
    return _(
        "{layer} takes longest of these layers<br>and computes at {share} of what is attainable",
        layer=longest[0].path,
        share=formats.joined(f"{100 * (share_of_attainable(longest) or 0.0):.3g}", "%"),
    )


def growth_finding(steps: Sequence[GrowthStep]) -> str:
    """How many channels the widest map of a DenseNet has, and how few of them each layer makes."""
    widest = max(steps, key=lambda step: step.channels_out)
    dense = next(step for step in steps if not step.is_transition)
    return _(
        "Up to {widest:,} channels side by side,<br>of which each layer makes {new}",
        widest=widest.channels_out,
        new=dense.channels_new,
    )


def time_finding(seconds: Mapping[str, float], total: float) -> str:
    """Which part of a run took most of its time; `seconds`: of each part, `total` of all."""
    if not total:
        return _("Where the time went")
    part = max(seconds, key=lambda name: seconds[name])
    return _(
        "Where {total} went: {share} {part}",
        total=formats.duration(total),
        share=formats.whole_percent(seconds[part] / total),
        part=part,
    )


def overlay_finding(finals: Mapping[int, float]) -> str:
    """Which of some equal runs ends highest; `finals`: run → test accuracy after its last epoch."""
    ordered = sorted(finals.items(), key=lambda pair: -pair[1])
    (best, highest), (second, next_one) = ordered[:2]
    if formats.points(highest) == formats.points(next_one):
        return _(
            "Runs {best} and {second} end highest: {accuracy}",
            best=best,
            second=second,
            accuracy=formats.percent(highest),
        )
    return _(
        "Run {best} ends highest: {accuracy},<br>{points} points above run {second}",
        best=best,
        accuracy=formats.percent(highest),
        points=formats.points(highest - next_one),
        second=second,
    )


def confusion_finding(matrix: NDArray[np.int64], names: Sequence[str]) -> str:
    """The mistake that is made most often; `matrix`: (true class, predicted class) → images."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return _("No mistake at all")
    row, column = map(int, np.unravel_index(wrong.argmax(), wrong.shape))
    return _(
        "Most often {label} is taken for {predicted}: {times:,} times",
        label=names[row],
        predicted=names[column],
        times=wrong[row, column],
    )


def gradient_finding(networks: Sequence[NetworkFlow], quantity: str) -> str:
    """In which network least of the last layer's gradient arrives at the first one."""
    title = _(_QUANTITIES[quantity])
    ratios = [
        (flow, ends.ratio)
        for flow in networks
        if (ends := first_and_last(flow, quantity)) and ends.ratio is not None
    ]
    if quantity == "variance" or not ratios:
        return title
    flow, ratio = min(ratios, key=lambda pair: pair[1])
    if gradient_outcome(ratio) != "vanishes":
        return _("{title}<br>it vanishes in none of these networks", title=title)
    if ratio == 0:
        return _(
            "{title}<br>nothing arrives at layer 1:<br>{network}", title=title, network=label(flow)
        )
    return _(
        "{title}<br>{share} of the last layer's arrives at layer 1:<br>{network}",
        title=title,
        share=formats.scientific(ratio),
        network=label(flow),
    )
