"""What all calculators use: number inputs in the sidebar, shares, columns of counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.report import formats


@dataclass(frozen=True)
class Number:
    """A whole number that the reader chooses in the sidebar."""

    field: str  # of the record that it goes into
    label: str
    key: str  # in the address
    most: int
    help: str
    least: int = 1


def choose_numbers(numbers: Sequence[Number], start: object) -> dict[str, int]:
    """Number inputs in the sidebar, which first show the fields of `start`; the values by field."""
    return {
        number.field: int(
            st.sidebar.number_input(
                number.label,
                number.least,
                number.most,
                getattr(start, number.field),
                key=number.key,
                bind="query-params",
                help=number.help,
            )
        )
        for number in numbers
    }


def share(part: float, total: float) -> str:
    """`10.3 %`."""
    return formats.joined(f"{100 * part / total:.1f}", "%")


def count_columns(help_texts: dict[str, str]) -> dict[str, ColumnConfig]:
    """Columns of whole numbers with the separators of the browser's language: title → help."""
    return {
        name: st.column_config.NumberColumn(format="localized", help=text)
        for name, text in help_texts.items()
    }
