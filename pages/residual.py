"""Shortcut variants trained from one form, over seeds, in one chart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import figures, formats
from core.data import DATASETS, find_dataset
from core.published import PUBLISHED
from core.runs.store import Run, Store
from core.specs import LabError, ModelSpec, RunSpec
from core.tables import epoch_frame
from core.training.recipes import RECIPES, recipe
from core.variants import VARIANTS, Variant, variant_of
from pages.shared.block_pictures import variant_picture
from pages.shared.data_sets import dataset_line
from pages.shared.downloads import download_csv
from pages.shared.frame import frame
from pages.shared.lab import start_worker, store
from pages.shared.messages import errors_in_one_sentence, show_error

REFRESH_SECONDS = 1.0
MAX_SEEDS = 10


@dataclass(frozen=True)
class Style:
    """How a variant is drawn, the same everywhere: as published is open and dotted."""

    colour: str
    marker: str
    dash: str = "solid"


STYLES = {
    "identity": Style(figures.BLUE, "circle"),
    "constant-scaling": Style(figures.ORANGE, "square"),
    "constant-scaling-published": Style(figures.ORANGE, "square-open", "dot"),
    "conv": Style(figures.GREEN, "diamond"),
    "conv-published": Style(figures.GREEN, "diamond-open", "dot"),
    "none": Style(figures.VERMILLION, "triangle-up"),
}
REST = [name for name in VARIANTS if name not in STYLES]
STYLES |= {
    name: Style(*pair)
    for name, pair in zip(REST, reversed(figures.styles(2 * len(REST))), strict=False)
}
CORRECTED = ["identity", "constant-scaling", "conv", "none"]  # what the note and its homework ask
FINDING = "Test accuracy: mean of the seeds,<br>band from the lowest to the highest"


def page() -> None:
    """Variants with their pictures, the form, then the study that the address names."""
    with st.sidebar:
        specs = form()
    pictures()
    lab = store()
    asked = st.query_params.get("study")
    studies = [run.study for run in lab.runs(limit=500) if run.study]
    newest = next(iter(studies), None)
    if asked is None and newest is None:
        invitation(specs)
        return
    study = asked or newest
    runs = lab.runs(study=study)
    if not runs:
        raise LabError(
            "The address names a study that is not here; open this page without ?study= to see"
            " the newest one."
        )
    over = all(run.state.is_over for run in runs)
    if not over:
        start_worker()
    live = st.fragment(run_every=None if over else REFRESH_SECONDS)(follow_safely)
    live(study, over)


def form() -> list[RunSpec]:
    """What to compare; the runs of the study, queued when the button is pressed."""
    names = st.multiselect(
        "Variants",
        list(VARIANTS),
        CORRECTED,
        format_func=lambda name: VARIANTS[name].title,
        key="res_variants",
        bind="query-params",
        help="Blocks to compare; “as published” keeps the homework's mistake.",
    )
    seeds = int(
        st.number_input(
            "Seeds",
            1,
            MAX_SEEDS,
            3,
            key="res_seeds",
            bind="query-params",
            help="Runs of each variant with seeds 0, 1, 2, …: the curve is their mean.",
        )
    )
    dataset = st.selectbox(
        "Data set",
        list(DATASETS),
        format_func=lambda name: DATASETS[name].title,
        key="res_dataset",
        bind="query-params",
        help="Fashion-MNIST mini ships with the lab.",
    )
    st.caption(dataset_line(dataset))
    chosen = st.selectbox(
        "Recipe",
        list(RECIPES),
        format_func=lambda name: RECIPES[name].title,
        key="res_recipe",
        bind="query-params",
        help="The same recipe for every variant.",
    )
    images = find_dataset(dataset).train_images
    base = recipe(chosen, images)
    epochs = int(
        st.number_input(
            "Epochs",
            1,
            50,
            min(3, base.epochs),
            key="res_epochs",
            bind="query-params",
            help="Passes over the training images.",
        )
    )
    device = choose_device()
    specs = [
        RunSpec(
            ModelSpec("course-residual", image_size=28, options=VARIANTS[name].options),
            dataset,
            recipe(chosen, images, epochs),
            train_images=images,
            device=device,
            seed=seed,
        )
        for seed in range(seeds)
        for name in names
    ]
    st.caption(f"{len(specs)} runs: {len(names)} variants × {seeds} seeds.")
    if st.button(
        "Train them",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not specs,
        width="stretch",
        help="Queues every run; they go on when this tab closes.",
    ):
        begin(specs)
    return specs


def begin(specs: Sequence[RunSpec]) -> None:
    """Queue a study and show it."""
    study = f"residual-{time.strftime('%Y%m%d-%H%M%S')}"
    store().enqueue_all(specs, study)
    st.query_params["study"] = study
    st.rerun()


def choose_device() -> str:
    """The devices of this machine; torch is asked only where it is loaded already."""
    from pages.shared.lab import load_torch

    load_torch()
    from core.training.devices import available_devices

    return st.selectbox(
        "Device",
        available_devices(),
        key="res_device",
        bind="query-params",
        help="The devices this machine really has.",
    )


def pictures() -> None:
    """Each block as a small picture with its formula."""
    with st.container(horizontal=True):
        for variant in VARIANTS.values():
            colour = STYLES[variant.name].colour
            with st.container(border=True, width=143, gap="small"):
                st.image(variant_picture(variant, colour), width=109)
                st.markdown(f"**{variant.title}**")
                st.caption(variant.formula)


def invitation(specs: Sequence[RunSpec]) -> None:
    """Before any study: the published curves, and what to do."""
    st.info(
        f"No study yet. “Train them” in the sidebar trains {len(specs)} short runs; below are the"
        " curves of the course note.",
        icon=":material/arrow_back:",
    )
    published_chart()


def published_chart() -> None:
    """The course note's own curves: one run each, so they cannot be ranked."""
    rows = [row for row in PUBLISHED if row.model.arch == "course-residual"]
    st.plotly_chart(
        figures.published_chart(
            [
                (row.title, row.test_accuracy, STYLES[variant.name])
                for row in rows
                if (variant := variant_of(row.model))
            ],
            "Published: course residual net on MNIST, one run each",
        ),
        key="res_published",
    )
    st.caption(
        "One run each on 10,000 test images: the 95 % interval of one such accuracy is about ±0.2"
        " points and the spread between seeds comes on top, so these final values cannot be ranked."
    )


