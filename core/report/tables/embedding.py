"""Test images in two dimensions as a table. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.inside.embedding_records import Embedding
from core.report.tables.predictions import class_name


def positions_frame(
    images: NDArray[np.int64], positions: NDArray[np.floating] | Sequence[Sequence[float]]
) -> pd.DataFrame:
    """One row a test image: its index in the set, and where it lies."""
    where = np.asarray(positions).reshape(-1, 2)
    return pd.DataFrame({"image": images, "x": where[:, 0], "y": where[:, 1]})


def embedding_frame(
    embedding: Embedding, positions: NDArray[np.floating], names: tuple[str, ...]
) -> pd.DataFrame:
    """The same with its classes: the true one, the predicted one, and that of the images around."""
    frame = positions_frame(embedding.images, positions)
    for column, classes in (
        ("label", embedding.labels),
        ("predicted", embedding.predicted),
        ("most_around", embedding.around),
    ):
        frame[column] = [class_name(names, int(index)) for index in classes]
    frame["confidence"] = embedding.confidence
    frame["right"] = ~embedding.wrong
    return frame
