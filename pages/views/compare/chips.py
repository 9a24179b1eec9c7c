"""The Compare page's first row: a button for each network that takes it away, one that adds."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.language import _
from core.report.figures.palette import DARK, colors_and_markers
from core.report.names_together import MAX_NETWORKS
from core.specs import ModelSpec
from pages.views.app.messages import escaped, show_error
from pages.views.compare.networks import compare_only, names_of
from pages.views.forms.network import choose_model


def chips(specs: Sequence[ModelSpec]) -> None:
    """One chip a network in its color, removed by a click; a picker that adds one."""
    st.html(_style(len(specs)))
    with st.container(horizontal=True, gap="small", key="cmp_chips"):
        for index, name in enumerate(names_of(specs)):
            if st.button(
                f"{escaped(name)} ✕", key=f"cmp_chip_{index}", help=_("Take this network away.")
            ):
                compare_only([*specs[:index], *specs[index + 1 :]])
        with st.popover(_("Add a network"), icon=":material/add:"):
            _add_network(specs)


def problems_view(problems: Sequence[str], specs: Sequence[ModelSpec]) -> None:
    """A sentence for each network that cannot be shown, and the way to be without them."""
    for problem in problems:
        show_error(problem)
    if problems and st.button(_("Leave them out"), key="cmp_leave_out"):
        compare_only(specs)


def _style(count: int) -> str:
    """A dot in the network's color before its name."""
    rules = [
        f".st-key-cmp_chip_{index} button::before"
        f" {{ background: light-dark({color}, {DARK[color]}); }}"
        for index, (color, _) in enumerate(colors_and_markers(count))
    ]
    return (
        '<style>[class*="st-key-cmp_chip_"] button::before { content: ""; flex: none;'
        " width: 0.625rem; height: 0.625rem; border-radius: 50%; margin-right: 0.5rem; }"
        f"{''.join(rules)}</style>"
    )


def _add_network(specs: Sequence[ModelSpec]) -> None:
    """The picker of the Architecture page, and the button that adds what it shows."""
    spec = choose_model("cmp_", "vgg16", bind=None, libraries=True)
    is_full = len(specs) >= MAX_NETWORKS
    if st.button(_("Add"), type="primary", disabled=is_full, icon=":material/add:"):
        compare_only([*specs, spec])
    if is_full:
        st.caption(
            _("{most} networks are the most that fit; take one away first.", most=MAX_NETWORKS)
        )
