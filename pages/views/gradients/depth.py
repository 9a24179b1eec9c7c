"""Accuracy by depth: a line for each kind of net, and what depth does to it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import pandas as pd

from core.jobs.store import Run
from core.language import N_, _
from core.measure.gradient_records import depth_of
from core.report.figures.depth import DepthLine
from core.report.figures.palette import LineStyle
from core.report.sentences.gradients import network_label
from pages.views.gradients.looks import look_of


def depth_lines(runs: Sequence[Run], accuracies: dict[int, float]) -> list[DepthLine]:
    """A line for each kind of net."""
    kinds: dict[str, dict[int, list[float]]] = {}
    styles: dict[str, LineStyle] = {}
    for run in runs:
        depth = depth_of(run.spec.model)
        if depth is None or run.id not in accuracies:
            continue
        name = network_label(run.spec.model, with_depth=False)
        styles[name] = look_of(run.spec.model)
        kinds.setdefault(name, {}).setdefault(depth, []).append(accuracies[run.id])
    return [
        DepthLine(
            name, styles[name], tuple((depth, tuple(points[depth])) for depth in sorted(points))
        )
        for name, points in sorted(kinds.items())
    ]


def depth_frame(test: Sequence[DepthLine], train: Sequence[DepthLine]) -> pd.DataFrame:
    """A row for each kind of net and depth: both accuracies in %, and how many seeds."""
    return pd.DataFrame(
        [
            {
                N_("network"): line.name,
                N_("layers"): depth,
                "test": 100 * fmean(values),
                "train": 100 * fmean(others),
                N_("seeds"): len(values),
            }
            for line, same in zip(test, train, strict=True)
            for (depth, values), (_, others) in zip(line.points, same.points, strict=True)
        ]
    )


def stack_headline(test: Sequence[DepthLine]) -> str:
    """Which kind of net loses most by its layers, and which least. Empty of nets of one depth."""
    grown = [line for line in test if len(line.points) > 1]
    if not grown:
        return ""
    worst, best = min(grown, key=_gain), max(grown, key=_gain)
    low, high = worst.points[0][0], worst.points[-1][0]
    if worst is best:
        return _(
            "{network}: {points} points on test images from {low} to {high} layers.",
            network=_started(worst.name),
            points=_points_gained(worst),
            low=low,
            high=high,
        )
    return _(
        "{network}: {points} points on test images from {low} to {high} layers; {other}:"
        " {others_points} points from {others_low} to {others_high}.",
        network=_started(worst.name),
        points=_points_gained(worst),
        low=low,
        high=high,
        other=best.name,
        others_points=_points_gained(best),
        others_low=best.points[0][0],
        others_high=best.points[-1][0],
    )


def _started(name: str) -> str:
    return name[:1].upper() + name[1:]


def stack_findings(test: Sequence[DepthLine], train: Sequence[DepthLine]) -> str:
    """What depth does to each kind of net, from its fewest to its most layers, as a list."""
    findings = []
    for line, same in zip(test, train, strict=True):
        low, high = line.points[0][0], line.points[-1][0]
        if low != high:
            change = _(
                "{network}, from {low} to {high} layers: {points} points on test images,"
                " {training_points} on training images (mean during the last epoch)",
                network=line.name,
                low=low,
                high=high,
                points=_points_gained(line),
                training_points=_points_gained(same),
            )
            findings.append(f"- {_with_overfitting(change, line, same)}")
    return "\n".join(findings)


def _points_gained(line: DepthLine) -> str:
    """Mean of its most layers less that of its fewest, with its sign."""
    change = _gain(line)
    return f"{'−' if change < 0 else '+'}{abs(change):.1f}"


def _gain(line: DepthLine) -> float:
    """In points."""
    first, last = _ends_of(line)
    return 100 * (fmean(last) - fmean(first))


def _with_overfitting(change: str, test: DepthLine, train: DepthLine) -> str:
    """The change, and whether a deeper net that is worse can be overfitting; worse: every seed."""
    if not _is_worse(test):
        return _("{change}.", change=change)
    if _is_worse(train):
        return _(
            "{change}: worse on its training images too, so that is no overfitting.", change=change
        )
    return _(
        "{change}: not clearly worse on its training images, so it may be overfitting.",
        change=change,
    )


def _is_worse(line: DepthLine) -> bool:
    """Whether every seed of its most layers is below every seed of its fewest."""
    first, last = _ends_of(line)
    return max(last) < min(first)


def _ends_of(line: DepthLine) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The seeds of its fewest layers and of its most."""
    return line.points[0][1], line.points[-1][1]
