"""Studies, verdicts and the reproduction as tables of plain numbers. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from core.report.tables.columns import condition_columns, model_columns
from core.specs import ModelSpec
from core.studies.conditions import Condition
from core.studies.reproduction import Reproduction
from core.studies.statistics import Comparison, Mean
from core.studies.study import Group

_SUMMARY_COLUMNS = (
    *("variant", "network", "ratio", "image_size", "in_channels", "num_classes", "options"),
    *("dataset", "train_images", "recipe", "epochs", "batch_size", "device"),
    *("runs", "finished", "failed", "seeds"),
    *("final_accuracy_mean", "final_accuracy_low", "final_accuracy_high"),
    *("best_accuracy_mean", "best_accuracy_low", "best_accuracy_high"),
    *("params", "macs", "seconds_mean", "dead_parameters", "dead_parameter_names"),
    *("learning_rate", "momentum", "nesterov", "weight_decay", "max_gradient_norm", "schedule"),
    *("initialisation", "normalise", "bfloat16", "optimizer", "label_smoothing"),
)


def summary_frame(
    groups: Sequence[Group], costs: Mapping[ModelSpec, tuple[int, int]]
) -> pd.DataFrame:
    """One row a variant: accuracies as fractions with 95 % bounds, cost, seconds.

    `costs` holds parameters and multiply-adds an image of each network.
    """
    return pd.DataFrame([_summary_row(group, costs) for group in groups], columns=_SUMMARY_COLUMNS)


def _summary_row(group: Group, costs: Mapping[ModelSpec, tuple[int, int]]) -> dict[str, Any]:
    """One variant."""
    spec, dead = group.runs[0].spec, group.dead_parameters
    params, macs = costs.get(group.model, (None, None))
    return (
        {"variant": group.title}
        | model_columns(group.model)
        | {
            **condition_columns(Condition(spec.dataset, spec.train_images, spec.recipe)),
            "device": " ".join(dict.fromkeys(run.spec.device for run in group.runs)),
            "runs": len(group.runs),
            "finished": len(group.final_accuracies),
            "failed": sum(str(run.state) == "failed" for run in group.runs),
            "seeds": " ".join(map(str, group.final_accuracies)),
        }
        | _bounds("final_accuracy", group.final)
        | _bounds("best_accuracy", group.best)
        | {
            "params": params,
            "macs": macs,
            "seconds_mean": group.seconds,
            "dead_parameters": sum(dead.values()),
            "dead_parameter_names": " ".join(dead),
        }
    )


def _bounds(name: str, mean: Mean | None) -> dict[str, float | None]:
    """A mean and its interval as three columns."""
    return {
        f"{name}_mean": mean.mean if mean else None,
        f"{name}_low": mean.low if mean else None,
        f"{name}_high": mean.high if mean else None,
    }


def pair_frame(pairs: Sequence[Comparison]) -> pd.DataFrame:
    """One row a pair: difference with its interval as fractions, p, Holm's p, seeds needed."""
    return pd.DataFrame(
        [
            asdict(pair)
            | {
                "seeds": " ".join(map(str, pair.seeds)),
                "can_be_told_apart": pair.is_decided,
                "seeds_needed_for_0.1_points": pair.seeds_needed,
            }
            for pair in pairs
        ]
    )


def reproduction_frame(rows: Sequence[Reproduction]) -> pd.DataFrame:
    """One row a published setting, beside ours; accuracies as fractions."""
    return pd.DataFrame(
        [
            {"run": row.title}
            | model_columns(row.model)
            | {
                "dataset": row.dataset,
                "recipe": row.recipe,
                "epochs": row.epochs,
                "published_final_accuracy": row.published.final if row.published else None,
                "published_binomial_half_interval": (
                    row.published.interval if row.published else None
                ),
                "source": row.published.source if row.published else "",
                "published_remark": row.published.remark if row.published else "",
                "our_seeds": " ".join(str(run.seed) for run in row.runs),
            }
            | _bounds("our_final_accuracy", row.final)
            | {"difference": row.difference, "machine": row.machines, "date": row.date}
            for row in rows
        ]
    )
