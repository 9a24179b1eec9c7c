"""The overview: what this is, where to start, the newest runs."""

from __future__ import annotations

import streamlit as st

from pages.views.app.address import go_to
from pages.views.app.frame import page_frame

NEWEST = 8
CARDS = (
    (
        "Take VGG-11 apart",
        ":material/account_tree:",
        "Where do 128 million parameters sit, and which layers do the work? Two sliders, ratio"
        " and resize, show what changes.",
        "Open VGG-11",
        "pages/architecture.py",
        {"net_network": "vgg11"},
    ),
    (
        "Train in 10 seconds",
        ":material/model_training:",
        "A small residual net on real images of clothes, on this machine; watch its accuracy"
        " rise, then download the curve.",
        "Set up the run",
        "pages/train.py",
        {"train_network": "course-residual", "train_epochs": "3"},
    ),
    (
        "Which residual block is best?",
        ":material/call_split:",
        "Plain residual, constant scaling, conv shortcut or no shortcut: train them side by side"
        " over several seeds.",
        "Compare the blocks",
        "pages/residual.py",
        {},
    ),
)


def newest_runs() -> None:
    """The table of the newest runs. What it imports takes seconds, so the cards are drawn first."""
    st.subheader("Newest runs", anchor=False)
    from pages.views.app.services import start_worker, store
    from pages.views.runs.table import run_table

    if store().waiting():
        start_worker()  # runs of an earlier server go on
    runs = store().runs(NEWEST)
    if runs:
        run_table(store(), runs, key="newest")
    else:
        st.info(
            "No runs yet. “Train in 10 seconds” starts one that takes about 10 s on this machine.",
            icon=":material/arrow_upward:",
        )


with page_frame(
    "CNN Architecture Lab",
    "Builds convolutional networks, takes them apart layer by layer and trains short runs, so that"
    " questions about them are answered with evidence.",
):
    for column, (title, icon, text, label, target, keys) in zip(st.columns(3), CARDS, strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(f"{icon} {title}", anchor=False)
            st.write(text)
            if st.button(label, type="primary", key=f"open_{target}"):
                go_to(target, keys)
    newest_runs()
