"""Shortcut variants over seeds: studies, their verdict, and the published curves reproduced."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.jobs.store import Run, Study, StudyKind
from core.language import _
from core.report.names import safe_name, study_name
from core.studies.study import Group, by_variant
from core.zoo.variants import VARIANTS, Variant, variants_of
from pages.views.app.address import address_checked, go_to
from pages.views.app.frame import page_frame
from pages.views.app.handouts import offer_handout
from pages.views.app.head import Head
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.prose import caption
from pages.views.app.services import start_waiting_workers, store
from pages.views.forms.study import PREFIX, study_form
from pages.views.residual.block_pictures import variant_cards
from pages.views.residual.handout import study_handout
from pages.views.residual.reference import reference_view
from pages.views.residual.reproduction import reproduction_view
from pages.views.residual.study import study_view

_LISTED = 50  # studies in the picker
_MOVED = "why_"  # begins the parameters of what is now the page Gradients


def _page(head: Head) -> None:
    """The study that the address names, else a newest; before any the way to the first one."""
    _forward_to_gradients()
    studies = store().studies(StudyKind.VARIANTS, _LISTED)
    study = _chosen_study(studies)
    runs = store().runs(study=study.id) if study else []
    if study and runs:
        _study(head, studies, study, runs)
    else:
        _invitation(head)
    st.page_link(
        "pages/gradients.py",
        label=_("Why it works: do gradients arrive?"),
        icon=":material/ssid_chart:",
    )
    reproduction_view()


def _forward_to_gradients() -> None:
    """Addresses from before Gradients was a page of its own open it, with the same settings."""
    moved = {key: st.query_params.get_all(key) for key in st.query_params if key.startswith(_MOVED)}
    if moved:
        go_to("pages/gradients.py", moved)


def _chosen_study(studies: Sequence[Study]) -> Study | None:
    """The one that the address names, else the visitor's newest, else the newest of all."""
    asked = st.query_params.get("study")
    if asked is None:
        own = (study for study in studies if store().actor and study.owner == store().owner)
        return next(own, next(iter(studies), None))
    with errors_in_one_sentence():
        return store().study(asked)
    return None


def _study(head: Head, studies: Sequence[Study], study: Study, runs: Sequence[Run]) -> None:
    """Which one, the way to the next, what is compared, and what has come out."""
    groups = by_variant(runs, {})
    head.title(_name_of(groups))
    offer_handout(head, safe_name("study", study.id), partial(study_handout, study.id))
    start_waiting_workers()
    asks_for_new = "study" not in st.query_params and any(
        key.startswith(PREFIX) for key in st.query_params
    )
    _pick_study(studies, study)
    with st.expander(_("Start another study"), expanded=asks_for_new, icon=":material/add:"):
        study_form()
    _blocks([group.variant for group in groups if group.variant])
    study_view(study.id)
    with st.expander(_("The course note's blocks on MNIST: published and reproduced")):
        reference_view()
    _other_blocks(groups[0].model.arch, [group.variant for group in groups if group.variant])


def _name_of(groups: Sequence[Group]) -> str:
    """`Study: four shortcuts, 5 seeds`."""
    models = list(dict.fromkeys(group.model for group in groups))
    seeds = {run.spec.seed for group in groups for run in group.runs}
    return study_name(models, [group.title for group in groups], len(seeds))


def _invitation(head: Head) -> None:
    """Before any study: the question, what to compare and the start, and the shipped result."""
    head.title(_("Which shortcut is better?"))
    caption(
        _(
            "The same network and recipe, several seeds of each variant, then a verdict: can a few"
            " seeds tell which is better?"
        )
    )
    choice = study_form()
    if not choice.units:  # of somebody's own network an argument is varied
        head.title(_("Which variant is better?"))
    _blocks(choice.units)
    _other_blocks(choice.settings["network"], choice.units)
    st.header(_("The course note's blocks on MNIST"), anchor=False)
    reference_view()


def _blocks(variants: Sequence[Variant]) -> None:
    """The units that are compared, as pictures."""
    if variants:
        st.html(variant_cards(variants))


def _other_blocks(network: str, compared: Sequence[Variant]) -> None:
    """The other blocks that this network can have, folded away."""
    names = {variant.name for variant in compared}
    others = [name for name in variants_of(network) if name not in names]
    if others:
        with st.expander(_("{number} other blocks", number=len(others))):
            st.html(variant_cards([VARIANTS[name].in_network(network) for name in others]))


def _pick_study(studies: Sequence[Study], shown: Study) -> None:
    """Another study of this store, where there are several."""
    known = {study.id: study for study in [shown, *studies]}
    if len(known) < 2:
        return
    st.selectbox(
        _("Study"),
        list(known),
        format_func=lambda name: f"{known[name].title} · {name}",
        key=f"res_study_{shown.id}",
        on_change=_open_study,
        args=(f"res_study_{shown.id}",),
        width=640,
        help=_("The newest first; the address names the one that is shown."),
    )


def _open_study(key: str) -> None:
    """Show the study that was picked."""
    st.query_params["study"] = st.session_state[key]


with page_frame("Residual") as head, address_checked():
    _page(head)
