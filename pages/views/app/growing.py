"""The curves of runs under way, as browsers are told them: only the points that they lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from core.jobs.step_curves import StepCurve

_MOST = 8_192  # characters of a question: hundreds of curves


def new_points(curves: Mapping[int, StepCurve], asked: str) -> dict[int, dict[str, Any]]:
    """For each curve that is asked for, what the browser lacks, as JSON.

    `asked` is `RUN,VERSION,POINTS;...`: a run, and what the browser has of it. What is not of that
    form is passed over.
    """
    found = {}
    for part in asked[:_MOST].split(";"):
        run, version, have = [*part.split(","), "", ""][:3]
        curve = curves.get(_number(run))
        if curve is not None:
            found[curve.run] = _since(curve, version, _number(have))
    return found


def _since(curve: StepCurve, version: str, have: int) -> dict[str, Any]:
    """The points after the first `have`; all, where those are of another version."""
    now = f"{curve.attempt}.{curve.width}"
    first = have if version == now and 0 <= have <= curve.settled else 0
    return {
        "version": now,
        "attempt": curve.attempt,
        "settled": curve.settled,
        "first": first,
        "epochs": curve.epochs[first:],
        "loss": _finite(curve.loss[first:]),
        "accuracy": _finite(curve.accuracy[first:]),
    }


def _number(text: str) -> int:
    """-1 for what is none; nothing so long is one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1


def _finite(values: Sequence[float]) -> list[float | None]:
    """JSON has no other numbers."""
    return [value if isfinite(value) else None for value in values]
