"""What one number of a map was computed from, as plain numbers. Imports no torch.

Everything is in float64, from the float32 numbers that the network itself read.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, prod, tanh

import numpy as np
from numpy.typing import NDArray

from core.analysis.records import Shape

Numbers = NDArray[np.float64]
PADDED = -1  # in place of a row or a column: beyond the map's border


@dataclass(frozen=True)
class Unit:
    """A number of a map. Units of a vector are its channels, at row 0 and column 0."""

    path: str  # of the layer that has made it, IMAGE for a pixel
    channel: int
    row: int
    column: int


@dataclass(frozen=True)
class Source:
    """What a layer reads: a tensor that another layer has made, maybe in another shape."""

    path: str  # of that layer, or IMAGE; "": of none
    shape: Shape  # (C, H, W) as it is read
    made: Shape  # (C, H, W) as it was made

    def unit(self, channel: int, row: int, column: int) -> Unit | None:
        """Who has made the number that is read at this place; None: no layer."""
        if not self.path or PADDED in (row, column):
            return None
        _, height, width = self.shape
        flat = (channel * height + row) * width + column
        _, height, width = self.made
        return Unit(self.path, flat // (height * width), flat // width % height, flat % width)


@dataclass(frozen=True, eq=False)
class Reads:
    """The numbers that one number was computed from, all in one tensor."""

    source: Source
    channels: NDArray[np.int64]  # (n,)
    rows: NDArray[np.int64]  # (kh,), PADDED among them
    columns: NDArray[np.int64]  # (kw,)
    values: Numbers  # (n, kh, kw)

    def unit(self, index: int, row: int, column: int) -> Unit | None:
        """Where `values[index, row, column]` comes from."""
        place = self.channels[index], self.rows[row], self.columns[column]
        return self.source.unit(*map(int, place))


@dataclass(frozen=True, eq=False)
class Products:
    """A convolution or a linear layer: numbers times weights, added up."""

    reads: Reads
    kernel: Numbers  # (n, kh, kw)
    bias: float | None

    @property
    def products(self) -> Numbers:
        """(n, kh, kw)."""
        return self.reads.values * self.kernel

    @property
    def by_channel(self) -> Numbers:
        """(n,): the sum of the products with each channel that is read."""
        sums: Numbers = self.products.sum((1, 2))
        return sums

    @property
    def total(self) -> float:
        """The sum with the bias."""
        return float(self.products.sum()) + (self.bias or 0.0)


@dataclass(frozen=True, eq=False)
class Pooled:
    """The largest number of a window, or the mean of its numbers."""

    reads: Reads  # one channel; padding is -inf where the largest is taken
    divisor: float | None  # what the sum is divided by; None: the largest counts

    @property
    def winner(self) -> tuple[int, int]:
        """Row and column in the window of its largest number, the first of equal ones."""
        row, column = np.unravel_index(self.reads.values[0].argmax(), self.reads.values.shape[1:])
        return int(row), int(column)

    @property
    def total(self) -> float:
        """The largest number, or the mean."""
        values = self.reads.values
        return float(values.max() if self.divisor is None else values.sum() / self.divisor)


@dataclass(frozen=True)
class Term:
    """A number that an operation takes, and where it comes from."""

    value: float
    unit: Unit | None  # None: a constant, or a parameter


@dataclass(frozen=True)
class Applied:
    """A function of one number: ReLU."""

    name: str
    before: Term
    total: float


@dataclass(frozen=True)
class Normalized:
    """(x - mean) / spread * scale + shift."""

    before: Term
    mean: float
    spread: float
    scale: float
    shift: float
    numbers: int  # of this image that mean and spread are of; 0: kept from the training

    @property
    def total(self) -> float:
        """What that comes to."""
        return (self.before.value - self.mean) / self.spread * self.scale + self.shift


@dataclass(frozen=True)
class Joined:
    """Several numbers added or multiplied."""

    sign: str  # + or ×
    terms: tuple[Term, ...]

    @property
    def total(self) -> float:
        """Their sum or product."""
        values = [term.value for term in self.terms]
        return float(sum(values) if self.sign == "+" else prod(values))


@dataclass(frozen=True)
class Shared:
    """Softmax: e to the power of a number, as a share of the sum of that of several numbers."""

    before: Term
    numbers: int  # that the sum is over, with this one
    log_sum: float  # the natural logarithm of the sum, which may be more than a float holds
    is_log: bool  # whether the layer gives the logarithm of the share

    @property
    def total(self) -> float:
        """The share, or its logarithm."""
        log_share = self.before.value - self.log_sum
        return log_share if self.is_log else exp(log_share)


@dataclass(frozen=True)
class Gated:
    """A number times the sigmoid of another one."""

    before: Term
    gate: Term

    @property
    def terms(self) -> tuple[Term, Term]:
        """Both numbers."""
        return self.before, self.gate

    @property
    def total(self) -> float:
        """The product; written so that no power overflows."""
        return self.before.value * 0.5 * (1 + tanh(self.gate.value / 2))


@dataclass(frozen=True)
class Copied:
    """A number as it stood elsewhere; without a unit, one that padding has put there."""

    before: Term

    @property
    def total(self) -> float:
        """The number."""
        return self.before.value


How = Products | Pooled | Applied | Normalized | Joined | Shared | Gated | Copied


@dataclass(frozen=True, eq=False)
class Explanation:
    """One number of a map, and how it came about."""

    unit: Unit
    operation: str  # Conv2d, relu, as in the analysis
    value: float  # as it stands in the map
    how: How | None  # None: this kind of layer is not explained

    @property
    def total(self) -> float | None:
        """What the explanation comes to: the value but for float32's rounding."""
        return None if self.how is None else self.how.total
