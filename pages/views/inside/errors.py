"""Where errors live: test images in two dimensions, by what the network's last layer reads."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.data.catalogue import is_available
from core.explain.glossary import explained
from core.inside.embedding_records import Embedding, image_count
from core.jobs.store import Measurement
from core.language import N_, _, paragraph
from core.measure.inside_requests import EmbeddingRequest
from core.report import formats
from core.report.figures.palette import colors_and_markers
from core.report.sentences.embedding import (
    embedding_sentences,
    mistakes_finding,
    plane_sentence,
    point_texts,
)
from core.report.tables.embedding import embedding_frame
from pages.views.app import test_images
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement, share_measured
from pages.views.app.prose import caption, markdown
from pages.views.app.with_torch import inside
from pages.views.forms.names import pick_name
from pages.views.inside.chosen import Chosen
from pages.views.inside.image import open_image
from pages.views.inside.requests import weights_fields

_PCA, _TSNE = _WAYS = (N_("Principal components"), "t-SNE")
_HEIGHT = 460  # pixels of the plane
_ROOM = 190  # of title, legend and line, on a phone too
_HELP = N_(
    "Point at an image, click it to open it above. With the keyboard: arrow keys move, M goes to"
    " the next mistake, Enter opens."
)

_points = st.components.v2.component(
    "lab_points",
    html='<div class="points"><p class="points-title"></p><canvas tabindex="0"></canvas>'
    '<p class="points-line" aria-live="polite"></p><div class="points-legend"></div></div>',
    css=(FOLDER / "points.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "points.js"),
    isolate_styles=False,
)


def errors_view(chosen: Chosen) -> None:
    """The images as points, mistakes outlined; the sentence, CSV."""
    data = chosen.data
    if not is_available(data.name):
        st.info(
            _(
                "{data_set} is not on this machine, so its test images cannot be shown; training"
                " on it downloads it.",
                data_set=data.title,
            ),
            icon=":material/info:",
        )
        return
    count = image_count(chosen.analysis.totals.macs, data.test_images)
    embedding: Embedding = inside(
        "core.inside.embedding:principal_components", chosen.weights, data.name, count
    )
    way = pick_name(
        _("Two dimensions by"),
        {name: _(name) for name in _WAYS},
        _PCA,
        "in_errors_by",
        help=explained(*_WAYS),
    )
    if way == _PCA:
        _show(chosen, embedding, embedding.positions, "")
        return
    measurement(
        _request(chosen, len(embedding.images)),
        "in_tsne",
        _("Compute t-SNE"),
        _(
            "In a process of its own: for 2,000 images some 12 s of one core, which take longer"
            " where others compute too. The picture comes little by little."
        ),
        lambda result: _show_neighbors(chosen, embedding, result),
        again=_("Compute again"),
        progress_text=_how_far,
    )


def _how_far(job: Measurement) -> str:
    """The share done, and the time left as this attempt goes."""
    if not job.fraction or job.seconds is None:
        return share_measured(job)
    left = (job.seconds - job.spent_seconds) * (1 / job.fraction - 1)
    return _(
        "{measured} · about {time} left",
        measured=share_measured(job),
        time=formats.duration(left),
    )


def _request(chosen: Chosen, images: int) -> EmbeddingRequest:
    return EmbeddingRequest(**weights_fields(chosen.subject, chosen.data), images=images)


def _show_neighbors(chosen: Chosen, embedding: Embedding, result: dict[str, Any]) -> None:
    positions = np.asarray(result["positions"], np.float32)
    _show(chosen, embedding, positions, "-tsne")


def _show(
    chosen: Chosen, embedding: Embedding, positions: NDArray[np.float32], ending: str
) -> None:
    names = chosen.data.shown_classes
    title = mistakes_finding(embedding)
    clicked = _points(
        key="in_errors_points",
        data={
            "key": f"{chosen.subject.title}{ending}{len(positions)}",
            "title": title,
            "help": _(_HELP),
            "about": _("{title}. {help}", title=title, help=_(_HELP)),
            "height": _HEIGHT,
            "xs": positions[:, 0].tolist(),
            "ys": positions[:, 1].tolist(),
            "images": embedding.images.tolist(),
            "labels": embedding.labels.tolist(),
            "wrong": embedding.wrong.astype(int).tolist(),
            "texts": point_texts(embedding, names),
            "classes": [
                {"name": name, "color": color, "marker": marker}
                for name, (color, marker) in zip(names, colors_and_markers(len(names)), strict=True)
            ],
            "path": f"{test_images.PATH}?{test_images.query(chosen.data.name)}",
        },
        default={},
        on_open_change=partial(_open, chosen.data.test_images),
        height=_HEIGHT + _ROOM,
    )
    if ending and clicked.open is not None:  # a measurement's part of the page: the image is above
        st.rerun()
    markdown("\n".join(f"- {sentence}" for sentence in embedding_sentences(embedding)))
    caption(
        paragraph(
            plane_sentence(embedding),
            _("Color and marker: the true class; outlined and larger: mistakes."),
        )
    )
    download_csv(
        _("Every image as CSV"),
        lambda: embedding_frame(embedding, positions, chosen.data.class_names),
        f"{chosen.subject.file_name(chosen.data.name, f'images{ending}')}.csv",
        "in_errors_csv",
    )


def _open(count: int) -> None:
    """Show the image that was clicked."""
    state = st.session_state.get("in_errors_points") or {}
    index = state.get("open") if hasattr(state, "get") else None
    if isinstance(index, int | float) and 0 <= index < count:
        open_image(int(index))
