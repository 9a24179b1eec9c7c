"""What a measurement is told about a network with its parameters, and the data set."""

from __future__ import annotations

from typing import Any

from core.data.catalogue import DatasetInfo
from pages.views.inside.chosen import Subject


def weights_fields(subject: Subject, data: DatasetInfo) -> dict[str, Any]:
    """The fields of a `WeightsRequest` about this network."""
    weights = subject.weights
    return {
        "model": weights.spec,
        "dataset": data.name,
        "run": subject.run.id if subject.run and weights.file else None,
        "parameters_sha256": weights.sha256,
        "initialization": weights.initialization,
        "seed": weights.seed,
        "mean": weights.mean,
        "std": weights.std,
    }
