"""How far a forward pass came that fails, and what met where it fails."""

from __future__ import annotations

from core.analysis.broken_off import ForwardError
from core.analysis.records import IMAGE
from core.language import _, listed, ngettext, paragraph
from core.report import formats


def how_far(error: ForwardError) -> str:
    """`3 layers ran before add failed, which was given 1×8×16×16 from relu and …`."""
    layers, failure = error.partial.layers, error.failure
    if failure is None:
        return _(
            "{layers} ran before the error, which is none of PyTorch's.",
            layers=_counted(len(layers)),
        )
    ran, path = _counted(len(layers) - 1), failure.path
    met = [
        _met(formats.shape(shape), maker)
        for shape, maker in zip(failure.shapes, failure.makers, strict=True)
    ]
    return paragraph(
        _(
            "{layers} ran before {path} failed, which was given {met}.",
            layers=ran,
            path=path,
            met=listed(met),
        )
        if met
        else _("{layers} ran before {path} failed.", layers=ran, path=path),
        _(
            "It was run with {images} images at once, of which the error speaks.",
            images=failure.images,
        ),
    )


def _counted(layers: int) -> str:
    return ngettext("{number} layer or operation", "{number} layers and operations", layers)


def _met(shape: str, maker: str) -> str:
    if maker == IMAGE:
        return _("{shape} of the image", shape=shape)
    if maker:
        return _("{shape} from {maker}", shape=shape, maker=maker)
    return _("{shape} of a weight or a table", shape=shape)
