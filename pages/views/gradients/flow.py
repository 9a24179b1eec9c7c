"""Why shortcuts work: gradients and variances layer by layer, and plain nets of growing depth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.data import DATASETS, find_dataset, is_available
from core.jobs.engines.local import gradients_flags, gradients_name
from core.jobs.files import best_path
from core.jobs.store import Run, RunState
from core.measure.first_and_last import first_and_last, gradient_outcome
from core.measure.gradient_records import (
    BATCH_NORMS,
    BATCH_SIZE,
    DEPTHS,
    FAMILY,
    IMAGE_SIZE,
    INITIALIZATIONS,
    QUANTITIES,
    SHORTCUTS,
    GradientFlow,
    NetworkFlow,
    deep_net,
    depth_of,
    variations,
)
from core.report import formats
from core.report.figures.depth import DepthLine, depth_chart
from core.report.figures.gradient_flow import flow_curves, flow_map
from core.report.figures.palette import GRAY, LineStyle
from core.report.figures.variants import style_of
from core.report.sentences.gradients import gradient_sentences, label, network_label
from core.report.tables.measurements import first_and_last_frame, flow_frame
from core.report.tables.runs import epoch_frame
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.zoo.variants import variant_of
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.services import load_torch, start_worker, store
from pages.views.train.predictions import seeded_title

VIEWS = ("Curves", "Heat map", "Table")
TITLES = {
    "weight_gradient": "gradient of the weights",
    "output_gradient": "gradient of the output",
    "variance": "variance of the output",
}
RUN_MARKERS = ("star", "cross", "x")  # of runs, open before training
LOOKS = (
    "The color is the shortcut's, as in the study; dashed, with open markers: without"
    " BatchNorm; thicker: more layers. Runs have markers of their own, open before training. "
)
STACK = "stack-"  # begins the name under which runs of growing depth are queued together
DURING = "mean during the last epoch"  # of the training accuracy: taken while the network learns
STACK_RATIO = 4  # channels divided, so that 110 layers train in a minute or two on a CPU
STACK_EPOCHS = 2
MAX_STACK_EPOCHS = 20
MAX_RUNS = len(RUN_MARKERS)  # measured after training
RUNS_OFFERED = 200
REFRESH_SECONDS = 2.0


def why_view() -> None:
    """Two questions: does the gradient arrive, and does a deeper plain net train worse?"""
    load_torch()
    st.subheader("Why it works: does the gradient arrive?", anchor=False)
    st.caption(
        "The note says: “the derivative of a residual block is at least 1, so gradients do not"
        " vanish”. Here is what arrives at each layer, for nets of growing depth, measured on one"
        f" batch of {BATCH_SIZE} real images; with and without BatchNorm, which removes most of the"
        " vanishing by itself, and with the initialization of your choice, which matters as much."
    )
    flow_part()
    st.subheader("Stack layers: does a deeper plain net train worse?", anchor=False)
    stack_part()


# Gradient flow --------------------------------------------------------------------------------


def flow_part() -> None:
    """Controls, the measurement, what it found."""
    titles = shortcut_titles()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        depths = st.pills(
            "Layers",
            DEPTHS,
            selection_mode="multi",
            default=(20, 110),
            key="why_depths",
            bind="query-params",
            help="6n + 2 weight layers: arXiv 1512.03385, section 4.2.",
        )
        batch_norm = st.segmented_control(
            "BatchNorm",
            list(BATCH_NORMS),
            default="both",
            required=True,
            key="why_norm",
            bind="query-params",
            help="One setting alone would mislead.",
        )
        shortcuts = st.multiselect(
            "Shortcuts",
            list(titles),
            [name for name in SHORTCUTS if name in titles],
            format_func=titles.__getitem__,
            key="why_shortcuts",
            bind="query-params",
            help="What carries a block's input past its convolutions.",
            width=360,
        )
    base = ModelSpec(f"{FAMILY}{DEPTHS[-1]}", image_size=IMAGE_SIZE)
    specs = networks(base, depths, shortcuts, BATCH_NORMS[batch_norm])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        initialization = st.selectbox(
            "Initialization",
            list(INITIALIZATIONS),
            format_func=INITIALIZATIONS.__getitem__,
            key="why_init",
            bind="query-params",
            width=300,
            help="How the weights are drawn: it decides whether a plain net's gradient vanishes.",
        )
        seeds = st.number_input(
            "Seeds",
            1,
            10,
            3,
            key="why_seeds",
            bind="query-params",
            width=130,
            help="Draws of weights and images: the line is their median, the band their range.",
        )
        here = [name for name in DATASETS if is_available(name)]
        dataset = st.selectbox(
            "Images of",
            here,
            format_func=lambda name: DATASETS[name].title,
            key="why_dataset",
            bind="query-params",
            width=220,
            help="The data sets that are on this machine.",
        )
        runs = choose_runs()
    if not specs and not runs:
        st.info("Choose a depth and a shortcut, or a finished run.", icon=":material/arrow_upward:")
        return
    measured = (dataset, int(seeds), initialization)
    show_as, quantity = how()
    measurement(
        gradients_name(specs, *measured, BATCH_SIZE, runs),
        gradients_flags(base if specs else None, depths, shortcuts, batch_norm, *measured, runs),
        "why_flow",
        "Measure the gradients",
        "In a process of its own, some seconds; the page stays usable.",
        lambda result: show_flow(GradientFlow.from_dict(result), show_as, quantity),
    )


def shortcut_titles() -> dict[str, str]:
    """The shortcuts that the deep nets can have."""
    from core.zoo.catalogue import find

    options = {option.name: option for option in find(f"{FAMILY}{DEPTHS[0]}").options}
    return dict(options["shortcut"].choices)


def networks(
    base: ModelSpec, depths: Sequence[int], shortcuts: Sequence[str], norms: Sequence[bool]
) -> list[ModelSpec]:
    """What the controls choose, options filled in as the measuring process does it."""
    from core.zoo.catalogue import complete

    if not depths or not shortcuts:
        return []
    return variations(complete(base), sorted(depths), shortcuts, norms)


def choose_runs() -> list[int]:
    """Finished runs whose best parameters are here."""
    known = {
        run.id: run
        for run in store().runs(limit=RUNS_OFFERED)
        if run.state is RunState.FINISHED and best_path(run)
    }
    if not known:
        return []
    return st.multiselect(
        "Also after training",
        list(known),
        format_func=lambda run_id: seeded_title(known[run_id]),
        max_selections=MAX_RUNS,
        key="why_runs",
        width=320,
        help="Finished runs: as they were initialized, and with their best parameters.",
    )


def how() -> tuple[str, str]:
    """What is drawn, and as what."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity = st.selectbox(
            "Quantity",
            list(QUANTITIES),
            format_func=TITLES.__getitem__,
            key="why_quantity",
            bind="query-params",
            width=240,
            help="The layer's output is taken before BatchNorm and ReLU.",
        )
        shown = st.segmented_control(
            "Show as",
            VIEWS,
            default="Curves",
            required=True,
            key="why_show",
            bind="query-params",
        )
    return str(shown), str(quantity)


