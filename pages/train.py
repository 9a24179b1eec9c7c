"""Choose, see the estimate, start, watch, stop; afterwards the record of the run."""

from __future__ import annotations

import streamlit as st

from core.specs import LabError
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.messages import show_error
from pages.views.app.services import start_worker
from pages.views.forms.estimates import cost_of, newest_runs
from pages.views.forms.run import choose_run
from pages.views.train.record import record_view
from pages.views.train.setup import setup_view
from pages.views.train.throughput import throughput_view

_VIEWS = ("Set up a run", "Throughput")
_LONGEST_NUMBER = 11  # digits of a run's number


def _page() -> None:
    """A run's record where the address names one, else the form."""
    number = st.query_params.get("run")
    if number is None:
        start_worker()
        _form()
    elif number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER:
        record_view(int(number))
    else:
        raise LabError("The address names no run: ?run= is followed by a number, such as ?run=1.")


def _form() -> None:
    """The settings in the sidebar; what they will cost, or how fast the network trains here."""
    with st.sidebar:
        spec = choose_run()
    try:
        cost = cost_of(spec, newest_runs(spec.model.arch))
        problem = None
    except LabError as error:
        cost, problem = None, error
    view = st.segmented_control(
        "View",
        _VIEWS,
        default=_VIEWS[0],
        required=True,
        key="train_view",
        bind="query-params",
        label_visibility="collapsed",
        help="Set up a run, or measure how fast this machine trains the network.",
    )
    if problem:
        show_error(problem)
    if view == _VIEWS[0]:
        setup_view(spec, cost)
    elif not problem:
        throughput_view(spec)


with (
    page_frame("Train", "Train a network on this machine and watch it learn."),
    address_checked(),
):
    _page()
