"""The finding nobody expects, drawn from what comes with the lab, and the way to all of it."""

from __future__ import annotations

import streamlit as st

from core.language import N_, _, language, semicolon
from core.measure.first_and_last import first_and_last
from core.measure.gradient_records import GradientFlow, NetworkFlow, depth_of
from core.measure.shipped import GRADIENTS, shipped_result
from core.report.sentences.gradients import arriving, network_label
from pages.views.app.address import go_to
from pages.views.app.asked import ASKED
from pages.views.app.prose import caption
from pages.views.app.svg_image import svg_image
from pages.views.overview.gradient_picture import gradient_picture

_LABELS = {"none": N_("no shortcut"), "identity": N_("with the shortcut of ResNet")}
_SIZES = {"wide": (760, 290), "narrow": (380, 270)}  # pixels; the browser shows the one that fits
_STYLE = """<style>
.st-key-hero > [data-testid="stLayoutWrapper"]:has(.st-key-hero_picture) {
  flex: 3 1 26rem; min-width: min(26rem, 100%);
}
.st-key-hero > [data-testid="stLayoutWrapper"]:has(.st-key-hero_text) { flex: 1 1 14rem; }
.hero-picture { container-type: inline-size; }
.hero-picture img { width: 100%; }
.hero-picture .narrow { display: none; }
@container (max-width: 520px) {
  .hero-picture .narrow { display: block; }
  .hero-picture .wide { display: none; }
}
</style>"""


def hero() -> None:
    """What reaches the first layer of a deep net without a shortcut, beside one that has it."""
    flows = _deepest()
    if not flows:
        return
    plain, residual = flows["none"], flows["identity"]
    with st.container(border=True, gap="small"):
        st.header(finding(plain), anchor=False)
        with st.container(key="hero", horizontal=True, vertical_alignment="center"):
            with st.container(key="hero_picture"):
                st.html(_picture(language()))
            with st.container(key="hero_text"):
                share = arriving(first_and_last(residual, "weight_gradient"))
                caption(
                    _(
                        "With the shortcut of ResNet, {share} of the last layer's gradient arrives"
                        " there. Medians of {seeds} seeds on real images, before training and"
                        " without BatchNorm, measured by this lab.",
                        share=share,
                        seeds=plain.seeds,
                    )
                )
                if st.button(_("See every layer"), key="open_hero", icon=":material/ssid_chart:"):
                    go_to("pages/gradients.py", {ASKED: "vanishing"})


def finding(flow: NetworkFlow) -> str:
    """`110 layers, no shortcut: nothing of the gradient reaches layer 1`."""
    return _(
        "{layers} layers, no shortcut: {share} of the gradient reaches layer 1",
        layers=depth_of(flow.model),
        share=arriving(first_and_last(flow, "weight_gradient")),
    )


@st.cache_resource(show_spinner=False)
def _picture(spoken: str) -> str:
    """HTML; drawn once for all who speak this: what comes with the lab does not change."""
    pictured = [(_(label), _deepest()[name]) for name, label in _LABELS.items()]
    text = _(
        "Gradient norm of every layer's weights: {networks}.",
        networks=semicolon().join(network_label(flow.model) for _label, flow in pictured),
    )
    images = (
        f'<div class="{name}">{svg_image(gradient_picture(pictured, *size), text)}</div>'
        for name, size in _SIZES.items()
    )
    return f'{_STYLE}<div class="hero-picture">{"".join(images)}</div>'


@st.cache_resource(show_spinner=False)
def _deepest() -> dict[str, NetworkFlow]:
    """Shortcut → the deepest net without BatchNorm that comes measured."""
    result = shipped_result(GRADIENTS)
    flows = GradientFlow.from_dict(result).networks if result else ()
    plain = [flow for flow in flows if flow.model.option("batch_norm") is False]
    plain.sort(key=lambda flow: len(flow.main_path))
    return {str(flow.model.option("shortcut")): flow for flow in plain}
