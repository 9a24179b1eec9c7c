"""What runs will cost, from their analysis, this machine's speed and equal runs before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from core.analysis.cpu import threads
from core.data.catalogue import find_dataset, train_images_of
from core.jobs.offers import first_with, is_elsewhere
from core.jobs.records import setting_key
from core.jobs.store import JobState, Run, RunFilter
from core.language import _
from core.measure.requests import DeviceSpeedRequest, RunsAtOnceRequest, StepCostRequest
from core.specs import RunSpec
from core.training.estimate import (
    EQUAL_RUN,
    OWN_STEPS,
    Estimate,
    Speed,
    check_data,
    check_feasible,
    estimate,
)
from core.training.records import StepCost
from core.zoo.own import plain_name, renamed
from pages.views.app.live import live
from pages.views.app.offers import cluster, free_bytes, hardware_of, offers
from pages.views.app.services import start_worker, store
from pages.views.app.watched import Watched
from pages.views.app.with_torch import analysis_of

LONG_SECONDS = 600
_SPEED_FACTOR = 2.0  # how far off the speed measured on small pieces of networks may be
_STEPS_FACTOR = 1.25  # how far off the run's own steps may be
_SPAN_TOLD = 1.05  # a narrower one is no more than the figure itself
_LOOKED_AT = 50  # newest runs of a network, for one that is equal


def newest_runs(network: str) -> list[Run]:
    """The finished runs of the network among which an equal one is looked for."""
    finished = RunFilter(states=(JobState.FINISHED,), networks=(plain_name(network),))
    return [run for run in store().listed(finished, _LOOKED_AT) if isinstance(run, Run)]


def cost_of(spec: RunSpec, runs: Sequence[Run], own_threads: int | None = None) -> Estimate:
    """What the run will take on so many CPU threads, without a number on all of them.

    `runs` are the `newest_runs`, read once for however many estimates. Raises LabError when it
    cannot be built or would not fit.
    """
    info = find_dataset(spec.dataset)
    train_images = train_images_of(spec)
    check_data(spec, info, train_images)
    analysis = analysis_of(spec.model)
    measured = store().result_of(DeviceSpeedRequest(spec.device, hardware_of(spec.device)))
    speed = Speed.from_dict(measured) if measured else None
    rates = _equal_rates(spec, runs, own_threads or threads())
    free = free_bytes(spec.device)
    rate = rates[-1] if rates else None
    own = own_steps(spec)
    cost = estimate(spec, analysis, speed, train_images, info.test_images, rate, free, own)
    check_feasible(spec, analysis, free, is_elsewhere(spec.device, offers()))
    return cost


def step_cost_request(spec: RunSpec) -> StepCostRequest:
    """To time the run's steps on the device that this name means."""
    return StepCostRequest(spec, hardware=hardware_of(spec.device))


def own_steps(spec: RunSpec) -> StepCost | None:
    """What the run's own steps take; None before they were timed to the end."""
    known = store().result_of(step_cost_request(spec))
    return StepCost(**known) if known and known["share"] == 1 else None


def no_time_yet(device: str) -> str:
    """A sentence in place of an estimate; the page is drawn again once there is one."""
    offer = first_with(offers(), device)
    if offer is None or not offer.is_here:
        return _("How long it takes is not known yet.")
    start_worker()  # which measures first of all
    request = DeviceSpeedRequest(device, offer.device.hardware)
    speed = Watched(f"speed-{device}", lambda: store().result_of(request), bool, stage=bool)
    live(speed, lambda _: None)
    return _("How long it takes is being measured on this machine.")


def span_of(spec: RunSpec, cost: Estimate, runs: Sequence[Run]) -> tuple[float, float] | None:
    """Between which seconds the run will lie; None where that is not known.

    As the epochs of an equal run have differed; else by the factor of what was measured.
    """
    if cost.seconds is None:
        return None
    if cost.basis != EQUAL_RUN:
        factor = _STEPS_FACTOR if cost.basis == OWN_STEPS else _SPEED_FACTOR
        return cost.seconds / factor, cost.seconds * factor
    rates = _equal_rates(spec, runs, threads())
    low, high = (cost.seconds * rates[-1] / rate for rate in (max(rates), min(rates)))
    return (low, high) if high > low * _SPAN_TOLD else None


def reached_by(spec: RunSpec) -> list[float]:
    """The final test accuracies of the finished runs that differ from this one in seed alone."""
    setting = setting_key(renamed(spec))
    return store().final_accuracies([setting])[setting]


def _equal_rates(spec: RunSpec, runs: Sequence[Run], most_threads: int) -> list[float]:
    """Images a second in each epoch of the newest finished run of the same network, batch, device.

    Not of one that had more threads: the runs of a study share the processor.
    """

    def essence(spec: RunSpec) -> tuple[object, ...]:
        recipe = spec.recipe
        way = recipe.batch_size, recipe.optimizer, recipe.bfloat16
        return spec.model, *way, spec.device, spec.deterministic

    wanted = essence(renamed(spec))
    for run in runs:
        has_few_threads = run.compute_plan is None or run.compute_plan.threads <= most_threads
        if essence(run.spec) == wanted and has_few_threads:
            return [metrics.images_per_second for metrics in store().epochs([run.id])[run.id]]
    return []


def study_seconds(specs: Sequence[RunSpec]) -> float | None:
    """Time of all these runs, side by side on the CPU as far as it has cores; None: not yet known.

    Where no equal run was measured, the speed of all cores of a machine together stands for a
    study, which uses them no worse. On a card, by what runs that share it have gained there. Raises
    LabError when a run cannot be built or would not fit.
    """
    capacity = cluster()
    cores, machines = (capacity.cores, capacity.nodes) if capacity else (threads(), 1)
    cards = max(1, capacity.cards) if capacity else 1
    together = min(cores if specs[0].device == "cpu" else cards, len(specs))
    own_threads = 1 if capacity else threads() // together
    gain = _gain_of_sharing(specs[0]) if specs[0].is_on_cuda else 1.0
    seconds, runs = 0.0, newest_runs(specs[0].model.arch)
    for spec, seeds in Counter(replace(spec, seed=0) for spec in specs).items():
        cost = cost_of(spec, runs, own_threads)
        if cost.seconds is None:
            return None
        at_once = together if cost.basis == EQUAL_RUN else min(machines, len(specs))
        seconds += seeds * cost.seconds / (at_once * gain)
    return seconds


def _gain_of_sharing(spec: RunSpec) -> float:
    """How many times the images a second several such runs have trained at once; 1: not known."""
    request = RunsAtOnceRequest(spec, hardware=hardware_of(spec.device))
    known = store().result_of(request)
    return float(known["gain"]) if known else 1.0
