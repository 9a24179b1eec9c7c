"""Several networks side by side; sweeps over ratio and resize."""

from __future__ import annotations

import streamlit as st

from core.explain.glossary import explained
from core.report.names import names_file
from core.report.tables.networks import comparison_frame
from pages.views.app.address import address_checked
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame
from pages.views.app.messages import show_error
from pages.views.app.services import store
from pages.views.app.with_torch import analysis_of
from pages.views.compare.accuracy import accuracy_view, best_accuracies
from pages.views.compare.chips import chips
from pages.views.compare.networks import Compared, compared_specs, names_of
from pages.views.compare.scatter import scatter_view
from pages.views.compare.stages import stages_view
from pages.views.compare.sweeps import sweep_view
from pages.views.compare.totals import totals_view
from pages.views.forms import limits

_VIEWS = ("Table", "MACs against parameters", "Accuracy against MACs", "Stages", "Sweep")


def _page() -> None:
    """The chips, then the view that the reader picks."""
    specs, problems = compared_specs()
    chips(specs)
    for problem in problems:
        show_error(problem)
    if not specs:
        st.info("Nothing to compare yet: add a network above.", icon=":material/arrow_upward:")
        return
    batch_size = _choose_batch_size()
    networks = [
        Compared(name, analysis_of(spec)) for name, spec in zip(names_of(specs), specs, strict=True)
    ]
    _show_view(_choose_view(), networks, batch_size)
    download_csv(
        "Comparison as CSV",
        lambda: comparison_frame(
            [network.analysis for network in networks], batch_size, best_accuracies(store())
        ),
        f"{names_file('comparison', specs)}.csv",
        "cmp_csv",
    )


def _choose_batch_size() -> int:
    """Images in a batch, in the sidebar."""
    with st.sidebar:
        batch_size = st.slider(
            "Batch size",
            *limits.BATCH_COMPARED,
            128,
            key="cmp_batch",
            bind="query-params",
            help=explained("batch", "training memory"),
        )
    return int(batch_size)


def _choose_view() -> str:
    """The control that picks what stands below the chips."""
    view = st.segmented_control(
        "View",
        _VIEWS,
        default="Table",
        key="cmp_view",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    return str(view)


def _show_view(view: str, networks: list[Compared], batch_size: int) -> None:
    """What the reader picked."""
    match view:
        case "Table":
            totals_view(networks, best_accuracies(store()), batch_size)
        case "MACs against parameters":
            scatter_view(networks, batch_size)
        case "Accuracy against MACs":
            accuracy_view(networks, store())
        case "Stages":
            stages_view(networks)
        case "Sweep":
            sweep_view(networks, batch_size)


with (
    page_frame(
        "Compare", "Networks side by side: what they cost, block by block and over a slider."
    ),
    address_checked(),
):
    _page()