def show_flow(found: GradientFlow, show_as: str, quantity: str) -> None:
    """Chart or table, the sentences, CSV."""
    if show_as == "Curves":
        curves = flow_curves(found.networks, quantity, looks(found.networks))
        st.plotly_chart(curves, key="why_curves")
    elif show_as == "Heat map":
        st.plotly_chart(flow_map(found.networks, quantity), key="why_map")
    else:
        flow_table(found.networks)
    st.markdown("\n".join(f"- {sentence}" for sentence in gradient_sentences(found)))
    st.caption(
        f"{LOOKS if show_as == 'Curves' else ''}Medians of the seeds. Norms are of the mean loss"
        f" of {found.batch_size} images, in float32 as in training; of layers side by side the one"
        f" with the most weights is drawn, the CSV has all. Measured on {escaped(found.machine)}."
    )
    with st.container(horizontal=True):
        download_csv(
            "Every layer as CSV", lambda: flow_frame(found), "gradient-flow.csv", "why_flow_csv"
        )
        download_csv(
            "First against last as CSV",
            lambda: first_and_last_frame(found),
            "gradients.csv",
            "why_ends_csv",
        )


def look_of(model: ModelSpec) -> LineStyle:
    """As the whole page draws this variant, dashed and open without BatchNorm; others are gray."""
    variant = variant_of(model)
    style = style_of(variant) if variant else LineStyle(GRAY, "circle")
    if model.option("batch_norm") is not False or style.dash != "solid":
        return style
    return replace(style, dash="dash", marker=f"{style.marker}-open")


def looks(flows: Sequence[NetworkFlow]) -> list[LineStyle]:
    """Of each network that of its variant; each run has a marker of its own."""
    runs = sorted({flow.run for flow in flows if flow.run is not None})
    found = []
    for flow in flows:
        look = look_of(flow.model)
        if flow.run is not None:
            marker = RUN_MARKERS[runs.index(flow.run) % MAX_RUNS]
            look = replace(look, marker=marker if flow.trained else f"{marker}-open")
        found.append(look)
    return found


