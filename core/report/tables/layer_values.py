"""What layers gave for one image, as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.inside.arrays_records import LayerSummary
from core.report.picture.all_channels import as_maps
from core.specs import LabError

MOST_ROWS = 500_000  # of a CSV file, which spreadsheets and patience allow


def values_frame(path: str, values: NDArray[np.floating]) -> pd.DataFrame:
    """One row a number: path, channel, row, column, value.

    Raises LabError for more numbers than a table should have.
    """
    if values.size > MOST_ROWS:
        raise LabError(
            "{path} has {numbers:,} numbers, and a table holds up to {most:,}: take them as NPZ.",
            path=path,
            numbers=values.size,
            most=MOST_ROWS,
        )
    maps = as_maps(values)
    channel, row, column = np.indices(maps.shape).reshape(3, -1)
    columns = {"channel": channel, "row": row, "column": column, "value": maps.ravel()}
    return pd.DataFrame({"path": path} | columns)


def summary_frame(layers: Sequence[LayerSummary], network: str, image: str) -> pd.DataFrame:
    """One row a layer; `network` and `image` say what the numbers are of."""
    rows = [
        {
            "network": network,
            "image": image,
            "path": layer.path,
            "shape": "×".join(map(str, layer.shape)),
            "min": layer.low,
            "max": layer.high,
            "mean": layer.mean,
            "share_of_zeros": layer.zeros,
            "not_finite": layer.not_finite,
        }
        for layer in layers
    ]
    return pd.DataFrame(rows)
