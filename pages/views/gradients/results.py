"""What a measurement of gradients has found: chart or table, the sentences, CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.language import N_, _, paragraph
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
from pages.views.app.tables import table
from pages.views.gradients.looks import LOOKS, looks

CURVES, HEAT_MAP, TABLE = VIEWS = (N_("Curves"), N_("Heat map"), N_("Table"))


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
        with st.expander(_("What each network shows, and whether the note's claim holds")):
            markdown("\n".join(f"- {sentence}" for sentence in sentences))
    caption(
        paragraph(
            _(LOOKS) if show_as == CURVES else "",
            _(
                "Medians of the seeds. Norms are of the mean loss of {images} images, in float32 as"
                " in training; of layers side by side the one with the most weights is drawn, the"
                " CSV has all. Measured on {machine}.",
                images=flow.batch_size,
                machine=escaped(formats.machine(flow.machine)),
            ),
        )
    )
    with st.container(horizontal=True):
        download_csv(
            _("Every layer as CSV"), lambda: flow_frame(flow), f"{name}.csv", "why_flow_csv"
        )
        download_csv(
            _("First against last as CSV"),
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
        outcome = gradient_outcome(0.0 if weights and not weights.first else ratio)
        rows.append(
            {
                N_("network"): label(flow),
                N_("gradient"): _(outcome),
                N_("first ÷ last, weights"): ratio,
                N_("first ÷ last, output"): outputs.ratio if outputs else None,
                N_("factor a layer"): weights.a_layer if weights else None,
                N_("block, lowest"): min(gains, default=None),
                N_("block, highest"): max(gains, default=None),
            }
        )
    table(
        pd.DataFrame(rows).dropna(axis="columns", how="all"),
        height="content",
        key="why_table",
        placeholder=formats.NOTHING,
        column_config=_columns(),
    )


def _columns() -> dict[str, Any]:
    """How each column is shown."""
    config = st.column_config
    return {
        "network": config.TextColumn(pinned=True, width="large"),
        "gradient": config.TextColumn(help=_("Vanishes below 1/100, explodes above 100.")),
        "first ÷ last, weights": config.NumberColumn(
            format="%.3g",
            help=_(
                "Gradient norm of the first layer's weights by that of the last layer before the"
                " output."
            ),
        ),
        "first ÷ last, output": config.NumberColumn(
            format="%.3g", help=_("The same of the gradients of the layers' outputs.")
        ),
        "factor a layer": config.NumberColumn(
            format="%.4g",
            help=_("By which the weights' gradient changes at each layer on the way back."),
        ),
        "block, lowest": config.NumberColumn(
            format="%.4g",
            help=_("What a block multiplies the gradient norm by on the way back."),
        ),
        "block, highest": config.NumberColumn(format="%.4g"),
    }
