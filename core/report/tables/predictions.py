"""What a network says to the test images, as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.data.catalogue import find_dataset
from core.jobs.predictions import Predictions
from core.jobs.store import Run
from core.language import _
from core.report.tables.columns import run_columns


def prediction_frame(run: Run, predictions: Predictions) -> pd.DataFrame:
    """One row a test image of the run's data set: true and predicted class, all probabilities."""
    names = find_dataset(run.spec.dataset).class_names
    frame = pd.DataFrame(
        {
            "image": range(len(predictions.labels)),
            "label": [names[label] for label in predictions.labels],
            "predicted": [class_name(names, index) for index in predictions.predicted],
            "confidence": predictions.confidence,
            "right": predictions.predicted == predictions.labels,
        }
    )
    for index in range(predictions.probabilities.shape[1]):
        frame[f"p({class_name(names, index)})"] = predictions.probabilities[:, index]
    run_key = pd.DataFrame([run_columns(run.id, run.spec)] * len(frame))
    return pd.concat([run_key, frame], axis=1)


def confusion_frame(run: Run, matrix: NDArray[np.int64], names: Sequence[str]) -> pd.DataFrame:
    """One row a pair of true and predicted class, also those that never happened."""
    totals = matrix.sum(1)
    return pd.DataFrame(
        [
            run_columns(run.id, run.spec)
            | {
                "label": names[row],
                "predicted": names[column],
                "images": int(matrix[row, column]),
                "share_of_label": matrix[row, column] / max(1, totals[row]),
            }
            for row in range(len(names))
            for column in range(len(names))
        ]
    )


def class_name(names: tuple[str, ...], index: int) -> str:
    """The class's name; its number where the network has more outputs than the data classes."""
    return names[index] if index < len(names) else _("output {number}", number=index)
