"""python -m core cluster up | status | down | dispatch"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from core.cli.flags import command, output_option
from core.cli.writing import say, write_result

if TYPE_CHECKING:
    import pandas as pd

    from core.jobs.engines.cluster.own_node import OwnNode
    from core.jobs.store import Store


@click.group("cluster", short_help="a Ray cluster: start it here, look at it, give it jobs, end it")
def cluster() -> None:
    """A Ray cluster that executes what is queued (LAB_ENGINE=ray)."""


@command("up", "start a cluster on this machine, or let this machine join one")
@click.option(
    "--cpus", type=click.IntRange(0), show_default="all", help="cores that it gives to jobs"
)
@click.option(
    "--address",
    default="",
    metavar="HOST[:PORT]",
    show_default="this machine only, port 6379",
    help="where others reach this machine; needed where other machines shall join",
)
@click.option("--join", default="", metavar="HOST:PORT", help="of the head whose cluster to join")
def up(cpus: int | None, address: str, join: str) -> int:
    """Start a cluster on this machine; with --join let this machine join one.

    Ray executes whatever is sent to its ports with the cluster's token: let nobody reach them from
    outside of a closed network.
    """
    from core.jobs.engines.cluster import own_node

    node = own_node.up(cpus, address, join)
    if not node.is_head:
        say(f"This machine belongs to the cluster at {node.address} now.")
        return 0
    say(f"A cluster is up at {node.address}; python -m core cluster status shows it.")
    if node.address.startswith(own_node.LOOPBACK):
        say("It keeps to this machine; --address HOST, where others reach it, lets them join.")
    else:
        say(
            "Whoever reaches Ray's ports and has the token runs any code here: let nobody reach"
            " them from outside of a closed network. Another machine, with the same source and"
            f" a copy of {own_node.token_file()}, readable by its owner alone, joins with"
        )
        print(
            f"RAY_AUTH_TOKEN_PATH=COPY python -m core cluster up --join {node.address}", flush=True
        )
    say("The lab uses it with LAB_ENGINE=ray, on this machine without any other setting.")
    return 0


@command("status", "the nodes of the cluster, what is free, what waits")
@output_option
def status(output: str) -> int:
    """The nodes of the cluster with their cores, cards and memory, free and all, and their jobs;
    nodes that have died, and what became of their jobs; and the queue.
    """
    from core.jobs.engines.cluster.connection import connected
    from core.jobs.engines.cluster.health import living_and_lost
    from core.jobs.store import open_store

    with connected() as ray:
        living, lost = living_and_lost(ray.nodes())
        free = _free_of_nodes()
    store = open_store()
    jobs = store.jobs_under_way()
    nodes = [_row(node, free.get(node["NodeID"], {}), _jobs_of(node, jobs)) for node in living]
    frame = _frame(nodes)
    gibibytes = frame["memory_bytes"].astype(float) / 2**30
    table = frame.assign(memory_bytes=gibibytes).rename(columns={"memory_bytes": "memory_gib"})
    write_result(output, nodes, frame, table)
    for node in lost:
        _tell_lost(node, _jobs_of(node, jobs))
    _tell_queue(store, jobs)
    return 0


@command("down", "end what was started on this machine")
def down() -> int:
    """End Ray as it was started on this machine; runs under way go on elsewhere, or are queued."""
    from core.jobs.engines.cluster import own_node

    ended = own_node.down()
    if not ended:
        say("No cluster was started on this machine by python -m core cluster up.")
    for node in ended:
        say(f"{_what(node)} at {node.address} is down.")
    return 0


@command("dispatch", "give what is queued to the cluster")
@click.option("--exit-with-parent", is_flag=True, help="end when standard input closes")
def dispatch(exit_with_parent: bool) -> int:
    """Give what is queued to the cluster, until it is ended; a page server starts one itself."""
    import signal

    from core.jobs.asleep import open_patiently
    from core.jobs.engines.cluster.connection import (
        cluster_address,
        connected,
        shared_settings,
    )
    from core.jobs.engines.cluster.dispatcher import Dispatcher
    from core.operating.logs import take_over_loggers

    leave = threading.Event()
    take_over_loggers()
    if exit_with_parent:
        threading.Thread(target=_wait_for_end, args=(leave,), daemon=True).start()
    store = open_patiently()
    with connected(shared_settings()) as ray:
        for name in (signal.SIGTERM, signal.SIGINT):  # Ray has its own, which end the process
            signal.signal(name, lambda *_: leave.set())
        Dispatcher(ray, cluster_address(), store).run(leave)
    return 0


def _wait_for_end(leave: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    leave.set()


def _free_of_nodes() -> dict[str, dict[str, float]]:
    """What is free of each node, by its id."""
    from ray._private.state import available_resources_per_node

    free: dict[str, dict[str, float]] = available_resources_per_node()
    return free


def _jobs_of(node: dict[str, Any], jobs: dict[str, list[int]]) -> list[int]:
    """Those that its cores and its cards have."""
    from core.jobs.engines.cluster.placing import node_name

    name = node_name(node["NodeID"])
    return sorted(job for worker, its in jobs.items() if worker.startswith(name) for job in its)


def _row(node: dict[str, Any], free: dict[str, float], jobs: list[int]) -> dict[str, Any]:
    has = node["Resources"]
    return {
        "machine": node["NodeManagerHostname"],
        "cores": int(has.get("CPU", 0)),
        "free_cores": int(free.get("CPU", 0)),
        "cards": int(has.get("GPU", 0)),
        "free_cards": int(free.get("GPU", 0)),
        "memory_bytes": int(has.get("memory", 0)),
        "jobs": len(jobs),
    }


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    columns = ["machine", "cores", "free_cores", "cards", "free_cards", "memory_bytes", "jobs"]
    return pd.DataFrame(rows, columns=columns)


def _tell_lost(node: dict[str, Any], jobs: list[int]) -> None:
    """That a node is not heard of any more, and what became of its jobs."""
    if jobs:
        named = ", ".join(map(str, jobs))
        became = f"Of its jobs, {named}, each begins again elsewhere once its lease ends."
    else:
        became = "No job is its own any more: what it had begins again elsewhere."
    say(f"Node {node['NodeManagerHostname']} is not heard of any more. {became}")


def _tell_queue(store: Store, jobs: dict[str, list[int]]) -> None:
    """What waits in the store, and whether anybody gives it out."""
    from core.jobs.store import JobState, RunFilter

    queued = store.count(RunFilter(states=(JobState.QUEUED,)))
    begins_again = len(jobs.get("", ()))
    running = sum(map(len, jobs.values())) - begins_again
    again = f", to begin again: {begins_again}" if begins_again else ""
    say(f"Queued: {queued}, running: {running}{again}.")
    if not any(worker.is_node for worker in store.workers()):
        say(
            "Nobody gives them to this cluster: a page server with LAB_ENGINE=ray does, or"
            " python -m core cluster dispatch."
        )


def _what(node: OwnNode) -> str:
    return "The cluster" if node.is_head else "The node of the cluster"


for _command in (up, status, dispatch, down):
    cluster.add_command(_command)
