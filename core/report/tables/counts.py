"""Our counts beside a reader's and beside other counters', as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from core.analysis.records import Analysis
from core.explain.hand_count.check import HandCount
from core.explain.reconcile import Account
from core.report.tables.columns import model_columns


def hand_count_frame(analysis: Analysis, count: HandCount) -> pd.DataFrame:
    """One row a term of the hand count, then one for each layer that it leaves out."""
    network = model_columns(analysis.spec) | {"quantity": count.quantity}
    terms: list[dict[str, Any]] = [
        {
            "line": term.line,
            "term": term.text,
            "written": term.written,
            "layer": term.layer or "",
            "exact": term.exact,
            "verdict": term.verdict,
        }
        for term in count.terms
    ]
    missing: list[dict[str, Any]] = [
        {"term": "", "layer": layer.path, "exact": layer.value, "verdict": "left out"}
        for layer in count.missing
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
