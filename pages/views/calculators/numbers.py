"""What all calculators use: number inputs, shares, columns of counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.explain.glossary import explained
from core.language import _
from core.report import formats

_CARDS_STYLE = """<style>
.st-key-calc_cards {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem;
}
.st-key-calc_cards > * { width: auto !important; }
.st-key-calc_cards [data-testid="stMetric"] { height: 100%; }
@media (max-width: 640px) {
  .st-key-calc_cards > :last-child:nth-child(odd) { grid-column: 1 / -1; }
}
</style>"""


@dataclass(frozen=True)
class Number:
    """A whole number that the reader chooses."""

    field: str  # of the record that it goes into
    label: str
    key: str  # in the address
    most: int
    help: str = ""
    word: str = ""  # of the glossary, which explains it in place of `help`
    least: int = 1


def choose_numbers(numbers: Sequence[Number], start: object) -> dict[str, int]:
    """Number inputs, which first show the fields of `start`; the values by field."""
    return {
        number.field: int(
            st.number_input(
                _(number.label),
                number.least,
                number.most,
                getattr(start, number.field),
                key=number.key,
                bind="query-params",
                help=explained(number.word) if number.word else _(number.help),
            )
        )
        for number in numbers
    }


@contextmanager
def equal_cards() -> Iterator[None]:
    """Metric cards of equal width and height: all in one row, on a phone two."""
    st.html(_CARDS_STYLE)
    with st.container(key="calc_cards"):
        yield


def share(part: float, total: float) -> str:
    """`10.3 %`."""
    return formats.joined(f"{100 * part / total:.1f}", "%")


def count_columns(help_texts: dict[str, str]) -> dict[str, ColumnConfig]:
    """Columns of whole numbers with the separators of the browser's language: title → help."""
    return {
        name: st.column_config.NumberColumn(format="localized", help=text)
        for name, text in help_texts.items()
    }
