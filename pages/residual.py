"""Shortcut variants over seeds: studies, their verdict, and the published curves reproduced."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.data import find_dataset
from core.runs.store import Study
from core.studies import by_variant
from core.variants import VARIANTS, Variant
from pages.shared.block_pictures import variant_picture
from pages.shared.frame import frame
from pages.shared.lab import start_study_workers, store
from pages.shared.messages import errors_in_one_sentence, plain
from pages.shared.reproduction_view import reference_chart, reproduction_view
from pages.shared.study_form import Choice, begin, study_form
from pages.shared.study_view import study_view
from pages.shared.variant_styles import style_of
from pages.shared.why_view import why_view

LISTED = 50  # studies in the picker


def page() -> None:
    """Left the blocks, beside them the study that the address names, below what is published."""
    with st.sidebar:
        choice = study_form()
    studies = store().studies(LISTED)
    study = chosen_study(studies)
    left, right = st.columns([1, 4], gap="medium")
    with left:
        pictures(variants_of(study) if study else choice.variants)
    with right:
        if study is None:
            invitation(choice)
        else:
            start_study_workers()
            pick_study(studies, study)
            study_view(study.id)
            with st.expander("The course note's blocks on MNIST: published and reproduced"):
                reference_chart()
    why_view()
    reproduction_view()


def chosen_study(studies: Sequence[Study]) -> Study | None:
    """The one that the address names, else the newest; a sentence for a name that is unknown."""
    asked = st.query_params.get("study")
    if asked is None:
        return next(iter(studies), None)
    with errors_in_one_sentence():
        return store().study(asked)
    return None


def variants_of(study: Study) -> list[str]:
    """The names of the variants that a study compares."""
    groups = by_variant(store().runs(study=study.id), {})
    return [group.variant.name for group in groups if group.variant]


def pictures(chosen: Sequence[str]) -> None:
    """The blocks that are compared, each with its formula; the others folded away."""
    with st.container(horizontal=True, gap="small"):
        for name in VARIANTS:
            if name in chosen:
                picture(VARIANTS[name])
    others = [variant for name, variant in VARIANTS.items() if name not in chosen]
    if others:
        with (
            st.expander(f"{len(others)} other blocks"),
            st.container(horizontal=True, gap="small"),
        ):
            for variant in others:
                picture(variant)


def picture(variant: Variant) -> None:
    """One block with its title and formula."""
    with st.container(border=True, width=143, gap="small"):
        svg = variant_picture(variant, style_of(variant).colour)
        st.image(svg, width=109, alt=f"{variant.title}: {variant.formula}")
        st.markdown(f"**{plain(variant.title)}**")
        st.caption(plain(variant.formula))


def invitation(choice: Choice) -> None:
    """Before any study: the question, one button, and the shipped curves."""
    with st.container(border=True):
        st.subheader("Which block is better, and can a few seeds tell?", anchor=False)
        epochs = choice.specs[0].recipe.epochs if choice.specs else 0
        st.write(
            f"{len(choice.variants)} blocks, {len(choice.specs)} short runs of {epochs} epochs on"
            f" {find_dataset(choice.settings['dataset']).title}, then a verdict in words. The"
            " sidebar changes what is compared and says how long it takes."
        )
        if st.button(
            f"Train these {len(choice.specs)} runs",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not choice.possible,
            key="res_begin",
            help="Queues every run; they go on when this tab closes.",
        ):
            begin(choice)
    reference_chart()


def pick_study(studies: Sequence[Study], shown: Study) -> None:
    """Another study of this store, where there are several."""
    known = {study.id: study for study in [shown, *studies]}
    if len(known) < 2:
        return
    st.selectbox(
        "Study",
        list(known),
        format_func=lambda name: f"{known[name].title} · {name}",
        key=f"res_study_{shown.id}",
        on_change=open_study,
        args=(f"res_study_{shown.id}",),
        help="The newest first; the address names the one that is shown.",
    )


def open_study(key: str) -> None:
    """Show the study that was picked."""
    st.query_params["study"] = st.session_state[key]


with frame("Residual", "Which shortcut is better? The same net and recipe, several seeds each."):
    page()
