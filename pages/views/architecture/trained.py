"""The Architecture page's Trained view: what runs that come with the lab show of this network."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.language import _, comma, paragraph, semicolon
from core.measure.shipped.branches import shipped_branches
from core.report import formats
from core.report.figures.branches import branch_bars
from core.report.figures.studies import StudyLine, study_chart
from core.report.figures.variants import style_of
from core.report.sentences.another_size import measured_at_sizes, measured_sentence
from core.report.sentences.branch_norms import branches_over_seeds
from core.report.sentences.epochs import best_epoch_sentence
from core.report.sentences.reproduction import reproduction_remark
from core.report.sentences.studies import means_sentence, shared_title
from core.report.sentences.verdict import pair_sentence
from core.studies.reproduction import Reproduction
from core.studies.shipped_studies import STUDIES, TrainedStudy, shipped_study
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.prose import markdown
from pages.views.app.services import shipped
from pages.views.architecture.trained_networks import BRANCHED


def trained_view(analysis: Analysis) -> None:
    """The published runs trained again, then the studies, then the weights by branch."""
    arch = analysis.spec.arch
    rows = [row for row in shipped() if row.model.arch == arch and row.runs]
    if rows:
        _reproduced(rows)
    for study in STUDIES.values():
        trained = shipped_study(study.name)
        if any(model.arch == arch for _, model in study.networks) and trained.finals:
            _study(trained)
    if arch == BRANCHED:
        _branches()


def _reproduced(rows: Sequence[Reproduction]) -> None:
    """The curves of each setting, and what its seeds say."""
    st.header(_("The published runs, trained again"), anchor=False)
    lines = [
        StudyLine(
            _("{network}, {epochs} epochs", network=_(row.title), epochs=row.epochs),
            style_of(None, position),
            tuple((run.seed, run.metrics) for run in row.runs),
            row.published.test_accuracy if row.published and _is_curve(row) else (),
        )
        for position, row in enumerate(rows)
    ]
    title = _(
        "Test accuracy on {dataset}, recipe {recipe}",
        dataset=rows[0].dataset,
        recipe=rows[0].recipe,
    )
    chart(study_chart(lines, title), key="net_trained_chart")
    sentences = [best_epoch_sentence(row) for row in rows]
    sentences += filter(None, map(reproduction_remark, rows))
    if at_sizes := next(filter(None, (measured_at_sizes(rows, row.model) for row in rows)), None):
        sentences.append(measured_sentence(at_sizes))
    markdown("\n".join(f"- {escaped(sentence)}" for sentence in sentences))
    st.caption(escaped(paragraph(*map(_where_and_when, rows))))


def _where_and_when(row: Reproduction) -> str:
    """The machines that trained it, and the date."""
    return _(
        "{network}: {machines}, {date}.",
        network=_(row.title),
        machines=formats.machine(row.machines),
        date=row.date,
    )


def _is_curve(row: Reproduction) -> bool:
    """Whether more than its last epoch was published."""
    return row.published is not None and len(row.published.test_accuracy) == row.epochs


def _study(trained: TrainedStudy) -> None:
    """The curves of its seeds, the verdict on every pair, how to repeat it."""
    study = trained.study
    st.header(_(study.title), anchor=False)
    titles = list(trained.finals)
    lines = [
        StudyLine(
            _(title),
            style_of(None, position),
            tuple((run.seed, run.metrics) for run in trained.runs[title]),
        )
        for position, title in enumerate(titles)
    ]
    heading = _(
        "Test accuracy of {networks}:<br>{conditions}",
        networks=shared_title(study),
        conditions=study.conditions(),
    )
    figure = study_chart(lines, heading)
    chart(figure, key=f"net_study_{study.name}")
    sentences = [means_sentence(trained), *map(pair_sentence, trained.pairs())]
    markdown("\n".join(f"- {escaped(sentence)}" for sentence in sentences))
    machines = dict.fromkeys(
        comma().join((formats.machine(run.machine), f"torch {run.torch}", run.date))
        for runs in trained.runs.values()
        for run in runs
    )
    together = semicolon().join(machines)
    seeds = max(mean.count for mean in trained.finals.values())
    st.caption(
        _(
            "{machines}. `python -m core reproduce --rows {study} --seeds {seeds} --csv FILE`"
            " trains them again.",
            machines=escaped(together),
            study=study.name,
            seeds=seeds,
        )
    )
    download_csv(
        _("These runs as CSV"),
        lambda: _frame(trained),
        f"{study.name}.csv",
        f"net_csv_{study.name}",
    )


def _frame(trained: TrainedStudy) -> pd.DataFrame:
    """One row an epoch of each run."""
    study = trained.study
    return pd.DataFrame(
        [
            {
                "study": study.name,
                "network": title,
                "model": run.model.to_text(),
                "dataset": study.dataset,
                "train_images": study.train_images,
                "recipe": study.recipe,
                "seed": run.seed,
                "epoch": metrics.epoch,
                "train_loss": metrics.train_loss,
                "train_accuracy": metrics.train_accuracy,
                "test_loss": metrics.test_loss,
                "test_accuracy": metrics.test_accuracy,
                "machine": run.machine,
            }
            for title, runs in trained.runs.items()
            for run in runs
            for metrics in run.metrics
        ]
    )


def _branches() -> None:
    """Which branch of the Inception blocks the next layer weighs most."""
    by_seed = shipped_branches()
    st.header(_("Does the better kernel get more weight?"), anchor=False)
    seed, norms = next(iter(by_seed.items()))
    chart(branch_bars(norms), key="net_branches_chart")
    markdown(escaped(branches_over_seeds(by_seed)))
    st.caption(
        _("The bars are of seed {seed}; one linear layer in the head, as in the note.", seed=seed)
    )
