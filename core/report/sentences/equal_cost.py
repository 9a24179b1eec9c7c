"""Whether convolutions cost the same: halved sides and doubled channels, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from core.analysis.records import LayerCost
from core.language import _
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
        return _(
            "{path} is the only convolution: {work}, {parameters} parameters.",
            path=layer.path,
            work=formats.short(factor * layer.macs, unit),
            parameters=formats.short(size),
        )
    macs, count = Counter(layer.macs for layer, size in sizes).most_common(1)[0]
    least, most = _extremes(sizes)
    if count == 1:
        return _(
            "No two of the {convolutions} convolutions take the same {unit}; their parameters go"
            " from {least} to {most}.",
            convolutions=len(sizes),
            unit=unit,
            least=least,
            most=most,
        )
    work = formats.short(factor * macs, unit)
    growth = _growth([size for layer, size in sizes if layer.macs == macs])
    if count == len(sizes):
        return _(
            "All {count} convolutions take the same {work}, {growth}.",
            count=count,
            work=work,
            growth=growth,
        )
    return _(
        "{count} of the {convolutions} convolutions take the same {work}, {growth}. Over all of"
        " them parameters go from {least} to {most}.",
        count=count,
        convolutions=len(sizes),
        work=work,
        growth=growth,
        least=least,
        most=most,
    )


def _growth(sizes: Sequence[int]) -> str:
    """How the parameters of convolutions with equal work change, in the order in which they run."""
    steps = [sizes[0]]
    for size in sizes:
        if not _is_about(size, steps[-1]):
            steps.append(size)
    if len(steps) == 1:
        parameters = formats.short(steps[0])
        if len(set(sizes)) == 1:
            return _("each with {parameters} parameters", parameters=parameters)
        return _("each with about {parameters} parameters", parameters=parameters)
    factors = [after / before for before, after in pairwise(steps)]
    if min(factors) < 1:
        return _(
            "with {least} to {most} parameters",
            least=formats.short(min(steps)),
            most=formats.short(max(steps)),
        )
    first, last = formats.short(steps[0]), formats.short(steps[-1])
    fold = f"{round(factors[0], 1):g}"
    if fold == "1" or not _is_about(max(factors), min(factors)):
        return _("while their parameters grow from {first} to {last}", first=first, last=last)
    if len(factors) == 1:
        return _(
            "while their parameters grow from {first} to {last}, {fold}-fold",
            first=first,
            last=last,
            fold=fold,
        )
    return _(
        "while their parameters grow from {first} to {last}, {fold}-fold with each step",
        first=first,
        last=last,
        fold=fold,
    )


def _is_about(size: float, other: float) -> bool:
    return abs(size - other) <= _EVEN * other


def _extremes(sizes: Sequence[tuple[LayerCost, int]]) -> tuple[str, str]:
    """`640 (block1.conv1)` and `2.36 M (block4.conv2)`."""
    least, most = (choose(sizes, key=lambda pair: pair[1]) for choose in (min, max))
    return _size_of(*least), _size_of(*most)


def _size_of(layer: LayerCost, size: int) -> str:
    return _("{size} ({layer})", size=formats.short(size), layer=layer.path)
