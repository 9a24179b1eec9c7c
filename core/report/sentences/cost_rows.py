"""What a chart of costs leaves out and what it puts together, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.analysis.records import LayerCost
from core.report.cost_rows import CostRow
from core.report.names import counted


def left_out_sentence(layers: Sequence[LayerCost], rows: Sequence[CostRow]) -> str:
    """How many layers cost nothing, and how many stand together; empty where there are none."""
    drawn = sum(len(row.layers) for row in rows)
    sentences = []
    if free := len(layers) - drawn:
        verb = "is" if free == 1 else "are"
        sentences.append(
            f"{counted(free, 'row')} without parameters and multiply-adds {verb} left out."
        )
    if drawn > len(rows):
        sentences.append(f"{drawn} layers stand in {counted(len(rows), 'row')} here.")
    return " ".join(sentences)
