"""The finding nobody expects, drawn from what comes with the lab, and the way to all of it."""

from __future__ import annotations

import streamlit as st

from core.measure.first_and_last import first_and_last
from core.measure.gradient_records import GradientFlow, NetworkFlow, depth_of
from core.measure.shipped import GRADIENTS, shipped_result
from core.report.sentences.gradients import arriving, network_label
from pages.views.app.address import go_to
from pages.views.app.asked import ASKED
from pages.views.app.svg_image import svg_image
from pages.views.overview.pictures import gradient_picture


def hero() -> None:
    """What reaches the first layer of a deep net without a shortcut, beside one that has it."""
    flows = _deepest()
    if not flows:
        return
    with st.container(border=True):
        st.header(finding(flows["none"]), anchor=False)
        labels = {"none": "no shortcut", "identity": "with the shortcut of ResNet"}
        pictured = [(labels[name], flows[name]) for name in labels]
        names = "; ".join(network_label(flow.model) for _, flow in pictured)
        st.html(
            svg_image(
                gradient_picture(pictured),
                f"Gradient norm of every layer's weights: {names}.",
            )
        )
        st.caption(
            "Gradient of each layer's weights before training, without BatchNorm: medians of"
            f" {flows['none'].seeds} seeds on real images, measured by this lab."
        )
        if st.button("See every layer", key="open_hero", icon=":material/ssid_chart:"):
            go_to("pages/gradients.py", {ASKED: "vanishing"})


def finding(flow: NetworkFlow) -> str:
    """`110 layers, no shortcut: nothing of the gradient reaches layer 1`."""
    share = arriving(first_and_last(flow, "weight_gradient"))
    return f"{depth_of(flow.model)} layers, no shortcut: {share} of the gradient reaches layer 1"


@st.cache_resource(show_spinner=False)
def _deepest() -> dict[str, NetworkFlow]:
    """Shortcut → the deepest net without BatchNorm that comes measured."""
    result = shipped_result(GRADIENTS)
    flows = GradientFlow.from_dict(result).networks if result else ()
    plain = [flow for flow in flows if flow.model.option("batch_norm") is False]
    plain.sort(key=lambda flow: len(flow.main_path))
    return {str(flow.model.option("shortcut")): flow for flow in plain}
