"""Runs in a queue: first come, first served, one at a time by each worker."""

from __future__ import annotations

import csv
import heapq
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

_SHIPPED = Path(__file__).parents[2] / "core" / "studies" / "shipped" / "studies.csv"
_RUN = ("arch", "options", "seed", "image_size", "ratio", "date")  # what tells runs apart there


def durations() -> list[float]:
    """Seconds of each run of the shipped studies, on one thread of their machine."""
    seconds: dict[tuple[str, ...], float] = defaultdict(float)
    with _SHIPPED.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            run = tuple(row[name] for name in _RUN)
            seconds[run] += float(row["train_seconds"]) + float(row["evaluation_seconds"])
    return list(seconds.values())


def independent(runs_a_second: float, seconds: float, draw: random.Random) -> list[float]:
    """When runs come, in so long, of learners who do not know of each other."""
    now, times = draw.expovariate(runs_a_second), []
    while now < seconds:
        times.append(now)
        now += draw.expovariate(runs_a_second)
    return times


def in_classes(
    runs_a_second: float,
    seconds: float,
    draw: random.Random,
    learners: int = 30,
    within: float = 60.0,
) -> list[float]:
    """The same, but a class starts its runs within a minute, as it is told to."""
    starts = independent(runs_a_second / learners, seconds, draw)
    return sorted(start + within * draw.random() for start in starts for _ in range(learners))


def waits(
    arrivals: Iterable[float],
    durations: Sequence[float],
    workers: int,
    draw: random.Random,
    after: float = 0.0,
) -> list[float]:
    """Seconds in the queue of each run that comes after this time: a site begins without any."""
    free = [0.0] * workers  # when each worker is, a heap
    found = []
    for now in arrivals:
        begins = max(now, free[0])
        heapq.heapreplace(free, begins + draw.choice(durations))
        if now >= after:
            found.append(begins - now)
    return found


def share_that_waits(load: float, workers: int) -> float:
    """Erlang's C formula: the probability of a wait, with durations that are exponential.

    `load`: runs a second × their mean seconds, below `workers`.
    """
    lost = 1.0  # Erlang's B: the share that would go away if there were no queue
    for number in range(1, workers + 1):
        lost = load * lost / (number + load * lost)
    return lost / (1 - load / workers * (1 - lost))
