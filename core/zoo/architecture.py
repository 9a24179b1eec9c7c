"""The records that the catalogue is made of, and the arithmetic that every family shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from core.specs import LabError, ModelSpec, OptionValue, shown

if TYPE_CHECKING:
    from torch import nn


_Others = Mapping[str, OptionValue]  # the options before it in its row, with their values
_SPREAD = (1 / 8, 1 / 4, 1 / 2, 3 / 4, 3 / 2, 2, 3, 4)  # of the default, beside itself


@dataclass(frozen=True)
class Option:
    """A setting that only some architectures have: what the page, the URL and the CLI offer."""

    name: str
    title: str  # the label beside the control
    help: str  # one sentence
    default: OptionValue
    choices: tuple[tuple[str, str], ...] = ()  # (value, how it is shown); empty: not a choice
    minimum: int = 0  # of numbers only
    maximum: int = 0
    step: int = 1  # of whole numbers only: minimum, minimum + step and so on
    canonical: Callable[[str], str] | None = None  # text options only: one spelling, or a LabError
    # The value that builds the same network beside those before it; None: each value its own
    stands_for: Callable[[OptionValue, _Others], OptionValue] | None = None

    def check(self, value: OptionValue) -> OptionValue:
        """`value` as this option's type; raises LabError naming what would work."""
        if self.choices:
            if value not in (allowed := [choice for choice, _ in self.choices]):
                choices = ", ".join(allowed)
                raise LabError(
                    "{name} must be one of {choices}, not {value}.",
                    name=self.name,
                    choices=choices,
                    value=shown(value),
                )
            return value
        if isinstance(self.default, bool):
            named = {"true": True, "false": False, "1": True, "0": False}
            flag = named.get(str(value).lower())
            if flag is None:
                raise LabError(
                    "{name} must be true or false, not {value}.", name=self.name, value=shown(value)
                )
            return flag
        if isinstance(self.default, int):
            return self._check_whole(value)
        if isinstance(self.default, float):
            return self._check_number(value)
        return self.canonical(str(value)) if self.canonical else str(value)

    def in_effect(self, value: OptionValue, others: _Others) -> OptionValue:
        """The one value that stands for all that build the same network beside `others`."""
        return self.stands_for(value, others) if self.stands_for else value

    def has_effect(self, others: _Others) -> bool:
        """Whether this option can change a network that has `others`."""
        values = (self.in_effect(value, others) for value in self.spread())
        return self.stands_for is None or len(set(values)) > 1

    def offered(self, others: _Others) -> tuple[tuple[str, str], ...]:
        """Those of its choices that build different networks beside `others`."""
        return tuple(
            (value, title)
            for value, title in self.choices
            if self.in_effect(value, others) == value
        )

    def spread(self) -> tuple[OptionValue, ...]:
        """All its values where they are few; numbers from an eighth of the default upwards."""
        if self.choices:
            return tuple(value for value, _ in self.choices)
        if isinstance(self.default, bool):
            return (False, True)
        if not isinstance(self.default, int | float):
            return (self.default,)
        values: set[OptionValue] = {self.default}
        for share in _SPREAD:
            value = self.default * share
            with suppress(LabError):
                values.add(self.check(round(value) if isinstance(self.default, int) else value))
        return tuple(sorted(values))

    def _check_whole(self, value: OptionValue) -> int:
        try:
            number = int(str(value))
        except ValueError:
            number = None
        allowed = range(self.minimum, self.maximum + 1, self.step)
        if number is None or isinstance(value, bool) or number not in allowed:
            about = {
                "name": self.name,
                "low": self.minimum,
                "high": self.maximum,
                "value": shown(value),
            }
            if self.step > 1:
                raise LabError(
                    "{name} must be a whole number from {low:,} to {high:,} in steps of {step}, not"
                    " {value}.",
                    step=self.step,
                    **about,
                )
            raise LabError(
                "{name} must be a whole number from {low:,} to {high:,}, not {value}.", **about
            )
        return number

    def _check_number(self, value: OptionValue) -> float:
        try:
            number = float(str(value))
        except ValueError:
            number = math.nan
        if not self.minimum <= number <= self.maximum:  # also for what is no number
            raise LabError(
                "{name} must be a number from {low:g} to {high:g}, not {value}.",
                name=self.name,
                low=self.minimum,
                high=self.maximum,
                value=shown(value),
            )
        return number


SIZES = frozenset(("ratio", "image_size", "in_channels", "num_classes"))


@dataclass(frozen=True)
class Architecture:
    """One row of the catalogue."""

    name: str  # the word in URLs, in CSV and on the command line: vgg11
    title: str  # how a person writes it: VGG-11
    family: str  # the heading it stands under in the picker
    year: int | None  # None: not told by its source
    source: str  # paper or chapter, with section or table
    builder: Callable[[ModelSpec], nn.Module]  # gets a spec whose options are complete
    default: ModelSpec
    options: tuple[Option, ...] = ()
    config: str | None = None  # the letter in table 1 of arXiv 1409.1556
    takes: frozenset[str] = SIZES  # fields of a spec that change it


def built_by(function: str, *arguments: object) -> Callable[[ModelSpec], nn.Module]:
    """A builder: `MODULE.NAME` of core/zoo/networks, called with the spec and these arguments.

    It is imported, and torch with it, when a network is first built.
    """
    module, name = function.split(".")

    def build(spec: ModelSpec) -> nn.Module:
        network: nn.Module = getattr(import_module(f"core.zoo.networks.{module}"), name)(
            spec, *arguments
        )
        return network

    return build


class ImageTooSmall(LabError):
    """The image shrinks to nothing on the way through the network."""


Window = tuple[int, int, int]  # kernel, stride, padding


def output_side(side: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Pixels a side after a window slides over `side` pixels (Dumoulin & Visin 2016, rel. 14)."""
    return (side + 2 * padding - kernel) // stride + 1


def cells_after(sides: tuple[int, int], windows: Iterable[Window]) -> int:
    """Units of a map (height × width) after all `windows` in turn slide over `sides` pixels.

    Raises ImageTooSmall where a map would lose its last pixel.
    """
    height, width = sides
    for window in windows:
        height, width = output_side(height, *window), output_side(width, *window)
        if min(height, width) < 1:
            raise ImageTooSmall("The image is too small for this network.")
    return height * width


def scaled(channels: int, ratio: int) -> int:
    """`channels` divided by `ratio` in whole numbers, at least 1."""
    return max(1, channels // ratio)
