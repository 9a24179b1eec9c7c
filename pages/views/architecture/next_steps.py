"""The Architecture page's last row: downloads, and buttons that take this network further."""

from __future__ import annotations

import streamlit as st

from core.analysis.records import Analysis
from core.language import _
from core.report.glance import BATCH_SIZE
from core.report.names import file_name
from core.report.tables.layers import layer_frame
from core.report.tables.networks import comparison_frame
from core.zoo.catalogue import CATALOGUE
from pages.views.app.address import go_to
from pages.views.app.downloads import download_csv
from pages.views.architecture.display import Display
from pages.views.compare.networks import networks_with
from pages.views.forms.network import model_keys
from pages.views.inside.subject import NEW


def next_steps(analysis: Analysis, display: Display) -> None:
    """Layers and totals as CSV; Compare; Train, for a network of the lab's own."""
    spec = analysis.spec
    with st.container(horizontal=True):
        download_csv(
            _("Layers as CSV"),
            lambda: layer_frame(analysis, display.level, layout=display.layout),
            f"{file_name(spec)}-{display.level.replace(' ', '-')}.csv",
            "net_csv",
        )
        download_csv(
            _("Totals as CSV"),
            lambda: comparison_frame([analysis], BATCH_SIZE, {}),
            f"{file_name(spec)}-totals.csv",
            "net_totals_csv",
        )
        if st.button(
            _("Compare"),
            icon=":material/compare_arrows:",
            help=_("Puts this network beside AlexNet and VGG-11."),
        ):
            st.switch_page("pages/compare.py", query_params={"networks": networks_with(spec)})
        if st.button(
            _("Look inside"),
            icon=":material/visibility:",
            help=_("What each of its layers makes of one image, as it is initialized."),
        ):
            go_to("pages/inside.py", {"in_network": NEW, **model_keys("inside_", spec)})
        if spec.arch in CATALOGUE and st.button(
            _("Train this network"), icon=":material/model_training:"
        ):
            go_to("pages/train.py", model_keys("train_", spec))
