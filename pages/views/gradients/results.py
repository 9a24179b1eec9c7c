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
from core.report.sentences.gradients import gradient_sentences, label
from core.report.tables.measurements import first_and_last_frame, flow_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.gradients.looks import LOOKS, looks

CURVES, HEAT_MAP, TABLE = VIEWS = ("Curves", "Heat map", "Table")


def show_flow(flow: GradientFlow, show_as: str, quantity: str) -> None:
    """Chart or table, the sentences, CSV."""
    name = names_file("gradients", [one.model for one in flow.networks])
    if show_as == CURVES:
        curves = flow_curves(flow.networks, quantity, looks(flow.networks))
        chart(curves, key="why_curves", name=name)
    elif show_as == HEAT_MAP:
        chart(flow_map(flow.networks, quantity), key="why_map", name=name)
    else:
        _flow_table(flow.networks)
    markdown("\n".join(f"- {sentence}" for sentence in gradient_sentences(flow)))
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
                "first ÷ last, weights": formats.scientific(ratio),
                "first ÷ last, output": formats.scientific(outputs.ratio if outputs else None),
                "factor a layer": formats.factor(weights.a_layer if weights else None),
                "block, lowest": formats.factor(min(gains, default=None)),
                "block, highest": formats.factor(max(gains, default=None)),
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        key="why_table",
        column_config=_COLUMNS,
    )


_COLUMNS = {
    "network": st.column_config.TextColumn("network", pinned=True, width="large"),
    "gradient": st.column_config.TextColumn(help="Vanishes below 1/100, explodes above 100."),
    "first ÷ last, weights": st.column_config.TextColumn(
        help="Gradient norm of the first layer's weights by that of the last layer before the"
        " output."
    ),
    "block, lowest": st.column_config.TextColumn(
        help="What a block multiplies the gradient norm by on the way back."
    ),
}
