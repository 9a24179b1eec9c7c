"""Choose, see the estimate, start, watch, stop; afterwards the record of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data import DATASETS, find_dataset, is_available, sample_images
from core.jobs.files import best_path
from core.jobs.store import Run, RunState, Store
from core.report import formats
from core.report.figures.curves import Curve, accuracy_chart, loss_chart
from core.report.figures.palette import BLUE
from core.report.figures.time_split import time_bar
from core.report.sentences.speed import time_verdict
from core.report.tables.runs import epoch_frame
from core.specs import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_LEARNING_RATE,
    MAX_SEED,
    LabError,
    ModelSpec,
    RunSpec,
)
from core.training.estimate import Estimate, shorter_runs
from core.training.recipes import RECIPES, recipe
from core.training.records import EpochMetrics
from core.training.time_split import split_time
from pages.views.app.address import address_checked
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame
from pages.views.app.messages import errors_in_one_sentence, escaped, show_error
from pages.views.app.services import load_torch, start_worker, store
from pages.views.forms.data_sets import dataset_line
from pages.views.forms.estimates import LONG_SECONDS, cost_of, newest_runs, no_time_yet
from pages.views.runs.table import STATE_SIGNS, run_title
from pages.views.train.throughput import throughput_view

if TYPE_CHECKING:
    from core.zoo.architecture import Architecture

VIEWS = ("Set up a run", "Throughput")
SAMPLES = 10
REFRESH_SECONDS = 1.0
DIVERGED = "the network diverged"  # what a run says whose loss was no longer a number
OPTIMISTIC = (
    "The best epoch is chosen on the test images themselves, so its accuracy is an optimistic"
    " figure for images that nobody has seen."
)


# Before the run ------------------------------------------------------------------------------


def form() -> None:
    """The settings in the sidebar, what they will cost, and the button."""
    load_torch()
    from core.training.devices import available_devices

    with st.sidebar:
        spec = choose_run()
    try:
        cost = cost_of(spec, newest_runs())
        problem = None
    except LabError as error:
        cost, problem = None, str(error)
    view = st.segmented_control(
        "View",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key="train_view",
        bind="query-params",
        label_visibility="collapsed",
        help="Set up a run, or measure how fast this machine trains the network.",
    )
    if problem:
        show_error(problem)
    if view != VIEWS[0]:
        if not problem:
            throughput_view(spec, available_devices())
        return
    show_samples(spec.dataset, spec.model.image_size)
    if cost:
        announce(spec, cost)
    if st.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(problem),
        help="Puts the run into the queue; a worker process trains it, also when this tab closes.",
    ):
        run_id = store().enqueue(spec)
        st.query_params["run"] = str(run_id)
        st.rerun()


def choose_run() -> RunSpec:
    """Network, data set, recipe, and folded away what the recipe set."""
    from core.training.devices import available_devices, describe
    from core.zoo.catalogue import complete
    from pages.views.forms.network import MIN_LEARNING_RATE, choose_model

    model = choose_model("train_", "course-residual", short_default, wide=True)
    dataset = st.selectbox(
        "Data set",
        list(DATASETS),
        format_func=lambda name: DATASETS[name].title,
        key="train_dataset",
        bind="query-params",
        on_change=follow_recipe,
        help="Fashion-MNIST mini ships with the lab; the others are downloaded at the first run.",
    )
    st.caption(dataset_line(dataset))
    chosen = st.selectbox(
        "Recipe",
        list(RECIPES),
        format_func=lambda name: RECIPES[name].title,
        key="train_recipe",
        bind="query-params",
        on_change=follow_recipe,
        help="Optimizer, schedule, batch size, epochs, initialization.",
    )
    st.caption(f"Source: {RECIPES[chosen].source}")
    total = find_dataset(dataset).train_images
    with st.expander("What the recipe set"):
        train_images = int(
            st.number_input(
                "Training images",
                1,
                total,
                total,
                key="train_images",
                on_change=fit_to_images,
                bind="query-params",
                help="A fixed draw of the training set; fewer images make a shorter run.",
            )
        )
        base = recipe(chosen, train_images)
        epochs = st.number_input(
            "Epochs",
            1,
            MAX_EPOCHS,
            base.epochs,
            key="train_epochs",
            bind="query-params",
            help="Passes over the training images.",
        )
        batch_size = st.number_input(
            "Batch size",
            1,
            MAX_BATCH_SIZE,
            base.batch_size,
            key="train_batch",
            bind="query-params",
            help="Images a step; memory grows with it.",
        )
        rate = st.number_input(
            "Learning rate",
            MIN_LEARNING_RATE,
            MAX_LEARNING_RATE,
            base.learning_rate,
            format="%.5g",
            key="train_rate",
            bind="query-params",
            help="Constant, or the peak where the recipe is one-cycle.",
        )
        seed = st.number_input(
            "Seed",
            0,
            MAX_SEED,
            0,
            key="train_seed",
            bind="query-params",
            help="Decides initial weights, batch order and dropout: the same seed, the same curve.",
        )
        device = st.selectbox(
            "Device",
            available_devices(),
            key="train_device",
            bind="query-params",
            help="The devices this machine really has.",
        )
        st.caption(describe(device))
    return RunSpec(
        model=complete(model),
        dataset=dataset,
        recipe=recipe(chosen, train_images, int(epochs), int(batch_size), float(rate)),
        train_images=train_images,
        device=device,
        seed=int(seed),
    )


def label_of(key: str, value: object) -> str | None:
    """How the form's control with this key shows the value, where that is not the value itself."""
    from pages.views.forms.network import choice_label

    if key == "train_dataset":
        return DATASETS[str(value)].title
    if key == "train_recipe":
        return RECIPES[str(value)].title
    return choice_label(key.removeprefix("train_"), str(value))


