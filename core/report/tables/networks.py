"""Whole networks as tables: totals, memory, sweeps, what runs have reached. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean

import pandas as pd

from core.analysis.records import Analysis, SweepPoint
from core.report.tables.columns import condition_columns, model_columns
from core.specs import ModelSpec
from core.studies.conditions import Condition


def comparison_frame(
    analyses: Iterable[Analysis],
    batch_size: int,
    accuracies: Mapping[ModelSpec, tuple[float, Condition]],
) -> pd.DataFrame:
    """One row a network: totals, training memory at `batch_size`, the best accuracy of its runs.

    With the condition under which that was reached; the batch size of the training stands in
    `trained_batch_size`.
    """
    rows = []
    for analysis in analyses:
        accuracy, condition = accuracies.get(analysis.spec, (None, None))
        reached = condition_columns(condition) if condition else {"dataset": ""}
        if "batch_size" in reached:
            reached["trained_batch_size"] = reached.pop("batch_size")
        rows.append(
            model_columns(analysis.spec)
            | asdict(analysis.totals)
            | {
                "batch_size": batch_size,
                "training_bytes": analysis.training_bytes(batch_size),
                "inference_bytes": analysis.inference_bytes(batch_size),
                "best_accuracy": accuracy,
            }
            | reached
        )
    return pd.DataFrame(rows)


def accuracy_frame(
    reached: Iterable[tuple[Analysis, Sequence[float]]], condition: Condition
) -> pd.DataFrame:
    """One row a network: what its runs under one condition have reached, and its cost."""
    return pd.DataFrame(
        [
            model_columns(analysis.spec)
            | condition_columns(condition)
            | {
                "runs": len(accuracies),
                "mean_accuracy": fmean(accuracies),
                "lowest_accuracy": min(accuracies),
                "highest_accuracy": max(accuracies),
                "macs": analysis.totals.macs,
                "params": analysis.totals.params,
            }
            for analysis, accuracies in reached
        ]
    )


def sweep_frame(points: Iterable[SweepPoint], batch_size: int) -> pd.DataFrame:
    """One row a position of the slider."""
    return pd.DataFrame(
        [
            model_columns(point.analysis.spec)
            | asdict(point.analysis.totals)
            | {
                "batch_size": batch_size,
                "training_bytes": point.analysis.training_bytes(batch_size),
            }
            for point in points
        ]
    )


def memory_frame(analysis: Analysis, batch_size: int, momentum: bool, threads: int) -> pd.DataFrame:
    """One row: the parts of a training step at its worst moment, and inference, in bytes."""
    memory = analysis.training_memory(batch_size, momentum, threads)
    return pd.DataFrame(
        [
            model_columns(analysis.spec)
            | {"batch_size": batch_size, "momentum": momentum, "threads": threads}
            | {f"{name}_bytes": size for name, size in asdict(memory).items()}
            | {
                "training_bytes": memory.total,
                "inference_bytes": analysis.inference_bytes(batch_size),
            }
        ]
    )
