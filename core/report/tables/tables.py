"""Records to DataFrames and to CSV that spreadsheets open safely. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from core.analysis.records import Analysis, LayerCost, SweepPoint
from core.explain.formulas import formulas
from core.explain.hand_count.check import HandCount
from core.explain.reconcile import Account
from core.jobs.store import Run
from core.report import formats
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics, LayerTimes, Throughput

FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def model_columns(spec: ModelSpec) -> dict[str, Any]:
    """The columns that say which network a row is about."""
    return {
        "network": spec.arch,
        "ratio": spec.ratio,
        "image_size": spec.image_size,
        "in_channels": spec.in_channels,
        "num_classes": spec.num_classes,
        "options": options_text(spec),
    }


def options_text(spec: ModelSpec) -> str:
    """The options as `name=value` pairs; empty for a network without."""
    return "; ".join(f"{name}={value}" for name, value in spec.options)


def run_columns(run_id: int, spec: RunSpec) -> dict[str, Any]:
    """The columns that say which run a row is about: everything that decides its curve."""
    recipe = asdict(spec.recipe)
    return {
        "run": run_id,
        **model_columns(spec.model),
        "dataset": spec.dataset,
        "train_images": spec.train_images,
        "recipe": recipe.pop("name"),
        **recipe,
        "device": spec.device,
        "seed": spec.seed,
    }


# An empty table has its columns too, so that its CSV has a header.
WHICH_RUN = list(run_columns(0, RunSpec(ModelSpec("lenet"), "mnist", Recipe("fast", 1, 1, 0.1))))
EPOCH_COLUMNS = [*WHICH_RUN, "study", "machine", *EpochMetrics.__dataclass_fields__]
RUN_COLUMNS = [
    *WHICH_RUN,
    *("study", "state", "message", "best_epoch", "best_accuracy", "seconds", "created_at"),
    *("machine", "dead_parameters", "note"),
]


def layer_frame(
    analysis: Analysis, level: str = "module", batch_size: int = 1, layout: str = "NCHW"
) -> pd.DataFrame:
    """One row a layer (or block, or weight layer), each saying which network it belongs to.

    Shapes have N = `batch_size`; MACs, operations and bytes are per image.
    """
    network = model_columns(analysis.spec)
    rows = []
    for row in analysis.rows(level):
        rows.append(
            network
            | {
                "layer": row.path,
                "block": row.block,
                "operation": row.operation,
                "kind": row.kind,
                "input_shape": formats.shape(row.input_shape, layout, batch_size),
                "output_shape": formats.shape(row.output_shape, layout, batch_size),
                "params": row.params,
                "macs": row.macs,
                "backward_macs": row.backward_macs,
                "flops": row.flops,
                "elementwise_ops": row.elementwise_ops,
                "output_bytes": row.output_bytes,
                "saved_bytes": row.saved_bytes,
                "fixed_saved_bytes": row.fixed_saved_bytes,
                "weight_bytes": row.weight_bytes,
                "receptive_field": row.receptive_field,
                "depth": row.depth,
                "reads": " ".join(row.inputs),
                **window_columns(row),
            }
        )
    return pd.DataFrame(rows)


def window_columns(row: LayerCost) -> dict[str, Any]:
    """How the layer slides, as `3×3`; empty for one that does not, and for several in one row."""
    window = row.window
    names = ("kernel", "stride", "padding", "dilation")
    pairs = {name: "×".join(map(str, getattr(window, name))) if window else "" for name in names}
    return pairs | {"groups": window.groups if window else None}


def layer_time_frame(analysis: Analysis, times: LayerTimes) -> pd.DataFrame:
    """One row a layer: what it costs and how long it took on one device, in seconds a batch."""
    costs = {layer.path: layer for layer in analysis.layers}
    network = model_columns(analysis.spec) | {
        "device": times.device,
        "machine": times.machine,
        "batch_size": times.batch_size,
        "passes": times.passes,
    }
    rows = []
    for time in times.layers:
        cost = costs[time.path]
        flops = times.batch_size * cost.flops
        rows.append(
            network
            | {
                "layer": time.path,
                "operation": cost.operation,
                "kind": cost.kind,
                "macs": cost.macs,
                "backward_macs": cost.backward_macs,
                "forward_seconds": time.forward_seconds,
                "backward_seconds": time.backward_seconds,
                "achieved_flops_per_second": (
                    flops / time.forward_seconds if flops and time.forward_seconds else None
                ),
            }
        )
    return pd.DataFrame(rows)


def throughput_frame(found: Throughput) -> pd.DataFrame:
    """One row for each loop, batch size and device: training images and FLOPs a second."""
    spec = RunSpec.from_json(found.spec)
    return pd.DataFrame(
        [
            model_columns(spec.model)
            | {"dataset": spec.dataset, "recipe": spec.recipe.name}
            | asdict(point)
            | {
                "peak_flops_per_second": found.peaks[point.device],
                "share_of_peak": point.flops_per_second / found.peaks[point.device],
                "machine": found.machines[point.device],
            }
            for point in found.points
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


def formula_frame(analysis: Analysis) -> pd.DataFrame:
    """One row a formula of each layer, its numbers filled in."""
    network = model_columns(analysis.spec)
    return pd.DataFrame(
        [
            network | {"layer": layer.path, "operation": layer.operation} | asdict(formula)
            for layer in analysis.layers
            for formula in formulas(layer, analysis.layers)
        ]
    )


def hand_count_frame(analysis: Analysis, found: HandCount) -> pd.DataFrame:
    """One row a term of the hand count, then one for each layer that it leaves out."""
    network = model_columns(analysis.spec) | {"quantity": found.quantity}
    terms: list[dict[str, Any]] = [
        {
            "line": term.line,
            "term": term.text,
            "written": term.written,
            "layer": term.layer or "",
            "exact": term.exact,
            "verdict": term.verdict,
        }
        for term in found.terms
    ]
    missing: list[dict[str, Any]] = [
        {"term": "", "layer": layer.path, "exact": layer.value, "verdict": "left out"}
        for layer in found.missing
    ]
    return pd.DataFrame([network | row for row in [*terms, *missing]])


def account_frame(analysis: Analysis, accounts: Iterable[Account]) -> pd.DataFrame:
    """One row a part of each difference; ours + amounts = theirs."""
    network = model_columns(analysis.spec)
    rows = []
    for account in accounts:
        both = {
            "counter": account.counter,
            "quantity": account.quantity,
            "ours": account.ours,
            "theirs": account.theirs,
        }
        parts = [(part.reason, part.amount) for part in account.parts]
        if account.unexplained or not parts:
            parts.append(("not explained" if account.unexplained else "", account.unexplained))
        rows += [network | both | {"reason": why, "amount": much} for why, much in parts]
    return pd.DataFrame(rows)


def epoch_frame(runs: Iterable[Run], epochs: Mapping[int, Sequence[EpochMetrics]]) -> pd.DataFrame:
    """One row an epoch of each run, complete in itself."""
    rows = [
        run_columns(run.id, run.spec)
        | {"study": run.study or "", "machine": run.machine}
        | asdict(metrics)
        for run in runs
        for metrics in epochs.get(run.id, [])
    ]
    return pd.DataFrame(rows, columns=EPOCH_COLUMNS)


def run_frame(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a run, with its state, settings and best epoch."""
    return pd.DataFrame(
        [
            run_columns(run.id, run.spec)
            | {
                "study": run.study or "",
                "state": str(run.state),
                "message": run.message,
                "best_epoch": run.best_epoch,
                "best_accuracy": run.best_accuracy,
                "seconds": run.seconds,
                "created_at": as_time(run.created_at),
                "machine": run.machine,
                "dead_parameters": sum((run.dead_parameters or {}).values()),
                "note": run.note,
            }
            for run in runs
        ],
        columns=RUN_COLUMNS,
    )