def fit_to_images() -> None:
    """After another number of images: the batch size and the rate that fit it."""
    base = recipe(st.session_state["train_recipe"], st.session_state["train_images"])
    st.session_state["train_batch"] = base.batch_size
    st.session_state["train_rate"] = base.learning_rate


def follow_recipe() -> None:
    """After another data set or recipe was picked: what it sets, also where the address differs."""
    images = find_dataset(st.session_state["train_dataset"]).train_images
    base = recipe(st.session_state["train_recipe"], images)
    st.session_state["train_images"] = images
    st.session_state["train_epochs"] = base.epochs
    st.session_state["train_batch"] = base.batch_size
    st.session_state["train_rate"] = base.learning_rate


def short_default(row: Architecture) -> ModelSpec:
    """For gray images of ten classes; the large networks smaller, so that a run is short."""
    default = replace(row.default, in_channels=1, num_classes=10)
    if default.image_size <= 32:
        return default
    return replace(default, image_size=96, ratio=4)


@st.cache_data(max_entries=32, show_spinner=False)
def samples(name: str, size: int) -> list[np.ndarray]:
    """Ten training images, one of each class, resized as the network will see them."""
    import torch

    from core.data.batches import resize
    from core.data.load import with_channels

    images, _ = sample_images(name, SAMPLES)
    resized = resize(with_channels(torch.from_numpy(images.copy())), min(size, 128))
    gray = resized.shape[1] == 1
    return [image[0] if gray else image.transpose(1, 2, 0) for image in resized.numpy()]


def show_samples(name: str, size: int) -> None:
    """One picture of each class in a row, with its name; of a set that is here."""
    info = find_dataset(name)
    st.subheader(f"What the network will see: {info.title}", anchor=False)
    if not is_available(name):
        st.caption("Its pictures are shown here once the first run has downloaded them.")
        return
    _, labels = sample_images(name, SAMPLES)
    with st.container(horizontal=True, gap="small"):
        for picture, label in zip(samples(name, size), labels, strict=True):
            with st.container(width=76, gap=None):
                st.image(picture, width=76)
                st.caption(info.class_names[label])


