"""One network over the whole range of a slider, or of one of its options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from core.analysis.records import Analysis, SweepPoint
from core.language import either
from core.specs import LabError, ModelSpec, OptionValue
from core.zoo.catalogue import CATALOGUE, effective_options, find

RATIOS = (1, 2, 3, 4, 6, 8, 12, 16)
SIZES = (28, 32, 48, 64, 96, 128, 160, 192, 224, 256, 320)  # pixels a side
VARIABLES = {"ratio": RATIOS, "image_size": SIZES}


def sweep(
    spec: ModelSpec,
    variable: str,
    analyze: Callable[[ModelSpec], Analysis],
    values: Iterable[OptionValue] | None = None,
) -> tuple[SweepPoint, ...]:
    """`spec` at every value of `variable` at which it can be built.

    `variable` is "ratio", "image_size" or the name of an option; `analyze` may be a cached one.
    Raises LabError for another variable.
    """
    points = []
    for value in _values(spec, variable) if values is None else values:
        try:
            analysis = analyze(at_value(spec, variable, value))
        except LabError:
            continue  # too small an image for this network
        points.append(SweepPoint(variable, value, analysis))
    return tuple(points)


def has_variable(spec: ModelSpec, variable: str) -> bool:
    """Whether the network has such a slider, or such an option with an effect."""
    return variable in VARIABLES or variable in _options(spec)


def _options(spec: ModelSpec) -> dict[str, tuple[OptionValue, ...]]:
    """The values of each option beside the others; an option without effect is left out."""
    others = effective_options(spec)
    return {
        option.name: tuple(
            value for value in option.spread() if option.in_effect(value, others) == value
        )
        for option in find(spec.arch).options
        if option.name in others or spec.arch not in CATALOGUE
    }


def _values(spec: ModelSpec, variable: str) -> Sequence[OptionValue]:
    known = {**_options(spec), **VARIABLES}
    if variable not in known:
        raise LabError(
            "A sweep goes over {known}, not over {variable}.",
            known=either(list(known)),
            variable=repr(variable),
        )
    return known[variable]


def at_value(spec: ModelSpec, variable: str, value: OptionValue) -> ModelSpec:
    """`spec` with this ratio, this option, or images of this height, in proportion.

    Raises LabError for what a spec cannot have.
    """
    if variable == "image_size":
        return spec.scaled_to(int(value))
    if variable == "ratio":
        return replace(spec, ratio=int(value))
    options = dict(spec.options) | {variable: value}
    return replace(spec, options=tuple(options.items()))
