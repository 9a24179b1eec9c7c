"""The rows that "Dive into Deep Learning" prints for a network, in each of its frameworks.

Chapters 7.6, 8.1 and 8.2 (LeNet, AlexNet, VGG) go through a `Sequential` and print a row for each
child. What is a child differs: PyTorch's chapter has one for every module of the head, MXNet's
layers take their activation and Dense flattens what it reads, Keras's VGG has its head in one
`Sequential`. Imports no torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.analysis.records import IMAGE, Analysis, LayerCost, Shape, Window
from core.language import Message, lazy
from core.specs import LabError

_IN_MXNET = {  # a module of ours → what Gluon's names of its counterpart begin with
    "Conv2d": "conv",
    "MaxPool2d": "pool",
    "AvgPool2d": "pool",
    "Linear": "dense",
    "Dropout": "dropout",
}
_IN_KERAS = {  # → the class of its counterpart
    "Conv2d": "Conv2D",
    "MaxPool2d": "MaxPooling2D",
    "AvgPool2d": "AveragePooling2D",
    "Flatten": "Flatten",
    "Linear": "Dense",
    "Dropout": "Dropout",
}
_ACTIVATIONS = ("ReLU", "Sigmoid", "Tanh")  # arguments of the layer before, in both
_WITH_ACTIVATION = ("Conv2d", "Linear")
_KNOWN = (*_IN_KERAS, *_ACTIVATIONS)
_LARGEST_KERNEL = 3  # of a convolution in a VGG block


@dataclass(frozen=True)
class PrintedRow:
    """One line of a framework's print."""

    name: str  # sequential1, dense0; Sequential, Dense
    paths: tuple[str, ...]  # our layers inside it
    output_shape: Shape  # (1, C, H, W) or (1, features): of the last of them


@dataclass(frozen=True)
class FrameworkRows:
    """The same layers as each framework's chapter prints them."""

    has_blocks: bool  # whether convolutions stand in a Sequential up to each pooling, as VGG's
    pytorch: tuple[PrintedRow, ...]
    mxnet: tuple[PrintedRow, ...]
    keras: tuple[PrintedRow, ...]  # prints N, H, W, C


def framework_rows(analysis: Analysis) -> FrameworkRows:
    """The rows of the chapters' prints, were the network written as they write theirs.

    Raises LabError, with the layer that is in the way, for a network that is no chain of the
    modules which these chapters use.
    """
    layers = analysis.layers
    _check_is_chain(layers)
    body, head = _body_and_head(layers)
    blocks = _blocks(body)
    return FrameworkRows(
        has_blocks=bool(blocks),
        pytorch=_rows([*([("Sequential", block) for block in blocks] or _each(body)),
                       *_each(head)]),
        mxnet=_mxnet_rows(blocks, body, head),
        keras=_keras_rows(blocks, body, head),
    )  # fmt: skip


_Group = tuple[str, Sequence[LayerCost]]  # a row's name and the layers inside it


def _check_is_chain(layers: Sequence[LayerCost]) -> None:
    """Raise LabError unless each layer is a known module that reads the one before it."""
    previous, shape, before = IMAGE, layers[0].input_shape if layers else (), ""
    for layer in layers:
        path, operation = layer.path, layer.operation
        if layer.inputs != (previous,) or layer.input_shape != shape:
            raise _refusal(
                lazy("{path} does not read just what the layer before it gives", path=path)
            )
        if not layer.is_module:
            raise _refusal(
                lazy("{path} is the function {operation}", path=path, operation=operation)
            )
        if operation not in _KNOWN:
            raise _refusal(lazy("{path} is the module {operation}", path=path, operation=operation))
        if operation in _ACTIVATIONS and not before:
            raise _refusal(lazy("{path} is an activation behind the image", path=path))
        if operation in _ACTIVATIONS and before not in _WITH_ACTIVATION:
            raise _refusal(lazy("{path} is an activation behind {layer}", path=path, layer=before))
        if before == "Flatten" and operation != "Linear":
            raise _refusal(lazy("{path} stands between Flatten and Linear", path=path))
        previous, shape, before = path, layer.output_shape, operation
    if before == "Flatten" or not any(layer.kind == "convolution" for layer in layers):
        raise _refusal(lazy("It has no convolution or no head"))


def _refusal(reason: Message) -> LabError:
    return LabError(
        "{reason}; the rows of other frameworks are known only for networks that are a chain of"
        " the modules of LeNet, AlexNet and VGG.",
        reason=reason,
    )


def _body_and_head(
    layers: Sequence[LayerCost],
) -> tuple[Sequence[LayerCost], Sequence[LayerCost]]:
    """What runs on maps, and all from the Flatten or the first linear layer on."""
    starts = (n for n, layer in enumerate(layers) if layer.operation in ("Flatten", "Linear"))
    start = next(starts, len(layers))
    return layers[:start], layers[start:]


