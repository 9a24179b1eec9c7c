"""Several networks side by side; sweeps over ratio and resize."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, SweepPoint
from core.analysis.sweep import sweep
from core.jobs.store import Store
from core.report import formats
from core.report.figures.comparison import AccuracyPoint, accuracy_scatter, cost_scatter, stage_bars
from core.report.figures.palette import colors_and_markers
from core.report.figures.sweeps import SweepLine, sweep_chart
from core.report.tables.columns import options_text
from core.report.tables.networks import accuracy_frame, comparison_frame, sweep_frame
from core.specs import LabError, ModelSpec
from pages.views.app.address import address_checked
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame
from pages.views.app.messages import escaped, show_error
from pages.views.app.services import analysis_of, load_torch, store
from pages.views.compare.networks import as_address, compared
from pages.views.runs.table import network_title

MAX_NETWORKS = 12
VIEWS = ("Table", "MACs against parameters", "Accuracy against MACs", "Stages", "Sweep")


@dataclass(frozen=True)
class Quantity:
    """Something that a sweep draws."""

    title: str
    value: Callable[[Analysis, int], float]  # of an analysis and a batch size


QUANTITIES = {
    quantity.title: quantity
    for quantity in (
        Quantity("parameters", lambda found, batch: found.totals.params),
        Quantity("MACs an image", lambda found, batch: found.totals.macs),
        Quantity("training memory (bytes)", lambda found, batch: found.training_bytes(batch)),
        Quantity("output of all layers (bytes)", lambda found, batch: found.totals.output_bytes),
    )
}
STAGES = {
    "parameters": "params",
    "MACs an image": "macs",
    "saved for the backward pass (bytes an image)": "saved_bytes",
}


def page() -> None:
    """The chips, then the view that the reader picks."""
    load_torch()
    specs, problems = chosen_specs()
    chips(specs)
    for problem in problems:
        show_error(problem)
    if not specs:
        st.info("Nothing to compare yet: add a network above.", icon=":material/arrow_upward:")
        return
    with st.sidebar:
        batch = st.slider(
            "Batch size",
            1,
            512,
            128,
            key="cmp_batch",
            bind="query-params",
            help="Images in the batch whose training memory is compared.",
        )
    found = [(name, analysis_of(spec)) for name, spec in zip(names(specs), specs, strict=True)]
    view = st.segmented_control(
        "View",
        VIEWS,
        default="Table",
        key="cmp_view",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    if view == "Table":
        table(store(), found, batch)
    elif view == "MACs against parameters":
        st.plotly_chart(scatter(found, batch), key="cmp_scatter")
    elif view == "Accuracy against MACs":
        accuracy_against_cost(store(), found)
    elif view == "Stages":
        stages(found)
    else:
        sweeps(found, batch)
    download_csv(
        "Comparison as CSV",
        lambda: comparison_frame([one for _, one in found], batch, accuracies(store())),
        "comparison.csv",
        "cmp_csv",
    )


def chosen_specs() -> tuple[list[ModelSpec], list[str]]:
    """The networks that the address holds, and a sentence for each that cannot be built."""
    from core.zoo.catalogue import complete

    specs: list[ModelSpec] = []
    problems: list[str] = []
    texts = [text for text in compared().split("|") if text]
    if len(texts) > MAX_NETWORKS:
        problems.append(
            f"The address holds {len(texts)} networks; the first {MAX_NETWORKS} are shown, which"
            " are the most that fit."
        )
    for text in texts[:MAX_NETWORKS]:
        try:
            spec = complete(ModelSpec.from_text(text))
            analysis_of(spec)
        except LabError as error:
            problems.append(str(error))
            continue
        if spec not in specs:
            specs.append(spec)
    return specs, problems


def keep(specs: Sequence[ModelSpec]) -> None:
    """Put the networks into the address and draw the page anew."""
    st.query_params["networks"] = as_address(specs)
    st.rerun()


def names(specs: Sequence[ModelSpec]) -> list[str]:
    """A short name for each; channels and classes only where the networks differ in them."""
    whole = len({(spec.in_channels, spec.num_classes) for spec in specs}) > 1
    titles = [
        network_title(spec)
        + (f", {spec.in_channels} channels, {spec.num_classes} classes" if whole else "")
        for spec in specs
    ]
    return [
        f"{title}, {options_text(spec)}" if titles.count(title) > 1 else title
        for title, spec in zip(titles, specs, strict=True)
    ]


def chips(specs: Sequence[ModelSpec]) -> None:
    """One chip a network, removed by a click; a picker that adds one."""
    with st.container(horizontal=True):
        for index, name in enumerate(names(specs)):
            if st.button(f"{name} ✕", key=f"cmp_chip_{index}", help="Take this network away."):
                keep([spec for other, spec in enumerate(specs) if other != index])
        with st.popover("Add a network", icon=":material/add:"):
            add(specs)


def add(specs: Sequence[ModelSpec]) -> None:
    """The picker of the Architecture page, and the button that adds what it shows."""
    from pages.views.forms.network import choose_model

    spec = choose_model("cmp_", "vgg16", bind=None, torchvision=True)
    full = len(specs) >= MAX_NETWORKS
    if st.button("Add", type="primary", disabled=full, icon=":material/add:"):
        keep([*specs, spec])
    if full:
        st.caption(f"{MAX_NETWORKS} networks are the most that fit; take one away first.")


Reached = dict[ModelSpec, dict[str, list[float]]]  # network → data set → accuracy of each run


def reached_by_runs(lab: Store) -> Reached:
    """The best test accuracy of each run, by network and data set."""
    from core.zoo.catalogue import complete

    found: Reached = {}
    for run in lab.runs(limit=2_000):
        if run.best_accuracy is None:
            continue
        with suppress(LabError):  # a network that this version of the lab no longer has
            by_dataset = found.setdefault(complete(run.spec.model), {})
            by_dataset.setdefault(run.spec.dataset, []).append(run.best_accuracy)
    return found


def accuracies(lab: Store) -> dict[ModelSpec, tuple[float, str]]:
    """The best accuracy among the runs of each network, and the data it was reached on."""
    return {
        model: max((max(values), dataset) for dataset, values in by_dataset.items())
        for model, by_dataset in reached_by_runs(lab).items()
    }


def table(lab: Store, found: Sequence[tuple[str, Analysis]], batch: int) -> None:
    """The totals, with bars in the cells; under it what the first two differ in."""
    best = accuracies(lab)
    totals = [one.totals for _, one in found]
    memory = [one.training_bytes(batch) / 2**20 for _, one in found]
    reached = [best.get(one.spec) for _, one in found]
    config = st.column_config

    def bar(title: str, values: Sequence[float], text: str) -> object:
        return config.ProgressColumn(
            title,
            min_value=0,
            max_value=max(1.0, *values),
            format="localized",
            help=text,
            color="blue",
        )

    columns = {
        "parameters": [one.params for one in totals],
        "MACs an image": [one.macs for one in totals],
        "training MiB": [round(value) for value in memory],
        "saved MiB an image": [round(one.saved_bytes / 2**20, 2) for one in totals],
    }
    helps = (
        "Weights and biases.",
        "Multiply-adds of convolutions and matrix products; 1 MAC = 2 FLOPs.",
        f"Memory of a training step with a batch of {batch}.",
        "What autograd keeps of one image for the backward pass.",
    )
    st.dataframe(
        pd.DataFrame(
            {
                "network": [name for name, _ in found],
                **columns,
                "sees px": [one.receptive_field for one in totals],
                "depth": [one.depth for one in totals],
                "best accuracy": [
                    f"{formats.percent(one[0])} on {one[1]}" if one else formats.NOTHING
                    for one in reached
                ],
            }
        ),
        hide_index=True,
        height="content",
        key="cmp_table",
        column_config={
            "network": config.TextColumn(pinned=True),
            "sees px": config.NumberColumn(help="Receptive field of the last map, pixels a side."),
            "depth": config.NumberColumn(help="Weight layers on the longest path."),
            "best accuracy": config.TextColumn(
                help="Best test accuracy among the runs of exactly this network; optimistic."
            ),
        }
        | {
            title: bar(title, values, text)
            for (title, values), text in zip(columns.items(), helps, strict=True)
        },
    )
    if len(found) > 1:
        st.markdown(difference(found[0], found[1], batch))


def difference(one: tuple[str, Analysis], other: tuple[str, Analysis], batch: int) -> str:
    """The second network as multiples of the first, in one sentence."""
    (first, a), (second, b) = one, other

    def times(value: float, reference: float) -> str:
        return f"{value / max(1, reference):.3g} times"

    return (
        f"**{escaped(second)}** against **{escaped(first)}**:"
        f" {times(b.totals.params, a.totals.params)} the parameters,"
        f" {times(b.totals.macs, a.totals.macs)} the MACs,"
        f" {times(b.totals.saved_bytes, a.totals.saved_bytes)} what is saved for the backward"
        f" pass, {times(b.training_bytes(batch), a.training_bytes(batch))} the training memory at"
        f" a batch of {batch}."
    )


def scatter(found: Sequence[tuple[str, Analysis]], batch: int) -> object:
    """MACs against parameters."""
    return cost_scatter(
        [
            (name, color, marker, one, one.training_bytes(batch))
            for (name, one), (color, marker) in zip(
                found, colors_and_markers(len(found)), strict=True
            )
        ]
    )


def accuracy_against_cost(lab: Store, found: Sequence[tuple[str, Analysis]]) -> None:
    """What the runs of these networks have reached on one data set, against their MACs."""
    reached = reached_by_runs(lab)
    datasets = sorted({name for _, one in found for name in reached.get(one.spec, {})})
    if not datasets:
        st.info(
            "No runs of these networks yet. Train one of them, with several seeds if you want to"
            " know the spread, and its accuracy stands here against what it costs.",
            icon=":material/model_training:",
        )
        st.page_link("pages/train.py", label="Train a network", icon=":material/arrow_forward:")
        return
    dataset = st.selectbox(
        "Data set",
        datasets,
        key="cmp_dataset",
        help="Accuracies are comparable on the same data only; recipes and epochs may differ.",
    )
    shown = [
        (name, style, one, tuple(reached[one.spec][dataset]))
        for (name, one), style in zip(found, colors_and_markers(len(found)), strict=True)
        if dataset in reached.get(one.spec, {})
    ]
    points = [AccuracyPoint(name, *style, one.totals.macs, got) for name, style, one, got in shown]
    st.plotly_chart(accuracy_scatter(points, str(dataset)), key="cmp_accuracy")
    missing = [name for name, one in found if dataset not in reached.get(one.spec, {})]
    if missing:
        st.caption(f"Without a run on {dataset}: {escaped(', '.join(missing))}.")
    st.caption(
        "Each run's best epoch was chosen on these same test images, so the figures are optimistic."
    )
    download_csv(
        "Accuracy as CSV",
        lambda: accuracy_frame([(one, got) for _, _, one, got in shown], str(dataset)),
        f"accuracy-{dataset}.csv",
        "cmp_accuracy_csv",
    )


def stages(found: Sequence[tuple[str, Analysis]]) -> None:
    """What each block costs, stacked."""
    shown = st.segmented_control(
        "Cost",
        list(STAGES),
        default="MACs an image",
        key="cmp_stage",
        bind="query-params",
        required=True,
        help="What is stacked, block by block, from the image to the classes.",
    )
    st.plotly_chart(stage_bars(found, STAGES[shown], f"{shown}, block by block"), key="cmp_stages")


def sweeps(found: Sequence[tuple[str, Analysis]], batch: int) -> None:
    """A slider's whole range on the x axis, one line a network."""
    over = st.segmented_control(
        "Over",
        ["resize", "ratio"],
        default="resize",
        key="cmp_over",
        bind="query-params",
        required=True,
        help="The slider whose whole range is drawn.",
    )
    quantity = st.segmented_control(
        "Quantity",
        list(QUANTITIES),
        default="MACs an image",
        key="cmp_quantity",
        bind="query-params",
        required=True,
        help="What is drawn.",
    )
    variable, title = ("ratio", "ratio") if over == "ratio" else ("image_size", "pixels a side")
    swept = [(name, sweep(one.spec, variable, analysis_of)) for name, one in found]
    chosen = QUANTITIES[quantity]
    lines = [
        SweepLine(
            name,
            color,
            marker,
            [point.value for point in points],
            [chosen.value(point.analysis, batch) for point in points],
        )
        for (name, points), (color, marker) in zip(
            swept, colors_and_markers(len(swept)), strict=True
        )
    ]
    st.plotly_chart(sweep_chart(lines, title, chosen.title), key="cmp_sweep")
    for name, points in swept:
        if points:
            st.caption(f"{name}: {explained(points)}")
    st.caption(
        "Convolutions' parameters fall with ratio² and do not depend on the size; their MACs grow"
        " with size². Where a line bends, the linear layers' share is why or, at small sizes,"
        " pixels that no window reaches."
    )
    download_csv(
        "Sweep as CSV",
        lambda: sweep_frame([point for _, points in swept for point in points], batch),
        f"sweep-{variable}.csv",
        "cmp_sweep_csv",
    )


def explained(points: Sequence[SweepPoint]) -> str:
    """The classifier's share at both ends, which bends the lines."""
    parts = []
    for point in (points[0], points[-1]):
        linear = sum(one.params for one in point.analysis.layers if one.kind == "linear")
        share = 100 * linear / max(1, point.analysis.totals.params)
        parts.append(f"{share:.1f} % at {point.value}")
    return f"linear layers hold {parts[0]} and {parts[1]} of the parameters."


with (
    page_frame(
        "Compare", "Networks side by side: what they cost, block by block and over a slider."
    ),
    address_checked(),
):
    page()
