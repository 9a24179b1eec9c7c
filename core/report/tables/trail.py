"""The trail of a training, and a network's filters, as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.inside.filters_records import Kernels, Patches
from core.jobs.store import Run
from core.report.tables.columns import run_columns
from core.training.trail_records import BINS, Trail


def trail_frame(run: Run, trail: Trail, names: Sequence[str]) -> pd.DataFrame:
    """One row an epoch and image: what the network takes it for, all probabilities."""
    rows = [
        {
            "epoch": moment.epoch,
            "image": index,
            "label": names[label],
            "predicted": names[int(row.argmax())],
            "confidence": float(row.max()),
            "right": int(row.argmax()) == label,
        }
        | {f"p({names[at]})": float(share) for at, share in enumerate(row)}
        for moment in trail.moments
        if moment.probabilities is not None
        for index, label, row in zip(trail.images, trail.labels, moment.probabilities, strict=True)
    ]
    return _of_run(run, rows)


def weights_frame(run: Run, trail: Trail) -> pd.DataFrame:
    """One row an epoch and layer: mean and deviation of its weights, and its histogram."""
    rows = []
    for moment in trail.moments:
        for path, stats, shares in zip(
            trail.plan.layers, moment.weights, moment.histograms, strict=True
        ):
            named = dict(zip(("lowest", "highest", "mean", "std"), map(float, stats), strict=True))
            bins = {f"bin{index + 1}": float(shares[index]) for index in range(BINS)}
            rows.append({"epoch": moment.epoch, "layer": path} | named | bins)
    return _of_run(run, rows)


def _of_run(run: Run, rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    which = run_columns(run.id, run.spec)
    return pd.DataFrame([which | row for row in rows])


def kernels_frame(kernels: Kernels) -> pd.DataFrame:
    """One row a weight of the filters that are shown: before, after, change."""
    count, inputs, height, width = kernels.after.shape
    places = np.indices((count, inputs, height, width)).reshape(4, -1)
    return pd.DataFrame(
        {
            "layer": kernels.path,
            "filter": kernels.filters[places[0]],
            "input": places[1],
            "row": places[2],
            "column": places[3],
            "before": kernels.before.ravel(),
            "after": kernels.after.ravel(),
            "change": kernels.change.ravel(),
        }
    )


def patches_frame(patches: Patches) -> pd.DataFrame:
    """One row a filter and patch, the most exciting first."""
    filters, count = patches.images.shape
    return pd.DataFrame(
        {
            "layer": patches.path,
            "filter": np.repeat(np.arange(filters), count),
            "rank": np.tile(np.arange(1, count + 1), filters),
            "image": patches.images.ravel(),
            "row": patches.rows.ravel(),
            "column": patches.columns.ravel(),
            "value": patches.values.ravel(),
        }
    )
