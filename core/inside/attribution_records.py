"""What speaks for a class in one image, as numbers. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, prod, sqrt

import numpy as np
from numpy.typing import NDArray

from core.analysis.records import Analysis, LayerCost
from core.language import N_
from core.specs import LabError

Map = NDArray[np.float32]  # (H, W)


class Method(StrEnum):
    """How a class's score is shared out among places of the image."""

    GRAD_CAM = "grad-cam"
    OCCLUSION = "occlusion"
    INTEGRATED = "integrated-gradients"


class Finding(StrEnum):
    """Why a map says nothing about places; SAYS where it does."""

    SAYS = N_("says")
    NO_MAP = N_("no map")  # no layer's output lies over the image
    ONE_CELL = N_("one cell")  # the layer's map is a single cell
    DEAD_MAP = N_("dead map")  # the layer's map is zero everywhere
    NOTHING_FOR = N_("nothing for")  # every cell speaks against the class: ReLU leaves zeros
    ZERO = N_("zero")
    FLAT = N_("flat")  # the same number everywhere: scaled to 0..1 it would be 0 / 0
    NOT_FINITE = N_("not finite")
    NO_GRADIENT = N_("no gradient")  # the score comes about without gradients


@dataclass(frozen=True)
class Question:
    """What is asked about one image and one network."""

    method: Method
    target: int  # the class
    against: int | None = None  # a class whose score is taken off; None: none
    layer: str = ""  # Grad-CAM: path of the row whose map is taken; "": `default_layer`
    baseline: float = (
        0.0  # the gray value, 0 to 1, that says nothing: of a cover, of a path's begin
    )
    random_seed: int | None = None  # weights drawn by this seed in place of the learned ones
    random_down_to: str = ""  # only from the last layer up to this path; "": in every layer


@dataclass(frozen=True, eq=False)
class Attribution:
    """A map over the image: how much each place speaks for the class, in units of its score."""

    question: Question
    values: Map  # (H, W), of the image as the network reads it
    cells: Map  # (h, w): as it was computed; Grad-CAM's is as large as its layer's map
    finding: Finding
    score: float  # of the class, before softmax, less that of the class `against`
    layer: str = ""  # Grad-CAM: path of the row
    channels: int = 0  # Grad-CAM: of that row's map
    before_relu: tuple[float, float] | None = None  # Grad-CAM: lowest and highest cell
    grid: Grid | None = None  # occlusion
    steps: int = 0  # integrated gradients: points of the path
    baseline_score: float | None = None  # integrated gradients: score where the path begins

    @property
    def low(self) -> float:
        """The least value that is a number."""
        return float(np.min(self.values, where=np.isfinite(self.values), initial=np.inf))

    @property
    def high(self) -> float:
        """The greatest value that is a number."""
        return float(np.max(self.values, where=np.isfinite(self.values), initial=-np.inf))

    @property
    def places(self) -> int:
        """How many places it tells apart: cells, or windows side by side."""
        if self.grid is None:
            return self.cells.size
        return prod(map(ceil, np.divide(self.values.shape, self.grid.window)))

    @property
    def completeness_error(self) -> float | None:
        """Sum of integrated gradients, less what they should add up to; None for other methods."""
        if self.baseline_score is None:
            return None
        return float(self.cells.sum(dtype=np.float64)) - (self.score - self.baseline_score)


# Which maps, windows and steps -------------------------------------------------------------------


def map_layers(analysis: Analysis) -> tuple[LayerCost, ...]:
    """The rows whose result lies over the image with more than one cell, in order of execution."""
    return tuple(row for row in _over_image(analysis) if max(row.output_shape[2:]) > 1)


def default_layer(analysis: Analysis) -> str:
    """Path of the last map with more than one cell, else of the last one; "": there is none."""
    rows = map_layers(analysis) or tuple(_over_image(analysis))
    return rows[-1].path if rows else ""


def last_map(analysis: Analysis) -> str:
    """Path of the last map, also of one cell; "" where there is none."""
    rows = _over_image(analysis)
    return rows[-1].path if rows else ""


def _over_image(analysis: Analysis) -> list[LayerCost]:
    return [row for row in analysis.layers if row.inputs and _lies_over(row, analysis)]


_ROUNDING = 2  # cells by which padding and strides may bend a map's shape


def _lies_over(row: LayerCost, analysis: Analysis) -> bool:
    """Whether its result is (1, C, H, W) of the image's shape: one of (1, H, W, C) is not."""
    if len(row.output_shape) != 4 or len(analysis.input_shape) != 3:
        return False
    (height, width), (rows, columns) = analysis.input_shape[1:], row.output_shape[2:]
    bent = abs(rows * width - columns * height)
    return rows <= height and columns <= width and bent <= _ROUNDING * max(height, width)


def random_layers(analysis: Analysis) -> tuple[str, ...]:
    """Paths of the modules with parameters, the last one first."""
    rows = [row for row in analysis.layers if row.is_module and row.weight_bytes]
    return tuple(row.path for row in reversed(rows))


