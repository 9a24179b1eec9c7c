"""Who executes the queue for a page server, as LAB_ENGINE says; without Ray."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.jobs.capacity import Capacity, capacity_of
from core.jobs.engines.choice import make_engine, starts_engine, starts_workers
from core.jobs.engines.cluster import child, nodes
from core.jobs.engines.cluster.tasks import Sight
from core.jobs.engines.local import Workers
from core.jobs.workers import Worker
from core.specs import LabError
from core.training.records import Device
from tests.core.jobs.tiny_runs import TINY

pytestmark = pytest.mark.sqlite

CPU, CARD = Device("cpu", "a CPU, 2 threads", 2**33), Device("cuda", "a card", 2**34)
HERE = nodes.platform.node()


def test_without_a_setting_this_machine_starts_workers():
    assert isinstance(make_engine(), Workers) and starts_workers()


def test_with_ray_it_starts_a_dispatcher_instead(monkeypatch):
    monkeypatch.setenv("LAB_ENGINE", "ray")
    assert isinstance(make_engine(), child.DispatcherChild)
    assert starts_engine() and not starts_workers()


def test_another_engine_is_refused(monkeypatch):
    monkeypatch.setenv("LAB_ENGINE", "slurm")
    with pytest.raises(LabError, match="LAB_ENGINE=slurm is no engine; choose from local, ray."):
        make_engine()


def test_a_dispatcher_that_cannot_begin_is_started_ever_later_and_the_reader_is_told(
    store, monkeypatch
):
    started: list[tuple[str, ...]] = []

    class Dying:
        def __init__(self, *command: str) -> None:
            started.append(command)
            self.began, self.is_alive = time.monotonic(), False
            self.process = SimpleNamespace(poll=lambda: 2)

    monkeypatch.setattr(child, "ChildProcess", Dying)
    clock = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    engine = child.DispatcherChild()
    engine.ensure(store)
    assert engine.problem is None
    for _second in range(60):
        clock[0] += 1.0
        engine.ensure(store)
    assert started[0] == ("cluster", "dispatch") and 3 < len(started) < 10
    assert "cluster status" in engine.problem and "exit code 2" in engine.problem


# Nodes, as the dispatcher sees them


class FakeRay:
    """Ray with one node, whose looks are over at once."""

    def __init__(self, *sights: Sight, cards: int = 0) -> None:
        self.sights, self.is_alive = list(sights), True
        self.resources = {"CPU": 2.0, "GPU": float(cards), "memory": 2.0**32}
        self.exceptions = SimpleNamespace(
            RayError=OSError, NodeDiedError=KeyError, TaskUnschedulableError=IndexError
        )

    def nodes(self) -> list[dict]:
        return [{"NodeID": "a", "Alive": self.is_alive, "Resources": self.resources}]

    def wait(self, looks, num_returns, timeout):
        return looks, []

    def get(self, look: Sight) -> Sight:
        return look

    def task_on(self, _ray, _function, _node, **_resources):
        return SimpleNamespace(remote=lambda *_: self._look())

    def _look(self):
        look = self.sights.pop(0)
        object.__setattr__(look, "future", lambda: SimpleNamespace(add_done_callback=lambda _: 0))
        return look


@pytest.fixture
def seen(store, monkeypatch):
    """The nodes of a cluster whose looks see this."""

    def look(*sights: Sight, cards: int = 0) -> tuple[nodes.Nodes, FakeRay]:
        ray = FakeRay(*sights, cards=cards)
        monkeypatch.setattr(nodes, "task_on", ray.task_on)
        monkeypatch.setattr(nodes, "_LOOK_SECONDS", 0.0)
        found = nodes.Nodes(ray, store, lambda *_: None)
        found.refresh()
        return found, ray

    return look


def sight(machine: str = HERE, devices: tuple[Device, ...] = (CPU,), mark: bool = True) -> Sight:
    return Sight(machine, devices, 2**40, mark)


def test_a_node_is_declared_with_its_cores_and_the_memory_that_ray_shares_out(store, seen):
    seen(sight())
    [worker] = store.workers()
    assert (worker.machine, worker.cores, worker.memory_bytes) == (HERE, 2, 2**32)
    assert worker.devices == (replace(CPU, memory_bytes=2**32),)
    assert capacity_of([worker]) == Capacity(1, 2, 2, 0, 0)


def test_each_of_its_cards_is_a_worker_too(store, seen):
    seen(sight(), sight(devices=(CARD, CPU)), cards=2)
    assert [worker.devices[0].name for worker in store.workers()] == ["cpu", "cuda", "cuda"]
    assert capacity_of(store.workers()) == Capacity(1, 2, 2, 2, 2)


def test_a_node_that_dies_gives_its_jobs_back_at_once(store, seen):
    found, ray = seen(sight())
    store.enqueue(TINY)
    run = store.claim(store.workers()[0].process)
    ray.is_alive = False
    found.refresh()
    assert not store.workers() and not found.usable()
    assert [job.id for job in store.waiting()] == [run.id]


def test_a_store_in_a_file_is_for_nodes_of_this_machine(store, seen, capsys):
    found, _ray = seen(sight("elsewhere"))
    assert not found.usable() and not store.workers()
    assert "Node elsewhere gets no jobs: the store is an SQLite file" in capsys.readouterr().err


def test_a_node_that_does_not_see_the_files_of_runs_gets_no_jobs(seen, capsys, monkeypatch):
    found, _ray = seen(sight(mark=False))
    assert not found.usable()
    assert "LAB_FILES_URL names a place that all reach" in capsys.readouterr().err
    monkeypatch.setenv("LAB_FILES_URL", "s3://bucket/lab")
    assert seen(sight(mark=False))[0].usable()


def test_free_are_the_cores_that_the_plans_of_its_jobs_leave():
    busy = Worker("ray a", "node-1", (CPU,), 4, None, jobs=(1, 2), threads=3)
    assert capacity_of([busy]) == Capacity(1, 4, 1, 0, 0)
    assert capacity_of([replace(busy, process="a process")]) is None
