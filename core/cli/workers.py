"""python -m core workers; and what workers offer to the commands that queue runs"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.cli.flags import command, output_option
from core.cli.writing import say, write_result
from core.specs import LabError

if TYPE_CHECKING:
    from core.jobs.offers import Offer
    from core.jobs.store import Run, Store, Worker


@command("workers", "the workers that live, what they have and what they do")
@output_option
def list_workers(output: str) -> int:
    """The workers of the store that live: what they have, and which jobs they execute."""
    from core.jobs.processes import end_leases_of_the_dead
    from core.jobs.store import open_store
    from core.report.sentences.workers import nobody_sentence
    from core.report.tables.workers import worker_frame

    store = open_store()
    end_leases_of_the_dead(store)
    workers = store.workers()
    if not workers:
        say(nobody_sentence())
        if output == "table":
            return 0
    frame = worker_frame(workers)
    gibibytes = frame["memory_bytes"].astype(float) / 2**30
    table = frame.assign(memory_bytes=gibibytes).rename(columns={"memory_bytes": "memory_gib"})
    write_result(output, [asdict(worker) for worker in workers], frame, table)
    return 0


def offers_to(store: Store) -> list[Offer]:
    """The devices of the living workers and, where it starts workers, of this machine."""
    from core.jobs.engines.choice import starts_workers
    from core.jobs.offers import offers_of
    from core.training.devices import devices_here  # torch

    return offers_of(workers_for_runs(store), devices_here() if starts_workers() else ())


def workers_for_runs(store: Store) -> list[Worker]:
    """Those that live and take runs."""
    return [worker for worker in store.workers() if worker.takes_runs]


def offered_bytes(device: str, offers: Sequence[Offer]) -> int | None:
    """`most_bytes`. Raises LabError for a device that no machine has."""
    from core.jobs.needs import device_name
    from core.jobs.offers import USUAL, first_with, most_bytes
    from core.training.devices import free_bytes

    if device.partition(":")[0] not in USUAL and not first_with(offers, device_name(device)):
        raise LabError(f"There is no device {device!r}; choose from {', '.join(USUAL)}.")
    return most_bytes(device, offers, free_bytes)


def tell_waiting(runs: Iterable[Run], store: Store) -> None:
    """What these queued runs wait for, where no living worker has it."""
    from core.jobs.offers import offers_of
    from core.report.sentences.workers import told_together, waiting_sentence

    offers = offers_of(workers_for_runs(store))
    for sentence in told_together((run.id, waiting_sentence(run.needs, offers)) for run in runs):
        say(sentence)
