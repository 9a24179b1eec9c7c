"""The record of a run: state, progress, curves, where the time went; live while it goes on."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import streamlit as st

from core.explain.glossary import explained, find_term
from core.jobs.step_curves import StepCurve
from core.jobs.store import JobState, Run
from core.language import _, ngettext, paragraph
from core.report import formats
from core.report.figures.curves import Curve, accuracy_chart, loss_chart, loss_top
from core.report.figures.palette import BLUE
from core.report.figures.time_split import time_bar
from core.report.handout.document import Document
from core.report.handout.run import run_document
from core.report.names import condition_in_full, record_title, run_file_name, run_title
from core.report.sentences.dead_parameters import dead_sentence
from core.report.sentences.guessing import guessing_sentence, has_guessed
from core.report.sentences.result import result_sentences
from core.report.sentences.speed import time_verdict
from core.studies.conditions import condition_of
from core.training.records import EpochMetrics
from core.training.time_split import split_time
from pages.views.app.charts import chart
from pages.views.app.handouts import offer_handout
from pages.views.app.head import Head
from pages.views.app.live import live
from pages.views.app.messages import escaped, show_error
from pages.views.app.offers import waits_in_vain
from pages.views.app.prose import caption, markdown
from pages.views.app.services import store
from pages.views.app.watched import LIVE_SECONDS, Watched
from pages.views.forms.estimates import own_steps
from pages.views.people.ownership import ownership
from pages.views.runs.table import STATE_SIGNS
from pages.views.train.branches import branches_view
from pages.views.train.next_steps import files_row, ways_on
from pages.views.train.numbers import numbers_table
from pages.views.train.own_steps import time_own_steps
from pages.views.train.predictions import mistakes_view
from pages.views.train.progress import live_name, progress_of, progress_row
from pages.views.train.source import source_view

_DURATION_SECONDS = 10.0  # after which the duration of a run under way is drawn anew
# Cards of equal width, four or two to a row; charts beside each other where both have room
_STYLE = """<style>
.st-key-train_cards > * { flex: 1 1 9rem; }
.st-key-train_curves [data-testid="stColumn"] { min-width: min(100%, 24rem); }
@media (max-width: 960px) { .st-key-train_cards > * { flex-basis: 40%; } }
</style>"""


_State = tuple[Run, StepCurve | None, int]  # a run, what its steps have come to, runs before it


def record_view(head: Head, run_id: int) -> None:
    """Everything about one run, redrawn after each epoch while it goes on."""
    run = store().get(run_id)
    head.title(record_title(run))
    offer_handout(head, run_file_name(run), lambda address: _document(run_id, address))
    st.html(_STYLE)
    watched = Watched(
        live_name(run_id),
        lambda: _read(run_id),
        lambda state: state[0].state.is_over,
        _stage,
        lambda state: progress_of(state[0], state[2]),
        lambda state: {run_id: state[1]} if state[1] else {},
        every_seconds=LIVE_SECONDS,
    )
    live(watched, lambda state: record(*state))


def _document(run_id: int, address: str) -> Document:
    """What there is of the run at the moment of the click."""
    return run_document(store().get(run_id), store().epochs([run_id])[run_id], address)


def _read(run_id: int) -> _State:
    run = store().get(run_id)
    ahead = store().ahead_of(run) if run.state is JobState.QUEUED else 0
    return run, store().step_curves([run]).get(run_id), ahead


def record(run: Run, steps: StepCurve | None, ahead: int) -> None:
    """State, progress, curves and files; of a finished run its mistakes too."""
    epochs = store().epochs([run.id])[run.id]
    learned_nothing = run.state.is_over and has_guessed(run)
    # What comes and goes above the curves must not move them: they would be mounted anew
    above, curves, below = st.container(), st.container(), st.container()
    with above:
        _heading(run, ahead)
        if epochs or not run.state.is_over:
            _verdict(run, epochs, learned_nothing)
            _cards(run, epochs, has_best=not learned_nothing)
    if epochs or steps or not run.state.is_over:
        with curves:
            drawn = steps or (None if run.state.is_over else StepCurve.empty(run))
            _curves(run, epochs, drawn, has_best=not learned_nothing)
    with below:
        if epochs:
            _time_spent(run, epochs, has_verdict=not learned_nothing)
            numbers_table(epochs)
        files_row(run, epochs, has_steps=steps is not None)
        if run.state is JobState.FINISHED:
            mistakes_view(run)
            branches_view(run)


def _heading(run: Run, ahead: int) -> None:
    """How far it is or why it failed, how to go on, and what a reader should know about it."""
    caption(_settings_line(run))
    ownership(run, lambda is_shared: store().share([run.id], is_shared))
    source_view(run)
    if not run.state.is_over:
        progress_row(run, ahead)
    elif run.state.has_failed:
        show_error(run.message)
    if run.state.is_over:
        ways_on(run)
    if run.note:
        st.warning(escaped(run.note), icon=":material/info:")
    if run.dead_parameters:
        st.warning(
            escaped(dead_sentence(run.dead_parameters, run.spec.recipe)),
            icon=":material/heart_broken:",
        )


def _verdict(run: Run, epochs: Sequence[EpochMetrics], learned_nothing: bool) -> None:
    """What it has reached so far: a sentence in every state, so that nothing below moves."""
    if learned_nothing and run.best_accuracy is not None:
        text = guessing_sentence(run.best_accuracy, run.spec.model.num_classes)
        st.warning(escaped(text), icon=":material/casino:")
    else:
        markdown(escaped(paragraph(*result_sentences(run, epochs))))


def _settings_line(run: Run) -> str:
    """Data, recipe, device and seed in words."""
    return _(
        "{state} · {condition} · {device} · seed {seed}",
        state=_(STATE_SIGNS[run.state]),
        condition=condition_in_full(condition_of(run.spec)),
        device=run.spec.device,
        seed=run.spec.seed,
    )


def _stage(state: _State) -> tuple[Hashable, ...]:
    """Changes with each epoch, when the losses need a longer axis, and every ten seconds for the
    duration.
    """
    run, steps = state[:2]
    top = loss_top(steps, (), run.spec.model.num_classes)
    return *run.stage, waits_in_vain(run), top, round((run.seconds or 0.0) / _DURATION_SECONDS)


def _cards(run: Run, epochs: Sequence[EpochMetrics], has_best: bool) -> None:
    """The best epoch, the last one, speed and time: of equal parts, so of equal height."""
    last = epochs[-1] if epochs else None
    rate = sum(m.images_per_second for m in epochs) / len(epochs) if epochs else None
    planned = run.spec.recipe.epochs
    cards = (
        (
            _("Best test accuracy") if has_best else _("Accuracy, as by guessing"),
            formats.percent(run.best_accuracy),
            _("epoch {epoch}", epoch=run.best_epoch)
            if run.best_epoch
            else _("after the first epoch"),
            explained("best epoch"),
        ),
        (
            _("Last test accuracy"),
            formats.percent(last.test_accuracy if last else None),
            _("epoch {epoch} of {planned}", epoch=last.epoch, planned=planned)
            if last
            else ngettext("{number:,} epoch planned", "{number:,} epochs planned", planned),
            explained("accuracy"),
        ),
        (
            _("Training speed"),
            _("{rate:,.0f} images/s", rate=rate) if rate else formats.NOTHING,
            _(
                "batch {batch_size}, {device}",
                batch_size=run.spec.recipe.batch_size,
                device=run.spec.device,
            ),
            explained("throughput"),
        ),
        (_("Duration"), formats.duration(run.seconds), _("with evaluation"), None),
    )
    with st.container(horizontal=True, key="train_cards"):
        for label, value, note, explanation in cards:
            st.metric(
                label,
                value,
                note,
                delta_color="off",
                delta_arrow="off",
                border=True,
                help=explanation,
            )


def _curves(
    run: Run, epochs: Sequence[EpochMetrics], steps: StepCurve | None, has_best: bool
) -> None:
    """Loss and accuracy side by side: training dashed, test solid, the best epoch marked."""
    best, planned = run.best_epoch if has_best else None, run.spec.recipe.epochs
    curve = Curve(run_title(run), BLUE, "circle", tuple(epochs), best, planned, steps)
    name = run_file_name(run)
    with st.container(key="train_curves"):
        loss, accuracy = st.columns(2)
    with loss:
        figure = loss_chart([curve], run.spec.model.num_classes)
        chart(figure, "train_loss_chart", about=curve.label, name=f"{name}-loss")
    with accuracy:
        figure = accuracy_chart([curve], train=True)
        chart(figure, "train_accuracy_chart", about=curve.label, name=f"{name}-accuracy")
    told = _(find_term("best epoch").sentence)
    caption(_("Best epoch: {explanation}", explanation=f"{told[0].lower()}{told[1:]}"))


def _time_spent(run: Run, epochs: Sequence[EpochMetrics], has_verdict: bool) -> None:
    """Where the time went, as bars with their verdict, and how the run was computed."""
    split = split_time(epochs)
    if split is None:
        return
    chart(time_bar(split), key="train_time_chart", name=f"{run_file_name(run)}-time")
    if has_verdict:
        steps = own_steps(run.spec)
        kernel_share = steps.kernel_share if steps else None
        markdown(escaped(time_verdict(split, run.spec.device, kernel_share)))
        if run.spec.is_on_cuda and run.state.is_over:
            time_own_steps(run.spec, "train_profile", _("Find what its steps wait for"))
    by_clock = [metrics.images_per_second for metrics in epochs]
    by_steps = [rate for metrics in epochs if (rate := metrics.step_images_per_second)]
    parts = [
        _("{rate:,.0f} images/s by the clock", rate=sum(by_clock) / len(by_clock)),
        _("{rate:,.0f} if data cost nothing", rate=sum(by_steps) / len(by_steps)),
    ]
    if plan := run.compute_plan:
        parts.append(ngettext("{number} CPU thread", "{number} CPU threads", plan.threads))
        if plan.replicas > 1:
            parts.append(_("a batch in {number} parts at once", number=plan.replicas))
        parts.append(_("channels last") if plan.channels_last else _("channels first"))
    if run.spec.is_on_cuda and not run.spec.deterministic:
        parts.append(_("equal within rounding if trained again"))
    caption(" · ".join(filter(None, [*parts, escaped(formats.machine(run.machine))])))
