"""The course note's blocks on MNIST: the curves that come with the lab, beside those published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core.data import find_dataset
from core.language import _, language
from core.report.figures.final_accuracies import FinalAccuracies, final_accuracy_chart
from core.report.figures.studies import StudyLine, study_chart
from core.report.figures.variants import style_of
from core.report.sentences.verdict import pair_sentence
from core.specs import ModelSpec
from core.studies.conditions import Condition
from core.studies.reproduction import Reproduction, course_accuracies
from core.studies.statistics import compare
from core.training.recipes import recipe
from core.zoo.variants import variant_of
from pages.views.app.charts import Drawing, chart
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.services import shipped
from pages.views.residual.verdict import details, finding_box

_DATA = "MNIST"


@dataclass(frozen=True)
class _Reference:
    """What is drawn of the course's blocks, once for everybody."""

    finals: Drawing
    curves: Drawing


def reference_lines(
    models: Sequence[ModelSpec] | None, condition: Condition, suffix: str = ""
) -> list[StudyLine]:
    """Thin curves of the residual blocks in this setting; of these networks only, or of all.

    Curves of other images, epochs or settings cannot be compared and are left out.
    """
    wanted = None if models is None else {_essence(model) for model in models}
    return [
        StudyLine(
            _(row.title) + suffix,
            style_of(variant_of(row.model)),
            tuple((run.seed, run.metrics) for run in row.runs),
            row.published.test_accuracy if row.published else (),
            thin=True,
        )
        for row in shipped()
        if variant_of(row.model)
        and _condition(row) == condition
        and (wanted is None or _essence(row.model) in wanted)
        and (row.runs or row.published)
    ]


def _condition(row: Reproduction) -> Condition:
    """All images, with the recipe as published."""
    images = find_dataset(row.dataset).train_images
    return Condition(row.dataset, images, recipe(row.recipe, images, row.epochs))


def _essence(model: ModelSpec) -> tuple[object, ...]:
    """What two networks share that are equal but for options at their defaults."""
    return replace(model, options=()), variant_of(model)


def reference_view() -> None:
    """What the seeds that come with the lab can tell, judged as a study of one's own is."""
    found = course_accuracies(shipped(), as_published=False)
    accuracies = {_(title): finals for title, finals in found.items()}
    pairs = compare(accuracies) if len(accuracies) > 1 else []
    if pairs:
        finding_box(pairs, list(accuracies), is_own=False)
    drawn = _drawn(language())
    chart(drawn.finals, key="res_published_finals", name="course-blocks-final-accuracies")
    chart(drawn.curves, key="res_published", name="course-blocks-on-mnist")
    caption(_("Crosses: the published runs, one each."))
    if pairs:
        details(pairs, list(accuracies), "res_shipped")
    _dead_convolution()


def _dead_convolution() -> None:
    """Each block as published against its correction."""
    by_block: dict[str, dict[str, dict[int, float]]] = {}
    for title, finals in course_accuracies(shipped()).items():
        by_block.setdefault(title.partition(",")[0], {})[_(title)] = finals
    pairs = [pair for block in by_block.values() for pair in compare(block)]
    if pairs:
        with st.expander(_("Does the homework's dead convolution matter?")):
            markdown("\n".join(f"- {escaped(pair_sentence(pair))}" for pair in pairs))


@st.cache_resource(show_spinner=False)
def _drawn(spoken: str) -> _Reference:
    """What comes with the lab: the last epoch, and all of them; `spoken`: the language."""
    course = _condition(next(row for row in shipped() if row.recipe == "published-course"))
    rows = [
        row
        for row in shipped()
        if variant_of(row.model) and _condition(row) == course and (row.runs or row.published)
    ]
    finals = [
        FinalAccuracies(
            _(row.title),
            style_of(variant_of(row.model)),
            {run.seed: run.final for run in row.runs},
            row.published.final if row.published else None,
            row.published.interval if row.published else 0.0,
        )
        for row in rows
    ]
    lines = [replace(line, thin=False) for line in reference_lines(None, course)]
    return _Reference(
        Drawing.of(final_accuracy_chart(finals, _("Final test accuracy on {data}", data=_DATA))),
        Drawing.of(
            study_chart(lines, _("Test accuracy on {data}<br>bold: mean of the seeds", data=_DATA))
        ),
    )
