"""The Explain view's second topic: a count that the reader made by hand, checked term by term."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.explain.hand_count.check import HandCount, check
from core.explain.hand_count.matching import QUANTITIES, Quantity
from core.explain.hand_count.terms import MAX_CHARACTERS
from core.language import N_, _
from core.report import formats
from core.report.names import file_name
from core.report.sentences.hand_count import hand_count_sentences
from core.report.tables.counts import hand_count_frame
from pages.views.app.downloads import download_csv
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.forms.names import pick_name

_VERDICTS = {
    "right": N_("✓ right"),
    "without bias": N_("≈ no bias"),
    "wrong": N_("✗ wrong"),
    "extra": N_("✗ no such layer"),
}
_EXAMPLE = "conv1: 11x11x1x96 + 96\nconv2: 5x5x96x256\ntotal = 626,000"


def hand_count(analysis: Analysis) -> None:
    """A reader's own terms against the exact layers."""
    quantity = pick_name(
        _("Quantity"),
        {name: name for name in QUANTITIES},
        QUANTITIES[0],
        "net_hand_quantity",
        help=_("What the terms count."),
    )
    text = st.text_area(
        _("Your count, one term a line"),
        key="net_hand",
        height=180,
        max_chars=MAX_CHARACTERS,
        placeholder=_EXAMPLE,
        help=_(
            "`3x3x64x128 + 128` or `6400x4096+4096`, with a layer's name before a colon if you"
            " like; `total = …` for your sum. Nothing here is run as code."
        ),
    )
    if not text.strip():
        caption(
            _(
                "Paste a count made by hand, of this network: each term is held against the layer"
                " that it counts, and the sum is checked."
            )
        )
        return
    with errors_in_one_sentence():
        _show_count(analysis, check(text, analysis, cast(Quantity, quantity)))


def _show_count(analysis: Analysis, count: HandCount) -> None:
    """The sentences, then term by term."""
    show = st.success if count.right else st.warning
    first, *rest = hand_count_sentences(count)
    show(escaped(first))
    markdown("\n".join(f"- {escaped(sentence)}" for sentence in rest))
    number = st.column_config.TextColumn(alignment="right")
    table(
        _term_table(count),
        height="content",
        key="net_hand_table",
        column_config=dict.fromkeys(("line", "comes to", "exact"), number),
    )
    download_csv(
        _("Checked count as CSV"),
        lambda: hand_count_frame(analysis, count),
        f"{file_name(analysis.spec)}-hand-count.csv",
        "net_hand_csv",
    )


def _term_table(count: HandCount) -> pd.DataFrame:
    """The reader's terms, then the layers that no term counts."""
    terms = [
        (
            f"{term.line}",
            term.text,
            f"{term.written:,}",
            term.layer or formats.NOTHING,
            f"{term.exact:,}",
            _(_VERDICTS[term.verdict]),
        )
        for term in count.terms
    ]
    left_out = [
        ("", "", "", layer.path, f"{layer.value:,}", _("✗ left out")) for layer in count.missing
    ]
    columns = (
        *(N_("line"), N_("your term"), N_("comes to")),
        *(N_("layer"), N_("exact"), N_("verdict")),
    )
    return pd.DataFrame(terms + left_out, columns=columns)
