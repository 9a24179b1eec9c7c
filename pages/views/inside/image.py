"""Which image is looked at: one of the test set, one drawn with the mouse, one of a file."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NoBase64

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.data.catalogue import DatasetInfo, is_available
from core.inside.picture import MOST_BYTES, read_picture
from core.language import N_, _, lazy, pgettext
from core.report.tables.predictions import class_name
from core.specs import LabError
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.test_images import test_images
from pages.views.app.with_torch import inside
from pages.views.forms.names import pick_name, select_name
from pages.views.inside.chosen import Chosen, Subject

_TEST, _DRAW, _UPLOAD = N_("Test image"), N_("Draw"), N_("Upload")
_ALL, _MISTAKES, _CLASS = "all", "mistakes", "class-"
_DRAWN_SIDE = 28  # pixels a side of the canvas

_canvas = st.components.v2.component(
    "lab_canvas",
    html='<div class="canvas-holder"><canvas tabindex="0" width="28" height="28"></canvas>'
    '<p class="canvas-line"></p></div>',
    css=(FOLDER / "canvas.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "canvas.js"),
    isolate_styles=False,
)


def open_image(index: int) -> None:
    """Show this test image from the next run of the page on; for callbacks of its views."""
    st.session_state["in_source"] = _TEST
    st.session_state["in_pick"] = _ALL
    st.session_state["in_image"] = int(index)


def choose_image(subject: Subject, data: DatasetInfo) -> Chosen | None:
    """The controls for the image; None where there is none yet."""
    has_tests = is_available(data.name)
    sources = [_TEST, _DRAW, _UPLOAD] if has_tests else [_DRAW, _UPLOAD]
    source = pick_name(
        _("Image"),
        {name: _(name) for name in sources},
        sources[0],
        "in_source",
        help=_(
            "An image of the test set, one that you draw, or a PNG or JPEG of yours. What you"
            " draw or upload is looked at and never kept."
        ),
    )
    if source == _DRAW:
        return _drawn(subject, data)
    if source == _UPLOAD:
        return _uploaded(subject, data)
    return _of_test_set(subject, data)


def _of_test_set(subject: Subject, data: DatasetInfo) -> Chosen | None:
    """By number, of one class, or of the mistakes."""
    images, labels = test_images(data.name)
    picks = {
        _ALL: _("All {images:,} test images", images=len(labels)),
        _MISTAKES: _("Mistakes, the surest first"),
    }
    picks |= {
        f"{_CLASS}{index}": _("Only {label}", label=name)
        for index, name in enumerate(data.shown_classes)
    }
    kind, number = st.columns([3, 2])
    with kind:
        pick = select_name(
            pgettext("of the test images", "Which"),
            picks,
            _ALL,
            "in_pick",
            help=_("What the number counts."),
        )
    indices = _picked(pick, subject, data, labels)
    if not len(indices):
        st.info(
            _("There is no such image: the network makes no mistake here."),
            icon=":material/check:",
        )
        return None
    if int(st.session_state.get("in_image", 0)) >= len(indices):
        st.session_state["in_image"] = 0
    with number:
        place = st.number_input(
            pgettext("of a test image", "Number"),
            0,
            len(indices) - 1,
            0,
            key="in_image",
            bind="query-params",
            help=_("From 0 to {last:,}; leafs through them.", last=len(indices) - 1),
        )
    index = int(indices[int(place)])
    label = int(labels[index])
    name = lazy("test image {index}", index=index)
    return Chosen(subject, data, images[index], name, index, label)


def _picked(
    pick: str, subject: Subject, data: DatasetInfo, labels: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Indices of the test images that are offered."""
    if pick.startswith(_CLASS):
        return np.flatnonzero(labels == int(pick.removeprefix(_CLASS)))
    if pick == _ALL:
        return np.arange(len(labels))
    said = inside("core.inside.test_set:predicted", subject.weights, data.name)
    wrong = np.flatnonzero(said.argmax(1) != labels[: len(said)])
    if len(said) < len(labels):
        st.caption(
            _("Of the first {images:,} test images, which are quickly computed.", images=len(said))
        )
    return wrong[np.argsort(-said[wrong].max(1), kind="stable")]


def _drawn(subject: Subject, data: DatasetInfo) -> Chosen | None:
    """The canvas; white on black, as MNIST's digits are."""
    about = _(
        "Draw with the mouse or a finger. With the keyboard: arrow keys move, the space bar paints,"
        " Delete clears."
    )
    result = _canvas(
        key="in_canvas",
        data={
            "words": {
                "about": _(
                    "A canvas of {side} by {side} pixels. {help}", side=_DRAWN_SIDE, help=about
                ),
                "help": about,
                "clear": _("Clear"),
            }
        },
        default={"pixels": ""},
        on_pixels_change=lambda: None,
        height="content",
    )
    pixels = _decoded(str(result.pixels or ""))
    if not pixels.any():
        st.caption(_("Nothing is drawn yet."))
        return None
    return Chosen(subject, data, pixels, lazy("drawn"), None, None)


def _decoded(text: str) -> NDArray[np.uint8]:
    """What the canvas says, 28 × 28 gray levels. Raises LabError for anything else."""
    side = _DRAWN_SIDE
    if not text:
        return np.zeros((side, side), np.uint8)
    try:
        raw = b64decode(text[: 4 * side * side], validate=True)
    except (NoBase64, ValueError):
        raw = b""
    if len(raw) != side * side:
        raise LabError(
            "The drawing is no picture of {side} × {side} pixels; draw it again.", side=side
        )
    return np.frombuffer(raw, np.uint8).reshape(side, side)


def _uploaded(subject: Subject, data: DatasetInfo) -> Chosen | None:
    """A picture of the visitor's own, read as data and never kept."""
    file = st.file_uploader(
        _("PNG or JPEG"),
        type=["png", "jpg", "jpeg"],
        key="in_upload",
        max_upload_size=MOST_BYTES // 2**20,
        help=_("The middle of it is cut out and resized as the network reads images."),
    )
    is_gray = data.channels == 1
    inverted = is_gray and st.toggle(
        _("Dark on light"),
        True,
        key="in_inverted",
        help=_(
            "{data_set} has light things on black: a picture the other way round is turned.",
            data_set=data.title,
        ),
    )
    if file is None:
        return None
    height, width = subject.weights.spec.sides
    pixels = read_picture(file.getvalue(), data.channels, inverted, width / height)
    return Chosen(subject, data, pixels, lazy("your picture"), None, None)


def label_text(chosen: Chosen) -> str:
    """`test image 17: Coat`."""
    if chosen.label is None:
        return str(chosen.image_name)
    label = class_name(chosen.data.shown_classes, chosen.label)
    return _("{image}: {label}", image=chosen.image_name, label=label)
