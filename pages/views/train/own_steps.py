"""The steps of one run, timed on demand: what it will take, and what its device waits for."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from core.jobs.offers import first_with
from core.language import _
from core.report.sentences.run_cost import steps_sentence
from core.specs import LabError, RunSpec
from core.training.records import StepCost
from pages.views.app.measurement import measurement
from pages.views.app.messages import escaped
from pages.views.app.offers import offers
from pages.views.app.prose import caption
from pages.views.app.services import store
from pages.views.forms.estimates import step_cost_request

_LISTED = 20  # the newest measurements, among which one that goes on is looked for


def time_own_steps(spec: RunSpec, key: str, label: str) -> None:
    """A button that times them; what was found, in one line."""
    measurement(
        step_cost_request(spec),
        key,
        label,
        _(
            "Some seconds in a process of its own: short epochs of this very run. Its estimate is"
            " then within a quarter instead of a factor of 2."
        ),
        _show,
        is_minor=True,
        shows_partial_result=False,
    )


def _show(result: dict[str, Any]) -> None:
    caption(escaped(steps_sentence(StepCost(**result))))


def ask_for_own_steps(spec: RunSpec) -> None:
    """Have them timed without being asked, on a card that has nothing else to do.

    Estimates from pieces of networks are furthest off there, and it takes a moment.
    """
    if not spec.is_on_cuda:
        return
    request = step_cost_request(spec)
    with suppress(LabError):  # there is no room for it
        if not store().measurement(request) and _has_nothing_to_do(spec.device):
            store().enqueue_measurement(request)


def _has_nothing_to_do(device: str) -> bool:
    """Whether somebody has the device, and no job waits or goes on."""
    newest = store().measurements(_LISTED)
    is_idle = not store().unfinished() and all(job.state.is_over for job in newest)
    return is_idle and first_with(offers(), device) is not None
