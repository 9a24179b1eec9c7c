"""python -m core worker"""

from __future__ import annotations

import signal
import sys

import click

from core.cli.flags import command


@command("worker", "execute the runs and measurements that are queued")
@click.option("--drain", is_flag=True, help="end when the queue is empty")
@click.option("--exit-with-parent", is_flag=True, help="end when standard input closes")
@click.option(
    "--only",
    type=click.Choice(("any", "single", "studies", "measurements")),
    default="any",
    help="which jobs: runs of no study, runs of studies, measurements, any",
)
@click.option(
    "--device",
    multiple=True,
    metavar="NAME",
    show_default="all of this machine",
    help="a device on which it takes jobs; may be given several times",
)
@click.option(
    "--http",
    metavar="[HOST:]PORT",
    help="answer /healthz and /metrics there; without HOST to this machine only",
)
def worker(
    drain: bool, exit_with_parent: bool, only: str, device: tuple[str, ...], http: str | None
) -> int:
    """Execute the runs and measurements that are queued."""
    from core.jobs.asleep import open_patiently, sleep
    from core.jobs.status import WorkerStatus
    from core.jobs.store import open_store
    from core.jobs.workers import QueueFilter
    from core.operating.logs import take_over_loggers
    from core.operating.status_server import serve_status

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as the first process of a container
    take_over_loggers()
    status = WorkerStatus()
    if http is not None:
        serve_status(http, status.problem, status.lines)
    # A page server starts its worker anew; who started this one alone may have done so before the
    # database server
    store = status.store = open_store() if exit_with_parent else open_patiently()
    sleep(store, exit_with_parent)
    from core.jobs.worker import main  # has torch

    return main(store, drain, exit_with_parent, QueueFilter(only), device)
