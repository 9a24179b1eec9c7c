"""Addresses under which everybody finds a form filled in, to start it as their own."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import streamlit as st

from core.jobs.store import Run, RunFilter, Study, StudyKind
from core.language import _
from core.report.names import run_title
from core.specs import LabError
from pages.views.app.head import own_name
from pages.views.app.messages import show_error
from pages.views.app.services import store
from pages.views.forms.run import run_keys
from pages.views.forms.study import study_keys

_OFFERED = 50  # of the newest runs, and of the newest studies


def handing_out_view() -> None:
    """The address of a run's or study's settings."""
    st.write(
        _(
            "Set up a run or a study as the class shall find it, and take its address from"
            " **Share**; or take the settings of one that was started before."
        )
    )
    with st.container(horizontal=True):
        st.page_link("pages/train.py", label=_("Set up a run"), icon=":material/model_training:")
        st.page_link("pages/residual.py", label=_("Set up a study"), icon=":material/call_split:")
    offered = _offered()
    if not offered:
        return
    chosen = st.selectbox(
        _("Run or study"),
        list(offered),
        format_func=lambda name: _label(offered.get(name)),
        index=None,
        placeholder=_("choose"),
        key="class_hand_out",
        width=640,
    )
    if chosen in offered:
        _show_address(offered[chosen])


def _offered() -> dict[str, Run | Study]:
    """The newest studies and runs, by names that tell them apart."""
    studies = store().studies(StudyKind.VARIANTS, _OFFERED)
    runs = store().listed(RunFilter(), _OFFERED)
    return {f"study {study.id}": study for study in studies if study_keys(study)} | {
        f"run {run.id}": run for run in runs if isinstance(run, Run)
    }


def _label(offered: Run | Study | None) -> str:
    if isinstance(offered, Run):
        return _("run {title}", title=run_title(offered))
    return offered.title if offered else ""


def _show_address(offered: Run | Study) -> None:
    try:
        if isinstance(offered, Run):
            address = _address("train", run_keys(offered.spec))
        else:
            address = _address("residual", study_keys(offered))
    except LabError as error:  # its network is not here any more
        show_error(error)
        return
    st.code(address, language=None, wrap_lines=True)
    st.caption(_("Whoever opens it finds the form filled in, and starts it as their own."))


def _address(page: str, parameters: Mapping[str, object]) -> str:
    """Of another page of this lab, as others reach it."""
    here = urlsplit(st.context.url or "")
    host = here.netloc
    if name := own_name():
        host = f"{name}:{here.port}" if here.port else name
    path = here.path.rpartition("/")[0]
    query = urlencode(parameters, doseq=True)
    return here._replace(netloc=host, path=f"{path}/{page}", query=query, fragment="").geturl()
