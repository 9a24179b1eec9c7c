"""What an analysis finds, as plain numbers. Imports no torch; formatting comes later.

Conventions: MACs are multiply-adds of convolutions and matrix products, without bias, one fused
multiply-add counted as one; FLOPs = 2 × MACs. Element-wise operations (ReLU, pooling, BatchNorm,
add, concat) are counted apart: one per element, two for BatchNorm (scale, shift), the kernel's
area per output element for pooling. MACs, operations and bytes are per image; shapes are
(N, C, H, W) with N = 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from core.analysis import cpu
from core.language import N_, Message
from core.specs import LabError, ModelSpec, OptionValue

if TYPE_CHECKING:
    import pandas as pd

KINDS = (
    N_("convolution"),
    N_("linear"),
    N_("pooling"),
    N_("normalisation"),
    N_("activation"),
    N_("join"),
    N_("other"),
)
WEIGHT_KINDS = ("convolution", "linear")
LEVELS = (N_("block"), N_("weight layer"), N_("module"))
BYTES_PER_FLOAT = 4  # float32

IMAGE = "image"  # what the first layers read, beside the paths of other layers

Shape = tuple[int, ...]
Sides = int | tuple[int, ...]  # pixels: a number where height and width agree, else each


def each_side(sides: Sides) -> tuple[int, ...]:
    """Every side, also where one number stands for all."""
    return (sides,) if isinstance(sides, int) else sides


@dataclass(frozen=True)
class Window:
    """How a convolution or a pooling slides over its input; pairs are (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1  # of channels, each convolved on its own


@dataclass(frozen=True)
class LayerCost:
    """One module or functional operation, or several of them as one row."""

    path: str  # block1.conv1; a functional operation is named in its module: residual1.add
    operation: str  # Conv2d, relu, cat
    kind: str  # one of KINDS
    input_shape: Shape  # (1, C, H, W)
    output_shape: Shape
    params: int  # weights and biases; shared ones at their first use only
    macs: int  # multiply-adds an image, forward
    backward_macs: int  # multiply-adds an image of the gradients of the weights and of the input
    elementwise_ops: int  # operations an image
    output_bytes: int  # bytes an image
    saved_bytes: int  # bytes an image that autograd keeps for the backward pass, each once
    fixed_saved_bytes: int  # the same, but independent of the batch: BatchNorm's statistics
    receptive_field: Sides | None  # pixels of the image that one output unit sees
    depth: int  # weight layers on the longest path from the image to here
    inputs: tuple[str, ...] = ()  # paths of the layers whose results it reads, or IMAGE
    weight_shape: Shape = ()  # (out, in / groups, height, width); of Linear (out, in)
    biases: int = 0  # those of `params` that are added, not multiplied with
    has_bias: bool = False  # also where biases and weights were counted at an earlier use
    is_module: bool = True  # False: a function called inside another module's forward
    window: Window | None = None  # of a convolution or a pooling
    weight_bytes: int = 0  # memory of the parameters
    trained_bytes: int = 0  # of those that get a gradient, which takes as much; momentum too
    input_bytes: int = 0  # bytes an image of what it reads first
    work_bytes: int = 0  # bytes an image that its backward pass takes besides, and gives back
    forward_work_bytes: int = 0  # the same of its forward pass
    small_batch_bytes: int = 0  # and what that takes besides where the batch is a small one
    weights_of: str = ""  # path of the row that has its parameters, where they are shared
    once_macs: int = 0  # multiply-adds beside these that are spent once, however many images come
    checkpoint: int = 0  # the part, from 1, that is computed again for the backward pass; 0: none
    recomputed_bytes: int = 0  # bytes an image that are saved only then

    @property
    def block(self) -> str:
        """The child of the network that this row belongs to."""
        return self.path.split(".")[0]

    @property
    def modules(self) -> tuple[str, ...]:
        """The paths of the modules around it: stage1 and stage1.0 of stage1.0.conv."""
        parts = self.path.split(".")[:-1]
        return tuple(".".join(parts[:end]) for end in range(1, len(parts) + 1))

    @property
    def flops(self) -> int:
        """Two operations for each multiply-add."""
        return 2 * self.macs

    @property
    def is_weight_layer(self) -> bool:
        """Whether this row is a convolution or a matrix product with weights of its own."""
        return self.kind in WEIGHT_KINDS and self.params > 0


@dataclass(frozen=True)
class Totals:
    """Sums over the layers: counts, bytes and operations an image."""

    params: int
    macs: int
    backward_macs: int
    flops: int
    elementwise_ops: int
    output_bytes: int
    saved_bytes: int
    weight_layers: int
    depth: int  # weight layers on the longest path
    receptive_field: Sides | None  # of the last map, pixels; None after attention


@dataclass(frozen=True)
class TrainingMemory:
    """What a training step holds at its worst moment, in bytes."""

    parameters: int
    optimiser: int  # momentum
    buffers: int  # running statistics
    images: int  # the batch
    saved: int  # kept by autograd for the backward pass, as far as it still is
    gradients: int  # of the parameters, as far as they are known
    temporaries: int  # gradients on the way through the layer under way, and its work space

    @property
    def total(self) -> int:
        """The peak."""
        return sum(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class Analysis:
    """A spec and what its network costs, layer by layer, in the order of execution."""

    spec: ModelSpec
    layers: tuple[LayerCost, ...]
    buffer_bytes: int  # running statistics, kept but never trained
    noted: tuple[Message, ...] = ()  # what a reader might not expect
    input_shape: Shape = ()  # of one input: (C, H, W) of an image

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader might not expect, a sentence each."""
        return tuple(map(str, self.noted))

    @cached_property  # a page asks for it many times
    def totals(self) -> Totals:
        """The sums of the columns; depth and receptive field are the largest."""
        layers = self.layers
        return Totals(
            params=sum(layer.params for layer in layers),
            macs=sum(layer.macs for layer in layers),
            backward_macs=sum(layer.backward_macs for layer in layers),
            flops=sum(layer.flops for layer in layers),
            elementwise_ops=sum(layer.elementwise_ops for layer in layers),
            output_bytes=sum(layer.output_bytes for layer in layers),
            saved_bytes=sum(layer.saved_bytes for layer in layers),
            weight_layers=sum(layer.is_weight_layer for layer in layers),
            depth=max((layer.depth for layer in layers), default=0),
            receptive_field=self._last_receptive_field(),
        )

    def _last_receptive_field(self) -> Sides | None:
        """Of the last map: what global pooling and linear layers make of it is no map any more."""
        for layer in reversed(self.layers):
            sides = layer.output_shape[2:]
            slides = layer.window is not None and max(layer.window.kernel) > 1
            if layer.receptive_field is None or (sides and (max(sides) > 1 or slides)):
                return layer.receptive_field
        return None

    def rows(self, level: str) -> tuple[LayerCost, ...]:
        """The layers as rows by "block", by "weight layer" or by "module" (every one).

        A weight layer's row holds what follows it too (ReLU, pooling), so every level has the
        same totals. Raises LabError for another level.
        """
        if level == "module":
            return self.layers
        if level not in self._merged:  # a page asks for the same rows several times
            merge = _as_block if level == "block" else _as_weight_layer
            self._merged[level] = tuple(merge(group) for group in self._groups(level))
        return self._merged[level]

    @cached_property
    def _merged(self) -> dict[str, tuple[LayerCost, ...]]:
        """The rows by level, as far as somebody has asked for them."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """What is kept and handed on: the fields alone."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_frame(self, level: str = "module") -> pd.DataFrame:
        """`rows(level)` in pandas, a column a field. Raises LabError for another level."""
        from core.analysis.notebook import frame_of

        return frame_of(self, level)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from core.analysis.notebook import html_of

        return html_of(self)

    def members(self, level: str) -> tuple[tuple[str, ...], ...]:
        """The paths of the layers in each of `rows(level)`. Raises LabError for another level."""
        return tuple(tuple(layer.path for layer in group) for group in self._groups(level))

    def _groups(self, level: str) -> tuple[tuple[LayerCost, ...], ...]:
        if level == "module":
            return tuple((layer,) for layer in self.layers)
        if level == "block":
            return tuple(
                tuple(group) for _, group in groupby(self.layers, key=lambda layer: layer.block)
            )
        if level == "weight layer":
            return tuple(_split_at_weights(self.layers))
        raise LabError(
            "Rows come by {levels}, not by {level}.", levels=", ".join(LEVELS), level=repr(level)
        )

    def training_bytes(
        self, batch_size: int, momentum: bool = True, threads: int | None = None
    ) -> int:
        """Estimated peak memory of a training step in float32, in bytes; see training_memory."""
        return self.training_memory(batch_size, momentum, threads).total

    def training_memory(
        self, batch_size: int, momentum: bool = True, threads: int | None = None
    ) -> TrainingMemory:
        """The worst moment of a training step with SGD in float32.

        That is where, in the backward pass, these are the most: what is still saved, the gradients
        of the weights so far, the gradients of the output and the input of the layer under way,
        and its own work space, which on a CPU depends on the number of `threads`; None: as many
        as this machine has.
        """
        threads = threads or cpu.threads()
        trained = sum(layer.trained_bytes for layer in self.layers)
        again: dict[int, int] = {}  # part → bytes so far that are saved when it is computed again
        shared = {layer.path: layer.trained_bytes for layer in self.layers}
        last_use = {layer.weights_of or layer.path: layer.path for layer in self.layers}
        saved, gradients = 0, trained
        worst = (0, 0, 0)  # saved, gradients, temporaries
        for layer in self.layers:
            saved += batch_size * layer.saved_bytes + layer.fixed_saved_bytes
            again[layer.checkpoint] = again.get(layer.checkpoint, 0) + layer.recomputed_bytes
            held = saved + batch_size * again[layer.checkpoint]
            owner = layer.weights_of or layer.path
            is_last = last_use[owner] == layer.path
            working = batch_size * (layer.output_bytes + layer.forward_work_bytes)
            working += batch_size * layer.small_batch_bytes if batch_size < _SMALL_BATCH else 0
            if layer.forward_work_bytes:  # in the forward pass there are no gradients
                worst = max(worst, (saved, 0, working), key=sum)
            flowing = batch_size * (_result_bytes(layer) + layer.input_bytes + layer.work_bytes)
            if layer.backward_macs:
                flowing += _backward_temporaries(layer, threads)
                flowing += 0 if is_last else shared.get(owner, 0)  # to be added to what there is
            worst = max(worst, (held, gradients, flowing), key=sum)
            gradients -= shared.get(owner, 0) if is_last else 0
        return TrainingMemory(
            parameters=self._weight_bytes,
            optimiser=trained if momentum else 0,
            buffers=self.buffer_bytes,
            images=batch_size * self.image_bytes,
            saved=worst[0],
            gradients=worst[1],
            temporaries=worst[2],
        )

    def inference_bytes(self, batch_size: int) -> int:
        """Estimated peak memory of a forward pass without gradients, in bytes.

        Weights, running statistics, the input, and the layers' outputs: each from the moment it is
        made until its last reader has run; and what a layer makes on the way to its output.
        """
        held = self._weight_bytes + self.buffer_bytes
        return held + batch_size * (self.image_bytes + self._most_alive())

    @property
    def _weight_bytes(self) -> int:
        return sum(layer.weight_bytes for layer in self.layers)

    @property
    def image_bytes(self) -> int:
        """Of one image, as the network reads it."""
        return next((layer.input_bytes for layer in self.layers if layer.input_bytes), 0)

    def _most_alive(self) -> int:
        """The most bytes an image of outputs that are needed at the same time."""
        owner: dict[str, str] = {}  # path → the path whose memory it shares: itself, mostly
        last_reader: dict[str, int] = {}
        ends = {
            module: index for index, layer in enumerate(self.layers) for module in layer.modules
        }
        for index, layer in enumerate(self.layers):
            for path in layer.inputs:  # a module that was given it holds it until it returns
                outside = [name for name in layer.modules if not path.startswith(f"{name}.")]
                until = max([index, *(ends[module] for module in outside)])
                holder = owner.get(path, path)
                last_reader[holder] = max(last_reader.get(holder, 0), until)
            shares = layer.output_bytes == 0 and bool(layer.inputs)
            source = layer.inputs[0] if shares else layer.path
            owner[layer.path] = owner.get(source, source)
            last_reader[owner[layer.path]] = max(last_reader.get(owner[layer.path], 0), index)
        alive: dict[str, int] = {}
        most = 0
        for index, layer in enumerate(self.layers):
            alive[layer.path] = layer.output_bytes
            most = max(most, sum(alive.values()) + _forward_temporaries(layer))
            alive = {path: size for path, size in alive.items() if last_reader.get(path, 0) > index}
        return most


@dataclass(frozen=True)
class SweepPoint:
    """One position of the slider and what the network costs there."""

    variable: str  # ratio, image_size, or the name of an option
    value: OptionValue
    analysis: Analysis


def _bytes(shape: Shape) -> int:
    size = BYTES_PER_FLOAT
    for side in shape:
        size *= side
    return size


def _result_bytes(layer: LayerCost) -> int:
    """Bytes an image of its result, also where that stands in place of what it was given."""
    in_place = layer.input_bytes if layer.elementwise_ops else 0
    return layer.output_bytes or in_place


_SMALL_BATCH = 128  # images: oneDNN's LSTM takes the steps of fewer together (as measured)
_RESPONSE_NORM_MAPS = 2  # besides its output, at most at a time: it works in steps (as measured)


def _forward_temporaries(layer: LayerCost) -> int:
    """Bytes an image that a layer without gradients takes and gives back before it is done."""
    made = _RESPONSE_NORM_MAPS if layer.operation == "LocalResponseNorm" else 0
    return made * _bytes(layer.output_shape)


_REORDERED_COPIES = 2  # of a convolution's weight and of its gradient, in oneDNN's own layout
_SMALL_MAP_COPIES = 4  # a thread, without AVX-512, where the kernel is larger than the map


def _backward_temporaries(layer: LayerCost, threads: int) -> int:
    """Bytes that a convolution's backward pass on a CPU takes and gives back (as measured)."""
    if layer.kind != "convolution" or layer.window is None:
        return 0
    small = any(
        side < kernel
        for side, kernel in zip(layer.input_shape[-2:], layer.window.kernel, strict=False)
    )
    of_each_thread = small and not cpu.has_avx512()
    copies = _SMALL_MAP_COPIES * threads if of_each_thread else _REORDERED_COPIES
    return copies * (layer.weight_bytes - BYTES_PER_FLOAT * layer.biases)


def _merge(layers: tuple[LayerCost, ...], **changes: object) -> LayerCost:
    """One row for several: costs add up, the shapes are the first input and the last output."""
    first, last = layers[0], layers[-1]
    merged = replace(
        last,
        input_shape=first.input_shape,
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        backward_macs=sum(layer.backward_macs for layer in layers),
        elementwise_ops=sum(layer.elementwise_ops for layer in layers),
        output_bytes=sum(layer.output_bytes for layer in layers),
        saved_bytes=sum(layer.saved_bytes for layer in layers),
        fixed_saved_bytes=sum(layer.fixed_saved_bytes for layer in layers),
        weight_bytes=sum(layer.weight_bytes for layer in layers),
        trained_bytes=sum(layer.trained_bytes for layer in layers),
        input_bytes=first.input_bytes,
        work_bytes=max(layer.work_bytes for layer in layers),
        forward_work_bytes=max(layer.forward_work_bytes for layer in layers),
        small_batch_bytes=max(layer.small_batch_bytes for layer in layers),
        weights_of="",
        once_macs=sum(layer.once_macs for layer in layers),
        recomputed_bytes=sum(layer.recomputed_bytes for layer in layers),
        depth=max(layer.depth for layer in layers),
        inputs=_read_from_outside(layers),
        weight_shape=(),
        biases=sum(layer.biases for layer in layers),
        has_bias=any(layer.has_bias for layer in layers),
        is_module=all(layer.is_module for layer in layers),
        window=None,
    )
    return replace(merged, **changes)  # type: ignore[arg-type]


def _read_from_outside(layers: tuple[LayerCost, ...]) -> tuple[str, ...]:
    own = {layer.path for layer in layers}
    return tuple(
        dict.fromkeys(path for layer in layers for path in layer.inputs if path not in own)
    )


def _as_block(layers: tuple[LayerCost, ...]) -> LayerCost:
    heaviest = max(layers, key=lambda layer: (layer.macs, layer.params, layer.elementwise_ops))
    return _merge(layers, path=layers[0].block, operation="block", kind=heaviest.kind)


def _as_weight_layer(layers: tuple[LayerCost, ...]) -> LayerCost:
    head = next((layer for layer in layers if layer.is_weight_layer), layers[0])
    return _merge(
        layers,
        path=head.path,
        operation=head.operation,
        kind=head.kind,
        input_shape=head.input_shape,
        output_shape=head.output_shape,
        receptive_field=head.receptive_field,
        depth=head.depth,
        weight_shape=head.weight_shape,
        window=head.window,
    )


def _split_at_weights(layers: tuple[LayerCost, ...]) -> Iterator[tuple[LayerCost, ...]]:
    """Runs of layers, each from one weight layer up to the next; the first takes what is before."""
    group: list[LayerCost] = []
    for layer in layers:
        if layer.is_weight_layer and any(member.is_weight_layer for member in group):
            yield tuple(group)
            group = []
        group.append(layer)
    if group:
        yield tuple(group)
