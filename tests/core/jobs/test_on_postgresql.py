"""What only a database server does: it rings, has the one clock, and may be away for a while."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from core.jobs import bell as bell_module
from core.jobs import heartbeat as heartbeat_module
from core.jobs.asleep import sleep
from core.jobs.bell import Bell
from core.jobs.execution import execute
from core.jobs.store import JobState, StoreUnavailable, open_store
from core.jobs.worker import this_worker, work
from core.measure.requests import DeviceSpeedRequest
from core.training.records import EpochMetrics
from tests.core.jobs.example_runs import SPEC
from tests.core.jobs.tiny_runs import PROJECT, TINY, claimed, history, uninterrupted

pytestmark = pytest.mark.postgresql
_AWAY_SECONDS = 1.0


@pytest.fixture
def server(postgresql_server):
    """One that a test may stop: it runs again afterwards."""
    yield postgresql_server
    if postgresql_server.process.poll() is not None:
        postgresql_server.start()


@pytest.fixture
def long_look(monkeypatch):
    """Who hears nothing waits for half a minute."""
    monkeypatch.setattr(bell_module, "_LOOK_THOUGH_IT_RINGS_SECONDS", 30.0)


@pytest.mark.slow
def test_of_six_processes_that_open_a_new_store_one_makes_its_tables(database):
    opening = [
        subprocess.Popen(
            [sys.executable, "-c", "from core.jobs.store import open_store; open_store().close()"],
            cwd=PROJECT,
        )
        for _ in range(6)
    ]
    assert [process.wait(60) for process in opening] == 6 * [0]
    assert open_store().runs() == []


@pytest.mark.parametrize(
    "queue",
    [
        lambda store: store.enqueue(SPEC),
        lambda store: store.create_study("Two", {}, [SPEC, replace(SPEC, seed=1)]),
        lambda store: store.enqueue_measurement(DeviceSpeedRequest("cpu")),
        lambda store: store.resume(1),
        lambda store: store.release(store.get(2)),
    ],
    ids=["run", "study", "measurement", "resumed", "released"],
)
def test_whoever_queues_a_job_wakes_who_waits_for_one(store, long_look, queue):
    store.request_stop([store.enqueue(SPEC)])
    store.start_here(SPEC)
    bell = Bell(store)
    bell.listener.listen()
    began = time.monotonic()
    somebody = threading.Timer(0.2, queue, [open_store()])
    somebody.start()
    bell.wait()
    assert 0.1 < time.monotonic() - began < 10
    bell.close()
    somebody.join()


def test_a_bell_rings_once_the_job_can_be_seen(store, long_look):
    bell = Bell(store)
    bell.listener.listen()
    store.enqueue(SPEC)
    bell.wait()
    bell.close()
    assert store.has_waiting()


def test_a_worker_takes_what_is_queued_while_it_waits(store, long_look):
    leave = threading.Event()

    def queue() -> None:
        run_id = mine.enqueue(TINY)
        while not mine.get(run_id).state.is_over:
            time.sleep(0.05)
        leave.set()
        mine.enqueue_measurement(DeviceSpeedRequest("cpu"))  # wakes it, so that it leaves

    mine = open_store()
    timer = threading.Timer(0.5, queue)
    timer.start()
    began = time.monotonic()
    work(store, leave=leave)
    timer.join()
    assert time.monotonic() - began < 25
    assert [run.state for run in store.runs()] == [JobState.FINISHED]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_wrong_takes_no_job_from_anybody(store, monkeypatch, hours):
    run = claimed(store)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 3600 * hours)
    assert store.claim("whose clock is wrong") is None
    assert not store.heartbeat(run, None)
    store.request_stop([store.enqueue(TINY)])
    monkeypatch.undo()
    assert store.claim("whose clock is right") is None


def test_a_server_that_is_away_is_one_sentence_and_found_again(store, server):
    run_id = store.enqueue(SPEC)
    server.stop()
    for ask in (lambda: store.get(run_id), lambda: store.enqueue(SPEC), open_store):
        with pytest.raises(StoreUnavailable, match=r"check that the database server answers\.$"):
            ask()
    server.start()
    assert store.get(run_id).state is JobState.QUEUED


def test_what_the_address_says_is_kept(database, monkeypatch):
    address = f"{os.environ['LAB_DATABASE_URL']}?connect_timeout=7&options=-c%20lock_timeout%3D1234"
    monkeypatch.setenv("LAB_DATABASE_URL", address)
    store = open_store()
    with store.reading() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "1234ms"
    assert "connect_timeout=7" in str(store.engine.url)


def test_nobody_waits_for_ever(store):
    with store.reading() as connection:
        limits = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("lock_timeout", "statement_timeout")
        }
    assert limits == {"lock_timeout": "30s", "statement_timeout": "2min"}


def test_no_sentence_holds_the_password(store, server):
    server.stop()
    with pytest.raises(StoreUnavailable) as error:
        open_store()
    assert server.password not in str(error.value)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restarted", "crashed"])
def test_a_run_goes_on_when_the_server_was_away(store, server, monkeypatch, how):
    monkeypatch.setattr(heartbeat_module, "RETRY_SECONDS", 0.1)
    run = claimed(store)

    def restart(event: object) -> None:
        if isinstance(event, EpochMetrics) and event.epoch == 2:
            server.stop(how)
            threading.Timer(_AWAY_SECONDS, server.start).start()

    began = time.monotonic()
    assert execute(store, run, restart) is JobState.FINISHED
    assert time.monotonic() - began > _AWAY_SECONDS
    ended = store.get(run.id)
    assert ended.state is JobState.FINISHED and ended.attempt == 1
    assert history(store, run.id) == uninterrupted(store, TINY)


def test_a_waiting_worker_outlives_a_restart(store, server, monkeypatch):
    monkeypatch.setattr("core.jobs.worker.RETRY_SECONDS", 0.1)
    leave = threading.Event()
    worker = threading.Thread(target=work, args=(store,), kwargs={"leave": leave})
    worker.start()
    time.sleep(0.5)
    server.stop()
    time.sleep(0.5)
    server.start()
    mine = open_store()
    run_id = mine.enqueue(TINY)
    ends = time.monotonic() + 30
    while not mine.get(run_id).state.is_over and time.monotonic() < ends:
        time.sleep(0.05)
    leave.set()
    worker.join()
    assert mine.get(run_id).state is JobState.FINISHED


@pytest.mark.slow
def test_a_worker_that_is_started_before_the_server_waits_for_it(store, server):
    run_id = store.enqueue(TINY)
    server.stop()
    worker = subprocess.Popen(
        [sys.executable, "-m", "core", "worker", "--drain"],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    with worker.stderr:
        assert worker.stderr.readline().endswith("This worker waits.\n")
        server.start()
        assert worker.wait(60) == 0
    assert store.get(run_id).state is JobState.FINISHED


def test_a_worker_whose_first_look_fails_waits(store, server, monkeypatch):
    monkeypatch.setattr("core.jobs.worker.RETRY_SECONDS", 0.1)
    run_id = store.enqueue(TINY)
    server.stop()
    again = threading.Timer(0.5, server.start)
    again.start()
    assert work(store, drain=True) == 1
    again.join()
    assert store.get(run_id).state is JobState.FINISHED


def test_a_sleeping_worker_outlives_a_restart(store, server, monkeypatch):
    monkeypatch.setenv("LAB_WORKER_ASLEEP", this_worker().to_json())
    server.stop()

    def start() -> None:
        server.start()
        open_store().enqueue(TINY)

    again = threading.Timer(0.5, start)
    again.start()
    sleep(store, has_parent=False)
    again.join()
    assert store.has_waiting()