def as_time(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_csv(frame: pd.DataFrame) -> str:
    """CSV text; a text cell that a spreadsheet would run as a formula gets a leading quote."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(defused)
        elif safe[column].isna().any():  # whole numbers stay whole beside empty cells
            safe[column] = safe[column].convert_dtypes()
    return safe.to_csv(index=False, lineterminator="\n")


def defused(cell: Any) -> Any:
    """`=1+1` as `'=1+1`; anything but such a text as it is."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell


def comparison_frame(
    analyses: Iterable[Analysis],
    batch_size: int,
    accuracies: Mapping[ModelSpec, tuple[float, str]],
) -> pd.DataFrame:
    """One row a network: totals, training memory at `batch_size`, the best accuracy of its runs."""
    rows = []
    for analysis in analyses:
        accuracy, dataset = accuracies.get(analysis.spec, (None, ""))
        rows.append(
            model_columns(analysis.spec)
            | asdict(analysis.totals)
            | {
                "batch_size": batch_size,
                "training_bytes": analysis.training_bytes(batch_size),
                "inference_bytes": analysis.inference_bytes(batch_size),
                "best_accuracy": accuracy,
                "dataset": dataset,
            }
        )
    return pd.DataFrame(rows)


def accuracy_frame(
    reached: Iterable[tuple[Analysis, Sequence[float]]], dataset: str
) -> pd.DataFrame:
    """One row a network: what its runs on one data set have reached, as fractions, and its cost."""
    return pd.DataFrame(
        [
            model_columns(analysis.spec)
            | {
                "dataset": dataset,
                "runs": len(accuracies),
                "mean_accuracy": sum(accuracies) / len(accuracies),
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