def announce(spec: RunSpec, cost: Estimate) -> None:
    """The estimate in one line, and what could be done about a long run."""
    memory = f"**{formats.mebibytes(cost.memory_bytes)}** of memory"
    if cost.seconds is None:
        st.info(f"Needs {memory}. {no_time_yet(spec.device)}", icon=":material/timer:")
        return
    st.info(
        f"About **{formats.duration(cost.seconds)}** on {spec.device} and {memory}; the time is"
        f" from {cost.basis}.",
        icon=":material/timer:",
    )
    if cost.seconds > LONG_SECONDS:
        st.warning(
            "This run takes over ten minutes; fewer training images, a smaller size or a larger"
            " ratio make it shorter.",
            icon=":material/hourglass_top:",
        )
        offer_shorter(spec)


def offer_shorter(spec: RunSpec) -> None:
    """A button for each change that brings the run under ten minutes."""

    runs = newest_runs()

    def seconds_of(shorter: RunSpec) -> float | None:
        try:
            return cost_of(shorter, runs).seconds
        except LabError:  # the network cannot be built so small
            return None

    with st.container(horizontal=True):
        for words, shorter, seconds in shorter_runs(spec, seconds_of, LONG_SECONDS):
            if st.button(
                f"{words}: about {formats.duration(seconds)}",
                key=f"train_shorter_{words}",
                icon=":material/bolt:",
                help="Changes this one setting of the run.",
            ):
                set_up(shorter)


# The record of a run ---------------------------------------------------------------------------


def record(run_id: int) -> None:
    """Everything about one run, live while it goes on."""
    lab = store()
    run = lab.get(run_id)
    with st.sidebar:
        if st.button(
            "New run",
            icon=":material/add:",
            width="stretch",
            help="Opens the form with the settings of this run, to change and start again.",
        ):
            set_up(run.spec)
    if not run.state.is_over:
        start_worker()
    live = st.fragment(run_every=None if run.state.is_over else REFRESH_SECONDS)(follow_safely)
    live(run_id, run.state.is_over)


def set_up(spec: RunSpec) -> None:
    """Open the form with these settings."""
    load_torch()
    from pages.views.forms.network import go_to, run_keys

    go_to("pages/train.py", run_keys(spec))


def follow_safely(run_id: int, was_over: bool) -> None:
    """`follow`, with errors as sentences: a fragment is outside of the page's own frame."""
    with errors_in_one_sentence():
        follow(run_id, was_over)


def follow(run_id: int, was_over: bool) -> None:
    """State, progress, curves and files; redrawn every second while the run goes on."""
    lab = store()
    run = lab.get(run_id)
    if run.state.is_over and not was_over:
        st.rerun()  # the whole page, so that the clock stops
    epochs = lab.epochs([run_id])[run_id]
    st.subheader(f"Run {escaped(run_title(run))}", anchor=False)
    st.caption(settings_line(run))
    if not run.state.is_over:
        start_worker()  # one that died is replaced
        progress(lab, run)
    elif run.state is RunState.FAILED:
        show_error(run.message)
    if run.note:
        st.warning(escaped(run.note), icon=":material/info:")
    if run.dead_parameters:
        st.warning(escaped(dead_sentence(run.dead_parameters)), icon=":material/heart_broken:")
    numbers(run, epochs)
    if epochs:
        curves(run, epochs)
        time_spent(run, epochs)
    files(lab, run, epochs)
    if run.state is RunState.FINISHED:
        from pages.views.train.branches import branches_view
        from pages.views.train.predictions import mistakes_view

        mistakes_view(run)
        branches_view(run)


def dead_sentence(dead: dict[str, int]) -> str:
    """Which parameters never got a gradient in training."""
    return (
        f"{sum(dead.values()):,} parameters never got a gradient, so they are still what they were"
        f" initialized to: {', '.join(dead)}."
    )


def settings_line(run: Run) -> str:
    """Data, recipe, device and seed in words."""
    spec, chosen = run.spec, run.spec.recipe
    images = f"{spec.train_images:,} images of " if spec.train_images else ""
    return (
        f"{STATE_SIGNS[run.state]} · {images}{spec.dataset} · {chosen.name}:"
        f" {chosen.epochs} epochs, batch {chosen.batch_size}, rate {chosen.learning_rate:g}"
        f" ({chosen.schedule}) · {spec.device} · seed {spec.seed}"
    )


