"""The Compare page's Stages view: what each block costs, stacked."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.report.figures.comparison import stage_bars
from core.report.names import names_file
from pages.views.app.charts import chart
from pages.views.compare.networks import Compared

_COSTS = {  # as the control says it → the field of a layer
    "parameters": "params",
    "MACs an image": "macs",
    "saved for the backward pass (bytes an image)": "saved_bytes",
}


def stages_view(networks: Sequence[Compared]) -> None:
    """One bar a network, its blocks stacked."""
    cost = st.segmented_control(
        "Cost",
        list(_COSTS),
        default="MACs an image",
        key="cmp_stage",
        bind="query-params",
        required=True,
        help="What is stacked, block by block, from the image to the classes.",
    )
    name = names_file("stages", [network.analysis.spec for network in networks])
    chart(stage_bars(networks, _COSTS[cost], f"{cost}, block by block"), "cmp_stages", name=name)
