"""Who executes what is queued, as forms offer it: the living workers, and this server's own."""

from __future__ import annotations

from threading import Condition

import streamlit as st
from cachetools import TTLCache, cached

from core.jobs.capacity import Capacity, capacity_of
from core.jobs.database import database_url
from core.jobs.engines.choice import starts_workers
from core.jobs.offers import Offer, first_with, is_any_here, most_bytes, offers_of
from core.jobs.store import JobState, Measurement, Run, RunFilter, Worker
from core.language import paragraph
from core.report.sentences.cluster import cluster_sentence, queue_sentence
from core.report.sentences.workers import waiting_sentence
from core.studies.study import seconds_left
from core.training.records import Device
from pages.views.app.messages import escaped
from pages.views.app.prose import caption
from pages.views.app.services import lab_store
from pages.views.app.with_torch import devices, free_bytes_here

_LOOKED_AT = 200  # runs that wait or go on: with more the time left is not told
_LIVING_SECONDS = 1.0  # for which the workers that live are taken as known


@cached(TTLCache(4, _LIVING_SECONDS), condition=Condition())  # also asked outside of a visit
def _living(_url: str) -> list[Worker]:
    return lab_store().workers()


def living() -> list[Worker]:
    """The workers that live."""
    return _living(database_url())


def offers() -> list[Offer]:
    """The devices on which a run can be executed, the fastest first."""
    here = [Device(*named) for named in devices().items()] if starts_workers() else []
    return offers_of((worker for worker in living() if worker.takes_runs), here)


def cluster() -> Capacity | None:
    """What the living nodes of a Ray cluster have; None where there is none."""
    return capacity_of(living())


def cluster_caption() -> None:
    """What is free of the cluster, and what waits; nothing where there is none."""
    capacity = cluster()
    if capacity is None:
        return
    going_on = RunFilter(states=(JobState.QUEUED, JobState.RUNNING))
    runs = [run for run in lab_store().listed(going_on, _LOOKED_AT) if isinstance(run, Run)]
    left = None
    if len(runs) < _LOOKED_AT:
        left = seconds_left(runs, max(1, capacity.cores))
    queued = lab_store().count(RunFilter(states=(JobState.QUEUED,)))
    caption(paragraph(cluster_sentence(capacity), queue_sentence(queued, left)))


def hardware_of(device: str) -> str:
    """What the device is that a measurement on this name means; empty where nobody has it."""
    offer = first_with(offers(), device)
    return offer.device.hardware if offer else ""


def free_bytes(device: str) -> int | None:
    """Memory that a run may take where it is largest; None where that cannot be known."""
    return most_bytes(device, offers(), free_bytes_here)


def waits_for(job: Run | Measurement) -> str:
    """What a queued job waits for that nobody who is there has; nothing where somebody has it."""
    if job.state is not JobState.QUEUED:
        return ""
    workers = [one for one in living() if one.takes_runs or isinstance(job, Measurement)]
    if starts_workers() and not is_any_here(workers):
        return ""
    return waiting_sentence(job.needs, offers_of(workers))


def waits_in_vain(job: Run | Measurement) -> bool:
    """Whether it waits for something that nobody who is there has, in any language."""
    return bool(waits_for(job))


def warn_of_waiting(job: Run | Measurement) -> None:
    """What the job waits for that nobody has, if anything."""
    if sentence := waits_for(job):
        st.warning(escaped(sentence), icon=":material/hourglass_top:")
