"""Shortcut variants over seeds: studies, their verdict, and the published curves reproduced."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.data import find_dataset
from core.jobs.store import Study, StudyKind
from core.studies.study import by_variant
from core.zoo.variants import VARIANTS, variants_of
from pages.views.app.address import address_checked, go_to
from pages.views.app.frame import page_frame
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.prose import markdown
from pages.views.app.services import start_waiting_workers, store
from pages.views.app.words import count
from pages.views.forms.study import Choice, start_button, study_form
from pages.views.residual.block_pictures import variant_cards
from pages.views.residual.reproduction import (
    reference_chart,
    reference_verdict,
    reproduction_view,
)
from pages.views.residual.study import study_view

_LISTED = 50  # studies in the picker
_MOVED = "why_"  # begins the parameters of what is now the page Gradients


def _page() -> None:
    """Left the blocks, beside them the study that the address names, below what is published."""
    _forward_to_gradients()
    with st.sidebar:
        choice = study_form()
    studies = store().studies(StudyKind.VARIANTS, _LISTED)
    study = _chosen_study(studies)
    compared, network = choice.units, choice.settings["network"]
    if study:
        groups = by_variant(store().runs(study=study.id), {})
        compared = [group.variant for group in groups if group.variant]
        network = groups[0].model.arch
    left, right = st.columns([1, 4], gap="medium") if compared else (None, st.container())
    if left:
        left.html(variant_cards(compared))
    with right:
        if study is None:
            _invitation(choice)
        else:
            start_waiting_workers()
            _pick_study(studies, study)
            study_view(study.id)
            with st.expander("The course note's blocks on MNIST: published and reproduced"):
                _shipped()
    _other_blocks(network, {variant.name for variant in compared})
    st.page_link(
        "pages/gradients.py",
        label="Why shortcuts work: does the gradient arrive at the first layers?",
        icon=":material/ssid_chart:",
    )
    reproduction_view()


def _forward_to_gradients() -> None:
    """Addresses from before Gradients was a page of its own open it, with the same settings."""
    moved = {key: st.query_params.get_all(key) for key in st.query_params if key.startswith(_MOVED)}
    if moved:
        go_to("pages/gradients.py", moved)


def _chosen_study(studies: Sequence[Study]) -> Study | None:
    """The one that the address names, else the newest; a sentence for a name that is unknown."""
    asked = st.query_params.get("study")
    if asked is None:
        return next(iter(studies), None)
    with errors_in_one_sentence():
        return store().study(asked)
    return None


def _other_blocks(network: str, compared: set[str]) -> None:
    """The other blocks that this network can have, folded away."""
    others = [name for name in variants_of(network) if name not in compared]
    if others:
        with st.expander(f"{len(others)} other blocks"):
            st.html(variant_cards([VARIANTS[name].in_network(network) for name in others]))


def _invitation(choice: Choice) -> None:
    """Before any study: the question, one button, and the shipped curves."""
    if not choice.specs:
        st.info("Choose at least one variant in the sidebar.", icon=":material/info:")
        _shipped()
        return
    with st.container(border=True):
        compared = "block" if choice.units else "variant"
        st.header(f"Which {compared} is better, and can a few seeds tell?", anchor=False)
        epochs = count(choice.specs[0].recipe.epochs, "epoch")
        markdown(
            f"{count(len(choice.variants), 'variant')}, {count(len(choice.specs), 'short run')} of"
            f" {epochs} each on"
            f" {find_dataset(choice.settings['dataset']).title}, then a verdict in words. The"
            " sidebar changes what is compared and says how long it takes."
        )
        start_button(f"Train these {len(choice.specs)} runs", choice, "res_begin")
    _shipped()


def _shipped() -> None:
    """The curves that come with the lab, and what they can tell."""
    reference_chart()
    reference_verdict()


def _pick_study(studies: Sequence[Study], shown: Study) -> None:
    """Another study of this store, where there are several."""
    known = {study.id: study for study in [shown, *studies]}
    if len(known) < 2:
        return
    st.selectbox(
        "Study",
        list(known),
        format_func=lambda name: f"{known[name].title} · {name}",
        key=f"res_study_{shown.id}",
        on_change=_open_study,
        args=(f"res_study_{shown.id}",),
        help="The newest first; the address names the one that is shown.",
    )


def _open_study(key: str) -> None:
    """Show the study that was picked."""
    st.query_params["study"] = st.session_state[key]


with (
    page_frame(
        "Residual", "Which shortcut is better? The same net and recipe, several seeds each."
    ),
    address_checked(),
):
    _page()
