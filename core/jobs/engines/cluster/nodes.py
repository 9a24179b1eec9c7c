"""The nodes of a cluster: each is looked at once, and declared for as long as it lives."""

from __future__ import annotations

import platform
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from core.folders import files_url, runs_folder
from core.jobs.engines.cluster import tasks
from core.jobs.engines.cluster.own_node import check_answers
from core.jobs.engines.cluster.placing import Node
from core.jobs.store import Store
from core.jobs.workers import SIGN_SECONDS
from core.measure.requests import DeviceSpeedRequest
from core.operating.logs import log
from core.specs import LabError
from core.training.records import Device

_LOOK_SECONDS = 1.0  # between two looks at which nodes there are
_AGAIN_SECONDS = 30.0  # after which a node that could not be used is looked at again


@dataclass
class _Seen:
    """A node of Ray's, and what is known of it."""

    id: str
    resources: dict[str, float]
    looks: list[Any] = field(default_factory=list)  # tasks under way
    node: Node | None = None  # None: not looked at yet, or of no use
    look_at: float = 0.0

    @property
    def cores(self) -> int:
        return int(self.resources.get("CPU", 0))

    @property
    def cards(self) -> int:
        return int(self.resources.get("GPU", 0))


class Nodes:
    """Those on which jobs can be executed now."""

    def __init__(self, ray: Any, address: str, store: Store, wake: Callable[..., None]) -> None:
        self.ray, self.address, self.store, self.wake = ray, address, store, wake
        self._seen: dict[str, _Seen] = {}
        self._gone: set[str] = set()  # dead, though Ray may not say so yet
        self._look_at = self._signs_at = 0.0
        self._is_file = store.engine.dialect.name == "sqlite"
        self._mark = runs_folder() / "cluster" / f"mark-{secrets.token_hex(8)}"
        self._mark.parent.mkdir(parents=True, exist_ok=True)
        self._mark.touch()

    def refresh(self) -> None:
        """See who came and who has gone, and say that the others live.

        Raises LabError where the head is gone, which Ray itself waits for without a word.
        """
        if time.monotonic() >= self._look_at:
            check_answers(self.address)
            self._look_at = time.monotonic() + _LOOK_SECONDS
            self._compare(self.ray.nodes())
        for seen in self._seen.values():
            self._take_in(seen)
        if time.monotonic() >= self._signs_at:
            self._signs_at = time.monotonic() + SIGN_SECONDS
            for node in self.usable():
                self._declare(node)

    def usable(self) -> list[Node]:
        """Those that have been looked at and live."""
        return [seen.node for seen in self._seen.values() if seen.node]

    def is_gone(self, node: Node) -> bool:
        """Whether it has died, or is taken for dead: it does not come back."""
        return node.id in self._gone

    def forget(self, node_id: str) -> None:
        """It is dead: its jobs are free again."""
        self._gone.add(node_id)
        seen = self._seen.pop(node_id, None)
        if seen and seen.node:
            log("node-gone", f"Node {seen.node.machine} is gone; its jobs are given out again.")
            for worker in seen.node.workers():
                self.store.end_lease(worker.process)

    def leave(self) -> None:
        """Nobody gives them jobs any more."""
        self._mark.unlink(missing_ok=True)
        for node in self.usable():
            for worker in node.workers():
                self.store.leave(worker.process)

    def unmeasured(self) -> list[tuple[Node, Device]]:
        """Devices whose speed nobody knows, each kind once."""
        devices = {
            (device.name, device.hardware): (node, device)
            for node in self.usable()
            for device in (node.cpu, node.card)
            if device
        }
        return [
            there
            for named, there in devices.items()
            if not self.store.result_of(DeviceSpeedRequest(*named))
        ]

    def _compare(self, nodes: Iterable[dict[str, Any]]) -> None:
        alive = {node["NodeID"]: node["Resources"] for node in nodes if node["Alive"]}
        for node_id in set(self._seen) - set(alive):
            self.forget(node_id)
        for node_id in set(alive) - set(self._seen) - self._gone:
            self._seen[node_id] = _Seen(node_id, alive[node_id])
        for seen in self._seen.values():
            if not seen.node and not seen.looks and time.monotonic() >= seen.look_at:
                seen.look_at = time.monotonic() + _AGAIN_SECONDS
                self._look(seen)

    def _look(self, seen: _Seen) -> None:
        """At a node without cores, which only keeps the cluster together, there is nothing to see.

        The second look, as a task with a card sees it.
        """
        if seen.cores:
            shares = [{"num_cpus": 0}, *([{"num_cpus": 0, "num_gpus": 1}] if seen.cards else [])]
            seen.looks = [
                task_on(self.ray, tasks.look, seen.id, seen.cards < 2, **share).remote(
                    seen.cores, str(self._mark)
                )
                for share in shares
            ]
            for look in seen.looks:
                look.future().add_done_callback(self.wake)

    def _take_in(self, seen: _Seen) -> None:
        """What looks have seen, as soon as they have: the one with a card may have to wait."""
        if not seen.looks:
            return
        errors = self.ray.exceptions
        done, seen.looks = self.ray.wait(seen.looks, num_returns=len(seen.looks), timeout=0)
        for look in done:
            try:
                self._note(seen, self.ray.get(look))
            except (errors.NodeDiedError, errors.TaskUnschedulableError):
                continue  # which Ray will say of the node itself
            except errors.RayError as error:
                log("node-unusable", f"A node cannot be used: {cause(error)}.")

    def _note(self, seen: _Seen, sight: tasks.Sight) -> None:
        if reason := self._unusable(sight):
            log("node-unusable", reason)
            return
        *cards, cpu = sight.devices
        memory = min(int(seen.resources.get("memory", 0)), sight.memory_bytes)
        cpu = replace(cpu, memory_bytes=memory)
        node = seen.node or Node(seen.id, sight.machine, seen.cores, memory, cpu)
        if cards:
            node = replace(node, card=cards[0], cards=seen.cards)
        seen.node = node
        self._declare(node)

    def _unusable(self, sight: tasks.Sight) -> str:
        """Why a node cannot execute the jobs of this store; empty where it can."""
        if self._is_file and sight.machine != platform.node():
            return (
                f"Node {sight.machine} gets no jobs: the store is an SQLite file, which other"
                " machines must not use; LAB_DATABASE_URL=postgresql+psycopg://... names a"
                " database server."
            )
        if not files_url() and not sight.sees_mark:
            return (
                f"Node {sight.machine} gets no jobs: it does not see the folder of this machine"
                " where the files of runs lie; LAB_FILES_URL names a place that all reach."
            )
        return ""

    def _declare(self, node: Node) -> None:
        for worker in node.workers():
            with suppress(LabError):  # the store may answer again before the lease ends
                self.store.declare(worker)


def task_on(
    ray: Any, function: Callable[..., Any], node_id: str, is_kept: bool, **resources: Any
) -> Any:
    """A function of `tasks`, for this node and no other; never tried again by Ray.

    A process that `is_kept` executes the next task too: loading torch takes seconds.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return _remote(ray, function, is_kept).options(scheduling_strategy=there, **resources)


@cache
def _remote(ray: Any, function: Callable[..., Any], is_kept: bool) -> Any:
    return ray.remote(max_retries=0, max_calls=0 if is_kept else 1)(function)


def cause(error: Exception) -> str:
    """The last line of what went wrong there."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1].rstrip(".")
