"""The training replayed: eight test images after each epoch, with the curve that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.data.catalogue import find_dataset
from core.jobs.store import Run
from core.jobs.trail import read_trail
from core.language import N_, _, comma, semicolon
from core.report import formats
from core.report.formats import signed_number
from core.report.maps import png_address, range_of, tiles_png
from core.report.names import run_file_name
from core.report.picture.insets import image_png
from core.report.sentences.trail import curve_text, replay_finding
from core.report.tables.predictions import class_name
from core.report.tables.trail import trail_frame
from core.training.records import EpochMetrics
from core.training.trail_records import Trail
from pages.views.app.address import keep_names, names_asked_for
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.services import store
from pages.views.app.test_images import test_images
from pages.views.forms.names import select_name
from pages.views.inside.chosen import Chosen

_EPOCH, _REPLAY = "in_epoch", "in_replay"
_FIRST_MAP = N_("first map, `{layer}`: channels {channels} of {all}, {size}, scale {low} to {high}")
_LAST_MAP = N_("last map, `{layer}`: channels {channels} of {all}, {size}, scale {low} to {high}")

_WORDS = {  # of replay.js, which puts in the values
    "play": N_("▶ Play"),
    "pause": N_("❚❚ Pause"),
    "slider": N_("Epoch"),
    "epoch": N_("epoch"),
    "test": N_("test"),
    "train": N_("training"),
    "before": N_("Before training"),
    "after": N_("After epoch {epoch}"),
    "accuracy": N_("test accuracy {accuracy}"),
    "right": N_("{right} of these {images} images right"),
    "line": N_("{parts}."),
    "said": N_("{sign} {label}, {probability}"),
    "image": N_("{image}. {when}."),
    "taken_right": N_("{image}: taken for {label} with {probability}, right. {when}."),
    "taken_wrong": N_("{image}: taken for {label} with {probability}, wrong. {when}."),
    "maps": N_("Channels {channels} of {layer}. {when}."),
}

_replay = st.components.v2.component(
    "training_replay",
    html='<div class="replay"><svg role="img"></svg><div class="move">'
    '<button type="button" aria-pressed="false"></button>'
    '<input type="range" min="0" step="1"></div>'
    '<p class="line" aria-live="polite"></p><div class="cards"></div></div>',
    css=(FOLDER / "replay.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "replay.js"),
    isolate_styles=False,
)


def replay_view(chosen: Chosen) -> None:
    """Curve, slider and images of the chosen run, as far as it has come.

    One sentence where nothing can be replayed. The page draws it anew as epochs end.
    """
    run = chosen.subject.run
    if run is None:
        st.info(
            _(
                "Only a run of yours can be replayed, epoch by epoch: choose one as the network, or"
                " start one on the page Train."
            ),
            icon=":material/info:",
        )
        return
    trail = read_trail(run)
    if trail is None:
        st.info(_nothing(run), icon=":material/info:")
        return
    epochs = store().epochs([run.id])[run.id]
    names = _class_names(run, trail)
    markdown(escaped(replay_finding(trail, names)))
    block = _choose_block(trail)
    _component(run, trail, epochs, names, block)
    _captions(run, trail, block)
    download_csv(
        _("What it said after each epoch as CSV"),
        lambda: trail_frame(run, trail, _class_names(run, trail)),
        f"{run_file_name(run)}-trail.csv",
        "in_trail_csv",
    )


def _nothing(run: Run) -> str:
    if not run.state.is_over:
        return _(
            "Nothing to replay yet: the run keeps its first images just before its first epoch."
        )
    if "cannot be replayed" in run.note:
        return _("Its training left no trail; the note in the run's record says why.")
    return _(
        "Run {run} kept no trail, as runs of earlier labs: start it again on the page Train with"
        " the same settings, and its training can be replayed.",
        run=run.id,
    )


def _class_names(run: Run, trail: Trail) -> list[str]:
    names = find_dataset(run.spec.dataset).shown_classes
    return [class_name(names, index) for index in range(max(trail.plan.classes, len(names)))]


def _choose_block(trail: Trail) -> str:
    """Whose maps are shown; "" where none were kept."""
    blocks = dict.fromkeys(one.block for one in trail.plan.maps)
    if not blocks:
        caption(_("No maps were kept: no block of this network gives one that fits into a trail."))
        return ""
    titles = {block: block for block in blocks}
    return select_name(_("Maps of the block"), titles, next(iter(titles)), "in_block", width=260)


def _component(
    run: Run, trail: Trail, epochs: Sequence[EpochMetrics], names: Sequence[str], block: str
) -> None:
    """Draw it, and let the address have the epoch on which it rests."""
    _replay(
        key=_REPLAY,
        data={
            "name": f"{run.id}",
            "epochs": list(trail.epochs),
            "epoch": _epoch(trail),
            "total": run.spec.recipe.epochs,
            "curve": curve_text(epochs),
            "accuracy": [
                {"epoch": one.epoch, "test": one.test_accuracy, "train": one.train_accuracy}
                for one in epochs
            ],
            "images": _images(run.spec.dataset, trail, names),
            "said": _said(trail, names),
            "maps": [_sprite(trail, index) for index in _indices(trail, block)],
            "words": {name: _(text) for name, text in _WORDS.items()},
        },
        default={"epoch": None},
        on_epoch_change=_keep_where_it_rests,
        height="content",
    )


def _keep_where_it_rests() -> None:
    st.session_state[_EPOCH] = st.session_state[_REPLAY]["epoch"]


def _epoch(trail: Trail) -> int:
    """On which the slider stands: where it was moved to, else what the address asks for."""
    last = trail.epochs[-1]
    asked = names_asked_for(_EPOCH, {str(epoch): str(epoch) for epoch in trail.epochs}, [str(last)])
    if asked:
        st.session_state[_EPOCH] = int(asked[0])
    epoch = st.session_state.get(_EPOCH)
    epoch = epoch if epoch in trail.epochs else last
    keep_names(_EPOCH, [str(epoch)], [str(last)])
    return int(epoch)


def _images(dataset: str, trail: Trail, names: Sequence[str]) -> list[dict[str, str]]:
    pictures = test_images(dataset)[0][list(trail.images)]
    return [
        {
            "png": png_address(image_png(picture)),
            "label": _("{label} (test image {index})", label=names[label], index=index),
        }
        for picture, index, label in zip(pictures, trail.images, trail.labels, strict=True)
    ]


def _said(trail: Trail, names: Sequence[str]) -> list[list[dict[str, Any]]] | None:
    """For each epoch and image: class, probability, whether it is right."""
    if any(moment.probabilities is None for moment in trail.moments):
        return None
    return [
        [
            {
                "name": names[int(row.argmax())],
                "share": float(row.max()),
                "right": int(row.argmax()) == label,
            }
            for row, label in zip(moment.probabilities, trail.labels, strict=True)  # type: ignore[arg-type]
        ]
        for moment in trail.moments
    ]


def _indices(trail: Trail, block: str) -> list[int]:
    return [index for index, one in enumerate(trail.plan.maps) if one.block == block]


def _values(trail: Trail, index: int) -> NDArray[np.float32]:
    """(epochs, images, channels, H, W)"""
    return np.stack([moment.map(index) for moment in trail.moments])


def _sprite(trail: Trail, index: int) -> dict[str, Any]:
    """One picture for all epochs, a row for each, on one scale."""
    one, values = trail.plan.maps[index], _values(trail, index)
    low, high = range_of(values)
    columns = values.shape[1] * values.shape[2]
    png = tiles_png(values.reshape(-1, *one.sides), low, high, columns, gap=0)
    return {
        "png": png_address(png),
        "path": one.path,
        "sides": list(one.sides),
        "channels": list(one.channels),
        "listed": comma().join(map(str, one.channels)),
    }


def _captions(run: Run, trail: Trail, block: str) -> None:
    """What the rows below the images are, their scales, and which epochs there are."""
    lines = []
    for index in _indices(trail, block):
        one = trail.plan.maps[index]
        low, high = map(signed_number, range_of(_values(trail, index)))
        lines.append(
            _(
                _LAST_MAP if one.is_last else _FIRST_MAP,
                layer=one.path,
                channels=comma().join(map(str, one.channels)),
                all=one.of_channels,
                size=formats.sides(one.full_sides),
                low=low,
                high=high,
            )
        )
    thinned = len(trail.epochs) < trail.epochs[-1] + 1
    if lines:
        maps = semicolon().join(lines)
        caption(_("Below each image: {maps}. One scale for all epochs.", maps=maps))
    if thinned:
        caption(
            _(
                "Of {epochs:,} epochs {kept} were kept: a trail takes at most 2 MB.",
                epochs=trail.epochs[-1],
                kept=len(trail.epochs),
            )
        )
