"""The record of a run: state, progress, curves, where the time went; live while it goes on."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import streamlit as st

from core.data.catalogue import train_images_of
from core.explain.glossary import explained, find_term
from core.jobs.step_curves import StepCurve
from core.jobs.store import JobState, Run
from core.report import formats
from core.report.figures.curves import Curve, accuracy_chart, loss_chart, loss_top
from core.report.figures.palette import BLUE
from core.report.figures.time_split import time_bar
from core.report.names import condition_label, run_file_name, run_title
from core.report.sentences.dead_parameters import dead_sentence
from core.report.sentences.guessing import guesses, guessing_sentence
from core.report.sentences.speed import time_verdict
from core.studies.conditions import condition_of
from core.training.records import EpochMetrics
from core.training.time_split import split_time
from pages.views.app.charts import chart
from pages.views.app.live import live, progress_bar
from pages.views.app.messages import escaped, show_error
from pages.views.app.prose import caption, markdown
from pages.views.app.services import start_worker, store
from pages.views.app.watched import LIVE_SECONDS, Progress, Watched
from pages.views.app.words import count
from pages.views.runs.table import STATE_SIGNS
from pages.views.train.branches import branches_view
from pages.views.train.next_steps import next_steps, set_up
from pages.views.train.predictions import mistakes_view
from pages.views.train.source import source_view

_DURATION_SECONDS = 10.0  # after which the duration of a run under way is drawn anew
_EVALUATION_SHARE = 1.1  # of the time left: evaluations take about a tenth on top
_OPTIMISTIC = find_term("best epoch").sentence

_State = tuple[Run, StepCurve | None]  # a run, and what its steps have come to


def record_view(run_id: int) -> None:
    """Everything about one run, redrawn after each epoch while it goes on."""
    run = store().get(run_id)
    with st.sidebar:
        if st.button(
            "New run",
            icon=":material/add:",
            width="stretch",
            help="Opens the form with the settings of this run, to change and start again.",
        ):
            set_up(run.spec)
    watched = Watched(
        _live_name(run_id),
        lambda: _read(run_id),
        lambda state: state[0].state.is_over,
        _stage,
        lambda state: _progress(state[0]),
        lambda state: {run_id: state[1]} if state[1] else {},
        every_seconds=LIVE_SECONDS,
    )
    live(watched, lambda state: record(*state))


def _read(run_id: int) -> _State:
    run = store().get(run_id)
    return run, store().step_curves([run]).get(run_id)


def record(run: Run, steps: StepCurve | None) -> None:
    """State, progress, curves and files; of a finished run its mistakes too."""
    epochs = store().epochs([run.id])[run.id]
    has_guessed = run.state.is_over and _guesses(run)
    # What comes and goes above the curves must not move them: they would be mounted anew
    above, curves, below = st.container(), st.container(), st.container()
    with above:
        _heading(run)
        if has_guessed and run.best_accuracy is not None:
            text = guessing_sentence(run.best_accuracy, run.spec.model.num_classes)
            st.warning(escaped(text), icon=":material/casino:")
        _numbers(run, epochs, has_best=not has_guessed)
    if epochs or steps or not run.state.is_over:
        with curves:
            _curves(run, epochs, steps or StepCurve.empty(run), has_best=not has_guessed)
    with below:
        if epochs:
            _time_spent(run, epochs, has_verdict=not has_guessed)
        next_steps(run, epochs, has_steps=steps is not None)
        if run.state is JobState.FINISHED:
            mistakes_view(run)
            branches_view(run)


def _heading(run: Run) -> None:
    """What it is, how far it is or why it failed, and what a reader should know about it."""
    st.header(f"Run {escaped(run_title(run))}", anchor=False)
    caption(_settings_line(run))
    source_view(run)
    if not run.state.is_over:
        start_worker()  # also in place of one that died
        progress_bar(_live_name(run.id), _progress(run))
        _stop_button(run)
    elif run.state.has_failed:
        show_error(run.message)
    if run.note:
        st.warning(escaped(run.note), icon=":material/info:")
    if run.dead_parameters:
        st.warning(
            escaped(dead_sentence(run.dead_parameters, run.spec.recipe)),
            icon=":material/heart_broken:",
        )


def _guesses(run: Run) -> bool:
    """Whether its best epoch is no better than guessing."""
    return run.best_accuracy is not None and guesses(run.spec, run.best_accuracy)


def _settings_line(run: Run) -> str:
    """Data, recipe, device and seed in words."""
    spec, recipe = run.spec, run.spec.recipe
    return (
        f"{STATE_SIGNS[run.state]} · {condition_label(condition_of(spec))}: batch"
        f" {recipe.batch_size}, rate {recipe.learning_rate:g} ({recipe.schedule}) ·"
        f" {spec.device} · seed {spec.seed}"
    )


def _live_name(run_id: int) -> str:
    return f"run-{run_id}"


def _stage(state: _State) -> tuple[Hashable, ...]:
    """Changes with each epoch, when the losses need a longer axis, and every ten seconds for the
    duration.
    """
    run, steps = state
    top = loss_top(steps, (), run.spec.model.num_classes)
    return *run.stage, top, round((run.seconds or 0.0) / _DURATION_SECONDS)


def _progress(run: Run) -> Progress:
    """How far it is, its rate and the time left."""
    now = run.progress
    if run.state is JobState.QUEUED or now is None:
        return 0.0, "Waiting for the worker…"
    match now.phase:
        case "downloading":
            done, size = formats.mebibytes(now.step), formats.mebibytes(now.steps)
            share = now.step / max(1, now.steps)
            return share, f"Downloading {run.spec.dataset}: {done} of {size}"
        case "waiting":
            return now.fraction, (
                "Waiting: its files or the store cannot be written now (a full disk, another"
                " program that holds the store); it goes on by itself."
            )
        case "waiting for a download":
            return 0.0, f"Waiting: another run downloads {run.spec.dataset}…"
        case "preparing":
            return now.fraction, f"Resizing the images, once: {now.step:,} of {now.steps:,}"
        case "evaluating":
            doing = "evaluating on the test images"
        case _:
            doing = f"step {now.step} of {now.steps}"
    rate = f"{now.images_per_second:,.0f} images/s"
    return now.fraction, (
        f"Epoch {now.epoch} of {now.epochs}, {doing} · {rate} · {_time_left(run)}"
    )


def _stop_button(run: Run) -> None:
    """Ends the run; it can be continued."""
    if st.button(
        "Stopping…" if run.stop_requested else "Stop",
        icon=":material/stop:",
        disabled=run.stop_requested,
        key="train_stop",
        help="Ends the run after the current step; what it has learned is kept.",
    ):
        store().request_stop([run.id])
        st.rerun(scope="fragment")


def _time_left(run: Run) -> str:
    """From what is left to train and the rate of this epoch."""
    now = run.progress
    if now is None or not now.images_per_second:
        return "time left unknown yet"
    images = run.spec.recipe.epochs * train_images_of(run.spec)
    seconds = _EVALUATION_SHARE * (1 - now.fraction) * images / now.images_per_second
    return f"about {formats.duration(seconds)} left"


def _numbers(run: Run, epochs: Sequence[EpochMetrics], has_best: bool) -> None:
    """The best epoch, the last one, speed and time."""
    last = epochs[-1] if epochs else None
    rate = sum(m.images_per_second for m in epochs) / len(epochs) if epochs else None
    with st.container(horizontal=True):
        st.metric(
            "Best test accuracy" if has_best else "Accuracy, as by guessing",
            formats.percent(run.best_accuracy),
            f"epoch {run.best_epoch}" if run.best_epoch else None,
            delta_color="off",
            delta_arrow="off",
            help=explained("best epoch"),
            border=True,
        )
        st.metric(
            "Last test accuracy",
            formats.percent(last.test_accuracy if last else None),
            f"epoch {last.epoch} of {run.spec.recipe.epochs}" if last else None,
            delta_color="off",
            delta_arrow="off",
            border=True,
            help=explained("accuracy"),
        )
        st.metric(
            "Training speed",
            f"{rate:,.0f} images/s" if rate else formats.NOTHING,
            border=True,
            help=explained("throughput"),
        )
        st.metric(
            "Duration",
            formats.duration(run.seconds),
            border=True,
            help="Wall-clock time since the run's start, with evaluation and everything else.",
        )


def _curves(run: Run, epochs: Sequence[EpochMetrics], steps: StepCurve, has_best: bool) -> None:
    """Loss and accuracy side by side: training dashed, test solid, the best epoch marked."""
    best, planned = run.best_epoch if has_best else None, run.spec.recipe.epochs
    curve = Curve(run_title(run), BLUE, "circle", tuple(epochs), best, planned, steps)
    name = run_file_name(run)
    loss, accuracy = st.columns(2)
    with loss:
        figure = loss_chart([curve], run.spec.model.num_classes)
        chart(figure, "train_loss_chart", about=curve.label, name=f"{name}-loss")
    with accuracy:
        figure = accuracy_chart([curve], train=True)
        chart(figure, "train_accuracy_chart", about=curve.label, name=f"{name}-accuracy")
    caption(_OPTIMISTIC)


def _time_spent(run: Run, epochs: Sequence[EpochMetrics], has_verdict: bool) -> None:
    """Where the time went, as one bar with its verdict, and how the run was computed."""
    split = split_time(epochs)
    if split is None:
        return
    chart(time_bar(split), key="train_time_chart", name=f"{run_file_name(run)}-time")
    if has_verdict:
        markdown(escaped(time_verdict(split, run.spec.device)))
    by_clock = [metrics.images_per_second for metrics in epochs]
    by_steps = [rate for metrics in epochs if (rate := metrics.step_images_per_second)]
    plan = run.compute_plan
    threads = f" · {count(plan.threads, 'CPU thread')}" if plan else ""
    layout = f" · {'channels last' if plan.channels_last else 'channels first'}" if plan else ""
    caption(
        f"{sum(by_clock) / len(by_clock):,.0f} images/s by the clock,"
        f" {sum(by_steps) / len(by_steps):,.0f} if data cost nothing{threads}{layout} ·"
        f" {escaped(run.machine)}"
    )
