"""Which nodes of a Ray cluster live, sooner than Ray itself says so. Imports no Ray."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.jobs.engines.cluster.own_node import is_open

_NodeOfRay = dict[str, Any]  # as ray.nodes() has it
_AT_ONCE = 32  # nodes that are asked
_UNEXPECTED = 2  # ray.rpc.NodeDeathInfo: others were ended by somebody


def living_and_lost(nodes: Iterable[_NodeOfRay]) -> tuple[list[_NodeOfRay], list[_NodeOfRay]]:
    """Those that answer, and those that are not heard of any more.

    Ray takes up to a minute to notice that one has died, and tells of it as long as the cluster
    lives: a machine that has come back since is not lost.
    """
    nodes = list(nodes)
    alive = [node for node in nodes if node["Alive"]]
    with ThreadPoolExecutor(_AT_ONCE) as several:
        answers = list(several.map(_answers, alive))
    living = [node for node, does in zip(alive, answers, strict=True) if does]
    silent = [node for node, does in zip(alive, answers, strict=True) if not does]
    here = {node["NodeManagerHostname"] for node in living}
    died = {  # the last one of each machine
        node["NodeManagerHostname"]: node
        for node in nodes
        if not node["Alive"] and node["DeathReason"] == _UNEXPECTED
    }
    return living, [*silent, *(node for machine, node in died.items() if machine not in here)]


def _answers(node: _NodeOfRay) -> bool:
    return is_open(f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}")
