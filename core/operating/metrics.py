"""Figures that a process counts, in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4)
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STARTED_AT = time.time()

Labels = tuple[str, ...]  # the values of a metric's labels, in the order of their names


class Counter:
    """How often something has happened, by its labels."""

    def __init__(self, name: str, about: str, labels: Labels = ()) -> None:
        self.name, self.about, self.labels = name, about, labels
        self._counts: dict[Labels, int] = {}
        self._lock = threading.Lock()

    def add(self, *values: str) -> None:
        """Once more."""
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + 1

    def lines(self) -> Iterator[str]:
        """As Prometheus reads them; a counter without labels begins at 0."""
        with self._lock:
            counts = dict(self._counts) or ({} if self.labels else {(): 0})
        yield from _head(self.name, self.about, "counter")
        for values, count in counts.items():
            yield f"{self.name}{_braces(self.labels, values)} {count}"


class Histogram:
    """How long something took, in seconds, by its labels.

    `bounds`: the upper ends of its buckets, rising.
    """

    def __init__(self, name: str, about: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        self.name, self.about, self.labels, self.bounds = name, about, labels, bounds
        self._buckets: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def observe(self, seconds: float, *values: str) -> None:
        """It took so long, once."""
        with self._lock:
            if values not in self._buckets:
                self._buckets[values] = [0] * (len(self.bounds) + 1)
                self._sums[values] = 0.0
            self._buckets[values][bisect_left(self.bounds, seconds)] += 1
            self._sums[values] += seconds

    def lines(self) -> Iterator[str]:
        """As Prometheus reads them: each bucket holds also what the smaller ones hold."""
        with self._lock:
            buckets = {values: list(counts) for values, counts in self._buckets.items()}
            sums = dict(self._sums)
        yield from _head(self.name, self.about, "histogram")
        names = (*self.labels, "le")
        for values, counts in buckets.items():
            total = 0
            for bound, count in zip((*map(str, self.bounds), "+Inf"), counts, strict=True):
                total += count
                yield f"{self.name}_bucket{_braces(names, (*values, bound))} {total}"
            own = _braces(self.labels, values)
            yield f"{self.name}_sum{own} {sums[values]!r}"
            yield f"{self.name}_count{own} {total}"


def gauge(
    name: str, about: str, values: Mapping[Labels, float] | float, labels: Labels = ()
) -> Iterator[str]:
    """The lines of figures that were just read."""
    yield from _head(name, about, "gauge")
    for own, value in (values if isinstance(values, Mapping) else {(): values}).items():
        yield f"{name}{_braces(labels, own)} {value}"


def process_lines() -> Iterator[str]:
    """When this process began: a later value is a restart."""
    about = "When this process began, in seconds since 1970."
    return gauge("process_start_time_seconds", about, _STARTED_AT)


def _head(name: str, about: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _braces(names: Labels, values: Labels) -> str:
    """{name="value",...}; nothing without labels."""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{','.join(pairs)}}}" if names else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
