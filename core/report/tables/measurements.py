"""Measured times, rates, gradients and weights as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from core.analysis.records import Analysis
from core.jobs.store import Run
from core.measure.branch_norms import BranchNorm
from core.measure.first_and_last import first_and_last
from core.measure.gradient_records import QUANTITIES, GradientFlow
from core.measure.learning_rate_records import NOT_FOLLOWED, LearningRates
from core.measure.roofline import RooflinePoint, roofline_points
from core.measure.shipped.device_use import DeviceUse
from core.report.tables.columns import model_columns, run_columns
from core.specs import RunSpec
from core.training.estimate import Estimate
from core.training.records import LayerTimes, StepCost, Throughput


def layer_time_frame(analysis: Analysis, times: LayerTimes) -> pd.DataFrame:
    """One row a layer: what it costs and how long it took on one device, in seconds a batch."""
    costs = {layer.path: layer for layer in analysis.layers}
    points = {(p.path, p.is_backward): p for p in roofline_points(analysis, times)}
    network = model_columns(analysis.spec) | {
        "device": times.device,
        "machine": times.machine,
        "batch_size": times.batch_size,
        "passes": times.passes,
    }
    rows = []
    for time in times.layers:
        cost = costs[time.path]
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
                    times.batch_size * cost.flops / time.forward_seconds
                    if cost.flops and time.forward_seconds
                    else None
                ),
            }
            | _roofline_columns("forward", time.forward_seconds, points.get((time.path, False)))
            | _roofline_columns("backward", time.backward_seconds, points.get((time.path, True)))
        )
    return pd.DataFrame(rows)


def _roofline_columns(
    direction: str, seconds: float, point: RooflinePoint | None
) -> dict[str, Any]:
    """What a layer has to move, would have been let achieve, and the share that it reached in its
    fastest pass; backward also what it achieved in the median's `seconds`.
    """
    achieved = point and point.flops / seconds
    return ({} if direction == "forward" else {"backward_achieved_flops_per_second": achieved}) | {
        f"{direction}_moved_bytes": point and point.moved_bytes,
        f"{direction}_attainable_flops_per_second": point and point.attainable,
        f"{direction}_attained_share": point and point.share,
    }


def throughput_frame(result: Throughput) -> pd.DataFrame:
    """One row for each loop, batch size and device: training images and FLOPs a second."""
    spec = RunSpec.from_json(result.spec)
    return pd.DataFrame(
        [
            model_columns(spec.model)
            | {"dataset": spec.dataset, "recipe": spec.recipe.name}
            | asdict(point)
            | {
                "peak_flops_per_second": result.peaks[point.device],
                "share_of_peak": point.flops_per_second / result.peaks[point.device],
                "machine": result.machines[point.device],
            }
            for point in result.points
        ]
    )


def sweep_frame(result: LearningRates) -> pd.DataFrame:
    """One row a step of each sweep: its learning rate, and the loss of its batch."""
    spec = RunSpec.from_json(result.spec)
    left_out = ("run", *NOT_FOLLOWED)
    rows = []
    for sweep in result.sweeps:
        run = run_columns(None, replace(spec, seed=sweep.seed))
        about = {name: value for name, value in run.items() if name not in left_out}
        about |= {"machine": result.machine, "steps": result.steps}
        figures = zip(result.rates, sweep.losses, result.smoothed(sweep), strict=False)
        for step, (rate, loss, smooth) in enumerate(figures, start=1):
            row = {"step": step, "learning_rate": rate, "loss": loss, "smoothed_loss": smooth}
            rows.append(about | row)
    return pd.DataFrame(rows)


def reading_frame(result: LearningRates) -> pd.DataFrame:
    """One row a sweep: where its loss falls fastest, where it begins to rise."""
    return pd.DataFrame([asdict(reading) for reading in result.readings])


def step_cost_frame(spec: RunSpec, cost: StepCost, whole: Estimate | None = None) -> pd.DataFrame:
    """One row: what the steps of this run take, and the `whole` run by them."""
    timed = {name: value for name, value in asdict(cost).items() if name != "share"}
    told = whole and {"run_seconds": whole.seconds, "run_memory_bytes": whole.memory_bytes}
    return pd.DataFrame([run_columns(None, spec) | timed | (told or {})])


def device_use_frame(rows: Iterable[DeviceUse]) -> pd.DataFrame:
    """One row for each network and way of stepping, and the card that it was measured on."""
    return pd.DataFrame([asdict(row) | {"model": row.model.to_text()} for row in rows])


def flow_frame(result: GradientFlow) -> pd.DataFrame:
    """One row a layer of each network; medians, and the lowest and highest seed."""
    rows: list[dict[str, Any]] = []
    for flow in result.networks:
        network = model_columns(flow.model) | {
            "state": flow.state,
            "run": flow.run,
            "dataset": result.dataset if flow.run is None else "that of the run",
            "batch_size": result.batch_size,
            "seeds": flow.seeds,
            "machine": result.machine,
        }
        for layer in flow.layers:
            row = network | {"layer": layer.path, "depth": layer.depth, "weights": layer.weights}
            for name in QUANTITIES:
                spread = getattr(layer, name)
                row |= {name: spread.median, f"{name}_low": spread.low, f"{name}_high": spread.high}
            rows.append(row)
    return pd.DataFrame(rows)


def first_and_last_frame(result: GradientFlow) -> pd.DataFrame:
    """One row a network: what of the last layer's gradient arrives at the first one."""
    rows = []
    for flow in result.networks:
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


def branch_frame(run: Run, norms: Iterable[BranchNorm]) -> pd.DataFrame:
    """One row a branch of each Inception block of a run."""
    run_key = run_columns(run.id, run.spec)
    return pd.DataFrame([run_key | asdict(norm) | {"growth": norm.growth} for norm in norms])
