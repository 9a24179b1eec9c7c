"""The published runs beside what this lab got, the shipped curves, and a start for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.data import find_dataset
from core.jobs.records import setting_key
from core.report import formats
from core.report.figures.studies import StudyLine, study_chart
from core.report.figures.variants import style_of
from core.report.sentences.reproduction import reproduction_remark
from core.report.sentences.verdict import pair_sentence
from core.report.tables.studies import reproduction_frame
from core.specs import ModelSpec, RunSpec
from core.studies.conditions import Condition
from core.studies.reproduction import Reproduction, course_accuracies
from core.studies.statistics import Mean, compare, mean_interval
from core.training.recipes import recipe
from core.zoo.catalogue import complete
from core.zoo.variants import variant_of
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.services import shipped, store
from pages.views.app.with_torch import devices
from pages.views.app.words import count
from pages.views.forms.run import run_keys
from pages.views.residual.verdict import judged

_NOT_YET = "not yet reproduced here"
SEEDS = 3  # of a reproduction that is queued here
_ONE_RUN = (
    "Published values are one run each on 10,000 test images: the binomial 95 % interval of one"
    " such accuracy is about ±0.2 points on MNIST and ±0.55 on Fashion-MNIST, and the spread"
    " between seeds comes on top, so the four course finals cannot be ranked."
)


def reference_lines(
    models: Sequence[ModelSpec] | None, condition: Condition, suffix: str = ""
) -> list[StudyLine]:
    """Thin curves of the residual blocks in this setting; of these networks only, or of all.

    Curves of other images, epochs or settings cannot be compared and are left out.
    """
    wanted = None if models is None else {_essence(model) for model in models}
    return [
        StudyLine(
            row.title + suffix,
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


def reference_chart() -> None:
    """The course note's four blocks on MNIST, ours beside its own curves."""
    figure, have = _reference_figure()
    ours = f"Lines: mean of {have} seeds of ours with 95 % interval. " if have else ""
    chart(figure, key="res_published")
    caption(f"{ours}Crosses: the published runs. {_ONE_RUN}")


def reference_verdict() -> None:
    """What the seeds that come with the lab can tell, judged as a study of one's own is."""
    accuracies = course_accuracies(shipped(), as_published=False)
    if len(accuracies) > 1:
        judged(compare(accuracies), list(accuracies), "res_shipped_pairs", is_own=False)
    by_block: dict[str, dict[str, dict[int, float]]] = {}
    for title, finals in course_accuracies(shipped()).items():
        by_block.setdefault(title.partition(",")[0], {})[title] = finals
    pairs = [pair for block in by_block.values() for pair in compare(block)]
    if pairs:
        markdown("Does the homework's dead convolution matter?")
        markdown("\n".join(f"- {escaped(pair_sentence(pair))}" for pair in pairs))


@st.cache_resource(show_spinner=False)
def _reference_figure() -> tuple[go.Figure, int]:
    """What comes with the lab, drawn once for everybody, and the seeds behind its lines."""
    course = next(row for row in shipped() if row.recipe == "published-course")
    lines = reference_lines(None, _condition(course))
    have = max((len(line.seeds) for line in lines), default=0)
    return study_chart(lines, "Course residual net on MNIST"), have


def reproduction_view() -> None:
    """The table, what it says in words, and how to run a row again."""
    st.header("Reproduction", anchor=False)
    rows = shipped()
    caption(_ONE_RUN)
    st.dataframe(
        table(rows),
        hide_index=True,
        key="res_reproduction",
        column_config={
            "start": st.column_config.LinkColumn(
                display_text="Train ↗", help="Opens Train with everything set, in a new tab."
            ),
            "difference": st.column_config.TextColumn(
                "ours − published", help="In points, for our mean."
            ),
        },
    )
    remarks = [sentence for row in rows if (sentence := reproduction_remark(row))]
    if remarks:
        markdown("\n".join(f"- {sentence}" for sentence in remarks))
    elif any(row.difference is not None for row in rows):
        caption(
            "In each published setting that was trained again, our mean lies within 0.3 points of"
            " the published value; another size or a corrected block is no published setting."
        )
    for row in rows:
        if row.published and row.published.remark:
            caption(f"{row.title}: {row.published.remark}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _queue_one(rows)
        download_csv(
            "Reproduction as CSV",
            lambda: reproduction_frame(rows),
            "reproduction.csv",
            "res_reproduction_csv",
        )


def _queue_one(rows: Sequence[Reproduction]) -> None:
    """Pick a row, queue it with several seeds."""
    titles = [row.title for row in rows]
    picked = st.selectbox(
        "Run a row again",
        titles,
        index=titles.index("plain residual"),
        key="res_again",
        help="As a study of its own, with everything as published.",
        width=280,
    )
    row = rows[titles.index(picked)]
    if st.button(
        f"Queue {SEEDS} seeds",
        icon=":material/playlist_add:",
        key="res_queue",
        help="At full size this takes minutes a run on a CPU for the course nets, hours for VGG.",
    ):
        first = _run_of(row)
        study = store().create_study(
            f"{row.title}: reproduction",
            {"reproduction": row.title, "seeds": SEEDS},
            [replace(first, seed=seed) for seed in range(SEEDS)],
        )
        st.query_params["study"] = study.id
        st.rerun()


def _run_of(row: Reproduction) -> RunSpec:
    """The row as a run on the fastest device, with all images."""
    images = find_dataset(row.dataset).train_images
    return RunSpec(
        complete(row.model),
        row.dataset,
        recipe(row.recipe, images, row.epochs),
        train_images=images,
        device=next(iter(devices())),
    )


def _train_address(spec: RunSpec) -> str:
    """The Train page with everything set, beside this page whatever its base."""
    return f"train?{urlencode(run_keys(spec))}"


def table(rows: Sequence[Reproduction]) -> pd.DataFrame:
    """Published against ours, and against what this store's runs have reached."""
    finals = _finals_here(rows)
    return pd.DataFrame(
        [
            {
                "run": row.title,
                "published": (
                    formats.percent_within(row.published.final, row.published.interval)
                    if row.published
                    else "–"
                ),
                "ours": _with_seeds(row.final) or _NOT_YET,
                "difference": (
                    "–" if row.difference is None else formats.signed_points(row.difference)
                ),
                "your runs": _with_seeds(mean_interval(finals[row.title])) or "–",
                "start": _train_address(_run_of(row)),
                "data": find_dataset(row.dataset).title,
                "epochs": row.epochs,
                "machine": row.machines,
                "PyTorch": row.torch,
                "date": row.date,
            }
            for row in rows
        ]
    )


def _with_seeds(mean: Mean | None) -> str:
    """`98.98 ± 0.12 % (3 seeds)`."""
    if mean is None:
        return ""
    return f"{formats.percent_within(mean.mean, mean.half)} ({count(mean.count, 'seed')})"


def _finals_here(rows: Sequence[Reproduction]) -> dict[str, list[float]]:
    """Final accuracies of this store's finished runs in exactly the setting of each row."""
    settings = {row.title: setting_key(_run_of(row)) for row in rows}
    finals = store().final_accuracies(settings.values())
    return {title: finals[setting] for title, setting in settings.items()}
