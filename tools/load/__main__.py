"""`make load`: a class, over Streamlit's own protocol.

`python -m tools.load [--visitors 30 60] [--minutes 5] [--trainings 0 2] [--servers 1]
[--pause 2 5] [--kill]` drives so many visitors for so long, without and with trainings beside them,
and prints how long each action took, what went wrong, which part of the lab took how much of the
machine, how memory went and what the trainings lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import quantiles
from typing import TYPE_CHECKING

from tools.bench.figures import Row, row
from tools.bench.kept import keep
from tools.load.usage import Usage
from tools.load.visitors import PAUSE_SECONDS, Diary, visit

if TYPE_CHECKING:
    from core.specs import RunSpec

_ALONE_SECONDS = 45.0  # in which trainings show how fast they are without visitors
_WARM_SECONDS = 10.0  # after the server's first answer
_IMAGES = 5_000  # of a training's epoch


def measure(
    visitors: int,
    seconds: float,
    trainings: int,
    page_servers: int = 1,
    pause: tuple[float, float] = PAUSE_SECONDS,
    kill: bool = False,
) -> list[Row]:
    """One class on servers of its own; with `kill` the first of them dies halfway."""
    from tools.load.servers import servers

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folders = {"LAB_RUNS_DIR": folder, "LAB_CACHE_DIR": folder}
        os.environ |= folders
        os.environ.pop("LAB_DATABASE_URL", None)
        with servers(page_servers) as (port, processes), _trainings(trainings) as images:
            time.sleep(_WARM_SECONDS)
            began, first = time.monotonic(), images()
            time.sleep(_ALONE_SECONDS if trainings else 0.0)
            alone = (images() - first) / (time.monotonic() - began)
            began, first = time.monotonic(), images()
            halfway = processes[0].kill if kill else None
            with Usage([process.pid for process in processes]) as usage:
                diary = asyncio.run(visit(port, visitors, seconds, pause, halfway))
            beside = (images() - first) / (time.monotonic() - began)
    who = f"{visitors} visitors, {trainings} trainings"
    if page_servers > 1:
        who += f", {page_servers} page servers"
    if kill:
        who += ", one killed halfway"
    return _rows(who, pause, diary, usage, alone, beside)


def _rows(
    who: str, pause: tuple[float, float], diary: Diary, usage: Usage, alone: float, beside: float
) -> list[Row]:
    rows = []
    for action, times in sorted(diary.seconds.items()):
        middle, slow = _percentiles(times)
        rows.append(row(f"{who}: {action}, median of {len(times)}", middle, "s", ""))
        rows.append(row(f"{who}: {action}, p95", slow, "s", "within 0.5"))
    everything = [time for times in diary.seconds.values() for time in times]
    sliders = [
        time
        for action, times in diary.seconds.items()
        if action.startswith("slider")
        for time in times
    ]
    rows += [
        row(
            f"{who}: all {len(sliders)} moves of sliders, p95", _percentiles(sliders)[1], "s", "0.5"
        ),
        row(f"{who}: all {len(everything)} actions, p95", _percentiles(everything)[1], "s", "0.5"),
        row(f"{who}: slowest", max(everything), "s", ""),
        row(f"{who}: a visitor's pause between two actions, mean", sum(pause) / 2, "s", ""),
        row(f"{who}: actions a second", len(everything) / usage.seconds, "", ""),
        row(f"{who}: errors", len(diary.errors), "", "0"),
        row(f"{who}: dropped", diary.dropped, "", "0"),
        *(row(f"{who}: CPU of {part}", used, "cores", "") for part, used in usage.cores.items()),
        row(f"{who}: page servers' memory at the end", usage.memory[-1], "MiB", ""),
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
    parser.add_argument(
        "--pause",
        type=float,
        nargs=2,
        default=PAUSE_SECONDS,
        help="seconds between two actions of a visitor: at least, at most",
    )
    parser.add_argument("--kill", action="store_true", help="one page server, halfway")
    asked = parser.parse_args()
    if asked.kill and asked.servers < 2:
        parser.error("--kill needs --servers 2 or more.")
    rows = [
        one
        for visitors in asked.visitors
        for trainings in asked.trainings
        for one in measure(
            visitors, 60 * asked.minutes, trainings, asked.servers, tuple(asked.pause), asked.kill
        )
    ]
    keep(rows, "load-")


if __name__ == "__main__":
    main()
