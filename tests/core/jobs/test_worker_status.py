"""Is a worker well, and what has it done; it gives its job back when it is told to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from core.jobs import pulse as pulse_module
from core.jobs import status as status_module
from core.jobs.execution import execute
from core.jobs.status import WorkerStatus
from core.jobs.store import JobState, Store, StoreUnavailable
from core.measure.requests import DeviceSpeedRequest
from core.training.recipes import recipe
from tests.core.jobs.tiny_runs import PROJECT, TINY, claimed, history, wait_until
from tests.prometheus import read_metrics

pytestmark = pytest.mark.usefixtures("one_thread")
LONG = replace(TINY, train_images=2000, recipe=recipe("fast", 2000, epochs=200, batch_size=16))


@pytest.fixture
def status(store) -> WorkerStatus:
    status = WorkerStatus()
    status.store = store
    pulse_module.pulse.beat()
    return status


def test_a_worker_without_its_store_is_not_well():
    pulse_module.pulse.beat()
    assert WorkerStatus().problem() == "The run store is not open yet."


def test_the_store_is_asked_when_somebody_asks(status, monkeypatch):
    assert status.problem() is None

    def refuse(*_arguments):
        raise StoreUnavailable("The store is away.")

    monkeypatch.setattr(status_module, "_unfinished", refuse)
    assert status.problem() == "The store is away."
    figures = read_metrics(status.lines())
    assert figures[("lab_store_up", ())] == 0
    assert not any(name == "lab_jobs" for name, _ in figures)


def test_a_store_that_says_nothing_is_asked_by_one_at_a_time(status, monkeypatch):
    asked, answer = [], threading.Event()

    def wait(_store):
        asked.append(1)
        answer.wait(10)
        return {}

    monkeypatch.setattr(status_module, "_ANSWER_SECONDS", 0.02)
    monkeypatch.setattr(status_module, "_unfinished", wait)
    for _ in range(5):
        assert "has not answered" in status.problem()
    assert len(asked) == 1
    answer.set()
    monkeypatch.setattr(status_module, "_ANSWER_SECONDS", 10.0)
    assert status.problem() is None


def test_a_worker_that_hangs_is_not_well_and_a_long_step_is_no_hanging(status, store, monkeypatch):
    silent = [100.0]
    monkeypatch.setattr(pulse_module.Pulse, "silent_seconds", property(lambda _: silent[0]))
    assert status.problem() == (
        "The worker, without a job, has shown no sign of life for 100 seconds."
    )
    run = claimed(store)
    monkeypatch.setattr(status_module, "under_way", [run])
    assert status.problem() is None
    silent[0] = 1000.0
    assert status.problem().startswith(f"The worker, at job {run.id}, has shown no sign of life")
    assert read_metrics(status.lines())[("lab_store_up", ())] == 1  # the store has no part in it


def test_what_waits_and_what_was_done_is_counted(status, store, few_test_images):
    for _ in range(3):
        store.enqueue(TINY)
    store.enqueue_measurement(DeviceSpeedRequest("cpu"))
    name = ("lab_job_seconds_count", (("kind", "train"), ("state", "finished")))
    before = read_metrics(status.lines()).get(name, 0)
    under_way = []
    run = store.claim()
    execute(store, run, lambda _event: under_way.append(read_metrics(status.lines())))
    figures = read_metrics(status.lines())
    assert figures[name] == before + 1
    assert figures[("lab_jobs", (("kind", "train"), ("state", "queued")))] == 2
    assert figures[("lab_jobs", (("kind", "train"), ("state", "running")))] == 0
    assert figures[("lab_jobs", (("kind", "device-speed"), ("state", "queued")))] == 1
    assert under_way[0][("lab_jobs_under_way", ())] == 1
    assert under_way[0][("lab_jobs", (("kind", "train"), ("state", "running")))] == 1


class Process:
    """A worker process with a port."""

    def __init__(self, *flags: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core", "worker", *flags],
            cwd=PROJECT,
            env=os.environ | environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def terminate(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, text = self.process.communicate(timeout=20)
        return self.process.returncode, text


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_gives_its_run_back(store: Store):
    """As systemd, Docker and Kubernetes tell it; the epochs so far are kept."""
    run_id = store.enqueue(LONG)
    with Process("--drain", LAB_LOG="json") as worker:
        wait_until(lambda: history(store, run_id))
        code, text = worker.terminate()
    events = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert [(event["event"], event["job"]) for event in events] == [
        ("job-begins", run_id),
        ("job-given-back", run_id),
    ]
    run = store.get(run_id)
    assert run.state is JobState.QUEUED and run.attempt == 1
    assert 1 <= len(history(store, run_id)) < LONG.recipe.epochs


@pytest.mark.slow
def test_it_answers_while_it_trains_and_says_when_it_hangs(store, free_port):
    run_id = store.enqueue(LONG)
    with Process("--http", str(free_port)) as worker:

        def get(path: str, seconds: float = 5.0) -> str:
            address = f"http://127.0.0.1:{free_port}/{path}"
            with urllib.request.urlopen(address, timeout=seconds) as answer:
                return answer.read().decode()

        wait_until(lambda: history(store, run_id))
        assert get("healthz") == "ok\n"
        assert read_metrics(get("metrics").splitlines())[("lab_jobs_under_way", ())] == 1
        worker.process.send_signal(signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            get("healthz", 0.5)
        worker.process.send_signal(signal.SIGCONT)
        assert worker.terminate()[0] == 0
    assert store.get(run_id).state is JobState.QUEUED


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.slow
def test_a_worker_that_waits_for_its_store_ends_at_once_when_told(free_port):
    address = "postgresql+psycopg://lab:s3cr3t@127.0.0.1:1/lab"
    with Process("--http", str(free_port), LAB_DATABASE_URL=address) as worker:
        worker.process.stderr.readline()  # that it waits
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"http://127.0.0.1:{free_port}/healthz", timeout=5)
        with answer.value:
            assert answer.value.code == 503
        assert worker.terminate()[0] == 0
