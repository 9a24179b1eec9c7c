"""What PyTorch says when a layer is written for another number of inputs than it gets."""

from __future__ import annotations

from dataclasses import dataclass

from core.analysis.records import Analysis, LayerCost
from core.explain.formulas import is_convolution, is_linear
from core.language import Message, lazy
from core.specs import TOLD, first_line


@dataclass(frozen=True)
class ShapeError:
    """A layer written with a wrong number of inputs."""

    why: Message  # somebody might write it so, as the end of "If ..."
    error: str  # PyTorch's own words, one line

    @property
    def reason(self) -> str:
        """Why, in words."""
        return str(self.why)


def shape_errors(
    path: str, analysis: Analysis, elsewhere: Analysis | None = None
) -> list[ShapeError]:
    """The usual ones for the layer at `path`; nothing where they would do no harm.

    A convolution keeps the input channels of the one before it, as without `in_channels =
    out_channels` inside a block. A linear layer is written for the map that it gets when the same
    network reads images of another size, that of `elsewhere`.
    """
    layers = {layer.path: layer for layer in analysis.layers}
    layer = layers[path]
    if is_convolution(layer):
        before = _convolution_before(layer, layers)
        if before and before.input_shape[1] != layer.input_shape[1]:
            wrong = before.input_shape[1]
            why = lazy(
                "its input channels stayed at the {wrong:,} of {layer}",
                wrong=wrong,
                layer=before.path,
            )
            return [ShapeError(why, _pytorch_error(layer, wrong))]
    elif is_linear(layer) and elsewhere is not None:
        same = next((other for other in elsewhere.layers if other.path == path), layer)
        if same.weight_shape[1:] != layer.weight_shape[1:]:
            wrong, side = same.weight_shape[1], elsewhere.spec.size_label
            why = lazy(
                "its {wrong:,} inputs were written down for images of {side} pixels",
                wrong=wrong,
                side=side,
            )
            return [ShapeError(why, _pytorch_error(layer, wrong))]
    return []


def _convolution_before(layer: LayerCost, layers: dict[str, LayerCost]) -> LayerCost | None:
    """The nearest convolution on the way back to the image, along each layer's first input."""
    while layer.inputs and layer.inputs[0] in layers:
        layer = layers[layer.inputs[0]]
        if is_convolution(layer):
            return layer
    return None


def _pytorch_error(layer: LayerCost, wrong: int) -> str:
    """What PyTorch says of this layer with `wrong` inputs; no memory is taken."""
    import torch
    from torch.nn import functional as F

    number = torch.zeros(1)  # every element of the tensors below
    image, outputs = number.expand(layer.input_shape), layer.weight_shape[0]
    bias = number.expand(outputs) if layer.has_bias else None
    try:
        if is_linear(layer):
            F.linear(image, number.expand(outputs, wrong), bias)
        else:
            groups = layer.window.groups if layer.window else 1
            weight = number.expand(outputs, max(1, wrong // groups), *layer.weight_shape[2:])
            F.conv2d(image, weight, bias, groups=groups)
    except RuntimeError as error:
        return first_line(error)[:TOLD]
    raise AssertionError(f"{layer.path} works with {wrong} inputs")