def layers_down_to(analysis: Analysis, path: str) -> tuple[str, ...]:
    """`random_layers` from the last up to `path`; raises LabError where that is none of them."""
    paths = random_layers(analysis)
    if path not in paths:
        raise LabError(
            "This network has no parameters in {path}; choose one of its layers.", path=repr(path)
        )
    return paths[: paths.index(path) + 1]


@dataclass(frozen=True)
class Grid:
    """Where a cover is laid: pairs are (height, width) in pixels of the network's image."""

    window: tuple[int, int]
    stride: tuple[int, int]
    counts: tuple[int, int]  # positions along each side

    @property
    def windows(self) -> int:
        """Images that the network reads."""
        return self.counts[0] * self.counts[1]


_MOST_WINDOWS, _FEWEST_WINDOWS = 1_000, 49
_MOST_STEPS, _FEWEST_STEPS = 64, 16
WORK = 15e9  # multiply-adds of a map: about a second on one core
_STEP_PASSES = 3  # forward passes that a point of the path costs, as measured
_ACROSS = 7  # windows side by side that cover the image


def occlusion_grid(sides: tuple[int, int], macs: int) -> Grid:
    """Windows of a seventh of the image, as close as 1,000 of them and a second of work allow.

    `macs`: multiply-adds of the network for one image.
    """
    most = min(_MOST_WINDOWS, max(_FEWEST_WINDOWS, int(WORK / max(1, macs))))
    window = _pair([max(1, round(side / _ACROSS)) for side in sides])
    for stride in range(1, max(sides) + 1):
        # A stride longer than the window would leave pixels that are never covered
        strides = _pair([min(stride, side) for side in sides])
        wide = _pair([max(size, step) for size, step in zip(window, strides, strict=True)])
        counts = _pair(
            [
                ceil((side - size) / step) + 1
                for side, size, step in zip(sides, wide, strides, strict=True)
            ]
        )
        grid = Grid(wide, strides, counts)
        if grid.windows <= most:
            break
    return grid


def _pair(values: list[int]) -> tuple[int, int]:
    return values[0], values[1]


def integration_steps(macs: int) -> int:
    """Points of the path from baseline to image: as many as a second of work allows, up to 64.

    `macs`: multiply-adds of the network for one image.
    """
    return min(_MOST_STEPS, max(_FEWEST_STEPS, int(WORK / max(1, _STEP_PASSES * macs))))


def work(method: Method, sides: tuple[int, int], macs: int) -> int:
    """Multiply-adds that a map takes of a network that spends `macs` on an image."""
    if method is Method.OCCLUSION:
        return macs * occlusion_grid(sides, macs).windows
    return macs * _STEP_PASSES * (integration_steps(macs) if method is Method.INTEGRATED else 1)


# What a map shows --------------------------------------------------------------------------------

_EQUAL = 1e-6  # of the largest: numbers that differ by less are taken for the same


def finding_of(values: Map) -> Finding:
    """What a map says by its numbers alone."""
    if not np.isfinite(values).all():
        return Finding.NOT_FINITE
    if not values.any():
        return Finding.ZERO
    is_flat = np.ptp(values) <= _EQUAL * np.abs(values).max()
    return Finding.FLAT if is_flat else Finding.SAYS


@dataclass(frozen=True)
class Agreement:
    """How far two maps say the same; None where one of them says nothing."""

    rank: float | None  # Spearman's ρ of the values
    rank_of_sizes: float | None  # the same of their absolute values
    linear: float | None  # Pearson's r of the values
    places: int  # that the maps tell apart

    @property
    def strongest(self) -> float | None:
        """The rank correlation, of values or of their sizes, that is further from none."""
        ranks = [rank for rank in (self.rank, self.rank_of_sizes) if rank is not None]
        return max(ranks, key=abs) if ranks else None

    @property
    def by_chance(self) -> float:
        """What |ρ| of unrelated maps with independent places exceeds once in twenty."""
        return 1.96 / sqrt(max(1, self.places - 1))


def agreement(first: Attribution, second: Attribution) -> Agreement | None:
    """Of two maps of one image, cell by cell; pixel by pixel where their cells are others.

    None where they are not over the same image, or one of them says nothing.
    """
    if first.finding is not Finding.SAYS or second.finding is not Finding.SAYS:
        return None
    pairs = ((first.cells, second.cells), (first.values, second.values))
    for a, b in pairs:
        if a.shape == b.shape:
            sizes = np.abs(a), np.abs(b)
            places = min(first.places, second.places)
            return Agreement(_spearman(a, b), _spearman(*sizes), _pearson(a, b), places)
    return None


def _spearman(first: Map, second: Map) -> float | None:
    return _pearson(_ranks(first), _ranks(second))


def _ranks(values: Map) -> NDArray[np.float64]:
    """1 for the least; equal values share the mean of their ranks."""
    _, group, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    last = counts.cumsum()
    mean: NDArray[np.float64] = (last - (counts - 1) / 2)[group]
    return mean


def _pearson(first: NDArray[np.floating], second: NDArray[np.floating]) -> float | None:
    a, b = (values.ravel().astype(np.float64) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else None
