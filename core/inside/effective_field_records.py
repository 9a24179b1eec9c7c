"""Which pixels a unit in the middle of a map listens to. Imports no torch."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any
from zlib import compress, decompress

import numpy as np
from numpy.typing import NDArray

from core.analysis.records import Analysis, LayerCost, each_side
from core.inside.row_graph import RowGraph
from core.inside.windows import Box, window_in_image

THRESHOLD = 0.0455  # of the largest value: 1 − 95.45 %, as in arXiv 1701.04128, section 4
_QUICK_WORK = 10**10  # multiply-adds that are computed at once, in half a second or so
_FEWEST, _MOST = 8, 64  # images


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """How strongly a unit's gradient reaches each pixel: (H, W), not negative."""

    values: NDArray[np.float32]

    @property
    def is_nothing(self) -> bool:
        """Whether no gradient arrives at all, or none that is a number."""
        return not (np.isfinite(self.values).all() and self.values.any())

    @property
    def area(self) -> int:
        """Pixels with more than THRESHOLD of the largest value."""
        return 0 if self.is_nothing else int((self.values > THRESHOLD * self.values.max()).sum())

    @property
    def side(self) -> float:
        """Of a square of this area, pixels: the effective size of the paper."""
        return sqrt(self.area)

    def half_side(self, window: Box) -> int:
        """Side of the smallest square around the window's middle with half of the sum, pixels."""
        height, width = self.values.shape
        row, column = (window.top + window.bottom - 1) / 2, (window.left + window.right - 1) / 2
        away = np.maximum(
            abs(np.arange(height)[:, None] - row), abs(np.arange(width)[None, :] - column)
        )
        order = np.argsort(away, axis=None, kind="stable")
        sums = np.cumsum(self.values.ravel()[order], dtype=np.float64)
        reached = np.searchsorted(sums, sums[-1] / 2)
        return round(2 * float(away.ravel()[order[reached]]) + 1)

    def to_dict(self) -> dict[str, Any]:
        """Half precision, packed: of 224 × 224 pixels 100 KiB or less."""
        largest = float(self.values.max(initial=0.0)) or 1.0
        packed = compress((self.values / largest).astype(np.float16).tobytes())
        return {
            "largest": largest,
            "shape": list(self.values.shape),
            "values": b64encode(packed).decode(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EffectiveField:
        """The inverse of `to_dict`."""
        numbers = np.frombuffer(decompress(b64decode(values["values"])), np.float16)
        return cls(numbers.astype(np.float32).reshape(values["shape"]) * values["largest"])


@dataclass(frozen=True, eq=False)
class WindowCounts:
    """The field of the unit in the middle of a layer, as initialized and after training."""

    layer: str
    unit: tuple[int, int]  # row and column in the layer's map
    images: int  # of the test set, that it is the average of
    before: EffectiveField
    after: EffectiveField | None  # None: the network is as initialized

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "layer": self.layer,
            "unit": list(self.unit),
            "images": self.images,
            "before": self.before.to_dict(),
            "after": self.after.to_dict() if self.after else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> WindowCounts:
        """The inverse of `to_dict`."""
        row, column = values["unit"]
        after = values["after"]
        return cls(
            values["layer"],
            (row, column),
            values["images"],
            EffectiveField.from_dict(values["before"]),
            EffectiveField.from_dict(after) if after else None,
        )


def images_averaged(analysis: Analysis, quick: bool) -> int:
    """Over how many images, at once or in a job; both bounded by what they cost."""
    if not quick:
        return 2 * _FEWEST
    each = 2 * 3 * max(1, analysis.totals.macs)  # forward and backward, before and after
    return min(_MOST, _QUICK_WORK // each)


def is_quick(analysis: Analysis) -> bool:
    """Whether it need not be a job."""
    return images_averaged(analysis, quick=True) >= _FEWEST


def middle(layer: LayerCost) -> tuple[int, int]:
    """Row and column of the unit in the middle of its map."""
    return layer.output_shape[2] // 2, layer.output_shape[3] // 2


def theoretical_window(analysis: Analysis, layer: str) -> Box | None:
    """All that the unit in the middle could see, also beyond the border; None: not known."""
    row = next(row for row in analysis.layers if row.path == layer)
    placed = window_in_image(analysis, layer, 0, *middle(row))
    return placed.whole if placed else None


def field_layers(analysis: Analysis) -> dict[str, str]:
    """Rows whose field can be computed → the module that gives their result; "": they are one.

    Maps with a receptive field: of modules, or that a module gives after an operation of its own.
    """
    graph = RowGraph(analysis)
    found: dict[str, str] = {}
    for row in analysis.layers:
        if len(row.output_shape) != 4 or row.receptive_field is None or not row.inputs:
            continue
        module = row.path.rpartition(".")[0]
        if row.is_module:
            found[row.path] = ""
        elif module and graph.ends(module)[1] == {row.path}:
            found[row.path] = module
    return found


def last_map(analysis: Analysis) -> str | None:
    """The last row with a field and more than one place; None where there is none."""
    layers = field_layers(analysis)
    maps = [
        row.path for row in analysis.layers if row.path in layers and max(row.output_shape[2:]) > 1
    ]
    return maps[-1] if maps else None


def field_area(layer: LayerCost) -> int | None:
    """Pixels of the theoretical receptive field, also beyond the border."""
    if layer.receptive_field is None:
        return None
    sides = each_side(layer.receptive_field)
    return sides[0] * sides[-1]
