"""The overview's three cards: a question each, and the page that answers it."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from pages.views.app.address import go_to


@dataclass(frozen=True)
class StartCard:
    """A question, and the page that its button opens."""

    title: str
    icon: str
    text: str
    button: str
    page: str
    address: dict[str, str] = field(default_factory=dict)  # query parameters of that page


_CARDS = (
    StartCard(
        "Take VGG-11 apart",
        ":material/account_tree:",
        "Where do 128 million parameters sit, and which layers do the work? Two sliders, ratio"
        " and resize, show what changes.",
        "Open VGG-11",
        "pages/architecture.py",
        {"net_network": "vgg11"},
    ),
    StartCard(
        "Train in 10 seconds",
        ":material/model_training:",
        "A small residual net on real images of clothes, on this machine; watch its accuracy"
        " rise, then download the curve.",
        "Set up the run",
        "pages/train.py",
        {"train_network": "course-residual", "train_epochs": "3"},
    ),
    StartCard(
        "Which residual block is best?",
        ":material/call_split:",
        "Plain residual, constant scaling, conv shortcut or no shortcut: train them side by side"
        " over several seeds.",
        "Compare the blocks",
        "pages/residual.py",
    ),
)


def start_cards() -> None:
    """The cards beside each other."""
    for column, card in zip(st.columns(len(_CARDS)), _CARDS, strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(f"{card.icon} {card.title}", anchor=False)
            st.write(card.text)
            if st.button(card.button, type="primary", key=f"open_{card.page}"):
                go_to(card.page, card.address)
