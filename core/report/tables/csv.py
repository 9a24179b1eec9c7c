"""Tables as CSV that spreadsheets open safely. Imports no torch."""

from __future__ import annotations

from typing import Any

import pandas as pd

_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def to_csv(frame: pd.DataFrame) -> str:
    """CSV text; a text cell that a spreadsheet would run as a formula gets a leading quote."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(_defused)
        elif safe[column].isna().any():  # whole numbers stay whole beside empty cells
            safe[column] = safe[column].convert_dtypes()
    return safe.to_csv(index=False, lineterminator="\n")


def _defused(cell: Any) -> Any:
    """`=1+1` as `'=1+1`; anything but such a text as it is."""
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
