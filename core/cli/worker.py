"""python -m core worker"""

from __future__ import annotations

import click

from core.cli.flags import command


@command("worker", "execute the runs that are queued")
@click.option("--drain", is_flag=True, help="end when the queue is empty")
@click.option("--exit-with-parent", is_flag=True, help="end when standard input closes")
@click.option(
    "--only",
    type=click.Choice(("any", "single", "studies")),
    default="any",
    help="which runs: of no study, of studies, any",
)
def worker(drain: bool, exit_with_parent: bool, only: str) -> int:
    """Execute the runs that are queued."""
    from core.jobs.store import Kind
    from core.jobs.worker import main

    return main(drain, exit_with_parent, Kind(only))
