"""Before a run: what the network will see, what the run will cost, and the start."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

import streamlit as st

from core.data import find_dataset, is_available
from core.jobs.store import Run
from core.language import N_, _, paragraph
from core.report import formats
from core.report.sentences.run_cost import cost_sentence, reached_sentence
from core.report.sentences.workers import nobody_sentence
from core.specs import LabError, ModelSpec, RunSpec
from core.training.estimate import Estimate, shorter_runs
from core.training.mending import runs_that_work
from pages.views.app.messages import show_error
from pages.views.app.offers import offers
from pages.views.app.prose import caption, markdown
from pages.views.app.services import store
from pages.views.app.with_torch import analysis_of, sample_pictures
from pages.views.forms.data_sets import dataset_line
from pages.views.forms.estimates import (
    LONG_SECONDS,
    cost_of,
    newest_runs,
    no_time_yet,
    reached_by,
    span_of,
)
from pages.views.forms.run import run_keys
from pages.views.people.ownership import told_before_the_start
from pages.views.train.own_steps import ask_for_own_steps, time_own_steps

_SAMPLES = 10
_LONG = N_("This run takes over ten minutes.")
_LONG_AND_SHORTER = N_("This run takes over ten minutes; one change makes it shorter.")
_LARGEST_SAMPLE = 128  # pixels a side that a sample is resized to at most
_STYLE = """<style>
.samples { display: flex; flex-wrap: wrap; gap: 0.75rem; }
.samples figure { margin: 0; width: 84px; }
.samples img { display: block; width: 84px; border-radius: 0.5rem; image-rendering: pixelated; }
.samples figcaption { margin-top: 0.25rem; font-size: 13px; color: light-dark(#525A66, #A9B1BC); }
</style>"""


def setup_view(spec: RunSpec) -> None:
    """Samples, cost and the start; of a run that cannot be, what could be instead."""
    _show_samples(spec.dataset, spec.model)
    runs = newest_runs(spec.model.arch)
    try:
        cost = cost_of(spec, runs)
    except LabError as error:
        show_error(error)
        _offer_mended(spec, runs)
        return
    _announce(spec, cost, runs)
    _start(spec, cost.seconds, runs)
    ask_for_own_steps(spec)
    time_own_steps(spec, "train_steps", _("Time this run's own steps"))


def _show_samples(name: str, model: ModelSpec) -> None:
    """One picture of each class in a row, with its name; of a set that is here."""
    info = find_dataset(name)
    st.html(_STYLE)
    if not is_available(name):
        caption(
            _(
                "{data}: {line}. Its images are shown here after that.",
                data=info.title,
                line=dataset_line(name),
            )
        )
        return
    caption(
        _(
            "What the network will see: images of {data} at {pixels} pixels ({line}).",
            data=info.title,
            pixels=model.pixels,
            line=dataset_line(name),
        )
    )
    small = min(1.0, _LARGEST_SAMPLE / max(model.sides))
    height, width = (max(1, round(small * side)) for side in model.sides)
    figures = (
        f'<figure><img src="data:image/png;base64,{b64encode(picture).decode()}" alt="">'
        f"<figcaption>{escape(info.shown_classes[label])}</figcaption></figure>"
        for picture, label in sample_pictures(name, _SAMPLES, (height, width))
    )
    st.html(f'<div class="samples">{"".join(figures)}</div>')


def _announce(spec: RunSpec, cost: Estimate, runs: Sequence[Run]) -> None:
    """The estimate in one line, with what such runs have reached."""
    told = [
        cost_sentence(cost.seconds, span_of(spec, cost, runs), cost.memory_bytes, spec.device),
        no_time_yet(spec.device) if cost.seconds is None else "",
        reached_sentence(reached_by(spec)),
    ]
    markdown(paragraph(*told))


def _start(spec: RunSpec, seconds: float | None, runs: Sequence[Run]) -> None:
    """The start; of a long run it has less weight than what would make the run shorter."""
    is_long = seconds is not None and seconds > LONG_SECONDS
    shorter = _shorter(spec, runs) if is_long else []
    if is_long:
        st.warning(_(_LONG_AND_SHORTER if shorter else _LONG), icon=":material/hourglass_top:")
    with st.container(horizontal=True):
        for place, (words, run) in enumerate(shorter):
            _offer(words, ":material/bolt:", spec, run, is_first=place == 0)
        if st.button(
            _("Start training, {time}", time=formats.duration(seconds))
            if is_long
            else _("Start training"),
            type="secondary" if is_long else "primary",
            icon=":material/play_arrow:",
            key="train_start",
        ):
            st.query_params["run"] = str(store().enqueue(spec))
            st.rerun()
    told_before_the_start()
    if offers():
        st.caption(_("A process of its own trains it, also when this tab closes."))
    else:
        st.warning(nobody_sentence(), icon=":material/power_off:")


def _shorter(spec: RunSpec, runs: Sequence[Run]) -> list[tuple[str, RunSpec]]:
    """Each change that brings the run under ten minutes: in words with its time, and as a run."""

    def seconds_of(shorter: RunSpec) -> float | None:
        try:
            return cost_of(shorter, runs).seconds
        except LabError:  # the network cannot be built so small
            return None

    return [
        (
            _("Use {change}: about {time}", change=change, time=formats.duration(seconds)),
            shorter,
        )
        for change, shorter, seconds in shorter_runs(spec, seconds_of, LONG_SECONDS)
    ]


def _offer_mended(spec: RunSpec, runs: Sequence[Run]) -> None:
    """A button for each change that lets the run be started."""

    def works(other: RunSpec) -> bool:
        try:
            cost_of(other, runs)
        except LabError:
            return False
        return True

    with st.container(horizontal=True):
        mended = runs_that_work(spec, works, _is_built(spec.model))
        for place, (words, run) in enumerate(mended):
            _offer(words, ":material/build:", spec, run, is_first=place == 0)


def _is_built(model: ModelSpec) -> bool:
    """Whether there is such a network."""
    try:
        analysis_of(model)
    except LabError:
        return False
    return True


def _offer(label: str, icon: str, spec: RunSpec, other: RunSpec, is_first: bool) -> None:
    """A button that brings the form from one run to the other; the first one stands out."""
    st.button(
        label,
        key=f"train_offer_{label}",
        icon=icon,
        type="primary" if is_first else "secondary",
        on_click=_change_form,
        args=(spec, other),
    )


def _change_form(spec: RunSpec, other: RunSpec) -> None:
    """Set the controls in which the two runs differ as the other run has them."""
    before = run_keys(spec)
    for key, value in run_keys(other).items():
        if value != before[key]:
            st.session_state[key] = value
