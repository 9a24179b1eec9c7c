"""The Compare page's Accuracy view: what runs have reached, against what their networks cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

import streamlit as st

from core.language import _, ngettext, semicolon
from core.report.figures.comparison import AccuracyPoint, accuracy_scatter
from core.report.figures.palette import colors_and_markers
from core.report.names import condition_file_name, condition_label
from core.report.reached import ByCondition, Reached, is_guess
from core.report.sentences.comparison import accuracy_sentence
from core.report.tables.networks import accuracy_frame
from core.studies.conditions import Condition, most_shared
from pages.views.app.charts import chart, drawn
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.compare.networks import Compared
from pages.views.forms.names import select_name
from pages.views.forms.row import form_row


def has_comparable_runs(networks: Sequence[Compared], accuracies_of: Reached) -> bool:
    """Whether at least two of these networks have runs under one condition."""
    reached = [accuracies_of.get(network.analysis.spec, {}) for network in networks]
    shared = most_shared(reached)[:1]
    return sum(shared[0] in by_condition for by_condition in reached) > 1 if shared else False


def accuracy_view(
    networks: Sequence[Compared], accuracies_of: Reached, choose_batch_size: Callable[[], int]
) -> int:
    """What the runs of these networks have reached under one condition, against their MACs.

    Returns the batch size.
    """
    reached = [accuracies_of.get(network.analysis.spec, {}) for network in networks]
    conditions = most_shared(reached)
    with form_row("compare"):
        condition = _choose_condition(conditions) if conditions else None
        batch_size = choose_batch_size()
    if condition is None:
        _invite_to_train()
        return batch_size
    points = _points(networks, reached, condition, batch_size)
    drawing = drawn(accuracy_scatter, tuple(points), condition_label(condition))
    name = condition_file_name("accuracy", condition)
    chart(drawing, key="cmp_accuracy", name=name)
    markdown(accuracy_sentence(points))
    _say_what_is_left_out(networks, reached, condition)
    if guessing := [point.label for point in points if point.guesses]:
        st.caption(
            _("No better than guessing: {names}.", names=escaped(semicolon().join(guessing)))
        )
    caption(
        _(
            "Marks: mean of the runs, as large as the training memory; bars: from the lowest to the"
            " highest; dashed: Pareto front. Each run's best epoch was chosen on these same test"
            " images, so the figures are optimistic."
        )
    )
    trained = [
        (network.analysis, tuple(by_condition[condition]))
        for network, by_condition in zip(networks, reached, strict=True)
        if condition in by_condition
    ]
    download_csv(
        _("Accuracy as CSV"),
        lambda: accuracy_frame(trained, condition),
        f"{name}.csv",
        "cmp_accuracy_csv",
    )
    return batch_size


def _points(
    networks: Sequence[Compared],
    reached: Sequence[ByCondition],
    condition: Condition,
    batch_size: int,
) -> list[AccuracyPoint]:
    """One for each network that has runs under this condition."""
    colors = [color for color, _ in colors_and_markers(len(networks))]
    return [
        AccuracyPoint(
            name,
            color,
            analysis.totals.macs,
            analysis.training_bytes(batch_size),
            tuple(by_condition[condition]),
            is_guess(analysis.spec, condition, max(by_condition[condition])),
        )
        for (name, analysis), color, by_condition in zip(networks, colors, reached, strict=True)
        if condition in by_condition
    ]


def _choose_condition(conditions: Sequence[Condition]) -> Condition:
    """One of them, by a name that is short enough for the address; the first by default."""
    names = {
        sha256(repr(condition).encode()).hexdigest()[:10]: condition for condition in conditions
    }
    chosen = select_name(
        _("Runs with"),
        {name: condition_label(condition) for name, condition in names.items()},
        next(iter(names)),
        "cmp_condition",
        help=_(
            "Accuracies are comparable only at equal data, images, epochs and recipe; seeds and"
            " devices may differ."
        ),
    )
    return names[chosen]


def _say_what_is_left_out(
    networks: Sequence[Compared], reached: Sequence[Mapping[Condition, list[float]]], now: Condition
) -> None:
    """The networks without a run under this condition, and the runs under others."""
    missing = [
        network.name
        for network, by_condition in zip(networks, reached, strict=True)
        if now not in by_condition
    ]
    if missing:
        st.caption(_("Without such a run: {names}.", names=escaped(semicolon().join(missing))))
    others = sum(
        len(accuracies)
        for by_condition in reached
        for condition, accuracies in by_condition.items()
        if condition != now
    )
    if others:
        st.caption(
            ngettext(
                "{number:,} run with other data, images, epochs or recipes is kept apart: choose it"
                " above.",
                "{number:,} runs with other data, images, epochs or recipes are kept apart: choose"
                " them above.",
                others,
            )
        )


def _invite_to_train() -> None:
    """What stands here before any of the networks was trained."""
    st.info(
        _(
            "No runs of these networks yet. Train one of them, with several seeds if you want to"
            " know the spread, and its accuracy stands here against what it costs."
        ),
        icon=":material/model_training:",
    )
    st.page_link("pages/train.py", label=_("Train a network"), icon=":material/arrow_forward:")
