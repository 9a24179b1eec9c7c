"""Parts of a network that can be left out, and what is left of its accuracy. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BLOCKS, BRANCHES, SHORTCUTS, CHANNELS = LEVELS = ("blocks", "branches", "shortcuts", "channels")

IDENTITY, ONLY_SHORTCUT, ONLY_RESIDUAL, ZEROS = "identity", "shortcut", "residual", "zeros"


@dataclass(frozen=True)
class Operand:
    """One of the results that a row of the analysis reads."""

    row: str
    index: int  # among the results that it reads, from 0
    count: int  # of them


@dataclass(frozen=True)
class Part:
    """Something that can be left out, and what stands in its place."""

    name: str  # a path, with the number of the channel where it is one
    becomes: str  # identity, shortcut, residual, zeros
    module: str = ""  # path of the module whose output is another; "": the operands are
    channel: int | None = None  # of the module's output that is 0; None: the output is its input
    operands: tuple[Operand, ...] = ()  # that are read as zeros


@dataclass(frozen=True)
class LeftAlone:
    """What cannot be left out at this level, and why."""

    name: str
    reason: str  # as `read_kept` reads it


@dataclass(frozen=True)
class Parts:
    """The parts of a network at one level."""

    parts: tuple[Part, ...]
    left_alone: tuple[LeftAlone, ...] = ()


@dataclass(frozen=True)
class Missing:
    """What the network reaches without one part."""

    name: str
    becomes: str
    accuracy: float  # fraction
    loss: float  # mean cross-entropy, nats


@dataclass(frozen=True)
class MissingParts:
    """What a network reaches without each of its parts, as far as it is known."""

    share: float  # of the measurement that is done, 0 to 1
    level: str
    layer: str  # whose channels; "" at the other levels
    images: int  # the first of the test set
    test_images: int  # that the test set has
    classes: int  # of the data set
    accuracy: float  # of the whole network, fraction
    loss: float
    missing: tuple[Missing, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MissingParts:
        """The inverse of `to_dict`."""
        missing = tuple(Missing(**one) for one in values["missing"])
        left_alone = tuple(LeftAlone(**one) for one in values["left_alone"])
        return cls(**(dict(values) | {"missing": missing, "left_alone": left_alone}))
