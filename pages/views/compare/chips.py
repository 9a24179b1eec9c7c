"""The Compare page's first row: a button for each network that takes it away, one that adds."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.specs import ModelSpec
from pages.views.compare.networks import MAX_NETWORKS, compare_only, names_of
from pages.views.forms.network import choose_model


def chips(specs: Sequence[ModelSpec]) -> None:
    """One chip a network, removed by a click; a picker that adds one."""
    with st.container(horizontal=True):
        for index, name in enumerate(names_of(specs)):
            if st.button(f"{name} ✕", key=f"cmp_chip_{index}", help="Take this network away."):
                compare_only([*specs[:index], *specs[index + 1 :]])
        with st.popover("Add a network", icon=":material/add:"):
            _add_network(specs)


def _add_network(specs: Sequence[ModelSpec]) -> None:
    """The picker of the Architecture page, and the button that adds what it shows."""
    spec = choose_model("cmp_", "vgg16", bind=None, libraries=True)
    is_full = len(specs) >= MAX_NETWORKS
    if st.button("Add", type="primary", disabled=is_full, icon=":material/add:"):
        compare_only([*specs, spec])
    if is_full:
        st.caption(f"{MAX_NETWORKS} networks are the most that fit; take one away first.")
