"""What the pages use of the lab: the store, the worker, analyses kept between reruns."""

from __future__ import annotations

import importlib
import os
import sys
import threading

import streamlit as st

from core.analysis import Analysis, torchinfo_summary
from core.analysis.kept import analyze_once, kept_analysis
from core.explain.reconcile import OtherCounts
from core.jobs.database import database_url
from core.jobs.engines.local import Workers
from core.jobs.store import Store, open_store
from core.specs import LabError, ModelSpec
from pages.views.app.messages import show_error


@st.cache_resource(show_spinner=False)
def _store(url: str) -> Store:
    return open_store(url)


def store() -> Store:
    """The run store. Raises LabError when it cannot be opened."""
    return _store(database_url())


@st.cache_resource(show_spinner=False)
def _workers(url: str) -> Workers:
    return Workers()


def starts_workers() -> bool:
    """Unless LAB_START_WORKER=0 leaves that to somebody else."""
    return os.environ.get("LAB_START_WORKER", "1") != "0"


def start_worker() -> None:
    """Make sure that this server has the worker of single runs, and those of all that waits."""
    _ensure_workers(single=True)


def start_waiting_workers() -> None:
    """Make sure that measurements and studies that nobody has yet get their workers."""
    _ensure_workers(single=False)


def _ensure_workers(single: bool) -> None:
    if not starts_workers():
        return
    workers = _workers(database_url())
    workers.ensure(store(), single)
    if workers.problem:
        show_error(workers.problem)


def load_torch() -> None:
    """Import what tracing a network needs, behind a spinner the first time."""
    if not _can_trace():
        with st.spinner("Loading PyTorch, once for this server…"):
            importlib.import_module(_TRACER)


_TRACER = "core.analysis.network"  # imports torch, which takes seconds
_DRAWING_SECONDS = 3.0  # that the first page of a cold server takes, with its browser


def _can_trace() -> bool:
    """Whether torch is loaded, by this thread or another."""
    module = sys.modules.get(_TRACER)
    return hasattr(module, "analyze")


@st.cache_resource(show_spinner=False)
def _load_torch_meanwhile() -> threading.Thread:
    """Once for this server: load torch once the first page has been drawn, which it would slow."""
    thread = threading.Timer(_DRAWING_SECONDS, importlib.import_module, (_TRACER,))
    thread.daemon = True
    thread.start()
    return thread


def analysis_of(spec: ModelSpec) -> Analysis:
    """`core.analysis.analyze`, kept for specs seen before, by this server or an earlier one.

    Only what has never been traced waits for torch. Raises LabError as `analyze`.
    """
    if not _can_trace():
        if kept_analysis(spec) is None:
            load_torch()
        else:
            _load_torch_meanwhile()
    return _analysis_of(spec)


@st.cache_resource(max_entries=128, show_spinner=False)  # records never change: no copies
def _analysis_of(spec: ModelSpec) -> Analysis:
    return analyze_once(spec)


@st.cache_data(max_entries=64, show_spinner=False)
def other_counts_of(spec: ModelSpec) -> OtherCounts:
    """`core.explain.other_counters.other_counts`, kept for specs seen before."""
    from core.explain.other_counters import other_counts

    return other_counts(spec)


@st.cache_data(max_entries=64, show_spinner=False)
def code_of(spec: ModelSpec) -> str:
    """`core.zoo.export.source_code`, kept for specs seen before."""
    from core.zoo.export import source_code

    return source_code(spec)


@st.cache_data(max_entries=64, show_spinner=False)
def summary_of(spec: ModelSpec) -> str:
    """`core.analysis.torchinfo_summary`, kept for specs seen before."""
    return torchinfo_summary(spec)


@st.cache_data(max_entries=512, show_spinner=False)
def parameter_count_of(spec: ModelSpec) -> int | None:
    """Parameters, counted without a trace; None where the network cannot be built."""
    from core.zoo.building import build_on_meta

    try:
        return sum(parameter.numel() for parameter in build_on_meta(spec).parameters())
    except LabError:
        return None
