"""Who is there to compute, and what a job waits for, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.jobs.engines.choice import RAY, engine_name
from core.jobs.needs import Needs
from core.jobs.offers import Offer, device_names, is_met
from core.language import _, comma, listed, ngettext
from core.report import formats

_MOST_NAMED = 3  # runs, machines


def nobody_sentence() -> str:
    """That there is no worker, and how there is one."""
    if engine_name() == RAY:
        return _(
            "No node of the Ray cluster is there yet to compute what is queued; python -m core"
            " cluster status shows the cluster."
        )
    return _(
        "Nobody is there to compute what is queued: python -m core worker starts a worker, on"
        " this machine or on another that uses the same store."
    )


def waiting_sentence(needs: Needs, offers: Sequence[Offer]) -> str:
    """What a queued job waits for, where none of those who are there has it; else nothing."""
    if not offers:
        return nobody_sentence()
    if is_met(needs, offers):
        return ""
    same_name = [offer.device for offer in offers if offer.device.name == needs.device]
    same = [device for device in same_name if needs.hardware in (None, device.hardware)]
    if same:  # all of them are too small
        return _(
            "It waits for a worker with {needed} of memory on {device}; the largest that is there"
            " has {largest}.",
            needed=formats.mebibytes(needs.memory_bytes or 0),
            device=needs.device,
            largest=formats.mebibytes(max(device.memory_bytes or 0 for device in same)),
        )
    if needs.hardware is not None:
        return _(
            "It waits for a worker with the device {device} ({hardware}); those that are there"
            " have {devices}.",
            device=needs.device,
            hardware=formats.machine(needs.hardware),
            devices=listed(device_names(offers)),
        )
    return _(
        "It waits for a worker with the device {device}; those that are there have {devices}.",
        device=needs.device,
        devices=listed(device_names(offers)),
    )


def told_together(waiting: Iterable[tuple[int, str]]) -> list[str]:
    """`Runs 3, 4: It waits for …` of runs and what each waits for, where that is anything."""
    by_sentence: dict[str, list[str]] = {}
    for run_id, sentence in waiting:
        if sentence:
            by_sentence.setdefault(sentence, []).append(str(run_id))
    return [
        ngettext(
            "Run {runs}: {sentence}",
            "Runs {runs}: {sentence}",
            len(runs),
            runs=_first_of(runs),
            sentence=sentence,
        )
        for sentence, runs in by_sentence.items()
    ]


def _first_of(runs: Sequence[str]) -> str:
    named = comma().join(runs[:_MOST_NAMED])
    if len(runs) <= _MOST_NAMED:
        return named
    return _("{runs} and {number} more", runs=named, number=len(runs) - _MOST_NAMED)


def device_label(name: str, offers: Sequence[Offer]) -> str:
    """`cuda`; where there are several machines `cuda on node-1`."""
    if len({offer.machine for offer in offers}) < 2:
        return name
    machines = [offer.machine for offer in offers if offer.device.name == name]
    if len(machines) > _MOST_NAMED:
        return _("{device} on {number} machines", device=name, number=len(machines))
    return _("{device} on {machines}", device=name, machines=comma().join(machines))
