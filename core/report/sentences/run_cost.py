"""What a run will take, and what such runs have reached, before it starts. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.report import formats
from core.report.names import counted


def cost_sentence(
    seconds: float | None, span: tuple[float, float] | None, memory_bytes: int, device: str
) -> str:
    """`About 40 s (30 s to 55 s) on cpu, 310 MiB of memory.`, as Markdown.

    `span`: between which seconds the run will lie; None where one figure is known alone.
    """
    memory = f"**{formats.mebibytes(memory_bytes)}** of memory"
    if seconds is None:
        return f"It needs {memory}."
    about = f"**{formats.duration(seconds)}**"
    if span is None:
        return f"About {about} on {device}, {memory}."
    low, high = map(formats.duration, span)
    return f"About {about} ({low} to {high}) on {device}, {memory}."


def reached_sentence(accuracies: Sequence[float]) -> str:
    """`3 such runs reached 98.90 to 99.10 %.`; nothing before the first."""
    if not accuracies:
        return ""
    if len(accuracies) == 1:
        return f"One such run reached {formats.percent(accuracies[0])}."
    low, high = formats.points(min(accuracies)), formats.percent(max(accuracies))
    return f"{counted(len(accuracies), 'such run')} reached {low} to {high}."
