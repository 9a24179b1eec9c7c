"""What the dispatcher makes of nodes and tasks, where no cluster is needed to see it."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

from core.jobs.engines.cluster import nodes
from core.jobs.engines.cluster.dispatcher import Dispatcher
from core.jobs.engines.cluster.placing import Node
from core.training.records import Device
from tests.core.jobs.tiny_runs import TINY

CPU = Device("cpu", "a CPU, 4 threads", 2**33)


class SilentRay:
    """A cluster whose tasks answer never."""

    exceptions = SimpleNamespace(NodeDiedError=OSError, TaskUnschedulableError=OSError)

    def __init__(self, *node_ids: str) -> None:
        self.alive = node_ids

    def nodes(self) -> list[dict[str, object]]:
        return [{"NodeID": each, "Alive": True, "Resources": {}} for each in self.alive]

    def wait(self, tasks: list[object], **_: object) -> tuple[list[object], list[object]]:
        return [], tasks

    def remote(self, *_: object) -> Future[None]:
        """Start a task."""
        answer: Future[None] = Future()
        answer.future = lambda: answer  # type: ignore[attr-defined]
        return answer


def test_a_job_behind_a_lost_link_is_given_out_again_though_its_task_never_ends(store, monkeypatch):
    monkeypatch.setattr(nodes, "check_answers", lambda address: None)
    monkeypatch.setattr(nodes, "_LOOK_SECONDS", 0.0)
    ray = SilentRay("here", "there")
    run_id = store.enqueue(TINY)
    dispatcher = Dispatcher(ray, "10.0.0.5:6379", store)
    monkeypatch.setattr(dispatcher, "_task", lambda *_: ray)
    dispatcher.nodes.refresh()
    node = Node("there", "machine", 1, 2**33, CPU)
    dispatcher.nodes._seen["there"].node = node
    dispatcher._give_out()
    assert store.claim(node.name).id == run_id
    assert dispatcher._waiting([], [CPU]) == []

    ray.alive = ("here",)  # after a while Ray takes the other one for dead
    dispatcher.nodes.refresh()
    dispatcher._collect()
    assert [job.id for job in dispatcher._waiting([], [CPU])] == [run_id]
