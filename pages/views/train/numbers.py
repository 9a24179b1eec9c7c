"""The numbers behind the curves of a run, an epoch a row."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.language import N_, _
from core.training.records import EpochMetrics
from pages.views.app.tables import table


def numbers_table(epochs: Sequence[EpochMetrics]) -> None:
    """Folded away: what the charts draw."""
    config = st.column_config
    frame = pd.DataFrame(
        {
            N_("epoch"): [metrics.epoch for metrics in epochs],
            N_("test accuracy"): [100 * metrics.test_accuracy for metrics in epochs],
            N_("train accuracy"): [100 * metrics.train_accuracy for metrics in epochs],
            N_("test loss"): [metrics.test_loss for metrics in epochs],
            N_("train loss"): [metrics.train_loss for metrics in epochs],
            N_("images/s"): [metrics.images_per_second for metrics in epochs],
            N_("training (s)"): [metrics.train_seconds for metrics in epochs],
            N_("evaluation (s)"): [metrics.evaluation_seconds for metrics in epochs],
        }
    )
    with st.expander(_("Numbers by epoch"), key="train_numbers"):
        table(
            frame,
            key="train_numbers_table",
            column_config={
                **dict.fromkeys(
                    ("test accuracy", "train accuracy"), config.NumberColumn(format="%.2f %%")
                ),
                **dict.fromkeys(("test loss", "train loss"), config.NumberColumn(format="%.4f")),
                "images/s": config.NumberColumn(format="%.0f"),
                **dict.fromkeys(
                    ("training (s)", "evaluation (s)"), config.NumberColumn(format="%.2f")
                ),
            },
        )
