"""What machines offer to whoever plans a run: their devices. Imports no torch."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.jobs.needs import Needs, device_name
from core.jobs.workers import Worker
from core.training.records import Device

USUAL = ("cpu", "cuda", "mps")  # what can be asked for where nobody offers anything
_FASTEST_FIRST = ("cuda", "mps", "cpu")


@dataclass(frozen=True)
class Offer:
    """A device on which somebody executes jobs."""

    machine: str
    device: Device
    is_here: bool = False  # of this machine, which starts workers by itself


def offers_of(workers: Iterable[Worker], here: Sequence[Device] = ()) -> list[Offer]:
    """Each device of each machine once, the fastest first, and of equal ones those `here`.

    `here`: the devices of this machine, where it starts workers whenever there is something to do.
    """
    own = platform.node() if here else None
    offers = [Offer(platform.node(), device, is_here=True) for device in here]
    offers += [
        Offer(worker.machine, device)
        for worker in workers
        if worker.machine != own
        for device in worker.devices
    ]
    once: dict[tuple[str, str], Offer] = {}
    for offer in offers:
        once.setdefault((offer.machine, offer.device.name), offer)
    return sorted(once.values(), key=_rank)


def _rank(offer: Offer) -> tuple[int, str]:
    kind, _, number = offer.device.name.partition(":")
    known = kind in _FASTEST_FIRST
    return _FASTEST_FIRST.index(kind) if known else len(_FASTEST_FIRST), number


def device_names(offers: Iterable[Offer]) -> list[str]:
    """Each name once; without any offer those that there may be."""
    return list(dict.fromkeys(offer.device.name for offer in offers)) or list(USUAL)


def first_with(offers: Iterable[Offer], device: str) -> Offer | None:
    """The offer that a device of this name stands for."""
    return next((offer for offer in offers if offer.device.name == device), None)


def is_any_here(workers: Iterable[Worker]) -> bool:
    """Whether one of them is of this machine; where it starts workers, one is about to be."""
    return any(worker.machine == platform.node() for worker in workers)


def most_bytes(
    device: str, offers: Iterable[Offer], free_here: Callable[[str], int | None]
) -> int | None:
    """Memory that a run on this device may take where it is largest; None: it cannot be known.

    Of this machine what `free_here` says of the device; of others what they have.
    """
    sizes = [
        free_here(device) if offer.is_here else offer.device.memory_bytes
        for offer in offers
        if offer.device.name == device_name(device)
    ]
    known = [size for size in sizes if size is not None]
    return max(known) if known and len(known) == len(sizes) else None


def is_elsewhere(device: str, offers: Iterable[Offer]) -> bool:
    """Whether a machine other than this one has the device."""
    name = device_name(device)
    return any(not offer.is_here for offer in offers if offer.device.name == name)


def is_met(needs: Needs, offers: Iterable[Offer]) -> bool:
    """Whether a job that needs this can be executed by anybody."""
    return any(needs.is_met_by(offer.device) for offer in offers)
