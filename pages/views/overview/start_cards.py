"""The overview's three cards: a picture each, a question, and the page that answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from core.report.questions.networks import COURSE_RESIDUAL, VGG11
from core.zoo.catalogue import complete
from core.zoo.variants import variant_of
from pages.views.app.address import go_to
from pages.views.app.services import shipped
from pages.views.app.svg_image import svg_image
from pages.views.app.with_torch import analysis_of
from pages.views.overview.pictures import (
    blocks_picture,
    curve_picture,
    strip_picture,
)


@dataclass(frozen=True)
class StartCard:
    """A picture, a question, and the page that its button opens."""

    title: str
    text: str
    button: str
    page: str
    picture: Callable[[], str]  # SVG
    pictured: str  # in words
    address: dict[str, str] = field(default_factory=dict)  # query parameters of that page


def _strip() -> str:
    return strip_picture(analysis_of(complete(VGG11)))


def _curves() -> str:
    """The mean of the shipped seeds of the corrected residual blocks."""
    curves = []
    for row in shipped():
        variant = variant_of(row.model)
        if row.model.arch == COURSE_RESIDUAL.arch and row.runs and variant:
            by_epoch = zip(*(run.metrics for run in row.runs), strict=True)
            means = [sum(m.test_accuracy for m in epoch) / len(epoch) for epoch in by_epoch]
            if not variant.as_published:
                curves.append((variant.name, means))
    return curve_picture(curves)


_CARDS = (
    StartCard(
        "Take a network apart",
        "Where do the parameters sit, which layers do the work? Two sliders, ratio and resize,"
        " show what changes.",
        "Open VGG-11",
        "pages/architecture.py",
        _strip,
        "VGG-11 from image to classes: the maps get smaller and wider.",
        {"net_network": "vgg11"},
    ),
    StartCard(
        "Train one in 10 seconds",
        "A small residual net on real images of clothes, on this machine; watch its accuracy"
        " rise, then download the curve.",
        "Set up the run",
        "pages/train.py",
        _curves,
        "Accuracy by epoch of three residual nets.",
        {"train_network": "course-residual", "train_epochs": "3"},
    ),
    StartCard(
        "Compare residual blocks",
        "Plain residual, constant scaling, conv shortcut or no shortcut: side by side over"
        " several seeds, with a verdict.",
        "Compare the blocks",
        "pages/residual.py",
        lambda: blocks_picture(("identity", "conv")),
        "Two residual blocks: with a plain shortcut, and with a 1×1 convolution on it.",
    ),
)


def start_cards() -> None:
    """The cards beside each other."""
    for index, (column, card) in enumerate(zip(st.columns(len(_CARDS)), _CARDS, strict=True)):
        with column.container(border=True, height="stretch"):
            st.html(_image(index))
            st.header(card.title, anchor=False)
            st.write(card.text)
            if st.button(card.button, type="primary", key=f"open_{card.page}"):
                go_to(card.page, card.address)


@st.cache_resource(show_spinner=False)
def _image(index: int) -> str:
    """Drawn once for everybody: what comes with the lab does not change."""
    return svg_image(_CARDS[index].picture(), _CARDS[index].pictured)
