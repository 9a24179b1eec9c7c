"""The Compare page's Stages view: what each block costs, stacked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from core.language import N_, _
from core.report.figures.stages import stage_bars
from core.report.names import names_file
from pages.views.app.charts import chart
from pages.views.app.numbers import numbers
from pages.views.app.tables import table
from pages.views.compare.networks import Compared
from pages.views.forms.names import select_name
from pages.views.forms.row import form_row

_COSTS = {  # as the control says it → the field of a layer, and its unit
    N_("parameters"): ("params", ""),
    N_("MACs an image"): ("macs", "MACs"),
    N_("saved for the backward pass (bytes an image)"): ("saved_bytes", "bytes"),
}
_FIRST_COST = "MACs an image"


def stages_view(networks: Sequence[Compared], choose_batch_size: Callable[[], int]) -> int:
    """One bar a network, its blocks stacked; the batch size, which the table below is of."""
    with form_row("compare"):
        cost = select_name(
            _("Cost"),
            {cost: cost for cost in _COSTS},
            _FIRST_COST,
            "cmp_stage",
            help=_("What is stacked, block by block, from the image to the classes."),
        )
        batch_size = choose_batch_size()
        as_share = st.toggle(
            _("As shares"),
            key="cmp_share",
            bind="query-params",
            help=_("Draws all networks equally long, so that their stages can be compared."),
        )
    field, unit = _COSTS[cost]
    name = names_file("stages", [network.analysis.spec for network in networks])
    chart(stage_bars(networks, field, _(cost), unit, as_share), "cmp_stages", name=name)
    numbers("cmp_stage_numbers", lambda: _numbers(networks, field, cost))
    return batch_size


def _numbers(networks: Sequence[Compared], field: str, cost: str) -> None:
    """One row a stage."""
    rows = [
        (name, block.path, _(block.kind), getattr(block, field))
        for name, analysis in networks
        for block in analysis.rows("block")
    ]
    frame = pd.DataFrame(rows, columns=[N_("network"), N_("stage"), N_("kind"), cost])
    totals = frame.groupby("network")[cost].transform("sum").clip(lower=1)
    frame[N_("share")] = 100 * frame[cost] / totals
    table(
        frame,
        height="content",
        key="cmp_stage_table",
        column_config={
            cost: st.column_config.NumberColumn(format="localized"),
            "share": st.column_config.NumberColumn(format="%.1f %%"),
        },
    )
