"""Does a deeper plain net train worse? Short runs of growing depth, and their accuracies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.data import find_dataset
from core.explain.glossary import explained
from core.jobs.store import JobState, Run, StudyKind
from core.language import ENGLISH, N_, _, comma, in_language, lazy
from core.measure.gradient_records import DEPTHS, SHORTCUTS, deep_net, depth_of
from core.report import formats
from core.report.figures.depth import depth_chart
from core.report.names import condition_label, safe_name
from core.report.tables.runs import epoch_frame
from core.specs import RunSpec
from core.studies.conditions import condition_of
from core.studies.study import grouped
from core.training.recipes import recipe
from core.zoo.catalogue import complete
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.live import live, progress_bar
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.services import start_worker, store
from pages.views.app.tables import table
from pages.views.app.watched import Progress, Watched
from pages.views.forms.row import form_row
from pages.views.forms.run import choose_epochs
from pages.views.gradients.depth import (
    depth_frame,
    depth_lines,
    stack_findings,
    stack_headline,
)
from pages.views.people.ownership import only_owner, told_before_the_start

DATASET, RECIPE = "fashion-mini", "one-cycle"  # gradient descent as it is, for all weights
_STACK_RATIO = 4  # channels divided, so that 110 layers train in a minute or two on a CPU
_STACK_EPOCHS = 2  # where nobody has chosen
_LIVE = "stack"  # the name under which browsers ask how far these runs are
_LOOKED_AT = 500  # newest runs, for those of these nets
TEST, TRAINING = N_("test images"), N_("training images")


def stack_view() -> None:
    """The form of a small study, its progress, and the chart of the runs that there are."""
    _stack_form()
    watched = Watched(
        _LIVE,
        _runs_of_these_nets,
        _all_over,
        stage=lambda runs: tuple(run.stage for run in runs),
        progress=_progress,
    )
    live(watched, _stack_runs)


def _runs_of_these_nets() -> list[Run]:
    """Those among the newest runs, the newest first."""
    return [run for run in store().runs(limit=_LOOKED_AT) if depth_of(run.spec.model)]


def _all_over(runs: Sequence[Run]) -> bool:
    """Whether none of them waits or goes on."""
    return all(run.state.is_over for run in runs)


def _stack_form() -> None:
    """What to train: plain and residual nets of these depths, shortly."""
    with form_row("stack"):
        depths = st.pills(
            _("Depths"),
            DEPTHS,
            selection_mode="multi",
            default=DEPTHS,
            key="why_stack_depths",
            bind="query-params",
            help=explained("weight layer"),
        )
        batch_norm = st.toggle(
            _("With BatchNorm"),
            True,
            key="why_stack_norm",
            bind="query-params",
            help=_("As in the paper; without it the deep plain net does not begin to learn."),
        )
        epochs = choose_epochs(
            "why_stack_",
            _STACK_EPOCHS,
            _("Short runs show how well a net begins to learn, not where it ends."),
        )
        specs = _stack_specs(depths, bool(batch_norm), epochs)
        if st.button(
            _("Train {number} short runs", number=len(specs)),
            icon=":material/play_arrow:",
            key="why_stack_start",
            disabled=not specs,
            help=_(
                "Plain and residual, one seed each, on Fashion-MNIST mini with a quarter of the"
                " channels; they go on when this tab closes."
            ),
        ):
            store().create_study(lazy("Stack layers"), {}, specs, StudyKind.STACK)
            st.rerun()
    told_before_the_start()


def _stack_specs(depths: Sequence[int], batch_norm: bool, epochs: int) -> list[RunSpec]:
    """Plain and residual nets of each depth, equal but for the shortcut."""
    images = find_dataset(DATASET).train_images
    return [
        RunSpec(
            complete(deep_net(depth, shortcut, batch_norm, _STACK_RATIO)),
            DATASET,
            recipe(RECIPE, images, epochs),
            train_images=images,
        )
        for depth in sorted(depths)
        for shortcut in SHORTCUTS
    ]


def _stack_runs(runs: Sequence[Run]) -> None:
    """How far the runs are, and the chart of those that are finished."""
    if not runs:
        st.info(_("No runs of these nets yet; the button trains them."), icon=":material/info:")
        return
    if waiting := [run for run in runs if not run.state.is_over]:
        start_worker()  # also in place of one that died
        progress_bar(_LIVE, _progress(runs))
        _stop_button(waiting)
    finished = (run for run in runs if run.state is JobState.FINISHED)
    groups = grouped(finished, _setting_in_words)
    if not groups:
        return
    with form_row("stack_shown"):
        setting = next(iter(groups))
        if len(groups) > 1:
            setting = st.selectbox(
                _("Runs"),
                list(groups),
                key="why_stack_runs",
                help=_("Runs that differ in depth, shortcut, BatchNorm and seed only."),
            )
        measure = st.segmented_control(
            _("Accuracy on"),
            (TEST, TRAINING),
            format_func=_,
            default=TEST,
            required=True,
            key="why_stack_measure",
            help=_(
                "Worse on the test images alone could be overfitting; worse on the training"
                " images too is not."
            ),
        )
    _show_stack(str(setting), groups[setting], str(measure))


def _progress(runs: Sequence[Run]) -> Progress:
    """How far those are together that are not over."""
    shares = [run.fraction for run in runs if not run.state.is_over]
    return sum(shares) / max(1, len(shares)), _(
        "{number} runs of these nets to go", number=len(shares)
    )


def _stop_button(waiting: Sequence[Run]) -> None:
    """Stops all of them that are the visitor's."""
    own = [run.id for run in waiting if store().may_change(run)]
    reason = None if own else only_owner(*waiting)
    if st.button(
        _("Stop them"),
        icon=":material/stop:",
        key="why_stack_stop",
        disabled=reason is not None,
        help=reason,
    ):
        store().request_stop(own)
        st.rerun()


