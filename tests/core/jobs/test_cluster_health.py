"""Which nodes of a cluster are not heard of any more, by whether they answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from core.jobs.engines.cluster.health import living_and_lost

ENDED, DIED = 1, 2  # as Ray tells why a node is dead


@pytest.fixture
def port() -> Iterator[int]:
    """At which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def node(machine: str, port: int = 0, reason: int = 0) -> dict[str, Any]:
    return {
        "NodeManagerHostname": machine,
        "NodeManagerAddress": "127.0.0.1",
        "NodeManagerPort": port,
        "Alive": not reason,
        "DeathReason": reason,
    }


def machines(nodes: list[dict[str, Any]]) -> list[str]:
    return [node["NodeManagerHostname"] for node in nodes]


def test_a_node_that_does_not_answer_is_lost_though_ray_does_not_know_it_yet(port):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    living, lost = living_and_lost([node("here", port), node("gone", closed)])
    assert (machines(living), machines(lost)) == (["here"], ["gone"])


def test_what_somebody_has_ended_or_has_come_back_is_not_lost(port):
    nodes = [
        node("died", reason=DIED),
        node("died", reason=DIED),  # and once more
        node("ended", reason=ENDED),
        node("back", reason=DIED),
        node("back", port),
    ]
    living, lost = living_and_lost(nodes)
    assert (machines(living), machines(lost)) == (["back"], ["died"])
