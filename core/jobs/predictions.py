"""The predictions of a run's best parameters, kept beside them. Imports no torch.

The file's name holds the parameters' hash, so predictions of other parameters are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from core.data.catalogue import find_dataset
from core.jobs.files import predictions_name, run_folder
from core.jobs.store import Run
from core.storage.files_place import files_place


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says to each test image."""

    probabilities: NDArray[np.float32]  # (images, classes)
    labels: NDArray[np.uint8]  # (images,), the true classes

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(images,): the class with the highest probability."""
        return self.probabilities.argmax(1)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(images,): the probability of the predicted class."""
        return self.probabilities.max(1)

    @property
    def accuracy(self) -> float:
        """Fraction of the images that are right."""
        return int((self.predicted == self.labels).sum()) / len(self.labels)

    def confusion(self, classes: int) -> NDArray[np.int64]:
        """(true class, predicted class): counts."""
        matrix = np.zeros((classes, classes), np.int64)
        np.add.at(matrix, (self.labels, self.predicted), 1)
        return matrix

    def mistakes(self) -> NDArray[np.int64]:
        """Indices of the wrong images, the most confident first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]


def _place_of(run: Run) -> str | None:
    """Where the predictions of the run's best parameters lie; None for a run without any."""
    name = predictions_name(run)
    return f"{run_folder(run)}/{name}" if name else None


def keep_predictions(run: Run, probabilities: NDArray[np.float32]) -> None:
    """Write them into the run's folder. Raises CannotWrite."""
    name = _place_of(run)
    if name is None:
        return

    def write(target: Path) -> None:
        with open(target, "wb") as file:
            np.savez_compressed(file, probabilities=probabilities)

    files_place().write(name, write)


def read_predictions(run: Run, labels: NDArray[np.uint8]) -> Predictions | None:
    """The kept predictions, None where there are none or the file is not what was written.

    `labels` are those of the test images of the run's data set.
    """
    name = _place_of(run)
    if name is None:
        return None
    try:
        with np.load(files_place().fetch(name), allow_pickle=False) as file:
            probabilities = np.asarray(file["probabilities"], np.float32)
    except (OSError, KeyError, ValueError, EOFError, BadZipFile):
        return None
    classes = len(find_dataset(run.spec.dataset).class_names)
    shape = probabilities.shape
    complete = len(shape) == 2 and shape[0] == len(labels) and shape[1] >= classes
    return Predictions(probabilities, labels) if complete else None
