"""The published runs beside what this lab got, and a start for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core.data import find_dataset
from core.jobs.offers import device_names
from core.jobs.records import setting_key
from core.language import N_, _, lazy
from core.report import formats
from core.report.sentences.reproduction import reproduction_remark
from core.report.tables.studies import reproduction_frame
from core.specs import RunSpec
from core.studies.published import PublishedRun
from core.studies.reproduction import Reproduction
from core.studies.statistics import Mean, mean_interval
from core.training.recipes import recipe
from core.zoo.catalogue import complete
from pages.views.app.downloads import download_csv
from pages.views.app.language import in_this_language
from pages.views.app.messages import escaped
from pages.views.app.offers import offers
from pages.views.app.prose import caption, markdown
from pages.views.app.services import shipped, store
from pages.views.app.tables import table
from pages.views.forms.run import run_keys
from pages.views.people.ownership import told_before_the_start

SEEDS = 3  # of a reproduction that is queued here
_ONE_RUN = N_(
    "Published values are one run each on 10,000 test images: the binomial 95 % interval of one"
    " such accuracy is about ±0.2 points on MNIST and ±0.55 on Fashion-MNIST, and the spread"
    " between seeds comes on top, so the four course finals cannot be ranked."
)


def reproduction_view() -> None:
    """The table, what it says in words, and how to run a row again."""
    st.header(_("Published and reproduced"), anchor=False)
    rows = shipped()
    caption(_(_ONE_RUN))
    table(
        reproduction_table(rows),
        height="content",
        key="res_reproduction",
        placeholder=formats.NOTHING,
        column_config=_columns(),
    )
    remarks = [sentence for row in rows if (sentence := reproduction_remark(row))]
    if any(row.difference is not None for row in rows) and not remarks:
        caption(
            _(
                "In each published setting that was trained again, our mean lies within 0.3 points"
                " of the published value; another size or a corrected block is no published"
                " setting."
            )
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _queue_one(rows)
        download_csv(
            _("Reproduction as CSV"),
            lambda: reproduction_frame(rows),
            "reproduction.csv",
            "res_reproduction_csv",
        )
    told_before_the_start()
    with st.expander(_("What explains the differences, and where ours were trained")):
        _explanations(rows, remarks)


def _explanations(rows: Sequence[Reproduction], remarks: Sequence[str]) -> None:
    """A sentence for each notable difference, what sources leave out, machines and versions."""
    published = [row for row in rows if row.published and row.published.remark]
    lines = [
        *remarks,
        *(
            _("{title}: {remark}", title=_(row.title), remark=_(row.published.remark))
            for row in published
            if row.published
        ),
    ]
    if lines:
        markdown("\n".join(f"- {escaped(line)}" for line in lines))
    table(
        pd.DataFrame(
            [
                {
                    N_("run"): _(row.title),
                    N_("machine"): formats.machine(row.machines),
                    "PyTorch": row.torch,
                    N_("date"): row.date,
                }
                for row in rows
                if row.runs
            ]
        ),
        height="content",
        key="res_machines",
    )


def _queue_one(rows: Sequence[Reproduction]) -> None:
    """Pick a row, queue it with several seeds."""
    titles = [row.title for row in rows]
    picked = st.selectbox(
        _("Run a row again"),
        titles,
        format_func=_,
        index=titles.index("plain residual"),
        key="res_again",
        help=_("As a study of its own, with everything as published."),
        width=280,
    )
    row = rows[titles.index(picked)]
    if st.button(
        _("Queue {seeds} seeds", seeds=SEEDS),
        icon=":material/playlist_add:",
        key="res_queue",
        help=_(
            "At full size this takes minutes a run on a CPU for the course nets, hours for VGG."
        ),
    ):
        first = _run_of(row, _fastest_device())
        study = store().create_study(
            lazy("{title}: reproduction", title=lazy(row.title)),
            {"reproduction": row.title, "seeds": SEEDS},
            [replace(first, seed=seed) for seed in range(SEEDS)],
        )
        st.query_params["study"] = study.id
        st.rerun()


def _run_of(row: Reproduction, device: str = "cpu") -> RunSpec:
    """The row as a run on this device, with all images."""
    images = find_dataset(row.dataset).train_images
    return RunSpec(
        complete(row.model),
        row.dataset,
        recipe(row.recipe, images, row.epochs),
        train_images=images,
        device=device,
    )


def _fastest_device() -> str:
    return device_names(offers())[0]


def _train_address(spec: RunSpec) -> str:
    """The Train page with everything set, beside this page whatever its base."""
    return in_this_language(f"train?{urlencode(run_keys(spec))}")


def reproduction_table(rows: Sequence[Reproduction]) -> pd.DataFrame:
    """Published against ours, and against what this store's runs have reached; in %."""
    here = {title: mean_interval(finals) for title, finals in _finals_here(rows).items()}
    device = _fastest_device()
    frame = pd.DataFrame(
        [
            {
                "run": _(row.title),
                **_published(row.published),
                **_means("ours", row.final),
                N_("difference"): None if row.difference is None else 100 * row.difference,
                **_means("your runs", here[row.title]),
                N_("start"): _train_address(_run_of(row, device)),
                N_("data"): find_dataset(row.dataset).title,
                N_("epochs"): row.epochs,
            }
            for row in rows
        ]
    )
    if not any(here.values()):  # no empty columns
        frame = frame.drop(columns=[name for name in frame.columns if name.startswith("your runs")])
    return frame


def _percents(name: str, value: float | None, half: float | None) -> dict[str, float | None]:
    """An accuracy and half its interval."""
    return {
        name: None if value is None else 100 * value,
        f"{name} ±": None if half is None else 100 * half,
    }


def _published(run: PublishedRun | None) -> dict[str, float | None]:
    """One run of somebody else's, and the binomial interval of its accuracy."""
    if run is None:
        return _percents("published", None, None)
    return _percents("published", run.final, run.interval)


def _means(name: str, mean: Mean | None) -> dict[str, float | None]:
    """A mean of seeds, half its interval, and how many there are."""
    if mean is None:
        return {**_percents(name, None, None), f"{name}: seeds": None}
    return {**_percents(name, mean.mean, mean.half), f"{name}: seeds": mean.count}


def _columns() -> dict[str, Any]:
    """How the numbers are shown."""
    config = st.column_config
    columns: dict[str, Any] = {
        "run": config.TextColumn(pinned=True),
        "start": config.LinkColumn(
            display_text=_("Train ↗"), help=_("Opens Train with everything set, in a new tab.")
        ),
        "difference": config.NumberColumn(
            _("ours − published"), format="%+.2f", help=_("In points, for our mean.")
        ),
    }
    interval = _("Half the 95 % interval: of one run binomial, of several that of their mean.")
    accuracies = {
        "published": _("published, %"),
        "ours": _("ours, %"),
        "your runs": _("your runs, %"),
    }
    for name, label in accuracies.items():
        columns[name] = config.NumberColumn(label, format="%.2f")
        columns[f"{name} ±"] = config.NumberColumn("±", format="%.2f", help=interval)
        columns[f"{name}: seeds"] = config.NumberColumn(_("seeds"), format="%d")
    return columns


def _finals_here(rows: Sequence[Reproduction]) -> dict[str, list[float]]:
    """Final accuracies of this store's finished runs in exactly the setting of each row."""
    settings = {row.title: setting_key(_run_of(row)) for row in rows}
    finals = store().final_accuracies(settings.values())
    return {title: finals[setting] for title, setting in settings.items()}
