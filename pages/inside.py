"""What a network, trained here or as it begins, makes of one image, layer by layer."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core.data.catalogue import DatasetInfo
from core.jobs.store import Run
from core.language import N_, _
from core.report.figures.predictions import probability_bars
from core.report.picture.insets import image_png
from core.report.sentences.scores import no_scores_sentence
from pages.views.app.address import address_checked, address_of_fragment
from pages.views.app.charts import chart
from pages.views.app.frame import page_frame
from pages.views.app.handouts import offer_handout
from pages.views.app.head import Head
from pages.views.app.live import follow
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.services import store
from pages.views.app.watched import Watched
from pages.views.app.with_torch import inside
from pages.views.forms.names import pick_name
from pages.views.forms.row import form_row
from pages.views.inside.chosen import Chosen, Shown, Subject
from pages.views.inside.dead import dead_channels_view
from pages.views.inside.errors import errors_view
from pages.views.inside.filters import filters_view
from pages.views.inside.handout import inside_document
from pages.views.inside.image import choose_image, label_text
from pages.views.inside.layer import choose_path
from pages.views.inside.maps import maps_view
from pages.views.inside.missing import missing_view
from pages.views.inside.one_layer import SHOWN
from pages.views.inside.replay import replay_view
from pages.views.inside.subject import choose_other, choose_subject, network_titles
from pages.views.inside.take_along import take_along_view
from pages.views.inside.two_networks import two_networks_view
from pages.views.inside.why import why_view
from pages.views.inside.window_counts import window_counts_view

_VIEWS = {  # name → what it draws for the chosen network and image, and the second network
    N_("Maps"): lambda chosen, other: maps_view(chosen),
    N_("Why"): why_view,
    N_("Two networks"): two_networks_view,
    N_("Filters"): lambda chosen, other: filters_view(chosen),
    N_("Missing parts"): missing_view,
    N_("Dead channels"): lambda chosen, other: dead_channels_view(chosen),
    N_("Window"): lambda chosen, other: window_counts_view(chosen),
    N_("Errors"): lambda chosen, other: errors_view(chosen),
    N_("Replay"): lambda chosen, other: replay_view(chosen),
    N_("Take along"): lambda chosen, other: take_along_view(chosen, choose_path(chosen)),
}
_CLASSES_SHOWN = 5  # the likeliest
_ENLARGED = 168  # pixels of the image on the page
_CONTROLS, _ANSWER = 344, 456  # pixels: the controls for the image, and what is said of it


def _page(head: Head) -> None:
    """Network and parameters in one row, then the image and what is made of it."""
    row = form_row("in_network")
    titles = network_titles()
    subject, data = choose_subject(titles, row)
    with row:
        other = choose_other(titles, data)
    _follow(subject.run)
    head.title(subject.title)
    shown = st.session_state[SHOWN] = Shown()
    offer_handout(head, subject.file_name("inside"), partial(inside_document, shown))

    @st.fragment  # another image is no other network: menu and network are not drawn anew
    def image_and_view() -> None:
        with address_of_fragment("inside-image"), errors_in_one_sentence():
            _image_and_view(subject, data, other)

    image_and_view()


def _image_and_view(subject: Subject, data: DatasetInfo, other: Subject | None) -> None:
    """The image, the prediction beside it, and the view below."""
    with st.container(horizontal=True):  # below each other where there is no room
        with st.container(width=_CONTROLS):
            chosen = choose_image(subject, data)
        if chosen is not None:
            with st.container(width=_ANSWER):
                _prediction(chosen, other)
    st.session_state[SHOWN].chosen = chosen
    if chosen is None:
        return
    view = pick_name(
        _("View"),
        {name: _(name) for name in _VIEWS},
        "Maps",
        "in_view",
        label_visibility="collapsed",
    )
    _VIEWS[view](chosen, other)


def _follow(run: Run | None) -> None:
    """Move on as the epochs of a run under way end."""
    if run is None or run.state.is_over:
        return
    watched = Watched(
        f"inside-{run.id}",
        lambda: store().get(run.id),
        lambda run: run.state.is_over,
        lambda run: (*run.stage, run.checkpoint, run.best_file),
    )
    follow(watched, run)


def _prediction(chosen: Chosen, other: Subject | None) -> None:
    """The image, and what each network takes it for."""
    picture, bars = st.columns([1, 3])
    with picture:
        st.image(image_png(chosen.pixels), width=_ENLARGED, alt=label_text(chosen))
        st.caption(label_text(chosen))
    said, silent = [], []
    for subject in (chosen.subject, other):
        if subject is not None:
            scores = inside("core.inside.maps:probabilities", subject.weights, chosen.pixels)
            if scores is not None and np.isfinite(scores).all():
                said.append((subject.title, scores))
            else:
                silent.append(no_scores_sentence(subject.title, scores))
    with bars:
        if said:
            figure = probability_bars(chosen.data.shown_classes, said, chosen.label, _CLASSES_SHOWN)
            chart(figure, "in_prediction", toolbar=False)
        for sentence in silent:
            st.caption(escaped(sentence))


with (
    page_frame(
        N_("Inside"), N_("What a network makes of one image: every map, down to one multiply-add.")
    ) as head,
    address_checked(),
):
    _page(head)
