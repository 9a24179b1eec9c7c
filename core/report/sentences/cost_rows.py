"""What a chart of costs leaves out and what it puts together, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.analysis.records import LayerCost
from core.language import ngettext, paragraph
from core.report.cost_rows import CostRow


def left_out_sentence(layers: Sequence[LayerCost], rows: Sequence[CostRow]) -> str:
    """How many layers cost nothing, and how many stand together; empty where there are none."""
    drawn = sum(len(row.layers) for row in rows)
    sentences = []
    if free := len(layers) - drawn:
        sentences.append(
            ngettext(
                "{number:,} row without parameters and multiply-adds is left out.",
                "{number:,} rows without parameters and multiply-adds are left out.",
                free,
            )
        )
    if drawn > len(rows):
        sentences.append(
            ngettext(
                "{layers} layers stand in {number:,} row here.",
                "{layers} layers stand in {number:,} rows here.",
                len(rows),
                layers=drawn,
            )
        )
    return paragraph(*sentences)
