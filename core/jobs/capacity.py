"""How much a Ray cluster has, and how much of it is free. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.jobs.workers import Worker


@dataclass(frozen=True)
class Capacity:
    """Of all nodes together."""

    nodes: int
    cores: int
    free_cores: int
    cards: int
    free_cards: int


def capacity_of(workers: Iterable[Worker]) -> Capacity | None:
    """Of the nodes among these workers; None where there is none."""
    parts = [worker for worker in workers if worker.is_node]
    cards = [part for part in parts if part.devices[0].name != "cpu"]
    cores = [part for part in parts if part not in cards]
    if not cores:
        return None
    return Capacity(
        len(cores),
        sum(part.cores for part in cores),
        sum(part.free_cores for part in cores),
        len(cards),
        sum(not part.jobs for part in cards),
    )
