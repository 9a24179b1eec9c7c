"""Runs in a queue: first come, first served, one at a time by each worker."""

from __future__ import annotations

import csv
import heapq
import random
from collections import defaultdict
from collections.abc import Sequence
from math import exp, lgamma, log
from pathlib import Path

_SHIPPED = Path(__file__).parents[2] / "core" / "studies" / "shipped" / "studies.csv"
_RUN = ("arch", "options", "seed", "image_size", "ratio", "date")  # what tells runs apart there


def durations() -> list[float]:
    """Seconds of each run of the shipped studies, on one thread of the machine that trained them."""
    seconds: dict[tuple[str, ...], float] = defaultdict(float)
    with _SHIPPED.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            run = tuple(row[name] for name in _RUN)
            seconds[run] += float(row["train_seconds"]) + float(row["evaluation_seconds"])
    return list(seconds.values())


def waits(
    runs_a_second: float, durations: Sequence[float], workers: int, count: int, seed: int = 0
) -> list[float]:
    """Seconds in the queue of so many runs, which come independently of each other."""
    draw, now, found = random.Random(seed), 0.0, []
    free = [0.0] * workers  # when each worker is, a heap
    for _ in range(count):
        now += draw.expovariate(runs_a_second)
        begins = max(now, free[0])
        heapq.heapreplace(free, begins + draw.choice(durations))
        found.append(begins - now)
    return found


def share_that_waits(load: float, workers: int) -> float:
    """Erlang's C formula: the probability of a wait, with durations that are exponential.

    `load`: runs a second × their mean seconds, below `workers`.
    """
    terms = [n * log(load) - lgamma(n + 1) for n in range(workers + 1)]
    last = exp(terms[-1]) * workers / (workers - load)
    return last / (sum(map(exp, terms[:-1])) + last)