def _setting_in_words(run: Run) -> str:
    """What runs share that may be compared; equal for equal settings only."""
    model = run.spec.model
    order = model.option("order")
    parts = [
        condition_label(condition_of(run.spec)),
        f"{model.size_label} px",
        *([_("ratio {ratio}", ratio=model.ratio)] if model.ratio > 1 else []),
        *([_("order {order}", order=order)] if order not in (None, "original") else []),
    ]
    return comma().join(parts)


def _show_stack(setting: str, runs: Sequence[Run], measure: str) -> None:
    """Accuracy of the last epoch by depth, in words too."""
    epochs = store().epochs([run.id for run in runs])
    last = {run_id: metrics[-1] for run_id, metrics in epochs.items() if metrics}
    test = depth_lines(runs, {run_id: epoch.test_accuracy for run_id, epoch in last.items()})
    train = depth_lines(runs, {run_id: epoch.train_accuracy for run_id, epoch in last.items()})
    if measure == TEST:
        lines, axis = test, _("test accuracy")
        title = _("Accuracy on test images by depth,<br>after the last epoch")
    else:
        lines, axis = train, _("training accuracy")
        title = _("Accuracy on training images by depth,<br>mean during the last epoch")
    with in_language(ENGLISH):
        name = safe_name("layers", _setting_in_words(runs[0]))
    if finding := stack_headline(test):
        st.info(f"**{escaped(finding)}**", icon=":material/trending_down:")
    chart(depth_chart(lines, axis, title), "why_stack_chart", name=name)
    with st.expander(_("Each kind of net in words and numbers")):
        markdown(stack_findings(test, train))
        table(
            depth_frame(test, train),
            height="content",
            key="why_stack_table",
            placeholder=formats.NOTHING,
            column_config=_columns(),
        )
    caption(
        _(
            "{setting}. Test images: after the last epoch; training images: the mean during the"
            " last epoch, while the network still learned. Whiskers from the lowest to the highest"
            " seed. One seed each says little about small differences.",
            setting=escaped(setting),
        )
    )
    download_csv(
        _("Every epoch as CSV"),
        lambda: epoch_frame(runs, epochs),
        f"{name}.csv",
        "why_stack_csv",
    )


def _columns() -> dict[str, Any]:
    """How each column is shown."""
    return {
        "network": st.column_config.TextColumn(pinned=True),
        "test": st.column_config.NumberColumn(
            _("test accuracy, %"), format="%.2f", help=_("After the last epoch, mean of the seeds.")
        ),
        "train": st.column_config.NumberColumn(
            _("training accuracy, %"), format="%.2f", help=_("The mean during the last epoch.")
        ),
    }
