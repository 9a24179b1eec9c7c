"""Writing to standard output, for people and for programs."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_PLAIN_NUMBERS = ("run", "year", "seed")  # names rather than quantities: 2014, not 2,014


def say(sentence: str) -> None:
    """A line for the person, apart from the output."""
    with contextlib.suppress(OSError):  # nobody reads standard error any more
        print(sentence, file=sys.stderr, flush=True)


def write_json(value: Any) -> None:
    """Indented JSON on standard output; `allow_nan=False` keeps it readable for every parser."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def write_csv(frame: pd.DataFrame) -> None:
    """The frame as CSV on standard output."""
    from core.report.tables.csv import to_csv

    sys.stdout.write(to_csv(frame))


def write_result(output: str, value: Any, frame: pd.DataFrame, table: pd.DataFrame) -> None:
    """The value as JSON, the whole frame as CSV, or the table for a person."""
    if output == "json":
        write_json(value)
    elif output == "csv":
        write_csv(frame)
    else:
        write_table(table)


def write_table(frame: pd.DataFrame) -> None:
    """Columns side by side on standard output, text to the left, numbers to the right."""
    frame = frame.convert_dtypes()  # whole numbers stay whole beside missing ones
    columns = []
    for name in frame.columns:
        values = frame[name].astype(object).where(frame[name].notna(), None)
        cells = [str(name), *(cell(name, value) for value in values)]
        width = max(map(len, cells))
        is_text = frame[name].dtype.kind not in "iufb"
        columns.append([text.ljust(width) if is_text else text.rjust(width) for text in cells])
    for line in zip(*columns, strict=True):
        print("  ".join(line).rstrip())


def cell(column: str, value: Any) -> str:
    """A number with its thousands apart and four digits after the point; nothing for no value."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if column in _PLAIN_NUMBERS else f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4f}"
    return str(value)
