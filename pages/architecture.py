"""One network, taken apart: what it looks like, what each layer costs."""

from __future__ import annotations

import streamlit as st

from core.analysis.broken_off import ForwardError
from core.analysis.cpu import threads
from core.analysis.records import Analysis
from core.report.glance import BATCH_SIZE
from core.report.handout.network import network_document
from core.report.names import file_name, network_source, network_title
from core.specs import LabError
from core.zoo.catalogue import complete, find
from core.zoo.own import is_own
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.handouts import offer_handout
from pages.views.app.head import Head
from pages.views.app.messages import escaped, show_error
from pages.views.app.network_picture import network_picture
from pages.views.app.prose import caption
from pages.views.app.with_torch import analysis_of
from pages.views.architecture.another_size import another_size_note
from pages.views.architecture.broken_off import broken_off_error, broken_off_view
from pages.views.architecture.code import code_view
from pages.views.architecture.cost import cost_view
from pages.views.architecture.display import Display, choose_display
from pages.views.architecture.explain import explain_view
from pages.views.architecture.growth import growth_view
from pages.views.architecture.layers import layers_view
from pages.views.architecture.memory_and_time import memory_and_time_view
from pages.views.architecture.next_steps import next_steps
from pages.views.architecture.since_save import before_save, changes_view, follow_file
from pages.views.architecture.strip import strip
from pages.views.architecture.too_small import another_size_button
from pages.views.architecture.totals import totals_row
from pages.views.architecture.trained import trained_view
from pages.views.architecture.views import MEMORY_AND_TIME, choose_view
from pages.views.forms.network import choose_model


def _page(head: Head) -> None:
    """Controls, totals, strip, then the view that the reader picks."""
    spec = choose_model("net_", "vgg11", libraries=True)
    head.title(network_title(spec))
    caption(network_source(spec.arch))
    if is_own(spec.arch):
        follow_file(spec.arch)
    try:
        analysis = analysis_of(spec)
    except LabError as error:
        if isinstance(error, ForwardError):
            broken_off_error(error)
            broken_off_view(error)
            return
        show_error(error)
        if not is_own(spec.arch):
            another_size_button(spec)
        return
    for warning in analysis.warnings:
        st.warning(escaped(warning), icon=":material/warning:")
    before = before_save(analysis) if is_own(spec.arch) else None
    default = before or analysis_of(complete(find(spec.arch).default))
    totals_row(analysis, default, is_save=before is not None)
    if before:
        changes_view(before, analysis)
    block = strip(analysis, default)
    another_size_note(analysis)
    view = choose_view(spec.arch)
    display = _show_view(view, analysis, block)
    next_steps(analysis, display)
    offer_handout(
        head,
        file_name(spec),
        lambda address: network_document(analysis, BATCH_SIZE, threads(), display.level, address),
    )


def _show_view(view: str, analysis: Analysis, block: str | None) -> Display:
    """What the reader picked, with its controls; how its layers are shown."""
    if view == MEMORY_AND_TIME:
        return memory_and_time_view(analysis)
    display = choose_display(view, analysis)
    match view:
        case "Layers":
            layers_view(analysis, display, block)
        case "Cost":
            cost_view(analysis, display)
        case "Graph":
            network_picture(analysis, "net_picture")
        case "Explain":
            explain_view(analysis)
        case "Growth":
            growth_view(analysis)
        case "Trained":
            trained_view(analysis)
        case "Code":
            code_view(analysis.spec)
    return display


with (
    page_frame("Architecture") as head,
    address_checked(),
):
    _page(head)
