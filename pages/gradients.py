"""Why shortcuts work: gradients by layer, plain nets of growing depth, the loss around a net."""

from __future__ import annotations

import streamlit as st

from core.explain.glossary import explained
from core.measure.gradient_records import BATCH_SIZE
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.prose import caption
from pages.views.gradients.flow import flow_view
from pages.views.gradients.landscape import landscape_view
from pages.views.gradients.stack import stack_view


def _page() -> None:
    """Three questions: does the gradient arrive, does depth hurt, and how rough is the loss?"""
    st.header("Why it works: does the gradient arrive?", anchor=False)
    caption(
        "The note says: “the derivative of a residual block is at least 1, so gradients do not"
        " vanish”. Here is what arrives at each layer, for nets of growing depth, measured on one"
        f" batch of {BATCH_SIZE} real images; with and without BatchNorm, which removes most of the"
        " vanishing by itself, and with the initialization of your choice, which matters as much."
    )
    flow_view()
    st.header(
        "Stack layers: does a deeper plain net train worse?",
        anchor=False,
        help=explained("plain net"),
    )
    stack_view()
    st.header("Where training walks: how rough is the loss?", anchor=False)
    caption(
        "A training goes downhill on the loss, a landscape with a dimension for each parameter."
        " Here is a plane of it: from the trained network away in two random directions, each"
        " filter by as much as the network's own filter is long (filter normalization). Where the"
        " landscape is smooth, a step of the optimizer finds what it expects. Of your own runs"
        " there is also the plane in which their training has walked."
    )
    landscape_view()


with (
    page_frame("Gradients", "Why shortcuts work: what arrives at each layer of a deep net."),
    address_checked(),
):
    _page()
