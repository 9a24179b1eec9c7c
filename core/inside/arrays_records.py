"""The numbers of a whole pass in short. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.analysis.records import Shape

MOST_ARRAY_BYTES = 256 * 2**20  # of all layers together in one file


@dataclass(frozen=True)
class LayerSummary:
    """What one layer gave for one image."""

    path: str
    shape: Shape  # without the batch
    low: float  # of the finite numbers, like high and mean; nan where there are none
    high: float
    mean: float
    zeros: float  # share of all numbers
    not_finite: int  # how many are infinite or none at all