def _blocks(body: Sequence[LayerCost]) -> list[Sequence[LayerCost]]:
    """The body as blocks of chapter 8.2; none where some part of it is no such block."""
    blocks: list[list[LayerCost]] = [[]]
    for layer in body:
        blocks[-1].append(layer)
        if layer.kind == "pooling":
            blocks.append([])
    rest = blocks.pop()
    return [] if rest or not all(map(_is_vgg_block, blocks)) else list(blocks)


def _is_vgg_block(block: Sequence[LayerCost]) -> bool:
    """Convolutions that keep height and width, each with an activation, then a 2×2 max-pool."""
    *before, pool = block
    halves = pool.operation == "MaxPool2d" and pool.window is not None
    if not halves or not pool.window or {*pool.window.kernel, *pool.window.stride} != {2}:
        return False
    convolutions, activations = before[::2], before[1::2]
    return (
        len(convolutions) == len(activations) > 0
        and all(layer.operation in _ACTIVATIONS for layer in activations)
        and all(
            layer.operation == "Conv2d"
            and layer.window is not None
            and max(layer.window.kernel) <= _LARGEST_KERNEL
            and layer.input_shape[2:] == layer.output_shape[2:]
            for layer in convolutions
        )
    )


def _mxnet_rows(
    blocks: Sequence[Sequence[LayerCost]], body: Sequence[LayerCost], head: Sequence[LayerCost]
) -> tuple[PrintedRow, ...]:
    """Gluon's names: of each kind the first is 0, but sequential0 is the network itself."""
    groups: list[_Group] = [("sequential", block) for block in blocks]
    groups += [
        (_IN_MXNET[_main(group).operation], group)
        for group in _with_activations([*([] if blocks else body), *head], flatten_is_inside=True)
    ]
    counts = Counter(sequential=1)
    numbered: list[_Group] = []
    for name, group in groups:
        numbered.append((f"{name}{counts[name]}", group))
        counts[name] += 1
    return _rows(numbered)


def _keras_rows(
    blocks: Sequence[Sequence[LayerCost]], body: Sequence[LayerCost], head: Sequence[LayerCost]
) -> tuple[PrintedRow, ...]:
    """Names of classes; the head of a network of blocks is one Sequential."""
    if blocks:
        return _rows([("Sequential", part) for part in (*blocks, head) if part])
    return _rows(
        (_IN_KERAS[_main(group).operation], group)
        for group in _with_activations([*body, *head], flatten_is_inside=False)
    )


def _with_activations(
    layers: Iterable[LayerCost], flatten_is_inside: bool
) -> Iterator[list[LayerCost]]:
    """Each layer with the activations behind it and, if asked for, the Flatten before it."""
    group: list[LayerCost] = []
    for layer in layers:
        waits = flatten_is_inside and all(one.operation == "Flatten" for one in group)
        if group and not waits and layer.operation not in _ACTIVATIONS:
            yield group
            group = []
        group.append(layer)
    if group:
        yield group


def _main(group: Sequence[LayerCost]) -> LayerCost:
    """The layer that the others are arguments of."""
    has_row = [layer for layer in group if layer.operation in _IN_KERAS]
    return next((layer for layer in has_row if layer.operation != "Flatten"), has_row[0])


def _each(layers: Iterable[LayerCost]) -> Iterator[_Group]:
    """Every module as a row of its own."""
    return ((layer.operation, (layer,)) for layer in layers)


def _rows(groups: Iterable[_Group]) -> tuple[PrintedRow, ...]:
    return tuple(
        PrintedRow(name, tuple(layer.path for layer in group), group[-1].output_shape)
        for name, group in groups
    )


# Keras's two paddings ---------------------------------------------------------------------------


@dataclass(frozen=True)
class KerasPadding:
    """A convolution's output as it is, and as Keras's two paddings would have it."""

    path: str
    sides: tuple[int, ...]  # height and width
    same: tuple[int, ...]  # ⌈side / stride⌉
    valid: tuple[int, ...]  # without padding


def keras_paddings(analysis: Analysis) -> list[KerasPadding]:
    """Of every convolution that slides over a map."""
    return [
        KerasPadding(layer.path, layer.output_shape[2:], *_padded_sides(layer, layer.window))
        for layer in analysis.layers
        if layer.kind == "convolution" and layer.window and len(layer.output_shape) == 4
    ]


def _padded_sides(layer: LayerCost, window: Window) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Height and width with `same` and with `valid` padding."""
    before = layer.input_shape[2:]
    same = tuple(-(-side // stride) for side, stride in zip(before, window.stride, strict=True))
    valid = tuple(
        (side - dilation * (kernel - 1) - 1) // stride + 1
        for side, kernel, stride, dilation in zip(
            before, window.kernel, window.stride, window.dilation, strict=True
        )
    )
    return same, valid


def row_of(rows: Sequence[PrintedRow], path: str) -> int:
    """The number, from 1, of the row that our layer is in. Raises KeyError for a strange one."""
    for number, row in enumerate(rows, start=1):
        if path in row.paths:
            return number
    raise KeyError(path)
