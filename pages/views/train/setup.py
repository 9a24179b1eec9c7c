"""Before a run: what the network will see, what the run will cost, and the start."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import streamlit as st

from core.data import find_dataset, is_available, sample_images
from core.report import formats
from core.specs import LabError, ModelSpec, RunSpec
from core.training.estimate import Estimate, shorter_runs
from pages.views.app.services import store
from pages.views.app.with_torch import sample_pictures
from pages.views.forms.estimates import LONG_SECONDS, cost_of, newest_runs, no_time_yet
from pages.views.forms.run import run_keys

_SAMPLES = 10
_SAMPLE_STYLE = """<style>
.samples { display: flex; flex-wrap: wrap; gap: 1rem; }
.samples figure { margin: 0; width: 76px; }
.samples img { display: block; width: 76px; border-radius: 0.5rem; }
.samples figcaption { margin-top: 0.25rem; font-size: 0.875rem; opacity: 0.75; }
</style>"""
_LARGEST_SAMPLE = 128  # pixels a side that a sample is resized to at most


def setup_view(spec: RunSpec, cost: Estimate | None) -> None:
    """Samples, cost and the start; without a cost the run is impossible."""
    _show_samples(spec.dataset, spec.model)
    if cost:
        _announce(spec, cost)
    if st.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        disabled=cost is None,
        help="Puts the run into the queue; a worker process trains it, also when this tab closes.",
    ):
        run_id = store().enqueue(spec)
        st.query_params["run"] = str(run_id)
        st.rerun()


def _show_samples(name: str, model: ModelSpec) -> None:
    """One picture of each class in a row, with its name; of a set that is here."""
    info = find_dataset(name)
    st.header(f"What the network will see: {info.title}", anchor=False)
    if not is_available(name):
        st.caption("Its pictures are shown here once the first run has downloaded them.")
        return
    _, labels = sample_images(name, _SAMPLES)
    small = min(1.0, _LARGEST_SAMPLE / max(model.sides))
    height, width = (max(1, round(small * side)) for side in model.sides)
    pictures = sample_pictures(name, _SAMPLES, (height, width))
    figures = (
        f'<figure><img src="data:image/png;base64,{b64encode(picture).decode()}" alt="">'
        f"<figcaption>{escape(info.class_names[label])}</figcaption></figure>"
        for picture, label in zip(pictures, labels, strict=True)
    )
    st.html(f'{_SAMPLE_STYLE}<div class="samples">{"".join(figures)}</div>')


def _announce(spec: RunSpec, cost: Estimate) -> None:
    """The estimate in one line, and what could be done about a long run."""
    memory = f"**{formats.mebibytes(cost.memory_bytes)}** of memory"
    if cost.seconds is None:
        st.info(f"Needs {memory}. {no_time_yet(spec.device)}", icon=":material/timer:")
        return
    st.info(
        f"About **{formats.duration(cost.seconds)}** on {spec.device} and {memory}; the time is"
        f" from {cost.basis}.",
        icon=":material/timer:",
    )
    if cost.seconds > LONG_SECONDS:
        st.warning(
            "This run takes over ten minutes; fewer training images, a smaller size or a larger"
            " ratio make it shorter.",
            icon=":material/hourglass_top:",
        )
        _offer_shorter(spec)


def _offer_shorter(spec: RunSpec) -> None:
    """A button for each change that brings the run under ten minutes."""
    runs = newest_runs(spec.model.arch)

    def seconds_of(shorter: RunSpec) -> float | None:
        try:
            return cost_of(shorter, runs).seconds
        except LabError:  # the network cannot be built so small
            return None

    with st.container(horizontal=True):
        for change, shorter, seconds in shorter_runs(spec, seconds_of, LONG_SECONDS):
            st.button(
                f"{change}: about {formats.duration(seconds)}",
                key=f"train_shorter_{change}",
                icon=":material/bolt:",
                on_click=_change_form,
                args=(spec, shorter),
                help="Changes this one setting of the run.",
            )


def _change_form(spec: RunSpec, other: RunSpec) -> None:
    """Set the controls in which the two runs differ as the other run has them."""
    before = run_keys(spec)
    for key, value in run_keys(other).items():
        if value != before[key]:
            st.session_state[key] = value