def progress(lab: Store, run: Run) -> None:
    """Bar, time left, rate, and the button that stops."""
    now = run.progress
    if run.state is RunState.QUEUED or now is None:
        st.progress(0.0, "Waiting for the worker…")
    elif now.phase == "downloading":
        st.progress(
            min(1.0, now.step / max(1, now.steps)),
            f"Downloading {run.spec.dataset}: {formats.mebibytes(now.step)} of"
            f" {formats.mebibytes(now.steps)}",
        )
    elif now.phase == "preparing":
        st.progress(now.fraction, f"Resizing the images, once: {now.step:,} of {now.steps:,}")
    else:
        evaluating = now.phase == "evaluating"
        doing = "evaluating on the test images" if evaluating else f"step {now.step} of {now.steps}"
        st.progress(
            now.fraction,
            f"Epoch {now.epoch} of {now.epochs}, {doing} ·"
            f" {now.images_per_second:,.0f} images/s · {time_left(run)}",
        )
    if st.button(
        "Stopping…" if run.stop_requested else "Stop",
        icon=":material/stop:",
        disabled=run.stop_requested,
        key="train_stop",
        help="Ends the run after the current step; what it has learned is kept.",
    ):
        lab.request_stop([run.id])
        st.rerun(scope="fragment")


def time_left(run: Run) -> str:
    """From what is left to train and the rate of this epoch; evaluations take about a tenth."""
    now, spec = run.progress, run.spec
    if now is None or not now.images_per_second:
        return "time left unknown yet"
    images = spec.recipe.epochs * (spec.train_images or find_dataset(spec.dataset).train_images)
    remaining = 1.1 * (1 - now.fraction) * images / now.images_per_second
    return f"about {formats.duration(remaining)} left"


def numbers(run: Run, epochs: list[EpochMetrics]) -> None:
    """The best epoch, the last one, speed and time."""
    last = epochs[-1] if epochs else None
    rate = sum(m.images_per_second for m in epochs) / len(epochs) if epochs else None
    with st.container(horizontal=True):
        st.metric(
            "Best test accuracy",
            formats.percent(run.best_accuracy),
            f"epoch {run.best_epoch}" if run.best_epoch else None,
            delta_color="off",
            delta_arrow="off",
            help=OPTIMISTIC,
            border=True,
        )
        st.metric(
            "Last test accuracy",
            formats.percent(last.test_accuracy if last else None),
            f"epoch {last.epoch} of {run.spec.recipe.epochs}" if last else None,
            delta_color="off",
            delta_arrow="off",
            border=True,
            help="Share of the test images that the network got right after its last epoch.",
        )
        st.metric(
            "Training speed",
            f"{rate:,.0f} images/s" if rate else formats.NOTHING,
            border=True,
            help="Training images ÷ training seconds, evaluation excluded; mean of the epochs.",
        )
        st.metric(
            "Duration",
            formats.duration(run.seconds),
            border=True,
            help="Wall-clock time since the run's start, with evaluation and everything else.",
        )


def curves(run: Run, epochs: list[EpochMetrics]) -> None:
    """Loss and accuracy side by side: training dashed, test solid, the best epoch marked."""
    curve = Curve(run_title(run), BLUE, "circle", tuple(epochs), best_epoch=run.best_epoch)
    loss, accuracy = st.columns(2)
    loss.plotly_chart(loss_chart([curve]), key="train_loss_chart")
    accuracy.plotly_chart(accuracy_chart([curve], train=True), key="train_accuracy_chart")
    st.caption(OPTIMISTIC)


