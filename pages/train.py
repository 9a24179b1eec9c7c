"""Choose, see the estimate, start, watch, stop; afterwards the record of the run."""

from __future__ import annotations

import streamlit as st

from core.language import N_, _
from core.report.names import set_up_title
from core.specs import LabError
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.head import Head
from pages.views.app.services import start_worker
from pages.views.forms.names import pick_name
from pages.views.forms.run import choose_run
from pages.views.train.learning_rates import learning_rates_view
from pages.views.train.record import record_view
from pages.views.train.setup import setup_view
from pages.views.train.throughput import throughput_view

_SET_UP, _FIND_RATE, _THROUGHPUT = N_("Set up a run"), N_("Find a rate"), N_("Throughput")
_VIEWS = {
    _SET_UP: setup_view,
    _FIND_RATE: learning_rates_view,
    _THROUGHPUT: throughput_view,
}
_LONGEST_NUMBER = 9  # digits of a run's number; PostgreSQL reads no larger ones


def _page(head: Head) -> None:
    """A run's record where the address names one, else the form."""
    number = st.query_params.get("run")
    if number is None:
        start_worker()
        _form(head)
    elif number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER:
        record_view(head, int(number))
    else:
        raise LabError("The address names no run: ?run= is followed by a number, such as ?run=1.")


def _form(head: Head) -> None:
    """The settings; what they will cost, which rates they take, or how fast they train here."""
    asked = st.session_state.get("train_view", st.query_params.get("train_view"))
    spec = choose_run(
        lambda spec: head.title(set_up_title(spec)),
        has_epochs=asked not in (_FIND_RATE, _THROUGHPUT),
        has_steps=asked != _THROUGHPUT,
    )
    view = pick_name(
        _("View"),
        {name: name for name in _VIEWS},
        _SET_UP,
        "train_view",
        label_visibility="collapsed",
    )
    _VIEWS[view](spec)


with (
    page_frame("Train") as head,
    address_checked(),
):
    _page(head)
