"""The Compare page's Table view: the totals of each network, and how the first two differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.explain.glossary import explained
from core.report import formats
from core.specs import ModelSpec
from pages.views.app.messages import escaped
from pages.views.app.prose import markdown
from pages.views.compare.networks import Compared


def totals_view(
    networks: Sequence[Compared],
    best_accuracies: Mapping[ModelSpec, tuple[float, str]],
    batch_size: int,
) -> None:
    """The totals, with bars in the cells; under it what the first two differ in."""
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
            "best accuracy": [
                f"{formats.percent(accuracy[0])} on {accuracy[1]}" if accuracy else formats.NOTHING
                for accuracy in best
            ],
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        key="cmp_table",
        column_config=_columns(bars, batch_size),
    )
    if len(networks) > 1:
        markdown(_difference(networks[0], networks[1], batch_size))


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
        "best accuracy": config.TextColumn(
            help="Best test accuracy among the runs of exactly this network; optimistic."
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


def _difference(first: Compared, second: Compared, batch_size: int) -> str:
    """The second network as multiples of the first, in one sentence."""
    totals, reference = second.analysis.totals, first.analysis.totals
    memory = second.analysis.training_bytes(batch_size)
    reference_memory = first.analysis.training_bytes(batch_size)
    return (
        f"**{escaped(second.name)}** against **{escaped(first.name)}**:"
        f" {_times(totals.params, reference.params)} the parameters,"
        f" {_times(totals.macs, reference.macs)} the MACs,"
        f" {_times(totals.saved_bytes, reference.saved_bytes)} what is saved for the backward"
        f" pass, {_times(memory, reference_memory)} the training memory at"
        f" a batch of {batch_size}."
    )


def _times(value: float, reference: float) -> str:
    """`1.5 times`."""
    return f"{value / max(1, reference):.3g} times"
