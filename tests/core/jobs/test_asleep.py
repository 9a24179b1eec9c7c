"""A worker that has had nothing to do for long gives its memory back, and is there when asked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.jobs import worker
from core.jobs.asleep import _ASLEEP
from core.jobs.store import Worker, open_store
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import Device

PROJECT = Path(__file__).parents[3]
SPEC = RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", Recipe("tiny", 1, 500, 0.1))
SLEEPER = """
import sys
from core.jobs.asleep import sleep
from core.jobs.store import open_store
print("asleep", flush=True)
sleep(open_store(), True)
print("awake", "torch" in sys.modules, flush=True)
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process begins anew only there")


class FellAsleep(Exception):
    pass


def fall_asleep(_worker):
    raise FellAsleep


WORKER = Worker("host 1", "host", (Device("cpu", "a CPU"),), 2, 2**30)


def test_a_worker_falls_asleep_after_its_idle_time_and_not_before(monkeypatch):
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.25)
    monkeypatch.setattr(worker, "fall_asleep", fall_asleep)
    with pytest.raises(FellAsleep):
        worker.work(open_store())
    monkeypatch.setattr(worker, "IDLE_SECONDS", 60.0)
    leave = threading.Event()
    threading.Timer(0.4, leave.set).start()
    assert worker.work(open_store(), leave=leave) == 0


def test_falling_asleep_begins_the_same_command_anew(monkeypatch):
    from core.jobs import asleep

    begun = []
    monkeypatch.setattr(os, "execve", lambda *arguments: begun.append(arguments))
    monkeypatch.setattr(sys, "argv", ["core", "worker", "--only", "single"])
    asleep.fall_asleep(WORKER)
    [(program, arguments, environment)] = begun
    assert (program, arguments[1:]) == (
        sys.executable,
        ["-m", "core", "worker", "--only", "single"],
    )
    assert Worker.from_json(environment[_ASLEEP]) == WORKER


@contextmanager
def sleeper():
    open_store()
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        cwd=PROJECT,
        env=os.environ | {_ASLEEP: WORKER.to_json()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"asleep\n"
        yield process


@pytest.mark.slow
def test_it_wakes_for_a_job_or_a_word_without_torch_and_leaves_with_its_parent():
    with sleeper() as process:
        open_store().enqueue(SPEC)
        assert process.stdout.readline() == b"awake False\n"
    open_store().claim("another worker")
    with sleeper() as process:
        process.stdin.write(b".")
        process.stdin.flush()
        assert process.stdout.readline() == b"awake False\n"
    with sleeper() as process:
        process.stdin.close()
        assert process.wait(10) == 0 and process.stdout.read() == b""
