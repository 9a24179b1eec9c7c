"""Gradient flow, predictions and growth as tables that describe themselves. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.analysis.records import Analysis
from core.data.catalogue import find_dataset
from core.explain.growth import GrowthStep
from core.jobs.predictions import Predictions
from core.jobs.store import Run
from core.measure.branch_norms import BranchNorm
from core.measure.gradient_records import QUANTITIES, GradientFlow
from core.report.sentences.gradients import first_and_last
from core.report.tables.tables import model_columns, run_columns


def flow_frame(found: GradientFlow) -> pd.DataFrame:
    """One row a layer of each network; medians, and the lowest and highest seed."""
    rows: list[dict[str, Any]] = []
    for flow in found.networks:
        network = model_columns(flow.model) | {
            "state": flow.state,
            "run": flow.run,
            "dataset": found.dataset if flow.run is None else "that of the run",
            "batch_size": found.batch_size,
            "seeds": flow.seeds,
            "machine": found.machine,
        }
        for layer in flow.layers:
            row = network | {"layer": layer.path, "depth": layer.depth, "weights": layer.weights}
            for name in QUANTITIES:
                spread = getattr(layer, name)
                row |= {name: spread.median, f"{name}_low": spread.low, f"{name}_high": spread.high}
            rows.append(row)
    return pd.DataFrame(rows)


def first_and_last_frame(found: GradientFlow) -> pd.DataFrame:
    """One row a network: what of the last layer's gradient arrives at the first one."""
    rows = []
    for flow in found.networks:
        weights, outputs = (
            first_and_last(flow, "weight_gradient"),
            first_and_last(flow, "output_gradient"),
        )
        gains = [block.gain.median for block in flow.blocks]
        rows.append(
            model_columns(flow.model)
            | {
                "state": flow.state,
                "run": flow.run,
                "layers": len(flow.main_path),
                "first_by_last_weight_gradient": weights.ratio if weights else None,
                "first_by_last_output_gradient": outputs.ratio if outputs else None,
                "factor_a_layer": weights.a_layer if weights else None,
                "lowest_block_gain": min(gains, default=None),
                "highest_block_gain": max(gains, default=None),
            }
        )
    return pd.DataFrame(rows)


def growth_frame(analysis: Analysis, steps: Iterable[GrowthStep]) -> pd.DataFrame:
    """One row a dense layer or transition of a DenseNet: channels, sides, costs an image."""
    network = model_columns(analysis.spec)
    rows = []
    for step in steps:
        values = asdict(step)
        del values["convolutions"]
        rows.append(network | {"step": values.pop("name")} | values)
    return pd.DataFrame(rows)


def prediction_frame(run: Run, found: Predictions) -> pd.DataFrame:
    """One row a test image of the run's data set: true and predicted class, all probabilities."""
    names = find_dataset(run.spec.dataset).class_names
    frame = pd.DataFrame(
        {
            "image": range(len(found.labels)),
            "label": [names[label] for label in found.labels],
            "predicted": [class_name(names, index) for index in found.predicted],
            "confidence": found.confidence,
            "right": found.predicted == found.labels,
        }
    )
    for index in range(found.probabilities.shape[1]):
        frame[f"p({class_name(names, index)})"] = found.probabilities[:, index]
    which = pd.DataFrame([run_columns(run.id, run.spec)] * len(frame))
    return pd.concat([which, frame], axis=1)


def branch_frame(run: Run, norms: Iterable[BranchNorm]) -> pd.DataFrame:
    """One row a branch of each Inception block of a run."""
    which = run_columns(run.id, run.spec)
    return pd.DataFrame([which | asdict(one) | {"growth": one.growth} for one in norms])


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
    return names[index] if index < len(names) else f"output {index}"
