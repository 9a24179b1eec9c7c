"""Whether convolutions cost the same: halved sides and doubled channels, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from core.analysis.records import LayerCost
from core.report import formats

_EVEN = 0.02  # what differs by less, as by biases alone, is told as equal


def equal_cost_sentence(layers: Sequence[LayerCost], as_flops: bool = False) -> str:
    """How many convolutions share the same MACs (or FLOPs), and how parameters change along them.

    Empty for a network without convolutions that have weights.
    """
    params_of = {layer.path: layer.params for layer in layers}
    sizes = [  # of weights that are shared, those of the owner
        (layer, params_of.get(layer.weights_of, 0) or layer.params)
        for layer in layers
        if layer.kind == "convolution" and layer.macs
    ]
    sizes = [(layer, size) for layer, size in sizes if size]
    if not sizes:
        return ""
    unit, factor = ("FLOPs", 2) if as_flops else ("MACs", 1)
    if len(sizes) == 1:
        layer, size = sizes[0]
        return (
            f"{layer.path} is the only convolution: {formats.short(factor * layer.macs, unit)},"
            f" {formats.short(size)} parameters."
        )
    macs, count = Counter(layer.macs for layer, _ in sizes).most_common(1)[0]
    if count == 1:
        return (
            f"No two of the {len(sizes)} convolutions take the same {unit}; their parameters go"
            f" from {_extremes(sizes)}."
        )
    equal = [size for layer, size in sizes if layer.macs == macs]
    all_of = f"All {count}" if count == len(sizes) else f"{count} of the {len(sizes)}"
    return (
        f"{all_of} convolutions take the same {formats.short(factor * macs, unit)},"
        f" {_growth(equal)}."
        + (
            ""
            if count == len(sizes)
            else f" Over all of them parameters go from {_extremes(sizes)}."
        )
    )


def _growth(sizes: Sequence[int]) -> str:
    """How the parameters of convolutions with equal work change, in the order in which they run."""
    steps = [sizes[0]]
    for size in sizes:
        if not _is_about(size, steps[-1]):
            steps.append(size)
    if len(steps) == 1:
        about = "" if len(set(sizes)) == 1 else "about "
        return f"each with {about}{formats.short(steps[0])} parameters"
    factors = [after / before for before, after in pairwise(steps)]
    if min(factors) < 1:
        return f"with {formats.short(min(steps))} to {formats.short(max(steps))} parameters"
    first, last = formats.short(steps[0]), formats.short(steps[-1])
    ends = f"while their parameters grow from {first} to {last}"
    if not _is_about(max(factors), min(factors)):
        return ends
    each = " with each step" if len(factors) > 1 else ""
    fold = f"{round(factors[0], 1):g}"
    return ends if fold == "1" else f"{ends}, {fold}-fold{each}"


def _is_about(size: float, other: float) -> bool:
    return abs(size - other) <= _EVEN * other


def _extremes(sizes: Sequence[tuple[LayerCost, int]]) -> str:
    """`640 (block1.conv1) to 2.36 M (block4.conv2)`."""
    ends = (min(sizes, key=lambda pair: pair[1]), max(sizes, key=lambda pair: pair[1]))
    return " to ".join(f"{formats.short(size)} ({layer.path})" for layer, size in ends)
