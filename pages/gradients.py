"""Why shortcuts work: gradients by layer, plain nets of growing depth, the loss around a net."""

from __future__ import annotations

import streamlit as st

from core.explain.glossary import explained
from core.language import _, listed
from core.measure.gradient_records import BATCH_SIZE
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.head import Head
from pages.views.app.prose import caption
from pages.views.gradients.flow import chosen_depths, flow_view
from pages.views.gradients.landscape import landscape_view
from pages.views.gradients.stack import stack_view


def _page(head: Head) -> None:
    """Three questions: does the gradient arrive, does depth hurt, and how rough is the loss?"""
    head.title(_title())
    st.header(_("Does the gradient arrive?"), anchor=False)
    caption(
        _(
            "The note says: “the derivative of a residual block is at least 1, so gradients do not"
            " vanish”. Measured at each layer on one batch of {images} real images, before"
            " training. BatchNorm removes most of the vanishing by itself; the initialization"
            " matters as much.",
            images=BATCH_SIZE,
        )
    )
    flow_view()
    st.header(_("Does a deeper plain net train worse?"), anchor=False, help=explained("plain net"))
    stack_view()
    st.header(_("How rough is the loss where training walks?"), anchor=False)
    caption(
        _(
            "A plane of the loss, from the trained network in two random directions, each filter by"
            " as much as it is long itself (filter normalization, arXiv 1712.09913). Where the"
            " landscape is smooth, a step of the optimizer finds what it expects. Of your own runs"
            " there is also the plane in which their training has walked."
        )
    )
    landscape_view()


def _title() -> str:
    """`Gradients in nets of 20 and 110 layers`, as the controls say that stand below."""
    depths = sorted(map(int, chosen_depths()))
    if not depths:
        return _("Gradients, layer by layer")
    return _("Gradients in nets of {depths} layers", depths=listed(list(map(str, depths))))


with page_frame("Gradients") as head, address_checked():
    _page(head)
