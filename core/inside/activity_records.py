"""How active the channels of a network are over the test images. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ChannelActivity:
    """One channel of a convolution over all images."""

    channel: int
    maximum: float
    minimum: float
    mean: float
    active_images: float  # share of the images in which it is positive somewhere, 0 to 1

    @property
    def is_never_positive(self) -> bool:
        """Over all images."""
        return self.maximum <= 0


@dataclass(frozen=True)
class LayerActivity:
    """The channels of one convolution."""

    path: str
    read_at: str  # the row whose numbers these are: its ReLU where one follows, else itself
    has_relu: bool
    channels: tuple[ChannelActivity, ...]

    @property
    def dead(self) -> tuple[int, ...]:
        """Channels that tell the layers behind nothing.

        Never positive where a ReLU follows, else 0 everywhere: without a ReLU the negative numbers
        are read too.
        """
        return tuple(
            one.channel
            for one in self.channels
            if one.is_never_positive and (self.has_relu or one.minimum == 0)
        )

    @property
    def only_negative(self) -> tuple[int, ...]:
        """Never positive, but not dead, as no ReLU cuts them off."""
        return tuple(
            one.channel
            for one in self.channels
            if one.is_never_positive and one.channel not in self.dead
        )


@dataclass(frozen=True)
class Activity:
    """Every convolution of a network, in the order of execution."""

    share: float  # of the images that are seen, 0 to 1
    images: int  # seen so far, the first of the test set
    test_images: int  # that the test set has
    layers: tuple[LayerActivity, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Activity:
        """The inverse of `to_dict`."""
        layers = tuple(
            LayerActivity(
                **(layer | {"channels": tuple(ChannelActivity(**one) for one in layer["channels"])})
            )
            for layer in values["layers"]
        )
        return cls(**(dict(values) | {"layers": layers}))