def time_spent(run: Run, epochs: list[EpochMetrics]) -> None:
    """Where the time went, as one bar with its verdict, and how the run was computed."""
    split = split_time(epochs)
    if split is None:
        return
    st.plotly_chart(time_bar(split), key="train_time_chart")
    st.markdown(escaped(time_verdict(split, run.spec.device)))
    wall = [metrics.images_per_second for metrics in epochs]
    step = [rate for metrics in epochs if (rate := metrics.step_images_per_second)]
    how = run.compute_plan
    threads = f" · {how.threads} CPU thread{'s' * (how.threads > 1)}" if how else ""
    layout = f" · {'channels last' if how.channels_last else 'channels first'}" if how else ""
    st.caption(
        f"{sum(wall) / len(wall):,.0f} images/s by the clock,"
        f" {sum(step) / len(step):,.0f} if data cost nothing{threads}{layout} ·"
        f" {escaped(run.machine)}"
    )


def files(lab: Store, run: Run, epochs: list[EpochMetrics]) -> None:
    """Metrics as CSV, the best parameters, and going on with a stopped run."""
    with st.container(horizontal=True):
        if epochs:
            download_csv(
                "Metrics as CSV",
                lambda: epoch_frame([run], {run.id: epochs}),
                f"run-{run.id}.csv",
                "train_csv",
            )
        if best := best_path(run):
            st.download_button(
                f"Parameters of epoch {run.best_epoch}",
                best.read_bytes,
                f"run-{run.id}-epoch-{run.best_epoch}.safetensors",
                "application/octet-stream",
                on_click="ignore",
                icon=":material/download:",
                key="train_weights",
                help="The best epoch's parameters as safetensors. " + OPTIMISTIC,
            )
        if has_diverged(run):
            go_lower(run)
        elif run.state in (RunState.STOPPED, RunState.FAILED) and st.button(
            "Continue",
            icon=":material/play_arrow:",
            key="train_continue",
            help="Goes on where it was stopped, in the middle of an epoch too.",
        ):
            lab.resume(run.id)
            st.rerun()
        if run.state is RunState.FINISHED:
            go_longer(lab, run)


def has_diverged(run: Run) -> bool:
    """Whether the run failed because its loss was no longer a number: it would fail again."""
    return run.state is RunState.FAILED and DIVERGED in run.message


def go_lower(run: Run) -> None:
    """Set up the run of a network that diverged with a tenth of its learning rate."""
    from pages.views.forms.network import MIN_LEARNING_RATE

    rate = max(float(f"{run.spec.recipe.learning_rate / 10:.6g}"), MIN_LEARNING_RATE)
    if st.button(
        "New run with a lower rate",
        icon=":material/trending_down:",
        key="train_lower",
        help=f"Opens the form with these settings and the learning rate {rate:g}. Continued, the"
        " run would fail again.",
    ):
        set_up(replace(run.spec, recipe=replace(run.spec.recipe, learning_rate=rate)))


def go_longer(lab: Store, run: Run) -> None:
    """Train a finished run for longer, where its schedule allows; else set up a longer one."""
    chosen = run.spec.recipe
    longer = min(2 * chosen.epochs, MAX_EPOCHS)
    if chosen.schedule == "constant" and run.checkpoint and longer > chosen.epochs:
        if st.button(
            f"Go on to {longer} epochs",
            icon=":material/fast_forward:",
            key="train_extend",
            help="Its learning rate is constant, so it goes on as if it had been this long.",
        ):
            lab.extend(run.id, longer)
            st.rerun()
    elif longer > chosen.epochs and st.button(
        f"New run of {longer} epochs",
        icon=":material/fast_forward:",
        key="train_longer",
        help="Its learning rate followed a schedule that has ended, so a longer run starts anew.",
    ):
        set_up(replace(run.spec, recipe=replace(chosen, epochs=longer)))


def page() -> None:
    """A run's record where the address names one, else the form."""
    asked = st.query_params.get("run")
    if asked is None:
        start_worker()
        with address_checked(label_of):
            form()
    elif asked.isascii() and asked.isdigit() and len(asked) < 12:
        record(int(asked))
    else:
        raise LabError("The address names no run: ?run= is followed by a number, such as ?run=1.")


with page_frame("Train", "Train a network on this machine and watch it learn."):
    page()
