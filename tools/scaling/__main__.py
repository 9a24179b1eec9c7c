"""How many page servers and workers for how many learners: docs/scaling.md.

`python -m tools.scaling measure` measures what one action takes on this machine; `pages` and `runs`
simulate learners at page servers and their runs in the queue; `compare` holds the simulation
against `make load`'s files. All are kept as CSV in docs/measured.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean, quantiles

from tools.scaling.actions import FILE, Action, read
from tools.scaling.pages import Pages, Site
from tools.scaling.runs import durations, in_classes, independent, waits

_ACTIONS = 400  # that are measured
_PAUSES = {"class": (2.0, 5.0), "reading": (10.0, 30.0)}  # seconds between two actions of a learner
_COMPARED_SECONDS = 240.0
_LEARNERS = (30, 100, 300, 1_000, 3_000, 10_000)
_SERVERS = (1, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72, 96, 120, 144, 192)
_CORES, _SERVERS_EACH = 8, 6  # of a machine with page servers
_MOST_OF_A_SERVER = 0.98  # of its time; what asks for more only grows
_ACTIONS_SIMULATED = 20_000  # at least half a minute of them
_RUNS, _LEAST_HOURS = 50_000, 8  # that are simulated; the first hour is not counted
_MINUTES_BETWEEN_RUNS = (10, 60)  # of a learner
_NODES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # machines
_WORKERS_EACH = 8  # a thread each

Row = dict[str, object]


def measure() -> None:
    """One visitor on two page servers with a worker, PostgreSQL and nginx."""
    from tools.load.servers import servers
    from tools.scaling.actions import measured, write

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ |= {"LAB_RUNS_DIR": folder, "LAB_CACHE_DIR": folder}
        with servers(2) as (port, processes):
            time.sleep(10)
            write(measured(port, [process.pid for process in processes], _ACTIONS))


def pages() -> Iterator[Row]:
    """How long answers take, by learners and page servers."""
    actions = [action.among_others() for action in read()]
    of_a_server = mean(action.cpu["page servers"] for action in actions)
    for named, pause in _PAUSES.items():
        for learners in _LEARNERS:
            for servers in _SERVERS:
                share = learners / servers * of_a_server / mean(pause)
                if not 0.15 < share < _MOST_OF_A_SERVER:
                    continue
                site = Site(servers, _CORES, min(servers, _SERVERS_EACH))
                seconds = max(30.0, _ACTIONS_SIMULATED * mean(pause) / learners)
                yield {"learners": named, "how_many": learners} | _simulated(
                    site, actions, learners, pause, seconds
                )


def _simulated(
    site: Site, actions: list[Action], learners: int, pause: tuple[float, float], seconds: float
) -> Row:
    simulation = Pages(site, actions, learners, pause)
    answers = [took for _kind, took in simulation.run(seconds)]
    cuts = quantiles(answers, n=20)
    machines = -(-site.page_servers // site.servers_each)
    return {
        "page_servers": site.page_servers,
        "machines": machines,
        "cores_each": site.cores,
        "actions_a_second": round(len(answers) / seconds, 1),
        "median_seconds": round(cuts[9], 3),
        "p95_seconds": round(cuts[18], 3),
        "cores_busy_of_a_machine": round(simulation.cores_busy(0), 2),
        "cores_busy_of_the_database": round(simulation.cores_busy(machines), 2),
        "cores_busy_of_the_proxy": round(simulation.cores_busy(machines + 1), 2),
    }


def runs() -> Iterator[Row]:
    """How long runs wait, by learners and machines with workers."""
    seconds = durations()
    for minutes in _MINUTES_BETWEEN_RUNS:
        for learners in _LEARNERS:
            a_second = learners / (60 * minutes)
            for nodes in _NODES:
                workers = nodes * _WORKERS_EACH
                busy = a_second * mean(seconds) / workers
                if not 0.15 < busy < 1:
                    continue
                draw = random.Random(nodes)
                span = max(_RUNS / a_second, 3600 * _LEAST_HOURS)
                alone, together = (
                    quantiles(waits(come(a_second, span, draw), seconds, workers, draw, 3600), n=20)
                    for come in (independent, in_classes)
                )
                yield {
                    "learners": learners,
                    "minutes_between_runs": minutes,
                    "nodes": nodes,
                    "workers": workers,
                    "share_of_time_busy": round(busy, 2),
                    "median_wait_seconds": round(alone[9], 1),
                    "p95_wait_seconds": round(alone[18], 1),
                    "median_wait_in_classes": round(together[9], 1),
                    "p95_wait_in_classes": round(together[18], 1),
                }


def compare(files: Sequence[Path]) -> Iterator[Row]:
    """`make load`'s moves of sliders beside those of the simulation, on the machine of both."""
    actions = [action.among_others() for action in read()]
    for path in files:
        figures = dict(_figures(path))
        [name] = (name for name in figures if "moves of sliders, p95" in name)
        visitors, _trainings, *behind_nginx = map(int, re.findall(r"(\d+) (?:v|t|page)", name))
        servers, cores = (behind_nginx or [1])[0], os.cpu_count() or 1
        site = Site(servers, cores, servers_each=servers, is_one_machine=True)
        simulation = Pages(site, actions, visitors, _PAUSES["class"])
        answers = simulation.run(_COMPARED_SECONDS)
        sliders = [took for kind, took in answers if kind.startswith("slider")]
        yield {
            "visitors": visitors,
            "page_servers": site.page_servers,
            "measured_p95_seconds": figures[name],
            "simulated_p95_seconds": round(quantiles(sliders, n=20)[18], 3),
            "measured_cores": round(sum(used for of, used in figures.items() if "CPU of" in of), 2),
            "simulated_cores": round(simulation.cores_busy(0), 2),
        }


def _figures(path: Path) -> Iterator[tuple[str, float]]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["figure"], float(row["value"])


_SIMULATIONS: dict[str, Callable[[], Iterator[Row]]] = {"pages": pages, "runs": runs}


def _keep(name: str, rows: list[Row]) -> None:
    import pandas as pd

    frame = pd.DataFrame(rows)
    path = FILE.with_name(f"scaling_{name}.csv")
    frame.to_csv(path, index=False, lineterminator="\n")
    print(frame.to_string(index=False))
    print(f"kept in {path}")


def main() -> None:
    """Measure or simulate, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m tools.scaling", description=__doc__)
    parser.add_argument("what", choices=["measure", *_SIMULATIONS, "compare"])
    parser.add_argument("files", type=Path, nargs="*", help="of make load, for compare")
    asked = parser.parse_args()
    if asked.what == "measure":
        measure()
    elif asked.what == "compare":
        _keep("compared", list(compare(asked.files)))
    else:
        _keep(asked.what, list(_SIMULATIONS[asked.what]()))


if __name__ == "__main__":
    main()
