"""The handout of a study: which variant is better, and what that rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.analysis.records import Analysis
from core.data.catalogue import find_dataset
from core.jobs.store import Run, Study
from core.language import ENGLISH, N_, _, comma, in_language, semicolon
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

_SUMMARY = (N_("variant"), N_("finished"), N_("final_accuracy_mean"), N_("final_accuracy_low"),
            N_("final_accuracy_high"), N_("params"), N_("macs"), N_("seconds_mean"))  # fmt: skip
_EPOCHS = (N_("run"), N_("options"), N_("seed"), N_("epoch"), N_("train_accuracy"),
           N_("test_accuracy"))  # fmt: skip


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
    over = sum(run.state.is_over for run in runs)
    with in_language(ENGLISH):  # as CSV
        told = by_variant(runs, epochs)
        summary, pairs = summary_frame(told, costs), pair_frame(verdicts(told))
        english = [group.title for group in told]
    words = dict(zip(english, (group.title for group in groups), strict=True))
    devices = dict.fromkeys(run.spec.device for run in runs)
    return Document(
        kind=_("Study"),
        title=study.title,
        name=name,
        settings=[
            (_("Study"), study.id),
            (_("Variants"), semicolon().join(group.title for group in groups)),
            (_("Data and recipe"), semicolon().join(conditions)),
            (_("Device"), comma().join(devices)),
            (_("Runs"), _("{over} of {count} are over", over=over, count=len(runs))),
        ],
        totals=[(group.title, _final(group)) for group in groups[:5]],
        sections=[
            Section(_("Verdict"), _verdict(groups, over == len(runs))),
            Section(_("Curves"), _charts(groups, name)),
            Section(
                _("Numbers"),
                [
                    Table(_("Variants"), summary, f"{name}-summary", _SUMMARY, words),
                    Table(_("Pairs"), pairs, f"{name}-pairs", words=words),
                    Table(
                        _("Every epoch of every seed"),
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
        return [Text(_("Runs are still under way: the verdict comes when every run is over."))]
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
        _("Test accuracy on {data}<br>bold: mean of the seeds", data=data),
        groups[0].runs[0].spec.recipe.epochs,
    )
    title = _("Final test accuracy on {data}", data=data)
    final = final_accuracy_chart(final_accuracies(groups), title)
    return [Chart(final, f"{name}-final"), Chart(curves, f"{name}-curves")]
