"""How to go on with a run, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.explain.glossary import explained
from core.jobs.files import has_best, verified_best
from core.jobs.store import JobState, Run
from core.language import _
from core.report.names import run_file_name
from core.report.tables.runs import epoch_frame, step_frame
from core.specs import MAX_EPOCHS, RunSpec
from core.training.records import EpochMetrics
from pages.views.app.address import go_to
from pages.views.app.downloads import download_csv, download_file
from pages.views.app.services import store
from pages.views.forms.limits import RATE
from pages.views.forms.run import run_keys
from pages.views.inside.subject import name_of_run
from pages.views.people.ownership import only_owner
from pages.views.train.source import source_downloads


def ways_on(run: Run) -> None:
    """Of a run that is over: what mends it first, then a look inside and the next run."""
    with st.container(horizontal=True, key="train_ways_on"):
        if run.state is JobState.DIVERGED:
            _go_lower(run)
        elif run.state.can_go_on:
            _go_on(run)
        if (has_best(run) or run.checkpoint) and st.button(
            _("Look inside"),
            icon=":material/visibility:",
            key="train_inside",
            type="primary" if run.state is JobState.FINISHED else "secondary",
        ):
            go_to("pages/inside.py", {"in_network": name_of_run(run.id)})
        if run.state is JobState.FINISHED:
            _go_longer(run)
        _again(run)


def files_row(run: Run, epochs: Sequence[EpochMetrics], has_steps: bool) -> None:
    """Metrics, the best parameters, the source; while it goes on also the way to another run."""
    with st.container(horizontal=True):
        if not run.state.is_over:
            _again(run)
        if epochs:
            download_csv(
                _("Metrics as CSV"),
                lambda: epoch_frame([run], {run.id: epochs}),
                f"{run_file_name(run)}.csv",
                "train_csv",
            )
        if has_steps:
            download_csv(
                _("Steps as CSV"),
                lambda: step_frame([run], store().step_series([run.id])),
                f"{run_file_name(run)}-steps.csv",
                "train_steps_csv",
            )
        if has_best(run):
            download_file(
                _("Parameters of epoch {epoch}", epoch=run.best_epoch),
                lambda: verified_best(run).read_bytes(),
                f"{run_file_name(run)}-epoch-{run.best_epoch}.safetensors",
                "train_weights",
                help_text=explained("best epoch", "safetensors"),
            )
        source_downloads(run)


def _set_up(spec: RunSpec) -> None:
    """Open the form with these settings."""
    go_to("pages/train.py", run_keys(spec))


def _again(run: Run) -> None:
    """Open the form with the settings of this run."""
    if st.button(_("Change and run again"), icon=":material/tune:", key="train_again"):
        _set_up(run.spec)


def _go_on(run: Run) -> None:
    """Put a run that was stopped, or failed, back into the queue."""
    reason = only_owner(run)
    if st.button(
        _("Continue"),
        icon=":material/play_arrow:",
        key="train_continue",
        type="primary",
        disabled=reason is not None,
        help=reason or _("Goes on where it was stopped, in the middle of an epoch too."),
    ):
        store().resume(run.id)
        st.rerun()


def _go_lower(run: Run) -> None:
    """Set up the run of a network that diverged with a tenth of its learning rate."""
    least = RATE[0]
    rate = max(float(f"{run.spec.recipe.learning_rate / 10:.6g}"), least)
    if st.button(
        _("New run with rate {rate:g}", rate=rate),
        icon=":material/trending_down:",
        key="train_lower",
        type="primary",
        help=_(
            "Opens the form with these settings and a tenth of the learning rate. Continued, the"
            " run would fail again."
        ),
    ):
        _set_up(replace(run.spec, recipe=replace(run.spec.recipe, learning_rate=rate)))


def _go_longer(run: Run) -> None:
    """Train a finished run for longer, where its schedule allows; else set up a longer one."""
    recipe = run.spec.recipe
    longer = min(2 * recipe.epochs, MAX_EPOCHS)
    reason = only_owner(run)
    if recipe.schedule == "constant" and run.checkpoint and longer > recipe.epochs:
        if st.button(
            _("Go on to {epochs} epochs", epochs=longer),
            icon=":material/fast_forward:",
            key="train_extend",
            disabled=reason is not None,
            help=reason
            or _("Its learning rate is constant, so it goes on as if it had been this long."),
        ):
            store().extend(run.id, longer)
            st.rerun()
    elif longer > recipe.epochs and st.button(
        _("New run of {epochs} epochs", epochs=longer),
        icon=":material/fast_forward:",
        key="train_longer",
        help=_(
            "Its learning rate followed a schedule that has ended, so a longer run starts anew."
        ),
    ):
        _set_up(replace(run.spec, recipe=replace(recipe, epochs=longer)))
