"""The Architecture page's Cost view: where the parameters sit and where the work is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.language import N_, _, pgettext
from core.report.cost_rows import CostRow, cost_rows
from core.report.figures.costs import cost_bars
from core.report.names import file_name, network_title
from core.report.sentences.cost_rows import left_out_sentence
from core.report.sentences.equal_cost import equal_cost_sentence
from pages.views.app.asked import decisive
from pages.views.app.charts import chart
from pages.views.app.columns import share_column
from pages.views.app.messages import escaped
from pages.views.app.numbers import numbers
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.architecture.display import Display


def cost_view(analysis: Analysis, display: Display) -> None:
    """Each row's share of the work beside its share of the parameters; what costs the same."""
    layers = analysis.rows(display.level)
    rows = cost_rows(layers)
    marked = decisive(analysis, [row.path for row in rows])
    chart(
        cost_bars(rows, display.as_flops, marked),
        "net_cost_chart",
        about=network_title(analysis.spec),
        name=f"{file_name(analysis.spec)}-cost",
    )
    if sentence := left_out_sentence(layers, rows):
        caption(escaped(sentence))
    if sentence := equal_cost_sentence(analysis.layers, display.as_flops):
        markdown(escaped(sentence))
    numbers("net_cost_numbers", lambda: _numbers(rows, display))


def _numbers(rows: Sequence[CostRow], display: Display) -> None:
    """What the bars are drawn from."""
    unit, factor = display.unit, 2 if display.as_flops else 1
    macs, params = (
        max(1, sum(getattr(row, field) for row in rows)) for field in ("macs", "params")
    )
    number = st.column_config.NumberColumn
    table(
        pd.DataFrame(
            {
                "layers": [row.path for row in rows],
                unit: [factor * row.macs for row in rows],
                f"of {unit}": [100 * row.macs / macs for row in rows],
                N_("parameters"): [row.params for row in rows],
                N_("of parameters"): [100 * row.params / params for row in rows],
            }
        ),
        height="content",
        key="net_cost_table",
        column_config={
            "layers": st.column_config.TextColumn(pgettext("a heading", "layers"), pinned=True),
            unit: number(format="localized"),
            f"of {unit}": share_column(
                _("Share of the network's {unit}.", unit=unit), _("of {unit}", unit=unit)
            ),
            "parameters": number(format="localized"),
            "of parameters": share_column(_("Share of the network's parameters.")),
        },
    )
