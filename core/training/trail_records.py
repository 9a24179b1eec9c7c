"""What is kept of a training so that it can be replayed: little, whatever the network. No torch.

A run's trail takes at most `MOST_BYTES`. What is kept of an epoch is planned from the network
alone: maps lose channels, then pixels, then blocks until they fit. Epochs are thinned out to
multiples of a power of two, the smallest that leaves few enough; the last two always stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.analysis.records import Analysis, LayerCost

MOST_BYTES = 2_000_000  # of all files of a run's trail
_PARAMETERS_BYTES = 1_100_000  # of that for parameters, where they are kept
IMAGES = 8  # the first test image of each of the first eight classes
BINS = 32  # of a histogram
_MOMENTS = 24  # epochs that there is room for
FEWEST = 3  # epochs: where there is no room for so many, nothing is kept
_MOST_BLOCKS, _MOST_LAYERS = 12, 64
_ROW_BYTES = 320  # of what a file says of one map or layer
_FILE_BYTES = 4_096  # of a file besides its arrays and these rows

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class MapPlan:
    """A map of which some channels are kept."""

    path: str  # of the layer or block that gives it
    block: str
    is_last: bool  # of its block; else the first
    channels: tuple[int, ...]  # those that are kept, of `of_channels`
    of_channels: int
    full_sides: tuple[int, int]  # height and width as the network has them
    sides: tuple[int, int]  # as they are kept: means over areas where these are smaller

    @property
    def bytes(self) -> int:
        """For all images, a byte a value."""
        return _ROW_BYTES + IMAGES * len(self.channels) * prod(self.sides)


@dataclass(frozen=True)
class TrailPlan:
    """What is kept of each epoch of a run."""

    maps: tuple[MapPlan, ...]
    layers: tuple[str, ...]  # whose weights' histograms are kept
    kernels_of: str  # path of the first convolution; "": its kernels are too large, or none
    kernels: int  # the first so many of them
    classes: int  # whose probabilities are kept; 0: too many
    keeps_parameters: bool  # all of them, for the path of the training

    @property
    def parameters_bytes(self) -> int:
        """Room for the parameters of all epochs."""
        return _PARAMETERS_BYTES if self.keeps_parameters else 0

    @property
    def views_bytes(self) -> int:
        """Room for everything else."""
        return MOST_BYTES - self.parameters_bytes

    def to_json(self) -> str:
        """As a file keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> TrailPlan:
        """The inverse of `to_json`. Raises ValueError, TypeError or KeyError for another text."""
        values = json.loads(text)
        maps = tuple(
            MapPlan(**{name: _as_tuple(value) for name, value in row.items()})
            for row in values["maps"]
        )
        return cls(**(values | {"maps": maps, "layers": tuple(values["layers"])}))


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def plan_trail(analysis: Analysis) -> TrailPlan:
    """What there is room for, for a network like this."""
    parameters = 2 * analysis.totals.params + _FILE_BYTES + _ROW_BYTES * len(analysis.layers)
    keeps_parameters = most_epochs(parameters, _PARAMETERS_BYTES) >= FEWEST
    room = MOST_BYTES - (_PARAMETERS_BYTES if keeps_parameters else 0)
    room = room // _MOMENTS - _FILE_BYTES  # of one epoch
    classes = analysis.spec.num_classes
    classes = classes if 4 * IMAGES * classes <= room // 4 else 0
    weighted = [layer for layer in analysis.layers if layer.is_weight_layer and layer.is_module]
    layers = evenly([layer.path for layer in weighted], _MOST_LAYERS)
    first = next((layer for layer in weighted if len(layer.weight_shape) == 4), None)
    kernel_bytes = 2 * prod(first.weight_shape[1:]) if first else 1
    kernels = min(first.weight_shape[0], room // 4 // kernel_bytes) if first else 0
    room -= 4 * IMAGES * classes + kernels * kernel_bytes
    room -= len(layers) * (_ROW_BYTES + 2 * BINS + 16)
    return TrailPlan(
        maps=_maps_within(_blocks_with_maps(analysis), room),
        layers=tuple(layers),
        kernels_of=first.path if first and kernels else "",
        kernels=kernels,
        classes=classes,
        keeps_parameters=keeps_parameters,
    )


_Block = tuple[LayerCost, LayerCost | None]  # the whole; its first layer, if that is another


def _blocks_with_maps(analysis: Analysis) -> list[_Block]:
    """Each block that gives a map."""
    found: list[_Block] = []
    for whole, group in zip(analysis.rows("block"), analysis.members("block"), strict=True):
        if len(whole.output_shape) == 4:
            first = next(layer for layer in analysis.layers if layer.path == group[0])
            is_map = first.is_module and len(first.output_shape) == 4 and len(group) > 1
            found.append((whole, first if is_map else None))
    return found


def _maps_within(blocks: Sequence[_Block], room: int) -> tuple[MapPlan, ...]:
    """As many channels as fit into `room` bytes; else smaller pictures, else fewer blocks."""
    blocks = evenly(blocks, _MOST_BLOCKS)
    for channels, side in ((4, 28), (3, 28), (2, 28), (1, 28), (1, 14)):
        maps = _maps_of(blocks, channels, side)
        if sum(one.bytes for one in maps) <= room:
            return maps
    return _maps_within(evenly(blocks, len(blocks) // 2), room) if blocks else ()


def _maps_of(blocks: Sequence[_Block], channels: int, side: int) -> tuple[MapPlan, ...]:
    return tuple(
        _map_of(layer, whole.path, layer is whole, channels, side)
        for whole, first in blocks
        for layer in (first, whole)
        if layer is not None
    )


def _map_of(layer: LayerCost, block: str, is_last: bool, channels: int, side: int) -> MapPlan:
    _, count, height, width = layer.output_shape
    return MapPlan(
        path=layer.path,
        block=block,
        is_last=is_last,
        channels=tuple(evenly(range(count), channels)),
        of_channels=count,
        full_sides=(height, width),
        sides=(min(height, side), min(width, side)),
    )


def evenly(items: Sequence[_Item], most: int) -> list[_Item]:
    """At most so many of them, from the first on at equal distances."""
    count = min(len(items), most)
    return [items[index * len(items) // count] for index in range(count)]


def most_epochs(bytes_each: int, room: int) -> int:
    """Epochs for which there is room, while one more is being written."""
    return room // bytes_each - 1


def thinned(epochs: Iterable[int], most: int) -> set[int]:
    """Those of the epochs that stay: the last two, and multiples of the smallest power of two that
    leaves at most `most`.
    """
    known = sorted(set(epochs))
    last, stride = known[-1], 1
    while True:
        planned = {*range(0, last + 1, stride), last - 1, last}
        if len(planned) <= max(most, FEWEST):
            return planned.intersection(known)
        stride *= 2


# What is read --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Moment:
    """A network after an epoch, as it saw the images of its trail."""

    epoch: int  # 0: before the first
    probabilities: NDArray[np.float32] | None  # (images, classes)
    maps: tuple[NDArray[np.uint8], ...]  # of each map of the plan: (images, channels, H, W)
    ranges: NDArray[np.float32]  # (maps, 2): the values that 0 and 255 stand for
    histograms: NDArray[np.float32]  # (layers, BINS): shares of the weights
    weights: NDArray[np.float32]  # (layers, 4): lowest, highest, mean, standard deviation
    kernels: NDArray[np.float16] | None  # (kernels, in, H, W) of the first convolution

    def map(self, index: int) -> NDArray[np.float32]:
        """(images, channels, H, W): the map's values, each within 1/510 of the range."""
        low, high = self.ranges[index]
        values: NDArray[np.float32] = low + self.maps[index] * ((high - low) / np.float32(255))
        return values


@dataclass(frozen=True, eq=False)
class Trail:
    """What is known of a run's training, epoch by epoch."""

    plan: TrailPlan
    images: tuple[int, ...]  # in the test set
    labels: tuple[int, ...]  # their true classes
    moments: tuple[Moment, ...]  # by epoch

    @property
    def epochs(self) -> tuple[int, ...]:
        """Those that were kept."""
        return tuple(moment.epoch for moment in self.moments)
