"""DenseNets beside residual nets that were trained to the same accuracy, from runs of the lab."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.language import _
from core.report.figures.equal_accuracy import CostPoint, equal_accuracy_chart
from core.report.formats import machine, points, times
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
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.prose import caption, markdown
from pages.views.app.with_torch import analysis_of
from pages.views.architecture.equal_parameters import title_and_ratio


def equal_accuracy_view() -> None:
    """The chart, a sentence for each DenseNet, and where the runs come from."""
    runs = read_runs(SHIPPED)
    networks = trained_networks(runs)
    densenets = [network for network in networks if network.is_dense]
    if not densenets or len(densenets) == len(networks):
        return
    st.header(_("Beside residual nets of equal accuracy"), anchor=False)
    chart(
        equal_accuracy_chart([_cost_point(network) for network in networks]),
        key="net_equal_chart",
    )
    markdown("\n".join(f"- {_sentence(densenet, networks)}" for densenet in densenets))
    seeds = max(network.final.count for network in networks)
    newest = max(runs, key=lambda run: run.date)
    caption(
        _(
            "Really trained: {epochs} epochs of {dataset} with the {recipe} recipe, {seeds} seeds"
            " each, at these ratios and {size} pixels; bars are 95 % intervals. {machine}, torch"
            " {torch}, {date}. Short runs of thin networks: what holds here need not hold for wide"
            " ones on ImageNet. `python -m core reproduce --rows dense --seeds {seeds} --csv FILE`"
            " makes them again.",
            epochs=EPOCHS,
            dataset=DATASET,
            recipe=newest.recipe,
            seeds=seeds,
            size=networks[0].model.size_label,
            machine=machine(newest.machine),
            torch=newest.torch,
            date=newest.date,
        )
    )
    download_csv(
        _("These runs as CSV"), lambda: pd.read_csv(SHIPPED), SHIPPED.name, "net_equal_csv"
    )


def _cost_point(network: TrainedNetwork) -> CostPoint:
    """The network with its costs."""
    totals = analysis_of(network.model).totals
    return CostPoint(
        title_and_ratio(network.model),
        network.is_dense,
        totals.params,
        totals.saved_bytes,
        network.final,
    )


def _sentence(densenet: TrainedNetwork, networks: Sequence[TrainedNetwork]) -> str:
    """The residual net that comes nearest to it, and what the two cost."""
    residual = nearest_residual(densenet, networks)
    paired = paired_difference(densenet, residual)
    costs, residual_costs = analysis_of(densenet.model), analysis_of(residual.model)
    if paired.low is None:
        interval = _("one seed")
    else:
        seeds = len(paired.seeds)
        interval = _("{difference}, {seeds} seeds", difference=between(paired), seeds=seeds)
    return _(
        "**{densenet}** reaches {accuracy} %; nearest to it comes {residual} with"
        " {residual_accuracy} %: {interval}. For that the DenseNet has {parameters} parameters,"
        " does {macs} multiply-adds and keeps {saved} activations.",
        densenet=title_and_ratio(densenet.model),
        accuracy=points(densenet.final.mean),
        residual=title_and_ratio(residual.model),
        residual_accuracy=points(residual.final.mean),
        interval=interval,
        parameters=_ratio(costs, residual_costs, "params"),
        macs=_ratio(costs, residual_costs, "macs"),
        saved=_ratio(costs, residual_costs, "saved_bytes"),
    )


def _ratio(costs: Analysis, reference: Analysis, total: str) -> str:
    """One of the totals against the reference's, in words."""
    return times(getattr(costs.totals, total), getattr(reference.totals, total))