def follow_safely(study: str, was_over: bool) -> None:
    """`follow`, with errors as sentences: a fragment is outside of the page's own frame."""
    with errors_in_one_sentence():
        follow(study, was_over)


def follow(study: str, was_over: bool) -> None:
    """The study's chart and table, redrawn while its runs go on."""
    lab = store()
    runs = lab.runs(study=study)
    if not runs:
        raise LabError("The runs of this study were deleted; start another one in the sidebar.")
    over = all(run.state.is_over for run in runs)
    if over and not was_over:
        st.rerun()
    first = runs[0].spec
    st.subheader(f"Study of {len(runs)} runs on {first.dataset}", anchor=False)
    st.caption(
        f"{study} · recipe {first.recipe.name}, {first.recipe.epochs} epochs, batch"
        f" {first.recipe.batch_size} · {first.device}"
    )
    if not over:
        start_worker()  # one that died is replaced
        progress(lab, runs)
    for run in runs:
        if run.message:
            show_error(f"Run {run.id}: {run.message}")
    epochs = lab.epochs([run.id for run in runs])
    groups = by_variant(runs)
    if any(epochs.values()):
        st.plotly_chart(
            figures.accuracy_chart(
                [
                    figures.Curve(
                        variant.title,
                        style.colour,
                        style.marker,
                        tuple(epochs[run.id] for run in members if epochs[run.id]),
                        style.dash,
                    )
                    for variant, members in groups
                    if (style := STYLES[variant.name])
                ],
                title=FINDING,
            ),
            key="res_chart",
        )
        st.dataframe(table(groups, epochs), hide_index=True, key="res_table")
        st.caption(
            "A difference smaller than the spread between the seeds of one variant says nothing"
            " about which block is better."
        )
        download_csv(
            "Every epoch of every seed as CSV",
            lambda: epoch_frame(runs, epochs),
            f"{study}.csv",
            "res_csv",
        )
    if first.dataset == "mnist":
        published_chart()


def progress(lab: Store, runs: Sequence[Run]) -> None:
    """One bar for the whole study, with the time left, and the button that stops it."""
    shares = [
        1.0 if run.state.is_over else (run.progress.fraction if run.progress else 0.0)
        for run in runs
    ]
    done = sum(shares) / len(shares)
    began = min((run.started_at for run in runs if run.started_at), default=None)
    left = "waiting for the worker"
    if began and done > 0.01:
        left = f"about {formats.duration((time.time() - began) * (1 / done - 1))} left"
    finished = sum(run.state.is_over for run in runs)
    st.progress(done, f"{finished} of {len(runs)} runs done · {left}")
    if st.button(
        "Stop the study",
        icon=":material/stop:",
        key="res_stop",
        help="Ends its runs after their current step; finished epochs are kept.",
    ):
        lab.request_stop([run.id for run in runs])
        st.rerun(scope="fragment")


def by_variant(runs: Sequence[Run]) -> list[tuple[Variant, list[Run]]]:
    """The runs of each variant, in the order of VARIANTS."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if variant := variant_of(run.spec.model):
            groups.setdefault(variant.name, []).append(run)
    return [(VARIANTS[name], groups[name]) for name in VARIANTS if name in groups]


def table(groups: Sequence[tuple[Variant, Sequence[Run]]], epochs: dict[int, list]) -> pd.DataFrame:
    """Final accuracy of each variant: mean, lowest and highest over its seeds."""
    rows = []
    for variant, members in groups:
        whole = [epochs[run.id] for run in members if len(epochs[run.id]) == run.spec.recipe.epochs]
        finals = [metrics[-1].test_accuracy for metrics in whole]
        seconds = [sum(m.train_seconds for m in metrics) for metrics in whole]
        rows.append(
            {
                "variant": variant.title,
                "finished seeds": len(finals),
                "final accuracy, mean": formats.percent(mean(finals)),
                "lowest": formats.percent(min(finals, default=None)),
                "highest": formats.percent(max(finals, default=None)),
                "training time, mean": formats.duration(mean(seconds)),
            }
        )
    return pd.DataFrame(rows)


def mean(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return sum(values) / len(values) if values else None


with frame("Residual", "Which shortcut is better? The same net and recipe, several seeds each."):
    page()
