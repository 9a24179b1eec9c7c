"""What a measurement of gradients has found: chart or table, the sentences, CSV."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.measure.first_and_last import first_and_last, gradient_outcome
from core.measure.gradient_records import GradientFlow, NetworkFlow
from core.report import formats
from core.report.figures.gradient_flow import flow_curves, flow_map
from core.report.names import names_file
from core.report.sentences.gradients import gradient_headline, gradient_sentences, label
from core.report.tables.measurements import first_and_last_frame, flow_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.gradients.looks import LOOKS, looks

CURVES, HEAT_MAP, TABLE = VIEWS = ("Curves", "Heat map", "Table")


def show_flow(flow: GradientFlow, show_as: str, quantity: str) -> None:
    """Chart or table, the finding in a sentence, all else folded, CSV."""
    name = names_file("gradients", [one.model for one in flow.networks])
    if finding := gradient_headline(flow):
        st.info(f"**{escaped(finding)}**", icon=":material/ssid_chart:")
    if show_as == CURVES:
        curves = flow_curves(flow.networks, quantity, looks(flow.networks))
        chart(curves, key="why_curves", name=name)
    elif show_as == HEAT_MAP:
        chart(flow_map(flow.networks, quantity), key="why_map", name=name)
    else:
        _flow_table(flow.networks)
    if sentences := gradient_sentences(flow):
        with st.expander("What each network shows, and whether the note's claim holds"):
            markdown("\n".join(f"- {sentence}" for sentence in sentences))
    caption(
        f"{LOOKS if show_as == CURVES else ''}Medians of the seeds. Norms are of the mean loss"
        f" of {flow.batch_size} images, in float32 as in training; of layers side by side the one"
        f" with the most weights is drawn, the CSV has all. Measured on {escaped(flow.machine)}."
    )
    with st.container(horizontal=True):
        download_csv("Every layer as CSV", lambda: flow_frame(flow), f"{name}.csv", "why_flow_csv")
        download_csv(
            "First against last as CSV",
            lambda: first_and_last_frame(flow),
            f"{name}-ends.csv",
            "why_ends_csv",
        )


def _flow_table(flows: Sequence[NetworkFlow]) -> None:
    """One row a network: first layer by last layer, and the gains of its blocks."""
    rows = []
    for flow in flows:
        weights = first_and_last(flow, "weight_gradient")
        outputs = first_and_last(flow, "output_gradient")
        gains = [block.gain.median for block in flow.blocks]
        ratio = weights.ratio if weights else None
        rows.append(
            {
                "network": label(flow),
                "gradient": gradient_outcome(0.0 if weights and not weights.first else ratio),
                "first ÷ last, weights": ratio,
                "first ÷ last, output": outputs.ratio if outputs else None,
                "factor a layer": weights.a_layer if weights else None,
                "block, lowest": min(gains, default=None),
                "block, highest": max(gains, default=None),
            }
        )
    st.dataframe(
        pd.DataFrame(rows).dropna(axis="columns", how="all"),
        hide_index=True,
        height="content",
        key="why_table",
        placeholder=formats.NOTHING,
        column_config=_COLUMNS,
    )


_number = st.column_config.NumberColumn
_COLUMNS = {
    "network": st.column_config.TextColumn("network", pinned=True, width="large"),
    "gradient": st.column_config.TextColumn(help="Vanishes below 1/100, explodes above 100."),
    "first ÷ last, weights": _number(
        format="%.3g",
        help="Gradient norm of the first layer's weights by that of the last layer before the"
        " output.",
    ),
    "first ÷ last, output": _number(
        format="%.3g", help="The same of the gradients of the layers' outputs."
    ),
    "factor a layer": _number(
        format="%.4g", help="By which the weights' gradient changes at each layer on the way back."
    ),
    "block, lowest": _number(
        format="%.4g", help="What a block multiplies the gradient norm by on the way back."
    ),
    "block, highest": _number(format="%.4g"),
}
