"""`make load`: a class, over Streamlit's own protocol.

`python -m tools.load [--visitors 30 60] [--minutes 5] [--trainings 0 2] [--servers 1]` drives so
many visitors for so long, without and with trainings beside them, and prints how long each action
took, what went wrong, how memory went and what the trainings lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

from tools.bench.figures import Row, cpu_seconds, keep, row
from tools.load.visitors import Diary, visit

if TYPE_CHECKING:
    from core.specs import RunSpec

_ALONE_SECONDS = 45.0  # in which trainings show how fast they are without visitors
_WARM_SECONDS = 10.0  # after the server's first answer
_SAMPLE_SECONDS = 2.0
_IMAGES = 5_000  # of a training's epoch


@dataclass
class Usage:
    """What a process has taken, sampled every two seconds."""

    process_id: int
    memory: list[float] = field(default_factory=list)  # MiB
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Usage:
        self.began, self.first = time.monotonic(), cpu_seconds(self.process_id)
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        used = cpu_seconds(self.process_id) - self.first
        self.cores = used / (time.monotonic() - self.began)

    def _sample(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            pages = int(Path(f"/proc/{self.process_id}/statm").read_text().split()[1])
            self.memory.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)

    def growth(self, after_seconds: float) -> float:
        """From this moment to the end, as a share of what it was; means of ten samples each."""
        rest = self.memory[int(after_seconds / _SAMPLE_SECONDS) :]
        early, late = rest[:10], rest[-10:]
        return (sum(late) / len(late)) / (sum(early) / len(early)) - 1


def measure(visitors: int, seconds: float, trainings: int, page_servers: int) -> list[Row]:
    """One class on servers of its own."""
    from tools.load.servers import servers

    with tempfile.TemporaryDirectory() as folder:
        folders = {"LAB_RUNS_DIR": folder, "LAB_CACHE_DIR": folder}
        os.environ |= folders
        os.environ.pop("LAB_DATABASE_URL", None)
        with servers(page_servers) as (port, processes), _trainings(trainings) as images:
            time.sleep(_WARM_SECONDS)
            began, first = time.monotonic(), images()
            time.sleep(_ALONE_SECONDS if trainings else 0.0)
            alone = (images() - first) / (time.monotonic() - began)
            began, first = time.monotonic(), images()
            with Usage(processes[0].pid) as usage:  # one of them stands for all
                diary = asyncio.run(visit(port, visitors, seconds))
            beside = (images() - first) / (time.monotonic() - began)
    who = f"{visitors} visitors, {trainings} trainings"
    if page_servers > 1:
        who += f", {page_servers} page servers"
    return _rows(who, diary, usage, alone, beside)


def _rows(who: str, diary: Diary, usage: Usage, alone: float, beside: float) -> list[Row]:
    rows = []
    for action, times in sorted(diary.seconds.items()):
        middle, slow = _percentiles(times)
        rows.append(row(f"{who}: {action}, median of {len(times)}", middle, "s", ""))
        rows.append(row(f"{who}: {action}, p95", slow, "s", "within 0.5"))
    everything = [time for times in diary.seconds.values() for time in times]
    rows += [
        row(f"{who}: all {len(everything)} actions, p95", _percentiles(everything)[1], "s", "0.5"),
        row(f"{who}: slowest", max(everything), "s", ""),
        row(f"{who}: errors", len(diary.errors), "", "0"),
        row(f"{who}: dropped", diary.dropped, "", "0"),
        row(f"{who}: page server's CPU", usage.cores, "cores", ""),
        row(f"{who}: page server's memory at the end", usage.memory[-1], "MiB", ""),
        row(f"{who}: its growth after the first minute", 100 * usage.growth(60), "%", "5"),
        row(f"{who}: received", diary.bytes_received / 1e6, "MB", ""),
    ]
    if alone:
        rows.append(row(f"{who}: trainings lose", 100 * (1 - beside / alone), "%", "within 25"))
    for error in dict.fromkeys(diary.errors):
        print(error, file=sys.stderr)
    return rows


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    if len(times) == 1:
        return times[0], times[0]
    cuts = quantiles(times, n=20, method="inclusive")
    return cuts[9], cuts[18]


@contextmanager
def _trainings(count: int) -> Iterator[Callable[[], float]]:
    """So many trainings side by side, a thread each; gives the images that they have trained."""
    if not count:
        yield lambda: 0.0
        return
    from core.jobs.engines.local import WorkerProcess
    from core.jobs.store import Study, open_store
    from core.jobs.workers import QueueFilter

    store, study = open_store(), Study("load", "load")
    store.add_to_study(study, [_long_run()] * count)
    workers = [WorkerProcess(QueueFilter.STUDIES, threads=1) for _ in range(count)]

    def epochs() -> float:
        progress = [run.progress for run in store.runs(study=study.id)]
        return sum(now.epoch - 1 + now.step / max(1, now.steps) for now in progress if now)

    try:
        while not epochs():
            time.sleep(0.5)
        yield lambda: _IMAGES * epochs()
    finally:
        for worker in workers:
            worker.close()


def _long_run() -> RunSpec:
    """A run that does not end before the visitors go."""
    from core.specs import ModelSpec, RunSpec
    from core.training.recipes import recipe

    return RunSpec(
        ModelSpec("course-residual", image_size=28),
        "fashion-mini",
        recipe("published-course", _IMAGES, epochs=200),
        train_images=_IMAGES,
    )


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m tools.load", description=__doc__)
    parser.add_argument("--visitors", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--trainings", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--servers", type=int, default=1, help="more than one: behind nginx")
    asked = parser.parse_args()
    rows = [
        one
        for visitors in asked.visitors
        for trainings in asked.trainings
        for one in measure(visitors, 60 * asked.minutes, trainings, asked.servers)
    ]
    keep(rows, "load-")


if __name__ == "__main__":
    main()
