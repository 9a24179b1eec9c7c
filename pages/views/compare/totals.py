"""The Compare page's table: the totals of each network, and what stands out among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.explain.glossary import explained
from core.language import N_, _, paragraph
from core.report import formats
from core.report.names import condition_label
from core.report.sentences.comparison import against, costs_sentence
from core.specs import ModelSpec
from core.studies.conditions import Condition
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.compare.networks import Compared

_GIBIBYTES_FROM = 1_024  # MiB in a column
_Best = Mapping[ModelSpec, tuple[float, Condition]]


def totals_view(networks: Sequence[Compared], best_accuracies: _Best, batch_size: int) -> None:
    """What stands out, the totals with bars in the cells, then each against the first."""
    markdown(costs_sentence(networks, batch_size))
    best = [best_accuracies.get(network.analysis.spec) for network in networks]
    conditions = dict.fromkeys(condition_label(reached[1]) for reached in best if reached)
    bars = _bars(networks, batch_size)
    frame = _frame(networks, {title: values for title, (values, _help) in bars.items()})
    if conditions:
        accuracies = [100 * reached[0] if reached else None for reached in best]
        frame.insert(1, N_("best accuracy"), accuracies)
    if len(conditions) > 1:
        reached_with = [condition_label(reached[1]) if reached else "" for reached in best]
        frame.insert(2, N_("reached with"), reached_with)
    table(
        frame,
        height="content",
        placeholder=formats.NOTHING,
        key="cmp_table",
        column_config=_columns(bars),
    )
    _say_conditions(list(conditions))
    if len(networks) > 2:
        first, *others = networks
        with st.expander(_("Each against {network}", network=escaped(first.name))):
            markdown("\n".join(f"- {against(first, other, batch_size)}" for other in others))


def _bars(networks: Sequence[Compared], batch_size: int) -> dict[str, tuple[Sequence[float], str]]:
    """The columns that are drawn as bars: their values, and what they are."""
    totals = [network.analysis.totals for network in networks]
    batch = [network.analysis.training_bytes(batch_size) / 2**20 for network in networks]
    saved = [total.saved_bytes / 2**20 for total in totals]
    in_batch, of_image = (max(values) >= _GIBIBYTES_FROM for values in (batch, saved))
    return {
        N_("MACs an image"): ([total.macs for total in totals], explained("MACs")),
        N_("parameters"): ([total.params for total in totals], explained("parameter")),
        N_("training GiB") if in_batch else N_("training MiB"): (
            _rounded(batch, in_batch),
            paragraph(
                _("With a batch of {images}.", images=batch_size), explained("training memory")
            ),
        ),
        N_("saved GiB an image") if of_image else N_("saved MiB an image"): (
            _rounded(saved, of_image),
            explained("saved activations"),
        ),
    }


def _rounded(mebibytes: Sequence[float], as_gibibytes: bool) -> list[float]:
    return [round(value / 1024 if as_gibibytes else value, 2) for value in mebibytes]


def _frame(networks: Sequence[Compared], bars: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    totals = [network.analysis.totals for network in networks]
    return pd.DataFrame(
        {
            N_("network"): [network.name for network in networks],
            **bars,
            N_("sees px"): formats.sides_column([total.receptive_field for total in totals]),
            N_("depth"): [total.depth for total in totals],
        }
    )


def _say_conditions(conditions: Sequence[str]) -> None:
    """With what the best accuracies were reached, and whether they may be compared."""
    if len(conditions) > 1:
        caption(
            _(
                "These best accuracies were reached with different data, images, epochs or recipes:"
                " they say nothing about which network is better. “Accuracy against MACs” holds"
                " only runs that may be compared."
            )
        )
    elif conditions:
        caption(_("Best accuracies with {condition}.", condition=escaped(conditions[0])))


def _columns(bars: Mapping[str, tuple[Sequence[float], str]]) -> dict[str, ColumnConfig]:
    """How the table's columns look; those of `bars` are drawn from 0 to their largest value."""
    config = st.column_config
    return {
        "network": config.TextColumn(pinned=True),
        "sees px": config.NumberColumn(help=explained("receptive field")),
        "depth": config.NumberColumn(help=explained("depth")),
        "best accuracy": config.NumberColumn(
            format="%.2f %%",
            help=_(
                "Best test accuracy among the runs of exactly this network; optimistic. Empty"
                " without a run that is better than guessing."
            ),
        ),
        "reached with": config.TextColumn(
            help=_(
                "Accuracies may be compared only where data, images, epochs and recipe are equal."
            )
        ),
    } | {
        title: config.ProgressColumn(
            min_value=0,
            max_value=max(values) or 1.0,
            format="localized",
            help=help_text,
            color="blue",
        )
        for title, (values, help_text) in bars.items()
    }
