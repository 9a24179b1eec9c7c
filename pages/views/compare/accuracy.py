"""The Compare page's Accuracy view: what runs have reached, against what their networks cost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from core.jobs.store import Store
from core.report.figures.comparison import AccuracyPoint, accuracy_scatter
from core.report.figures.palette import colors_and_markers
from core.report.tables.networks import accuracy_frame
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import complete
from core.zoo.own import is_as_now, is_own, plain_name
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.compare.networks import Compared

_Accuracies = dict[
    ModelSpec, dict[str, list[float]]
]  # network → data set → a fraction for each run


def _accuracies_of_runs(store: Store) -> _Accuracies:
    """The best test accuracy of each run, by network and data set."""
    accuracies: _Accuracies = {}
    for spec, reached in store.best_accuracies():
        with suppress(LabError):  # a network that this version of the lab no longer has
            for model in _names_of(spec.model):
                by_dataset = accuracies.setdefault(model, {})
                by_dataset.setdefault(spec.dataset, []).extend(reached)
    return accuracies


def _names_of(model: ModelSpec) -> list[ModelSpec]:
    """A run's network; in a file that is still as the run had it, that of the file too."""
    if not is_own(model.arch):
        return [complete(model)]
    names = [plain_name(model.arch)] if is_as_now(model.arch) else []
    return [model, *(replace(model, arch=name) for name in names)]


def best_accuracies(store: Store) -> dict[ModelSpec, tuple[float, str]]:
    """The best accuracy among the runs of each network, and the data set it was reached on."""
    return {
        model: max((max(accuracies), dataset) for dataset, accuracies in by_dataset.items())
        for model, by_dataset in _accuracies_of_runs(store).items()
    }


def accuracy_view(networks: Sequence[Compared], store: Store) -> None:
    """What the runs of these networks have reached on one data set, against their MACs."""
    accuracies_of = _accuracies_of_runs(store)
    reached = [accuracies_of.get(network.analysis.spec, {}) for network in networks]
    datasets = sorted({dataset for by_dataset in reached for dataset in by_dataset})
    if not datasets:
        _invite_to_train()
        return
    dataset = str(
        st.selectbox(
            "Data set",
            datasets,
            key="cmp_dataset",
            help="Accuracies are comparable on the same data only; recipes and epochs may differ.",
        )
    )
    styles = colors_and_markers(len(networks))
    trained = [
        (network, style, tuple(by_dataset[dataset]))
        for network, style, by_dataset in zip(networks, styles, reached, strict=True)
        if dataset in by_dataset
    ]
    points = [
        AccuracyPoint(network.name, *style, network.analysis.totals.macs, accuracies)
        for network, style, accuracies in trained
    ]
    chart(accuracy_scatter(points, dataset), key="cmp_accuracy")
    missing = [
        network.name
        for network, by_dataset in zip(networks, reached, strict=True)
        if dataset not in by_dataset
    ]
    if missing:
        st.caption(f"Without a run on {dataset}: {escaped(', '.join(missing))}.")
    st.caption(
        "Each run's best epoch was chosen on these same test images, so the figures are optimistic."
    )
    download_csv(
        "Accuracy as CSV",
        lambda: accuracy_frame(
            [(network.analysis, accuracies) for network, _, accuracies in trained], dataset
        ),
        f"accuracy-{dataset}.csv",
        "cmp_accuracy_csv",
    )


def _invite_to_train() -> None:
    """What stands here before any of the networks was trained."""
    st.info(
        "No runs of these networks yet. Train one of them, with several seeds if you want to"
        " know the spread, and its accuracy stands here against what it costs.",
        icon=":material/model_training:",
    )
    st.page_link("pages/train.py", label="Train a network", icon=":material/arrow_forward:")
