"""The Compare page's Table view: the totals of each network, and each against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.explain.glossary import explained
from core.report import formats
from core.report.names import condition_label
from core.specs import ModelSpec
from core.studies.conditions import Condition
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.compare.networks import Compared


def totals_view(
    networks: Sequence[Compared],
    best_accuracies: Mapping[ModelSpec, tuple[float, Condition]],
    batch_size: int,
) -> None:
    """The totals, with bars in the cells; under it how each differs from the first."""
    totals = [network.analysis.totals for network in networks]
    memory = [network.analysis.training_bytes(batch_size) / 2**20 for network in networks]
    best = [best_accuracies.get(network.analysis.spec) for network in networks]
    bars: dict[str, Sequence[float]] = {
        "parameters": [total.params for total in totals],
        "MACs an image": [total.macs for total in totals],
        "training MiB": [round(mebibytes) for mebibytes in memory],
        "saved MiB an image": [round(total.saved_bytes / 2**20, 2) for total in totals],
    }
    frame = pd.DataFrame(
        {
            "network": [network.name for network in networks],
            **bars,
            "sees px": formats.sides_column([total.receptive_field for total in totals]),
            "depth": [total.depth for total in totals],
        }
    )
    conditions = dict.fromkeys(condition_label(reached[1]) for reached in best if reached)
    if conditions:
        accuracies = [100 * reached[0] if reached else None for reached in best]
        frame.insert(1, "best accuracy", accuracies)
    if len(conditions) > 1:
        reached_with = [condition_label(reached[1]) if reached else "" for reached in best]
        frame.insert(2, "reached with", reached_with)
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        placeholder=formats.NOTHING,
        key="cmp_table",
        column_config=_columns(bars, batch_size),
    )
    if len(conditions) > 1:
        caption(
            "These best accuracies were reached with different data, images, epochs or recipes:"
            " they say nothing about which network is better. “Accuracy against MACs” holds only"
            " runs that may be compared."
        )
    elif conditions:
        caption(f"Best accuracies with {escaped(next(iter(conditions)))}.")
    first, *others = networks
    markdown("\n".join(f"- {_difference(first, other, batch_size)}" for other in others))


def _columns(bars: Mapping[str, Sequence[float]], batch_size: int) -> dict[str, ColumnConfig]:
    """How the table's columns look; those of `bars` are drawn from 0 to their largest value."""
    config = st.column_config
    helps = {
        "parameters": explained("parameter"),
        "MACs an image": explained("MACs"),
        "training MiB": f"With a batch of {batch_size}. {explained('training memory')}",
        "saved MiB an image": explained("saved activations"),
    }
    return {
        "network": config.TextColumn(pinned=True),
        "sees px": config.NumberColumn(help=explained("receptive field")),
        "depth": config.NumberColumn(help=explained("depth")),
        "best accuracy": config.NumberColumn(
            format="%.2f %%",
            help="Best test accuracy among the runs of exactly this network; optimistic. Empty"
            " without a run that is better than guessing.",
        ),
        "reached with": config.TextColumn(
            help="Accuracies may be compared only where data, images, epochs and recipe are equal."
        ),
    } | {
        title: config.ProgressColumn(
            title,
            min_value=0,
            max_value=max(1.0, *values),
            format="localized",
            help=helps[title],
            color="blue",
        )
        for title, values in bars.items()
    }


def _difference(first: Compared, other: Compared, batch_size: int) -> str:
    """A network against the first, in one sentence."""
    totals, reference = other.analysis.totals, first.analysis.totals
    memory = other.analysis.training_bytes(batch_size)
    reference_memory = first.analysis.training_bytes(batch_size)
    saved = formats.times(totals.saved_bytes, reference.saved_bytes, formats.MUCH)
    return (
        f"**{escaped(other.name)}** against **{escaped(first.name)}**:"
        f" parameters: {formats.times(totals.params, reference.params)};"
        f" MACs: {formats.times(totals.macs, reference.macs)};"
        f" saved for the backward pass: {saved};"
        f" training memory at a batch of {batch_size}:"
        f" {formats.times(memory, reference_memory, formats.MUCH)}."
    )
