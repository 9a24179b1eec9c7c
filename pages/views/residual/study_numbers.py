"""A study in numbers: its variants, its curves, and all of it as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.explain.glossary import explained
from core.jobs.store import Run, Study
from core.language import N_, _, paragraph
from core.report import formats
from core.report.tables.runs import epoch_frame
from core.report.tables.studies import pair_frame, summary_frame
from core.specs import ModelSpec
from core.studies.statistics import Mean, mean_interval
from core.studies.study import Group, verdicts
from core.training.records import EpochMetrics
from pages.views.app.downloads import download_csv
from pages.views.app.tables import table
from pages.views.app.with_torch import analysis_of

_config = st.column_config


def _columns() -> dict[str, Any]:
    """How each column is shown."""
    return {
        "variant": _config.TextColumn(pinned=True),
        "final": _config.NumberColumn(
            _("final accuracy, %"),
            format="%.2f",
            help=paragraph(
                _("Mean of the seeds after the last epoch."), explained("confidence interval")
            ),
        ),
        "final ±": _config.NumberColumn(
            "±", format="%.2f", help=_("Half its 95 % interval, in points.")
        ),
        "best": _config.NumberColumn(
            _("best epoch (optimistic), %"), format="%.2f", help=explained("best epoch")
        ),
        "parameters": _config.NumberColumn(format="localized", help=explained("parameter")),
        "MACs": _config.NumberColumn(_("M MACs an image"), format="%.2f", help=explained("MACs")),
        "seconds": _config.NumberColumn(
            _("seconds a run"),
            format="%.1f",
            help=_("Training and evaluation, mean of the seeds."),
        ),
    }


def variants_table(groups: Sequence[Group]) -> None:
    """One row a variant."""
    planned = {len(group.runs) for group in groups}
    columns = _columns()
    if len(planned) == 1:
        columns["finished seeds"] = _config.NumberColumn(
            format=_("%d of {planned}", planned=planned.pop())
        )
    table(
        _variants_frame(groups),
        height="content",
        key="res_table",
        placeholder=formats.NOTHING,
        column_config=columns,
    )


def _variants_frame(groups: Sequence[Group]) -> pd.DataFrame:
    rows = []
    for group in groups:
        totals = analysis_of(group.model).totals
        rows.append(
            {
                N_("variant"): group.title,
                "final": _percent(group.final),
                "final ±": group.final and group.final.half and 100 * group.final.half,
                "best": _percent(group.best),
                N_("finished seeds"): len(group.final_accuracies),
                N_("planned seeds"): len(group.runs),
                N_("parameters"): totals.params,
                "MACs": totals.macs / 1e6,
                "seconds": group.seconds,
            }
        )
    frame = pd.DataFrame(rows)
    if frame["planned seeds"].nunique() == 1:
        frame = frame.drop(columns="planned seeds")
    return frame.dropna(axis="columns", how="all")


def _percent(mean: Mean | None) -> float | None:
    return None if mean is None else 100 * mean.mean


def curves_in_numbers(groups: Sequence[Group]) -> None:
    """What the chart draws: the mean of the seeds after each epoch, folded away."""
    with st.expander(_("The curves in numbers")):
        table(
            means_by_epoch(groups),
            height="content",
            key="res_epochs_table",
            placeholder=formats.NOTHING,
            column_config={
                "epoch": _config.NumberColumn(pinned=True),
                **{
                    group.title: _config.NumberColumn(f"{group.title}, %", format="%.2f")
                    for group in groups
                },
            },
        )


def means_by_epoch(groups: Sequence[Group]) -> pd.DataFrame:
    """A row an epoch, a column a variant: mean test accuracy in % of the seeds that have it."""
    longest = max((len(epochs) for group in groups for epochs in group.epochs), default=0)
    return pd.DataFrame(
        [
            {N_("epoch"): epoch + 1}
            | {
                group.title: _percent(
                    mean_interval(
                        [seed[epoch].test_accuracy for seed in group.epochs if len(seed) > epoch]
                    )
                )
                for group in groups
            }
            for epoch in range(longest)
        ]
    )


def downloads(
    study: Study,
    runs: Sequence[Run],
    groups: Sequence[Group],
    epochs: Mapping[int, list[EpochMetrics]],
) -> None:
    """Every number as CSV."""
    with st.container(horizontal=True):
        download_csv(
            _("Every epoch of every seed as CSV"),
            lambda: epoch_frame(sorted(runs, key=lambda run: run.id), epochs),
            f"study-{study.id}-epochs.csv",
            "res_csv",
        )
        download_csv(
            _("Summary as CSV"),
            lambda: summary_frame(groups, _costs(groups)),
            f"study-{study.id}-summary.csv",
            "res_summary_csv",
        )
        download_csv(
            _("Every pair as CSV"),
            lambda: pair_frame(verdicts(groups)),
            f"study-{study.id}-pairs.csv",
            "res_pairs_csv",
        )


def _costs(groups: Sequence[Group]) -> dict[ModelSpec, tuple[int, int]]:
    """Parameters and multiply-adds of each network."""
    totals = {group.model: analysis_of(group.model).totals for group in groups}
    return {model: (total.params, total.macs) for model, total in totals.items()}
