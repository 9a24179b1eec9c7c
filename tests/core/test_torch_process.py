"""Calls into the process that has torch: results, errors in words, its end, its start anew."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from core import torch_process
from core.analysis import analyze
from core.specs import LabError, ModelSpec
from core.torch_process import ThisProcess, TorchProcess, call_where_torch_is

LENET = ModelSpec("lenet", image_size=28)
pytestmark = pytest.mark.slow  # each process imports torch


@pytest.fixture(scope="module")
def process():
    started = TorchProcess()
    yield started
    started.close()


def test_it_answers_as_a_call_in_this_process_does(process):
    expected = analyze(LENET)
    assert process.call("core.analysis:analyze", LENET) == expected
    assert ThisProcess().call("core.analysis:analyze", LENET) == expected
    assert process.seconds_until_loaded == 0.0


def test_what_a_person_can_mend_is_the_same_sentence(process):
    with pytest.raises(LabError) as here:
        analyze(ModelSpec("vgg11", image_size=8))
    with pytest.raises(LabError) as there:
        process.call("core.analysis:analyze", ModelSpec("vgg11", image_size=8))
    assert str(there.value) == str(here.value)


def test_another_error_comes_with_its_traceback(process):
    with pytest.raises(RuntimeError, match=r"(?s)math:sqrt failed.*Traceback.*ValueError"):
        process.call("math:sqrt", -1)


def test_many_threads_each_get_their_own_answer(process):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: process.call("math:factorial", n), range(40))) == [
            ThisProcess().call("math:factorial", n) for n in range(40)
        ]


def test_what_takes_too_long_or_ends_the_process_is_told_and_the_next_call_works(process):
    first = process.process_id
    began = time.monotonic()
    with pytest.raises(LabError, match=r"took longer than 0\.2 s"):
        process.call("time:sleep", 30, seconds=0.2)
    assert time.monotonic() - began < 5
    assert process.call("os:getpid") == process.process_id != first
    with pytest.raises(LabError, match="has ended"):
        process.call("os:_exit", 1)
    assert process.call("math:sqrt", 4.0) == 2.0


def test_who_asks_in_the_background_does_not_count_as_somebody(process):
    process.call("math:sqrt", 4.0)
    idle = process.idle_seconds
    time.sleep(0.05)
    process.call("math:sqrt", 4.0, in_background=True)
    assert process.idle_seconds > idle
    process.call("math:sqrt", 4.0)
    assert process.idle_seconds < 0.05


def test_what_a_function_prints_is_no_answer(process, capfd):
    assert process.call("builtins:print", "a line") is None
    assert process.call("math:sqrt", 9.0) == 3.0


def test_it_leaves_when_it_is_closed_and_is_not_started_again():
    closed = TorchProcess()
    process_id = closed.process_id
    closed.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    with pytest.raises(LabError, match="being closed"):
        closed.call("math:sqrt", 4.0)


def test_a_call_goes_where_torch_is_only_where_a_process_was_started(monkeypatch):
    class Elsewhere:
        def call(self, function, *arguments):
            return f"{function} elsewhere", *arguments

    started = cache(Elsewhere)
    monkeypatch.setattr(torch_process, "_torch_process", started)
    assert call_where_torch_is("math:factorial", 5) == 120
    started()
    assert call_where_torch_is("math:factorial", 5) == ("math:factorial elsewhere", 5)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such priorities")
def test_who_waits_is_served_like_everybody_also_for_a_user_without_rights():
    program = """if True:
        import os, subprocess
        from core.torch_process import _set_priority
        if os.geteuid() == 0:
            os.setuid(65534)
        process = subprocess.Popen(["sleep", "60"])
        _set_priority(process.pid, is_waited_for=False)
        _set_priority(process.pid, is_waited_for=True)
        print(os.sched_getscheduler(process.pid) == os.SCHED_OTHER)
        process.kill()
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=torch_process.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_who_is_not_waited_for_takes_what_others_leave_where_that_can_be_undone(process):
    if not torch_process._comes_back():
        pytest.skip("this user may not raise a priority again")
    process.call("math:sqrt", 4, in_background=True)
    assert os.sched_getscheduler(process.process_id) == os.SCHED_IDLE
    process.call("math:sqrt", 4)
    assert os.sched_getscheduler(process.process_id) == os.SCHED_OTHER
