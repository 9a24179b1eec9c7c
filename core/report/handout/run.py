"""The handout of one run."""

from __future__ import annotations

from collections.abc import Sequence

from core.jobs.store import Run
from core.language import ENGLISH, N_, _, in_language
from core.report import formats
from core.report.figures.curves import Curve, accuracy_chart, loss_chart
from core.report.figures.palette import BLUE
from core.report.figures.time_split import time_bar
from core.report.handout.document import Chart, Document, Part, Section, Table, Text
from core.report.handout.settings import run_settings
from core.report.names import record_title, run_file_name, run_title
from core.report.sentences.dead_parameters import dead_sentence
from core.report.sentences.guessing import guessing_sentence, has_guessed
from core.report.sentences.result import result_sentences
from core.report.sentences.speed import time_verdict
from core.report.tables.runs import epoch_frame, run_frame
from core.training.records import EpochMetrics
from core.training.time_split import split_time

_EPOCH_COLUMNS = (N_("epoch"), N_("train_loss"), N_("train_accuracy"), N_("test_loss"),
                  N_("test_accuracy"), N_("images_per_second"))  # fmt: skip


def run_document(run: Run, epochs: Sequence[EpochMetrics], address: str = "") -> Document:
    """Result, curves, where the time went, every epoch."""
    name = run_file_name(run)
    with in_language(ENGLISH):  # as CSV
        frame = run_frame([run])
    return Document(
        kind=_("Run"),
        title=record_title(run),
        name=name,
        settings=run_settings(run),
        totals=_totals(run, epochs),
        sections=[
            Section(_("Result"), [*_findings(run, epochs), *_curves(run, epochs, name)]),
            Section(_("Where the time went"), _time(run, epochs, name)),
            Section(
                _("Numbers"),
                [
                    Table(
                        _("Every epoch"),
                        epoch_frame([run], {run.id: epochs}),
                        f"{name}-epochs",
                        _EPOCH_COLUMNS,
                    ),
                    Table(_("The run"), frame.T.reset_index(), name),
                ],
            ),
        ],
        address=address,
    )


def _totals(run: Run, epochs: Sequence[EpochMetrics]) -> list[tuple[str, str]]:
    last = epochs[-1] if epochs else None
    rate = sum(metrics.images_per_second for metrics in epochs) / len(epochs) if epochs else 0.0
    speed = _("{rate:,.0f} images/s", rate=rate) if rate else formats.NOTHING
    return [
        (_("Best test accuracy"), formats.percent(run.best_accuracy)),
        (_("Last test accuracy"), formats.percent(last.test_accuracy if last else None)),
        (_("Training speed"), speed),
        (_("Duration"), formats.duration(run.seconds)),
    ]


def _findings(run: Run, epochs: Sequence[EpochMetrics]) -> list[Part]:
    """What a reader must know before the curves."""
    sentences = [run.message] if run.state.has_failed else []
    if run.best_accuracy is not None and run.state.is_over and has_guessed(run):
        sentences.append(guessing_sentence(run.best_accuracy, run.spec.model.num_classes))
    else:
        sentences += result_sentences(run, epochs)
    if run.dead_parameters:
        sentences.append(dead_sentence(run.dead_parameters, run.spec.recipe))
    parts: list[Part] = [Text(sentence, is_finding=True) for sentence in sentences]
    return [*parts, Text(run.note)] if run.note else parts


def _curves(run: Run, epochs: Sequence[EpochMetrics], name: str) -> list[Part]:
    if not epochs:
        return [Text(_("No epoch is finished."))]
    curve = Curve(
        run_title(run), BLUE, "circle", tuple(epochs), run.best_epoch, run.spec.recipe.epochs
    )
    return [
        Chart(accuracy_chart([curve], train=True), f"{name}-accuracy"),
        Chart(loss_chart([curve], run.spec.model.num_classes), f"{name}-loss"),
    ]


def _time(run: Run, epochs: Sequence[EpochMetrics], name: str) -> list[Part]:
    split = split_time(epochs) if epochs else None
    if split is None:
        return []
    return [Chart(time_bar(split), f"{name}-time"), Text(time_verdict(split, run.spec.device))]
