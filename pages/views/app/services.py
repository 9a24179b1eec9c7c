"""What the pages use of the lab: the store, its workers, the runs that come with it."""

from __future__ import annotations

from threading import Condition

import streamlit as st
from cachetools import cached

from core.jobs.database import database_url
from core.jobs.engines.choice import Engine, make_engine, starts_engine
from core.jobs.store import Store, open_store
from core.studies.reproduction import Reproduction, read_runs, reproductions
from pages.views.app.messages import show_error
from pages.views.people.visitor import visitor


@cached({}, condition=Condition())  # asked for many times a page: quicker than Streamlit's
def _store(url: str) -> Store:
    return open_store(url)


def store() -> Store:
    """The run store, as whoever this is for sees and may change it.

    Raises LabError when it cannot be opened, and where nobody is signed in who has to be.
    """
    person = visitor()
    return lab_store() if person is None else lab_store().acting_for(person)


def lab_store() -> Store:
    """The same for the lab itself, which nobody has asked: workers, figures of whoever runs it."""
    return _store(database_url())


@st.cache_resource(show_spinner=False)
def _engine(url: str) -> Engine:
    return make_engine()


def start_worker() -> None:
    """Make sure that this server has the worker of single runs, and those of all that waits."""
    _ensure_workers(single=True)


def start_waiting_workers() -> None:
    """Make sure that measurements and studies that nobody has yet get their workers."""
    _ensure_workers(single=False)


def _ensure_workers(single: bool) -> None:
    if not starts_engine():
        return
    engine = _engine(database_url())
    engine.ensure(lab_store(), single)
    if engine.problem:
        show_error(engine.problem)


@st.cache_resource(show_spinner=False)  # records never change: no copies
def shipped() -> list[Reproduction]:
    """The runs that come with the lab, beside those published; the file is read once."""
    return reproductions(read_runs())
