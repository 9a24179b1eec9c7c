"""Where a number of a map looks: its window in what its layer reads, and in the image.

Found by walking back over an analysis, layer by layer. A window is what lies between the first and
the last place that is read; the statistics of a normalisation look at no neighbors here, as in
the analysis's receptive field. Of padding that goes on at the map's other side (circular) a row
does not tell, so `circular` names the layers that have it; a window that goes over the border there
has both sides and all that lies between. What cannot be followed is None. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from core.analysis.records import IMAGE, Analysis, LayerCost, Shape, each_side


@dataclass(frozen=True)
class Box:
    """Places of a map: from top and left up to, without, bottom and right.

    The features of a vector are the rows of a map with one column.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def is_empty(self) -> bool:
        """Whether no place lies in it."""
        return min(self.sides) <= 0

    def with_other(self, other: Box) -> Box:
        """The smallest box around both."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


@dataclass(frozen=True)
class Placed:
    """A window in a map."""

    whole: Box  # as if the map went on beyond its border
    inside: Box  # what of it is there

    def with_other(self, other: Placed) -> Placed:
        """The smallest window around both."""
        return Placed(self.whole.with_other(other.whole), self.inside.with_other(other.inside))


def windows_read(
    analysis: Analysis,
    path: str,
    channel: int,
    row: int,
    column: int,
    circular: Container[str] = (),
) -> Mapping[str, Placed | None]:
    """What a unit reads of each input of its layer, by the input's path or IMAGE; None: unknown.

    Units of a vector are its channels, at row 0 and column 0.
    """
    layers = {layer.path: layer for layer in analysis.layers}
    layer = layers[path]
    unit = _unit(layer.output_shape, channel, row, column)
    wraps = path in circular
    return {
        source: _back(layer, unit, _made(analysis, layers, source), wraps)
        for source in layer.inputs
    }


def window_in_image(
    analysis: Analysis,
    path: str,
    channel: int,
    row: int,
    column: int,
    circular: Container[str] = (),
) -> Placed | None:
    """The receptive field of a unit where it lies in the image; None where that is not known.

    Its whole is as large as the analysis's receptive field of the layer.
    """
    layers = {layer.path: layer for layer in analysis.layers}
    seen: dict[str, Placed | None] = {path: _unit(layers[path].output_shape, channel, row, column)}
    varies = False
    for layer in reversed(analysis.layers):
        if layer.path not in seen:
            continue
        region = seen.pop(layer.path)
        varies |= layer.operation in _VARYING
        for source in layer.inputs:
            made, wraps = _made(analysis, layers, source), layer.path in circular
            window = region and _back(layer, region, made, wraps)
            before = seen.get(source, window)
            seen[source] = before and window and before.with_other(window)
    found = seen.get(IMAGE)
    return found if found and _agrees(found, layers[path], varies) else None


def _agrees(found: Placed, layer: LayerCost, varies: bool) -> bool:
    """Whether the window is as large as the analysis says; if not, something was not understood.

    `varies`: whether units of one map have windows of several sizes; the analysis has the largest.
    """
    field = layer.receptive_field
    if field is None:
        return False
    (height, width), expected = found.whole.sides, each_side(field)
    return (height, width) == (expected[0], expected[-1]) or (
        varies and height <= expected[0] and width <= expected[-1]
    )


def _made(analysis: Analysis, layers: Mapping[str, LayerCost], source: str) -> Shape:
    """The shape of what stands under this path."""
    return (1, *analysis.input_shape) if source == IMAGE else layers[source].output_shape


def _unit(shape: Shape, channel: int, row: int, column: int) -> Placed:
    is_vector = len(shape) == 2
    box = Box(channel, 0, channel + 1, 1) if is_vector else Box(row, column, row + 1, column + 1)
    return Placed(box, box)


# One layer back -----------------------------------------------------------------------------------

_IN_PLACE = frozenset(  # each number from those that stood in its place
    ("ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish")
    + ("Sigmoid", "Tanh", "Hardtanh", "Hardswish", "Hardsigmoid", "Softplus", "Softsign")
    + ("LogSigmoid", "Threshold", "Softmax2d", "relu", "sigmoid", "tanh", "gelu", "silu", "mish")
    + ("hardswish", "hardsigmoid", "hardtanh", "elu", "leaky_relu", "clamp", "clamp_min")
    + ("softplus", "_prelu_kernel", "celu", "selu", "threshold")
    + ("BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm2d", "LocalResponseNorm")
    + ("native_batch_norm", "native_group_norm", "_native_batch_norm_legit_no_training")
    + ("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout", "Identity")
    + ("add", "sub", "mul", "div", "neg", "pow", "exp", "sqrt", "cat", "clone", "maximum")
)
_OF_ALL = frozenset(("Linear", "linear", "addmm", "mm", "mean", "sum", "amax", "amin"))
_CELLS = frozenset(
    ("AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "_adaptive_avg_pool2d", "adaptive_max_pool2d")
)
_TRANSPOSED, _FLATTEN = "ConvTranspose2d", "Flatten"
_EVERY_NTH = "PadChannels"  # of the lab: a shortcut of every n-th place
_VARYING = _CELLS | {_TRANSPOSED}

_Taps = Callable[[int], Sequence[int]]  # a place along an axis → the places of the input it reads


def _back(layer: LayerCost, region: Placed, made: Shape, wraps: bool) -> Placed | None:
    """What these units of a layer read of an input of this shape; None where it is not known.

    `wraps`: whether its padding goes on at the other side.
    """
    if len(layer.output_shape) == 2:
        return _back_from_vector(layer, region, made)
    if len(layer.output_shape) != 4 or len(made) not in (2, 4):
        return None
    if len(made) == 2:  # a factor for each channel
        is_factor = layer.operation in _IN_PLACE and prod(made) in layer.output_shape
        return _everything(made) if is_factor else None
    rows, columns = (_taps(layer, made, axis) for axis in (0, 1))
    if rows is None or columns is None:
        return None
    height, width = made[2:]
    whole = _hull(region.whole, rows, columns)
    if wraps:
        rows, columns = _wrapped(rows, height), _wrapped(columns, width)
    return Placed(whole, _hull(region.inside, rows, columns, height, width))


def _wrapped(taps: _Taps, side: int) -> _Taps:
    return lambda place: [tap % side for tap in taps(place)]


def _back_from_vector(layer: LayerCost, region: Placed, made: Shape) -> Placed | None:
    if layer.operation in _OF_ALL:
        return _everything(made)
    if layer.operation not in _IN_PLACE | {_FLATTEN} or prod(made) != prod(layer.output_shape):
        return None
    if len(made) == 2:
        return region
    if region.inside.sides != (1, 1) or len(made) != 4:
        return _everything(made)
    row, column = divmod(region.inside.top % prod(made[2:]), made[3])
    return _unit(made, 0, row, column)


def _everything(made: Shape) -> Placed | None:
    if len(made) not in (2, 4):
        return None
    box = Box(0, 0, made[1], 1) if len(made) == 2 else Box(0, 0, made[2], made[3])
    return Placed(box, box)


def _taps(layer: LayerCost, made: Shape, axis: int) -> _Taps | None:
    """What each place of the output reads along an axis: height 0, width 1."""
    read, given = made[2 + axis], layer.output_shape[2 + axis]
    name = layer.operation
    if layer.window and (layer.kind == "pooling" or name != _TRANSPOSED):
        return _sliding(layer, axis, read, given)
    if name == _TRANSPOSED and layer.window:
        return _sliding_back(layer, axis)
    if name in _CELLS:
        return lambda place: range(place * read // given, -(-(place + 1) * read // given))
    if name in _OF_ALL and given == 1:
        return lambda place: range(read)
    if name in _IN_PLACE | _OF_ALL and read == given:
        return lambda place: (place,)
    if name in _IN_PLACE and read == 1:
        return lambda place: (0,)
    if name == _EVERY_NTH:
        step = -(-read // given)
        return lambda place: (place * step,)
    return None


def _sliding(layer: LayerCost, axis: int, read: int, given: int) -> _Taps | None:
    """A convolution's or a pooling's; None where its padding is another than the row says."""
    assert layer.window is not None
    window = layer.window
    kernel, stride = window.kernel[axis], window.stride[axis]
    padding, dilation = window.padding[axis], window.dilation[axis]
    room = read + 2 * padding - dilation * (kernel - 1) - 1
    if given not in (room // stride + 1, -(-room // stride) + 1):  # rounded down or up
        return None
    return lambda place: range(
        place * stride - padding, place * stride - padding + dilation * (kernel - 1) + 1, dilation
    )


def _sliding_back(layer: LayerCost, axis: int) -> _Taps:
    """A transposed convolution's: the places whose own window covers this one."""
    assert layer.window is not None
    window = layer.window
    kernel, stride = window.kernel[axis], window.stride[axis]
    padding, dilation = window.padding[axis], window.dilation[axis]

    def taps(place: int) -> list[int]:
        ends = [place + padding - dilation * tap for tap in reversed(range(kernel))]
        return [end // stride for end in ends if end % stride == 0]

    return taps


def _hull(
    box: Box, rows: _Taps, columns: _Taps, height: int | None = None, width: int | None = None
) -> Box:
    """Around all that these places read; within a map of height and width where they are given."""
    vertical = _span(range(box.top, box.bottom), rows, height)
    horizontal = _span(range(box.left, box.right), columns, width)
    return Box(vertical[0], horizontal[0], vertical[1], horizontal[1])


def _span(places: range, taps: _Taps, side: int | None) -> tuple[int, int]:
    if side is None and len(places) > 1:  # what lies between reads what lies between
        places = range(places[0], places[-1] + 1, max(1, len(places) - 1))
    read = [tap for place in places for tap in taps(place) if side is None or 0 <= tap < side]
    return (min(read), max(read) + 1) if read else (0, 0)