def flow_table(flows: Sequence[NetworkFlow]) -> None:
    """One row a network: first layer by last layer, and the gains of its blocks."""
    rows = []
    for flow in flows:
        weights, outputs = (
            first_and_last(flow, "weight_gradient"),
            first_and_last(flow, "output_gradient"),
        )
        gains = [block.gain.median for block in flow.blocks]
        ratio = weights.ratio if weights else None
        rows.append(
            {
                "network": label(flow),
                "gradient": gradient_outcome(0.0 if weights and not weights.first else ratio),
                "first ÷ last, weights": formats.scientific(ratio),
                "first ÷ last, output": formats.scientific(outputs.ratio if outputs else None),
                "factor a layer": formats.factor(weights.a_layer if weights else None),
                "block, lowest": formats.factor(min(gains, default=None)),
                "block, highest": formats.factor(max(gains, default=None)),
            }
        )
    config = st.column_config
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        key="why_table",
        column_config={
            "network": config.TextColumn("network", pinned=True, width="large"),
            "gradient": config.TextColumn(help="Vanishes below 1/100, explodes above 100."),
            "first ÷ last, weights": config.TextColumn(
                help="Gradient norm of the first layer's weights by that of the last layer before"
                " the output."
            ),
            "block, lowest": config.TextColumn(
                help="What a block multiplies the gradient norm by on the way back."
            ),
        },
    )


# Stack layers ---------------------------------------------------------------------------------


def stack_part() -> None:
    """The form of a small study, its progress, and the chart of the runs that there are."""
    from core.zoo.catalogue import CATALOGUE

    depths = [depth for depth in DEPTHS if f"{FAMILY}{depth}" in CATALOGUE]
    if depths:
        stack_form(depths)
    runs = [run for run in store().runs(limit=500) if depth_of(run.spec.model)]
    if not runs:
        st.info("No runs of these nets yet.", icon=":material/info:")
        return
    over = all(run.state.is_over for run in runs)
    if not over:
        start_worker()
    st.fragment(run_every=None if over else REFRESH_SECONDS)(follow_stack)(over)


