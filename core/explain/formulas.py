"""The formulas behind a layer's row, with the layer's own numbers filled in. Imports no torch.

A formula is given in symbols and in numbers, and the numbers evaluate to the value of the record;
`·` multiplies, `/` divides, `⌊⌋` rounds down and `⌈⌉` up. Where a row follows no formula that its
record can show (attention's products, several layers in one row), it is a plain count and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from core.analysis.records import BYTES_PER_FLOAT, IMAGE, LayerCost, Shape
from core.explain.flattened import flattened, is_flatten
from core.language import N_, _, paragraph

_COUNTED = N_("Counted operation by operation as the network ran; no single formula gives it.")


@dataclass(frozen=True)
class Formula:
    """One quantity of a layer: in symbols, in numbers, and what comes out."""

    quantity: str  # parameters, output side, channels, MACs, backward MACs, ...
    symbols: str  # k_h · k_w · C_in · C_out + C_out; empty for a plain count
    filled: str  # 3 · 3 · 64 · 128 + 128; evaluates to `value`
    value: int
    note: str = ""  # one or two sentences, or nothing


@dataclass(frozen=True)
class Factor:
    """A symbol and the number that stands for it in this layer."""

    symbol: str
    size: int
    written: str = ""  # how the number comes about, such as 64 / 32; empty: the number itself


Product = tuple[Factor, ...]


def formulas(layer: LayerCost, layers: Iterable[LayerCost] = ()) -> tuple[Formula, ...]:
    """Everything that can be worked out for `layer`, parameters first.

    `layers`, all of the network's, are needed only to show how the channels of a concatenation
    add up, and whether what is flattened depends on the image's size.
    """
    layers = tuple(layers)
    return (
        parameters(layer),
        *_output_sides(layer),
        *_joined_channels(layer, layers),
        *_flattened(layer, layers),
        macs(layer),
        *backward_macs(layer),
        *_elementwise_operations(layer),
        output_bytes(layer),
    )


def formula(quantity: str, products: Iterable[Product], value: int, note: str = "") -> Formula:
    """The sum of `products`, or a plain count where they do not give `value`."""
    products = tuple(products)
    if sum(prod(factor.size for factor in product) for product in products) != value:
        return Formula(quantity, "", str(value), value, _(_COUNTED))
    symbols = (" · ".join(factor.symbol for factor in product) for product in products)
    filled = (" · ".join(f.written or str(f.size) for f in product) for product in products)
    return Formula(quantity, " + ".join(symbols), " + ".join(filled), value, note)


def nothing(quantity: str, note: str) -> Formula:
    """The formula of a layer that has none of `quantity`."""
    return Formula(quantity, "0", "0", 0, note)


def is_convolution(layer: LayerCost) -> bool:
    """Whether the weight is read as (C_out, C_in / groups, k_h, k_w); a transposed one is not."""
    weight, window = layer.weight_shape, layer.window
    return (
        layer.kind == "convolution"
        and len(weight) == len(layer.input_shape) == len(layer.output_shape) == 4
        and layer.input_shape[1] == weight[1] * (window.groups if window else 1)
        and layer.output_shape[1] == weight[0]
    )


def is_linear(layer: LayerCost) -> bool:
    """Whether the weight is read as (out_features, in_features)."""
    return layer.kind == "linear" and len(layer.weight_shape) == 2


# Parameters


def parameters(layer: LayerCost) -> Formula:
    """Weights and biases, each counted where it is used first."""
    name = _("parameters")
    if not layer.params:
        shared = bool(layer.weight_shape)
        return nothing(name, _(_SHARED) if shared else _("It has no parameters."))
    bias = _bias_factor(layer)
    weights = layer.params - layer.biases
    if not weights:
        note = paragraph(_(_SHARED), _("The biases are its own."))
        return formula(name, [(bias,)], layer.params, note)
    if layer.kind == "normalisation":
        return _normalization_parameters(layer)
    products = [_weight_factors(layer)] + ([(bias,)] if layer.biases else [])
    if layer.biases:
        note = _(_BIAS[is_linear(layer)])
    elif layer.is_weight_layer:
        note = _("It has no bias of its own.")
    else:
        note = _("The sizes of the parameter that it reads.")
    return formula(name, products, layer.params, note)


_SHARED = N_("Its weights are shared with an earlier layer and counted there.")
_BIAS = {
    False: N_("The last summand is the bias, one for each output channel."),
    True: N_("The last summand is the bias, one for each output."),
}


def _bias_factor(layer: LayerCost) -> Factor:
    """The number of biases."""
    symbol = {"convolution": "C_out", "linear": "out_features"}.get(layer.kind, "biases")
    return Factor(symbol, layer.biases)


def _weight_factors(layer: LayerCost) -> Product:
    """The sizes of the weight, in the order in which they are usually written."""
    weight = layer.weight_shape
    if is_convolution(layer):
        groups = layer.window.groups if layer.window else 1
        inputs = (
            Factor("C_in", weight[1])
            if groups == 1
            else Factor("C_in / groups", weight[1], f"{weight[1] * groups} / {groups}")
        )
        sides = (Factor("k_h", weight[2]), Factor("k_w", weight[3]))
        return (*sides, inputs, Factor("C_out", weight[0]))
    if is_linear(layer):
        return (Factor("in_features", weight[1]), Factor("out_features", weight[0]))
    return numbered(weight)


def _normalization_parameters(layer: LayerCost) -> Formula:
    """A scale for each channel, and a shift for each unless it was left out."""
    name, channels = _("parameters"), prod(layer.weight_shape)
    size = Factor("C", channels)
    if layer.params == channels:
        return formula(name, [(size,)], channels, _("A scale for each channel."))
    note = _("A scale and a shift for each channel.")
    if layer.operation.startswith("BatchNorm"):
        kept = _("Running mean and variance are kept beside them, but never trained.")
        note = paragraph(note, kept)
    return formula(name, [(Factor("2", 2), size)], layer.params, note)


# Shapes


def numbered(sizes: Shape) -> Product:
    """Sizes without names of their own: n_1 · n_2 · n_3."""
    return tuple(Factor(f"n_{axis}", size) for axis, size in enumerate(sizes, start=1))


def _output_sizes(layer: LayerCost) -> Product:
    """The sizes of the output without the batch."""
    shape = layer.output_shape
    sizes = shape[1:] if shape[:1] == (1,) else shape
    names = {1: ("features",), 2: ("tokens", "features")}.get(len(sizes), ())
    is_map = len(shape) == 4 and len(sizes) == 3 and layer.receptive_field is not None
    if is_map and layer.operation != "LayerNorm":  # no head of attention, no channels-last map
        names = ("C_out", "H_out", "W_out")
    if not names:
        return numbered(sizes)
    return tuple(Factor(name, size) for name, size in zip(names, sizes, strict=True))


def _output_sides(layer: LayerCost) -> Iterator[Formula]:
    """Height and width after the window, as one formula where both are alike."""
    if layer.kind not in ("convolution", "pooling") or len(layer.output_shape) != 4:
        return
    sides = [_output_side(layer, axis, _("output side"), "H") for axis in (0, 1)]
    if sides[0].filled == sides[1].filled:
        yield sides[0]
        return
    yield _output_side(layer, 0, _("output height"), "H")
    yield _output_side(layer, 1, _("output width"), "W")


def _output_side(layer: LayerCost, axis: int, name: str, letter: str) -> Formula:
    """Pixels along one axis after the window (Dumoulin & Visin 2016, relation 15)."""
    before, after = layer.input_shape[2 + axis], layer.output_shape[2 + axis]
    window = layer.window
    if window is None:
        pooled = layer.kind == "pooling"
        covers = N_("It has no fixed window: it covers the map, whatever its size.")
        return Formula(name, "", str(after), after, _(covers if pooled else _COUNTED))
    kernel, stride = window.kernel[axis], window.stride[axis]
    padding, dilation = window.padding[axis], window.dilation[axis]
    reach = before + 2 * padding - dilation * (kernel - 1) - 1
    if after == reach // stride + 1:
        left, right, note = "⌊", "⌋", _(_ROUNDED_DOWN, letter=letter)
    elif after == -(-reach // stride) + 1:  # a pooling with ceil_mode
        left, right, note = "⌈", "⌉", _(_ROUNDED_UP, letter=letter)
    else:
        return Formula(name, "", str(after), after, _(_COUNTED))
    return Formula(
        name,
        f"{left}({letter} + 2p − d(k − 1) − 1) / s{right} + 1",
        f"{left}({before} + 2 · {padding} − {dilation} · ({kernel} − 1) − 1) / {stride}{right} + 1",
        after,
        note,
    )


_ROUNDED_DOWN = N_(
    "{letter}: input side, p: padding, d: dilation, k: kernel, s: stride; rounded down."
)
_ROUNDED_UP = N_("{letter}: input side, p: padding, d: dilation, k: kernel, s: stride; rounded up.")


def _joined_channels(layer: LayerCost, layers: Iterable[LayerCost]) -> Iterator[Formula]:
    """How the channels of a concatenation add up, where all its inputs are known."""
    if layer.operation != "cat" or len(layer.output_shape) != 4:
        return
    shapes = {other.path: other.output_shape for other in layers}
    channels = [shapes[path][1] for path in layer.inputs if len(shapes.get(path, ())) == 4]
    first, total = layer.input_shape[1], layer.output_shape[1]
    if sum(channels) != total and len(layer.inputs) == 2 and first < total:
        channels = [first, total - first]
    if sum(channels) == total:
        sizes = ((Factor(f"C_{n}", size),) for n, size in enumerate(channels, start=1))
        note = _("Height and width must be alike; channels add up.")
        yield formula(_("channels"), sizes, total, note)


def _flattened(layer: LayerCost, layers: Sequence[LayerCost]) -> Iterator[Formula]:
    """How many numbers a map becomes as one row."""
    if not is_flatten(layer):
        return
    before, count = layer.input_shape[1:], layer.output_shape[1]
    names = ("C", "H", "W") if len(before) == 3 else tuple(f"n_{n + 1}" for n in range(9))
    product = tuple(Factor(name, size) for name, size in zip(names, before, strict=False))
    found = flattened(layers, layer.path) if layers else None
    changes = not layers or (found is not None and not found.fixed_by)
    changing = N_("A linear layer behind it has as many inputs: they change with the image's size.")
    fixed = N_("A linear layer behind it has as many inputs, whatever the image's size.")
    yield formula(_("output features"), [product], count, _(changing if changes else fixed))


def output_bytes(layer: LayerCost) -> Formula:
    """Four bytes for each number of the output, float32."""
    name = _("output bytes")
    if not layer.output_bytes:
        note = _("It overwrites its input or only views it, so nothing new is stored.")
        return nothing(name, note)
    sizes = (Factor(str(BYTES_PER_FLOAT), BYTES_PER_FLOAT), *_output_sizes(layer))
    return formula(name, [sizes], layer.output_bytes, _("4 bytes a number (float32)."))


# Work


def macs(layer: LayerCost) -> Formula:
    """Multiply-adds of the forward pass, an image; biases are not counted."""
    name = _("MACs")
    if not layer.macs:
        return nothing(name, _("No multiply-adds: element-wise work is counted apart."))
    if is_convolution(layer):
        height, width = layer.output_shape[2:]
        product = (*_weight_factors(layer), Factor("H_out", height), Factor("W_out", width))
        note = _("Every output pixel of every channel is one sum over the window.")
        return formula(name, [product], layer.macs, note)
    if is_linear(layer):
        tokens = prod(layer.input_shape[:-1])
        rows = (Factor("tokens", tokens),) if tokens != 1 else ()
        note = _("The same weights work on each token.") if rows else _("Each weight is used once.")
        return formula(name, [(*rows, *_weight_factors(layer))], layer.macs, note)
    note = _(_COUNTED)
    if layer.kind == "linear" and not layer.weight_shape:
        note = _("A product of two results, without weights, as in attention; counted as it ran.")
    return Formula(name, "", str(layer.macs), layer.macs, note)


def backward_macs(layer: LayerCost) -> Iterator[Formula]:
    """Multiply-adds of the backward pass, where there is a forward product."""
    if not layer.macs:
        return
    name, gradients = _("backward MACs"), layer.backward_macs // layer.macs
    if not gradients:
        note = _("No gradient: what it computes is thrown away, or it is frozen.")
        yield nothing(name, note)
        return
    product = (Factor(_("gradients"), gradients), Factor("MACs", layer.macs))
    yield formula(name, [product], layer.backward_macs, _gradients_note(layer, gradients))


def _gradients_note(layer: LayerCost, gradients: int) -> str:
    """Which gradients are computed, in words."""
    if gradients > 1 and layer.weight_shape:
        return _(
            "The gradient of the weights and the gradient of the input each cost as many"
            " multiply-adds as the forward pass."
        )
    if gradients > 1:
        return _("Each factor's gradient costs as many multiply-adds as the forward pass.")
    if layer.inputs == (IMAGE,):
        return _("Only the gradient of the weights: the input is the image, which needs none.")
    return _("Only one of the two factors needs a gradient.")


def _elementwise_operations(layer: LayerCost) -> Iterator[Formula]:
    """Operations that are no multiply-adds, where there are any."""
    count = layer.elementwise_ops
    if not count:
        return
    outputs = _output_sizes(layer)
    elements = prod(factor.size for factor in outputs)
    name = _("element-wise operations")
    if layer.kind == "pooling":
        note = _("One for each number in each window.")
        yield formula(name, [_pooling_factors(layer)], count, note)
    elif count == elements:
        yield formula(name, [outputs], count, _("One for each number of the output."))
    elif layer.kind == "normalisation" and count == 2 * elements:
        product = (Factor("2", 2), *outputs)
        yield formula(name, [product], count, _("Two for each number: scale and shift."))
    elif elements and count % elements == 0:
        steps = Factor("steps", count // elements)
        note = _("It runs as several steps, each over every number.")
        yield formula(name, [(steps, *outputs)], count, note)
    else:
        yield Formula(name, "", str(count), count, _(_COUNTED))


def _pooling_factors(layer: LayerCost) -> Product:
    """The window's area for each output; without a window, the part of the map behind each."""
    outputs = _output_sizes(layer)
    if layer.window is not None:
        height, width = layer.window.kernel
        return (Factor("k_h", height), Factor("k_w", width), *outputs)
    if len(layer.input_shape) == 4 and all(side == 1 for side in layer.output_shape[2:]):
        names = ("C", "H_in", "W_in")
        return tuple(map(Factor, names, layer.input_shape[1:]))
    area, windows = prod(layer.input_shape[2:]), prod(layer.output_shape[2:])
    behind = Factor("⌊H_in · W_in / (H_out · W_out)⌋", area // windows, f"⌊{area} / {windows}⌋")
    return (behind, *outputs)
