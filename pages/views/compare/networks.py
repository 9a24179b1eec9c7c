"""Which networks the Compare page holds: in its address, and for this visit in the session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from core.analysis.records import Analysis
from core.language import _
from core.report.names_together import MAX_NETWORKS, short_titles
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import complete
from pages.views.app.with_torch import analysis_of

_FIRST = "alexnet/1/224/1/10|vgg11/1/224/1/10"  # Q2: why is VGG slower and bigger?
_KEY = "compared_networks"


class Compared(NamedTuple):
    """One of the networks side by side."""

    name: str  # tells it apart from the others
    analysis: Analysis


def _networks_text() -> str:
    """The networks as the address holds them, else those of this visit, else the first two."""
    text = st.query_params.get("networks")
    if text is None:
        text = st.session_state.get(_KEY, _FIRST)
    st.session_state[_KEY] = text
    return str(text)


def compared_specs() -> tuple[list[ModelSpec], list[str]]:
    """The networks of `_networks_text`, and a sentence for each that cannot be built."""
    specs: list[ModelSpec] = []
    problems: list[str] = []
    texts = [text for text in _networks_text().split("|") if text]
    if len(texts) > MAX_NETWORKS:
        problems.append(
            _(
                "The address holds {number} networks; the first {most} are shown, which are the"
                " most that fit.",
                number=len(texts),
                most=MAX_NETWORKS,
            )
        )
    for text in texts[:MAX_NETWORKS]:
        try:
            spec = complete(ModelSpec.from_text(text))
            analysis_of(spec)
        except LabError as error:
            problems.append(str(error))
            continue
        if spec not in specs:
            specs.append(spec)
    return specs, problems


def compare_only(specs: Sequence[ModelSpec]) -> None:
    """Put these networks into the address and draw the page anew."""
    st.query_params["networks"] = "|".join(spec.to_text() for spec in specs)
    st.rerun()


def networks_with(spec: ModelSpec) -> str:
    """Those of this visit and `spec`, as the address holds them."""
    texts = str(st.session_state.get(_KEY, _FIRST)).split("|")
    added = spec.to_text()
    return "|".join([*(text for text in texts if text and text != added), added])


def names_of(specs: Sequence[ModelSpec]) -> list[str]:
    """A name for each that no other of them has."""
    return short_titles(specs)
