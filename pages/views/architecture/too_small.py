"""The way out of a size that a network cannot take."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from core.language import _
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import find
from pages.views.app.with_torch import smallest_size_of
from pages.views.forms.limits import SIZE_SLIDER, SIZE_STEP


def another_size_button(spec: ModelSpec) -> None:
    """A button for the smallest size on the slider that works, else for the network's own."""
    size = _size_that_works(spec)
    if size is None or not isinstance(spec.image_size, int) or size == spec.image_size:
        return
    st.button(
        _("Use {size} px", size=size),
        key="net_use_size",
        type="primary",
        on_click=st.session_state.__setitem__,
        args=("net_size", size),
    )


def _size_that_works(spec: ModelSpec) -> int | None:
    with suppress(LabError):  # of a library's model, which says no more than that it cannot
        smallest = smallest_size_of(spec)
        if smallest is None:
            return None  # no size does: something else is wrong
        if min(spec.sides) < smallest:
            on_slider = -(-smallest // SIZE_STEP) * SIZE_STEP
            return on_slider if on_slider <= SIZE_SLIDER[1] else None
    own = find(spec.arch).default.image_size
    return own if isinstance(own, int) else None
