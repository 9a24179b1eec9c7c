"""What one number of a map was computed from, as a table. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.inside.number_records import (
    PADDED,
    Explanation,
    Gated,
    Joined,
    Pooled,
    Products,
    Reads,
    Term,
)

_COLUMNS = ["layer", "channel", "row", "column", "input", "weight", "product"]


def number_frame(explanation: Explanation) -> pd.DataFrame:
    """One row a number that was read: where it stands, its weight and what both make.

    `layer`, `channel`, `row` and `column` are empty for padding and constants; a bias has only a
    product. The products add up to the value, except where an operation is no sum.
    """
    rows = [{name: row.get(name) for name in _COLUMNS} for row in _rows(explanation)]
    own = explanation.unit
    key = {
        "of_layer": own.path,
        "of_channel": own.channel,
        "of_row": own.row,
        "of_column": own.column,
        "value": explanation.value,
    }
    return pd.DataFrame([key | row for row in rows], columns=[*key, *_COLUMNS]).convert_dtypes()


def _rows(explanation: Explanation) -> Iterator[dict[str, Any]]:
    how = explanation.how
    if isinstance(how, Products):
        yield from _read(how.reads, how.kernel)
        if how.bias is not None:
            yield {"layer": "bias", "product": how.bias}
    elif isinstance(how, Pooled):
        weights = np.zeros(how.reads.values.shape)
        if how.divisor is None:
            weights[0][how.winner] = 1.0
        else:
            weights[:] = 1 / how.divisor
        yield from _read(how.reads, weights)
    elif isinstance(how, Joined):
        weight = 1.0 if how.sign == "+" else None
        yield from (_term(term, weight) for term in how.terms)
    elif isinstance(how, Gated):
        yield from (_term(term, None) for term in how.terms)
    elif how is not None:
        yield _term(how.before, None)


def _read(reads: Reads, weights: np.ndarray) -> Iterator[dict[str, Any]]:
    for index in np.ndindex(reads.values.shape):
        if PADDED in (reads.rows[index[1]], reads.columns[index[2]]):
            place: dict[str, Any] = {"layer": "padding"}
            value = 0.0
        else:
            unit = reads.unit(*index)
            place = {} if unit is None else _place(Term(0.0, unit))
            value = float(reads.values[index])
        weight = float(weights[index])
        yield place | {"input": value, "weight": weight, "product": value * weight}


def _term(term: Term, weight: float | None) -> dict[str, Any]:
    found = _place(term) | {"input": term.value}
    return found if weight is None else found | {"weight": weight, "product": term.value * weight}


def _place(term: Term) -> dict[str, Any]:
    unit = term.unit
    if unit is None:
        return {}
    return {"layer": unit.path, "channel": unit.channel, "row": unit.row, "column": unit.column}
