"""The overview's three cards: a picture each, a question, and the click that answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.language import N_, _, language
from core.report.questions.networks import COURSE_RESIDUAL, VGG11
from core.specs import RunSpec
from core.training.recipes import recipe
from core.zoo.catalogue import complete
from core.zoo.variants import variant_of
from pages.views.app.address import go_to
from pages.views.app.services import shipped, start_worker, store
from pages.views.app.svg_image import svg_image
from pages.views.app.with_torch import analysis_of
from pages.views.overview.pictures import (
    blocks_picture,
    curve_picture,
    strip_picture,
)
from pages.views.people.ownership import told_before_the_start

_STYLE = """<style>
.st-key-start_cards [data-testid="stColumn"] > [data-testid="stVerticalBlock"] { height: 100%; }
.st-key-start_cards [class*="st-key-card_"] > :last-child { margin-top: auto; }
.st-key-start_cards img { width: 100%; max-width: 320px !important; margin: 0 auto; }
</style>"""
_IMAGES, _EPOCHS = 5_000, 3  # of the run that is started from here


@dataclass(frozen=True)
class StartCard:
    """A picture, a question, and what its button does; its texts are in English."""

    name: str
    title: str
    text: str
    button: str
    start: Callable[[], None]
    picture: Callable[[], str]  # SVG
    pictured: str  # in words


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


def _train() -> None:
    """Start the run, and watch it."""
    spec = RunSpec(
        complete(COURSE_RESIDUAL), "fashion-mini", recipe("fast", _IMAGES, epochs=_EPOCHS)
    )
    start_worker()
    go_to("pages/train.py", {"run": store().enqueue(spec)})


_CARDS = (
    StartCard(
        "apart",
        N_("Take a network apart"),
        N_(
            "Where do the parameters sit, which layers do the work? Two sliders, ratio and resize,"
            " show what changes."
        ),
        N_("Open VGG-11"),
        lambda: go_to("pages/architecture.py", {"net_network": VGG11.arch}),
        _strip,
        N_("VGG-11 from image to classes: the maps get smaller and wider."),
    ),
    StartCard(
        "train",
        N_("Train one in 10 seconds"),
        N_(
            "A small residual net on real images of clothes, on this machine; watch its accuracy"
            " rise, then download the curve."
        ),
        N_("Train it now"),
        _train,
        _curves,
        N_("Accuracy by epoch of three residual nets."),
    ),
    StartCard(
        "blocks",
        N_("Compare residual blocks"),
        N_(
            "Plain residual, constant scaling, conv shortcut or no shortcut: side by side over"
            " several seeds, with a verdict."
        ),
        N_("Compare the blocks"),
        lambda: go_to("pages/residual.py", {}),
        lambda: blocks_picture(("identity", "conv")),
        N_("Two residual blocks: with a plain shortcut, and with a 1×1 convolution on it."),
    ),
)


def start_cards() -> None:
    """The cards beside each other, of equal height, their buttons on one line."""
    st.html(_STYLE)
    with st.container(key="start_cards"):
        columns = st.columns(len(_CARDS))
        for index, (column, card) in enumerate(zip(columns, _CARDS, strict=True)):
            with column.container(border=True, height="stretch", key=f"card_{card.name}"):
                st.html(_image(index, language()))
                st.subheader(_(card.title), anchor=False)
                st.write(_(card.text))
                if card.start is _train:
                    told_before_the_start()
                if st.button(_(card.button), type="primary", key=f"open_{card.name}"):
                    card.start()


@st.cache_resource(show_spinner=False)
def _image(index: int, spoken: str) -> str:
    """Drawn once for everybody who speaks this: what comes with the lab does not change."""
    return svg_image(_CARDS[index].picture(), _(_CARDS[index].pictured))
