"""DenseNets beside residual nets that were trained to the same accuracy, from runs of the lab."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.report import formats
from core.report.figures.equal_accuracy import CostPoint, equal_accuracy_chart
from core.report.sentences.verdict import between
from core.studies.equal_accuracy import (
    DATASET,
    EPOCHS,
    SHIPPED,
    TrainedNetwork,
    nearest_residual,
    paired_difference,
    trained_networks,
)
from core.studies.reproduction import read_runs
from pages.views.app.downloads import download_csv
from pages.views.app.messages import title_and_ratio
from pages.views.app.services import analysis_of


def equal_accuracy_view() -> None:
    """The chart, a sentence for each DenseNet, and where the runs come from."""
    runs = read_runs(SHIPPED)
    networks = trained_networks(runs)
    dense = [one for one in networks if one.is_dense]
    if not dense or len(dense) == len(networks):
        return
    st.subheader("Beside residual nets of equal accuracy", anchor=False)
    st.plotly_chart(
        equal_accuracy_chart([cost_point(one) for one in networks]),
        key="net_equal_chart",
    )
    st.markdown("\n".join(f"- {sentence(one, networks)}" for one in dense))
    seeds = max(one.final.count for one in networks)
    last = max(runs, key=lambda run: run.date)
    st.caption(
        f"Really trained: {EPOCHS} epochs of {DATASET} with the {last.recipe} recipe, {seeds} seeds"
        f" each, at these ratios and {networks[0].model.image_size} pixels; bars are 95 %"
        f" intervals. {last.machine}, torch {last.torch}, {last.date}. Short runs of thin networks:"
        " what holds here need not hold for wide ones on ImageNet."
        f" `python -m core reproduce --rows dense --seeds {seeds} --csv FILE` makes them again."
    )
    download_csv("These runs as CSV", lambda: pd.read_csv(SHIPPED), SHIPPED.name, "net_equal_csv")


def cost_point(one: TrainedNetwork) -> CostPoint:
    """The network with its costs."""
    totals = analysis_of(one.model).totals
    return CostPoint(
        title_and_ratio(one.model), one.is_dense, totals.params, totals.saved_bytes, one.final
    )


def sentence(dense: TrainedNetwork, networks: Sequence[TrainedNetwork]) -> str:
    """The residual net that comes nearest to it, and what the two cost."""
    other = nearest_residual(dense, networks)
    pair = paired_difference(dense, other)
    ours, theirs = analysis_of(dense.model), analysis_of(other.model)
    apart = f"{between(pair)}, {len(pair.seeds)} seeds" if pair.low is not None else "one seed"
    return (
        f"**{title_and_ratio(dense.model)}** reaches {formats.points(dense.final.mean)} %; nearest"
        f" to it comes {title_and_ratio(other.model)} with {formats.points(other.final.mean)} %:"
        f" {apart}. For that the DenseNet has {ratio(ours, theirs, 'params')} times the parameters,"
        f" {ratio(ours, theirs, 'macs')} times the multiply-adds and keeps"
        f" {ratio(ours, theirs, 'saved_bytes')} times the activations."
    )


def ratio(one: Analysis, other: Analysis, name: str) -> str:
    """One total by the other, with two digits that count."""
    return f"{getattr(one.totals, name) / getattr(other.totals, name):.2g}"
