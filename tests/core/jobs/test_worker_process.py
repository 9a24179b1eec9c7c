"""Worker processes: they leave in good order, are missed when killed, and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest

from core.jobs import processes
from core.jobs.engines import local
from core.jobs.engines.child_process import MAX_PAUSE_SECONDS
from core.jobs.engines.local import WorkerProcess
from core.jobs.execution import execute
from core.jobs.store import JobState, Store
from core.jobs.worker import work
from core.specs import LabError, ModelSpec, RunSpec
from core.training.recipes import recipe
from tests.core.jobs.tiny_runs import (
    PROJECT,
    TINY,
    claimed,
    history,
    uninterrupted,
    wait_until,
)

pytestmark = pytest.mark.usefixtures("one_thread")


# Processes

LONG = RunSpec(
    ModelSpec("course-residual", image_size=28),
    "fashion-mini",
    recipe("fast", 400, epochs=4, batch_size=50),
    train_images=400,
)


@pytest.mark.slow
def test_a_worker_whose_input_closes_gives_its_run_back_and_leaves(store):
    program = """
import time
from core.jobs import worker
from core.jobs.execution import execute
from core.jobs.store import open_store

def idle(event):
    print("at work", flush=True)
    time.sleep(60)

store = open_store()
worker.leave_with_parent(store)
execute(store, store.claim(), idle)
"""
    run_id = store.enqueue(TINY)
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:  # leaving the block closes its input and waits
        assert process.stdout.readline() == b"at work\n"
        assert store.get(run_id).state is JobState.RUNNING
        process.stdin.close()
        assert process.wait(20) == 0
    assert store.get(run_id).state is JobState.QUEUED
    assert store.claim().attempt == 2


@pytest.mark.slow
def test_a_run_whose_worker_is_killed_ends_as_if_nothing_had_happened(store):
    """On the same machine nobody waits until the lease runs out."""
    run_id = store.enqueue(LONG)
    process = WorkerProcess()
    try:
        wait_until(lambda: history(store, run_id) and process.is_alive)
        os.kill(process.process.pid, signal.SIGKILL)
        assert process.process.wait(10) == -signal.SIGKILL
    finally:
        process.close()
    orphan = store.get(run_id)
    assert orphan.state is JobState.RUNNING and orphan.attempt == 1
    assert 1 <= len(history(store, run_id)) < LONG.recipe.epochs

    assert work(store, drain=True) == 1
    ended = store.get(run_id)
    assert ended.state is JobState.FINISHED and ended.attempt == 2
    assert history(store, run_id) == uninterrupted(store, LONG)


@pytest.mark.slow
def test_only_the_dead_of_this_machine_lose_their_runs(store):
    here = processes.this_computer()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    store.enqueue_all([TINY] * 4)
    workers = [processes.this_process(), f"{here} {child.pid}", f"elsewhere {child.pid}", ""]
    runs = [store.claim(worker) for worker in workers]
    processes.end_leases_of_the_dead(store)
    assert store.claim("another").id == runs[1].id
    assert store.claim("another") is None


@pytest.mark.slow
def test_a_worker_of_the_server_leaves_when_it_is_closed(store):
    process = WorkerProcess()
    assert process.is_alive
    process.close()
    assert not process.is_alive


def test_a_worker_can_be_asked_to_leave(store):
    leave = threading.Event()
    leave.set()
    store.enqueue(TINY)
    assert work(store, leave=leave) == 0


@pytest.mark.slow
def test_a_store_that_breaks_while_a_run_ends_is_no_traceback(store, monkeypatch):
    run = claimed(store)

    def refuse(*args):
        raise LabError("The run store could not be written.")

    monkeypatch.setattr(Store, "finish", refuse)
    execute(store, run)  # the lease expires, another worker takes it up
    assert store.get(run.id).state is JobState.RUNNING


# Workers that do not start


def test_a_worker_that_dies_at_its_start_is_started_ever_later(store, monkeypatch):
    starts = []

    class Dying:
        """A worker process that ends at once."""

        def __init__(self, *settings, **named) -> None:
            starts.append(time.monotonic())
            self.began, self.is_alive, self.is_starting = time.monotonic(), False, False
            self.process, self.name = self, "dying"

        def poll(self) -> int:
            return 3

    monkeypatch.setattr(local, "WorkerProcess", Dying)
    clock = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    workers = local.Workers()
    for _ in range(300):  # a page looks once a second
        workers.ensure(store)
        clock[0] += 1.0
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert pauses[:4] == sorted(pauses[:4]) and max(pauses) <= MAX_PAUSE_SECONDS + 2
    assert len(starts) < 15
    assert "ended" in workers.problem and "exit code 3" in workers.problem
