"""A Ray cluster executes the queue: each job ends once, whatever dies, and with equal figures."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from core.jobs.store import JobState, Store
from core.measure.requests import DeviceSpeedRequest, LayerTimesRequest
from core.training.recipes import recipe
from tests import ray_cluster
from tests.core.jobs.tiny_runs import TINY, history, uninterrupted, wait_until
from tests.ray_cluster import Cluster
from tests.required import skip_without

pytestmark = [pytest.mark.slow, pytest.mark.sqlite, pytest.mark.usefixtures("one_thread")]

LONG = replace(TINY, recipe=recipe("fast", 600, epochs=7, batch_size=20), train_images=600)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    skip_without(ray_cluster.why_not(), "LAB_REQUIRE_RAY")
    with ray_cluster.cluster(nodes=2) as two_nodes:
        yield two_nodes


@pytest.fixture
def dispatching(cluster, store, database, request) -> Iterator[ExitStack]:
    """A dispatcher for the test's store; closed, it has ended."""
    settings = {}
    if database == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        settings["LAB_DATABASE_URL"] = server.by_socket(os.environ["LAB_DATABASE_URL"])
    with ExitStack() as stack:
        stack.enter_context(cluster.dispatching(**settings))
        wait_until(lambda: len(nodes(store)) == 2)
        yield stack


def nodes(store: Store) -> list[str]:
    return [worker.process for worker in store.workers() if worker.is_node]


def wait_for(store: Store, ids: list[int]) -> None:
    wait_until(lambda: all(store.get(run_id).state.is_over for run_id in ids), 120)


def is_training(store: Store, run_id: int) -> bool:
    return bool(store.epochs([run_id])[run_id]) and not store.get(run_id).state.is_over


def test_a_study_goes_on_though_a_node_dies_and_each_run_ends_once(cluster, store, dispatching):
    specs = [replace(LONG, seed=seed) for seed in range(4)]
    study = store.create_study("one", {}, specs)
    ids = [run.id for run in store.runs(study=study.id)]
    wait_until(lambda: sum(is_training(store, run_id) for run_id in ids) == 2)
    assert {len(worker.jobs) for worker in store.workers()} == {1}  # on both nodes, one each
    cluster.kill_last_node()
    wait_until(lambda: len(nodes(store)) == 1, 20)
    told = cluster.run("status", "--format", "csv")  # Ray itself says nothing yet
    assert len(told.stdout.splitlines()) == 2
    assert "is not heard of any more. No job is its own any more" in told.stderr
    wait_for(store, ids)
    runs = [store.get(run_id) for run_id in ids]
    assert [run.state for run in runs] == [JobState.FINISHED] * 4
    assert sorted(run.attempt for run in runs) == [1, 1, 1, 2]
    dispatching.close()
    with cluster.another_node():
        for run in runs:
            assert history(store, run.id) == uninterrupted(store, run.spec)


@pytest.mark.postgresql
def test_a_stop_is_heard_and_what_needs_a_card_waits(store, dispatching):
    needs_card = store.enqueue(replace(TINY, device="cuda"))
    running = store.enqueue(replace(LONG, recipe=recipe("fast", 600, epochs=900, batch_size=20)))
    wait_until(lambda: is_training(store, running))
    store.request_stop([running])
    wait_until(lambda: store.get(running).state is JobState.STOPPED, 10)
    after = store.enqueue(TINY)
    wait_for(store, [after])
    assert store.get(needs_card).state is JobState.QUEUED


def test_devices_are_measured_as_they_are_declared(store, dispatching):
    [cpu] = {worker.devices[0].hardware for worker in store.workers()}
    assert cpu.endswith("1 threads")
    wait_until(lambda: store.result_of(DeviceSpeedRequest("cpu", cpu)))  # while nobody wants more
    request = LayerTimesRequest(TINY.model, "cpu", 2, passes=1, hardware=cpu)
    measurement = store.enqueue_measurement(request).id
    wait_until(lambda: store.job(measurement).state.is_over)
    assert store.result_of(request)


def test_another_dispatcher_goes_on_where_one_has_ended(cluster, store, dispatching):
    spec = replace(LONG, recipe=recipe("fast", 600, epochs=20, batch_size=20))
    run_id = store.enqueue(spec)
    wait_until(lambda: is_training(store, run_id))
    dispatching.close()
    assert store.get(run_id).state is JobState.QUEUED
    with cluster.dispatching():
        wait_for(store, [run_id])
    assert store.get(run_id).state is JobState.FINISHED and store.get(run_id).attempt == 2
    assert history(store, run_id) == uninterrupted(store, spec)


def test_nobody_comes_in_without_the_token(cluster, tmp_path):
    token = cluster.folder / "cluster" / "token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    wrong = tmp_path / "token"
    wrong.write_text("0" * 64)
    assert (
        "did not let this process in"
        in cluster.run("status", RAY_AUTH_TOKEN_PATH=str(wrong)).stderr
    )
    right = cluster.run("status", "--format", "csv")
    assert right.returncode == 0 and len(right.stdout.splitlines()) == 3


def test_it_listens_to_this_machine_alone(cluster):
    tables = [Path(f"/proc/{cluster.network.holder}/net/{name}") for name in ("tcp", "tcp6")]
    sockets = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    addresses = [
        place.partition(":")[0] for _number, place, _peer, state, *_ in sockets if state == "0A"
    ]
    assert len(addresses) > 10
    assert {address[-8:] for address in addresses} == {"0100007F"}  # 127.0.0.1
