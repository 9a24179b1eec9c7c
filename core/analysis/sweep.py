"""One network over the whole range of a slider."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from core.analysis.records import Analysis, SweepPoint
from core.specs import LabError, ModelSpec

RATIOS = (1, 2, 3, 4, 6, 8, 12, 16)
SIZES = (28, 32, 48, 64, 96, 128, 160, 192, 224, 256, 320)  # pixels a side
VARIABLES = {"ratio": RATIOS, "image_size": SIZES}


def sweep(
    spec: ModelSpec,
    variable: str,
    analyze: Callable[[ModelSpec], Analysis],
    values: Iterable[int] | None = None,
) -> tuple[SweepPoint, ...]:
    """`spec` at every value of `variable` ("ratio" or "image_size") at which it can be built.

    `analyze` may be a cached one. Raises LabError for another variable.
    """
    if variable not in VARIABLES:
        raise LabError(f"A sweep goes over {' or '.join(VARIABLES)}, not over {variable!r}.")
    points = []
    for value in VARIABLES[variable] if values is None else values:
        try:
            analysis = analyze(at_value(spec, variable, value))
        except LabError:
            continue  # too small an image for this network
        points.append(SweepPoint(variable, value, analysis))
    return tuple(points)


def at_value(spec: ModelSpec, variable: str, value: int) -> ModelSpec:
    """`spec` with this ratio, or images of this height, in proportion. Raises LabError."""
    if variable == "image_size":
        return spec.scaled_to(value)
    return replace(spec, ratio=value)
