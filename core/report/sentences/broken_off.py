"""How far a forward pass came that fails, and what met where it fails."""

from __future__ import annotations

from core.analysis.broken_off import ForwardError
from core.analysis.records import IMAGE
from core.report import formats


def how_far(error: ForwardError) -> str:
    """`3 layers ran before add failed, which was given 1×8×16×16 from relu and …`."""
    layers, failure = error.partial.layers, error.failure
    if failure is None:
        return f"{_counted(len(layers))} ran before the error, which is none of PyTorch's."
    met = " and ".join(
        f"{formats.shape(shape)} {_from(maker)}"
        for shape, maker in zip(failure.shapes, failure.makers, strict=True)
    )
    given = f", which was given {met}" if met else ""
    return (
        f"{_counted(len(layers) - 1)} ran before {failure.path} failed{given}. It was run with"
        f" {failure.images} images at once, of which the error speaks."
    )


def _counted(layers: int) -> str:
    return "1 layer or operation" if layers == 1 else f"{layers} layers and operations"


def _from(maker: str) -> str:
    if maker == IMAGE:
        return "of the image"
    return f"from {maker}" if maker else "of a weight or a table"
