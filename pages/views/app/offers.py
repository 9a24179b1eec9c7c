"""Who executes what is queued, as forms offer it: the living workers, and this server's own."""

from __future__ import annotations

import platform

import streamlit as st

from core.jobs.database import database_url
from core.jobs.engines.local import starts_workers
from core.jobs.offers import Offer, first_with, offers_of
from core.jobs.store import Measurement, Run, Worker
from core.report.sentences import workers as sentences
from core.training.records import Device
from pages.views.app.services import store
from pages.views.app.with_torch import devices, free_bytes_here

_LIVING_SECONDS = 1.0  # for which the workers that live are taken as known


@st.cache_data(ttl=_LIVING_SECONDS, show_spinner=False)
def _living(_url: str) -> list[Worker]:
    return store().workers()


def offers() -> list[Offer]:
    """The devices on which a run can be executed, the fastest first."""
    here = [Device(*named) for named in devices().items()] if starts_workers() else []
    return offers_of(_living(database_url()), here)


def hardware_of(device: str) -> str:
    """What the device is that a measurement on this name means; empty where nobody has it."""
    offer = first_with(offers(), device)
    return offer.device.hardware if offer else ""


def free_bytes(device: str) -> int | None:
    """Memory that a run may take where it is largest; None where that cannot be known.

    Of this machine what is free now; of others what they have.
    """
    known = [
        free_bytes_here(device) if offer.is_here else offer.device.memory_bytes
        for offer in offers()
        if offer.device.name == device
    ]
    return None if None in known else max(known, default=None)  # type: ignore[type-var]


def waiting_sentence(job: Run | Measurement) -> str:
    """What a queued job waits for besides its turn; nothing where somebody will take it."""
    workers = _living(database_url())
    if starts_workers() and not any(worker.machine == platform.node() for worker in workers):
        return ""  # one is being started
    return sentences.waiting_sentence(job.needs, offers_of(workers))
