"""The handout of a study: which variant is better, and what that rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.analysis.records import Analysis
from core.data.catalogue import find_dataset
from core.jobs.store import Run, Study
from core.report import formats
from core.report.figures.final_accuracies import final_accuracies, final_accuracy_chart
from core.report.figures.studies import study_chart, study_lines
from core.report.handout.document import Chart, Document, Part, Section, Table, Text
from core.report.names import condition_label, safe_name
from core.report.sentences.verdict import finding, method, pair_sentence
from core.report.tables.runs import epoch_frame
from core.report.tables.studies import pair_frame, summary_frame
from core.specs import ModelSpec
from core.studies.conditions import condition_of
from core.studies.study import Group, by_variant, comparable, verdicts
from core.training.records import EpochMetrics

_SUMMARY = ("variant", "finished", "final_accuracy_mean", "final_accuracy_low",
            "final_accuracy_high", "params", "macs", "seconds_mean")  # fmt: skip
_EPOCHS = ("run", "options", "seed", "epoch", "train_accuracy", "test_accuracy")


def study_document(
    study: Study,
    runs: Sequence[Run],
    epochs: Mapping[int, Sequence[EpochMetrics]],
    analyses: Mapping[ModelSpec, Analysis],
    address: str = "",
) -> Document:
    """Verdict, curves, costs and every number; `analyses` has each network of the study."""
    groups = by_variant(runs, epochs)
    name = safe_name("study", study.id)
    costs = {
        model: (analysis.totals.params, analysis.totals.macs)
        for model, analysis in analyses.items()
    }
    conditions = dict.fromkeys(condition_label(condition_of(run.spec)) for run in runs)
    devices = dict.fromkeys(run.spec.device for run in runs)
    return Document(
        kind="Study",
        title=study.title,
        name=name,
        settings=[
            ("Study", study.id),
            ("Variants", "; ".join(group.title for group in groups)),
            ("Data and recipe", "; ".join(conditions)),
            ("Device", ", ".join(devices)),
            ("Runs", f"{sum(run.state.is_over for run in runs)} of {len(runs)} are over"),
        ],
        totals=[(group.title, _final(group)) for group in groups[:5]],
        sections=[
            Section("Verdict", _verdict(groups, all(run.state.is_over for run in runs))),
            Section("Curves", _charts(groups, name)),
            Section(
                "Numbers",
                [
                    Table("Variants", summary_frame(groups, costs), f"{name}-summary", _SUMMARY),
                    Table("Pairs", pair_frame(verdicts(groups)), f"{name}-pairs"),
                    Table(
                        "Every epoch of every seed",
                        epoch_frame(sorted(runs, key=lambda run: run.id), epochs),
                        f"{name}-epochs",
                        _EPOCHS,
                    ),
                ],
            ),
        ],
        address=address,
    )


def _final(group: Group) -> str:
    final = group.final
    return formats.percent_within(final.mean, final.half) if final else formats.NOTHING


def _verdict(groups: Sequence[Group], over: bool) -> list[Part]:
    if not over:
        return [Text("Runs are still under way: the verdict comes when every run is over.")]
    pairs = verdicts(groups)
    titles = [group.title for group in comparable(groups)]
    return [
        Text(finding(pairs, titles), is_finding=True),
        *(Text(pair_sentence(pair)) for pair in pairs),
        *([Text(method(pairs))] if pairs else []),
    ]


def _charts(groups: Sequence[Group], name: str) -> list[Part]:
    """Every seed's final accuracy, and the curves."""
    data = find_dataset(groups[0].runs[0].spec.dataset).title
    lines = study_lines(groups)
    if not any(line.seeds for line in lines):
        return []
    curves = study_chart(
        lines,
        f"Test accuracy on {data}<br>bold: mean of the seeds",
        groups[0].runs[0].spec.recipe.epochs,
    )
    final = final_accuracy_chart(final_accuracies(groups), f"Final test accuracy on {data}")
    return [Chart(final, f"{name}-final"), Chart(curves, f"{name}-curves")]