def stack_form(depths: Sequence[int]) -> None:
    """What to train: plain and residual nets of these depths, shortly."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.pills(
            "Depths",
            depths,
            selection_mode="multi",
            default=depths,
            key="why_stack_depths",
            bind="query-params",
            help="Weight layers of the nets that are trained.",
        )
        batch_norm = st.toggle(
            "With BatchNorm",
            True,
            key="why_stack_norm",
            bind="query-params",
            help="As in the paper; without it the deep plain net does not begin to learn.",
        )
        epochs = st.number_input(
            "Epochs",
            1,
            MAX_STACK_EPOCHS,
            STACK_EPOCHS,
            key="why_stack_epochs",
            bind="query-params",
            width=130,
            help="Short runs show how well a net begins to learn, not where it ends.",
        )
        specs = stack_specs(chosen, bool(batch_norm), int(epochs))
        if st.button(
            f"Train {len(specs)} short runs",
            icon=":material/play_arrow:",
            key="why_stack_start",
            disabled=not specs,
            help="Plain and residual, one seed each, on Fashion-MNIST mini with a quarter of the"
            " channels; they go on when this tab closes.",
        ):
            store().enqueue_all(specs, f"{STACK}{time.strftime('%Y%m%d-%H%M%S')}")
            st.rerun()


def stack_specs(depths: Sequence[int], batch_norm: bool, epochs: int) -> list[RunSpec]:
    """Plain and residual nets of each depth, equal but for the shortcut."""
    from core.zoo.catalogue import complete

    images = find_dataset("fashion-mini").train_images
    return [
        RunSpec(
            complete(deep_net(depth, shortcut, batch_norm, STACK_RATIO)),
            "fashion-mini",
            recipe("fast", images, epochs),
            train_images=images,
        )
        for depth in sorted(depths)
        for shortcut in SHORTCUTS
    ]


def follow_stack(was_over: bool) -> None:
    """How far the runs are, and the chart of those that are finished."""
    with errors_in_one_sentence():
        lab = store()
        runs = [run for run in lab.runs(limit=500) if depth_of(run.spec.model)]
        waiting = [run for run in runs if not run.state.is_over]
        if was_over != (not waiting):
            st.rerun()
        if waiting:
            show_progress(waiting)
        finished = [run for run in runs if run.state is RunState.FINISHED]
        groups = by_setting(finished)
        if not groups:
            return
        chosen = st.selectbox(
            "Runs",
            list(groups),
            key="why_stack_runs",
            help="Runs that differ in depth, shortcut, BatchNorm and seed only.",
        )
        show_stack(str(chosen), groups[chosen])


def show_progress(waiting: Sequence[Run]) -> None:
    """One bar for all of them, and the button that stops them."""
    shares = [run.progress.fraction if run.progress else 0.0 for run in waiting]
    st.progress(sum(shares) / len(shares), f"{len(waiting)} runs of these nets to go")
    if st.button("Stop them", icon=":material/stop:", key="why_stack_stop"):
        store().request_stop([run.id for run in waiting])
        st.rerun()


def by_setting(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that may be compared, the newest setting first."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        spec = run.spec
        ratio = f", ratio {spec.model.ratio}" if spec.model.ratio > 1 else ""
        images = f"{spec.train_images:,} images of " if spec.train_images else ""
        epochs = f"{spec.recipe.epochs} epoch{'s' * (spec.recipe.epochs > 1)}"
        name = (
            f"{images}{spec.dataset}, {spec.recipe.name}, {epochs}, batch"
            f" {spec.recipe.batch_size}, rate {spec.recipe.learning_rate:g},"
            f" {spec.model.image_size} px{ratio}"
        )
        groups.setdefault(name, []).append(run)
    return groups


def show_stack(setting: str, runs: Sequence[Run]) -> None:
    """Accuracy of the last epoch by depth, in words too."""
    measure = st.segmented_control(
        "Accuracy on",
        ("test images", "training images"),
        default="test images",
        required=True,
        key="why_stack_measure",
        help="Worse on the test images alone could be overfitting; worse on the training images"
        " too is not.",
    )
    epochs = store().epochs([run.id for run in runs])
    last = {run_id: metrics[-1] for run_id, metrics in epochs.items() if metrics}
    test = depth_lines(runs, {run_id: one.test_accuracy for run_id, one in last.items()})
    train = depth_lines(runs, {run_id: one.train_accuracy for run_id, one in last.items()})
    lines, axis, when = (
        (test, "test accuracy", "after the last epoch")
        if measure == "test images"
        else (train, "training accuracy", DURING)
    )
    title = f"Accuracy on {measure} by depth,<br>{when}"
    st.plotly_chart(depth_chart(lines, axis, title), key="why_stack_chart")
    st.markdown(stack_findings(test, train))
    st.caption(
        f"{escaped(setting)}. Test images: after the last epoch; training images: the {DURING},"
        " while the network still learned. Whiskers from the lowest to the highest seed. One seed"
        " each says little about small differences."
    )
    download_csv(
        "Every epoch as CSV",
        lambda: epoch_frame(runs, epochs),
        "stack-layers.csv",
        "why_stack_csv",
    )


def depth_lines(runs: Sequence[Run], accuracies: dict[int, float]) -> list[DepthLine]:
    """A line for each kind of net."""
    kinds: dict[str, dict[int, list[float]]] = {}
    styles: dict[str, LineStyle] = {}
    for run in runs:
        depth = depth_of(run.spec.model)
        if depth is None or run.id not in accuracies:
            continue
        name = network_label(run.spec.model).removesuffix(f", {depth} layers")
        styles[name] = look_of(run.spec.model)
        kinds.setdefault(name, {}).setdefault(depth, []).append(accuracies[run.id])
    return [
        DepthLine(
            name, styles[name], tuple((depth, tuple(points[depth])) for depth in sorted(points))
        )
        for name, points in sorted(kinds.items())
    ]


def stack_findings(test: Sequence[DepthLine], train: Sequence[DepthLine]) -> str:
    """What depth does to each kind of net, from its fewest to its most layers, as a list."""
    said = []
    for line, same in zip(test, train, strict=True):
        (low, _), (high, _) = line.points[0], line.points[-1]
        if low != high:
            said.append(
                f"- {line.name}, from {low} to {high} layers: {points_gained(line)} points on test"
                f" images, {points_gained(same)} on training images ({DURING})"
                f"{overfitting(line, same)}."
            )
    return "\n".join(said)


def points_gained(line: DepthLine) -> str:
    """Mean of its most layers less that of its fewest, with its sign."""
    first, last = ends_of(line)
    change = 100 * (sum(last) / len(last) - sum(first) / len(first))
    return f"{'−' if change < 0 else '+'}{abs(change):.1f}"


def overfitting(test: DepthLine, train: DepthLine) -> str:
    """Whether a deeper net that is worse can be overfitting; worse: every seed is."""
    if not is_worse(test):
        return ""
    if is_worse(train):
        return ": worse on its training images too, so that is no overfitting"
    return ": not clearly worse on its training images, so it may be overfitting"


def is_worse(line: DepthLine) -> bool:
    """Whether every seed of its most layers is below every seed of its fewest."""
    first, last = ends_of(line)
    return max(last) < min(first)


def ends_of(line: DepthLine) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The seeds of its fewest layers and of its most."""
    return line.points[0][1], line.points[-1][1]
