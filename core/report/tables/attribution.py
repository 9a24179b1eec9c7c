"""Maps of what speaks for a class, as tables and as one file of arrays. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.inside.attribution_records import Agreement, Attribution, Finding
from core.inside.weights import Weights
from core.language import _
from core.report.arrays import npz_bytes
from core.report.sentences.attribution import TITLES
from core.report.tables.columns import model_columns
from core.report.tables.predictions import class_name


@dataclass(frozen=True, eq=False)
class ShownMap:
    """A map as the page shows it."""

    name: str  # first, other, random: of its arrays in a file
    network: str  # in words
    weights: Weights
    image: NDArray[np.uint8]  # (H, W) or (3, H, W) as its network reads it, before scaling
    found: Attribution
    like_first: Agreement | None = None  # as the first network's map of this method

    @property
    def file_part(self) -> str:
        """`grad-cam-first`."""
        return f"{self.found.question.method}-{self.name}"

    @property
    def parameters(self) -> str:
        """`learned`, or how random ones came about."""
        question = self.found.question
        if question.random_seed is None:
            return _("as chosen")
        down_to = question.random_down_to
        if down_to:
            return _(
                "random from the last layer up to {layer}, seed {seed}",
                layer=down_to,
                seed=question.random_seed,
            )
        return _("random, seed {seed}", seed=question.random_seed)


def summary_frame(maps: Sequence[ShownMap]) -> pd.DataFrame:
    """One row a map: its score, its range, where it is strongest, how much it is like the first."""
    return pd.DataFrame([_summary(shown) for shown in maps])


def _summary(shown: ShownMap) -> dict[str, object]:
    found, alike = shown.found, shown.like_first
    says = found.finding is Finding.SAYS
    row, column = np.unravel_index(int(found.values.argmax()), found.values.shape)
    return {
        "method": _(TITLES[found.question.method]),
        "network": shown.network,
        "parameters": shown.parameters,
        "score": found.score,
        "lowest": found.low if says else None,
        "highest": found.high if says else None,
        "row": int(row) if says else None,
        "column": int(column) if says else None,
        "finding": found.finding.value,
        "rank_correlation": alike.rank if alike else None,
        "rank_correlation_of_sizes": alike.rank_of_sizes if alike else None,
        "correlation": alike.linear if alike else None,
        "completeness_error": found.completeness_error,
    }


def attribution_frame(
    maps: Sequence[ShownMap], image_name: str, names: Sequence[str]
) -> pd.DataFrame:
    """One row a cell of each map, as it was computed; row and column count from the upper left."""
    return pd.concat([_cells(shown, image_name, tuple(names)) for shown in maps])


def _cells(shown: ShownMap, image_name: str, names: tuple[str, ...]) -> pd.DataFrame:
    found, question = shown.found, shown.found.question
    height, width = found.cells.shape
    against = "" if question.against is None else class_name(names, question.against)
    rows, columns = np.indices((height, width))
    return pd.DataFrame(
        {
            **model_columns(shown.weights.spec),
            "seed": shown.weights.seed,
            "sha256": shown.weights.sha256,
            "parameters": shown.parameters,
            "image": image_name,
            "method": str(question.method),
            "class": class_name(names, question.target),
            "rather_than": against,
            "layer": found.layer,
            "cells": f"{height}x{width}",
            "row": rows.ravel(),
            "column": columns.ravel(),
            "value": found.cells.ravel(),
        }
    )


def attribution_npz(maps: Sequence[ShownMap]) -> bytes:
    """The image, and each map at the image's size and as it was computed, as numpy's NPZ."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for shown in maps:
        arrays[f"image-{shown.name}"] = shown.image
        arrays[shown.file_part] = shown.found.values
        arrays[f"{shown.file_part}-cells"] = shown.found.cells
    return npz_bytes(arrays)
