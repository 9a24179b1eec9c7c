"""Functions of core that need torch, called in a process of its own: whoever asks never loads it.

torch takes seconds to import, 300 MiB to hold, and a trace holds Python's lock: in the page server
each of these would be paid by everybody. `python -m core.torch_process` is that process; it leaves
when its standard input closes.
"""

from __future__ import annotations

import atexit
import importlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from core.folders import absolute_folders
from core.host_memory import bound_memory
from core.language import Message, lazy
from core.specs import LabError

PROJECT = Path(__file__).parents[1]
_FIRST_IMPORT = "core.analysis.network"
_LOADING_SECONDS = 6.0  # that importing torch usually takes
_LONGEST_SECONDS = 120.0  # of one call
_LEAVE_SECONDS = 2.0
_OWN_SECONDS, _OWN_BYTES = 30.0, 10 * 2**30  # that somebody's own network may take
_INSIDE_BYTES = 6 * 2**30  # of networks with numbers and the maps of their images
_SUBJECT = lazy("The process that takes networks apart")
_SMALLER = lazy("try again, or try a smaller network")
_BOUND = "LAB_MORE_BYTES"  # in a process's environment: bytes it may take; 0: any number


class TorchProcess:
    """The process, as whoever asks sees it: one call at a time, in the order in which they came.

    It is started at once, and again by the first call after it has ended. `most_bytes` bounds its
    memory; 0: any number. A call may take `longest` seconds; `advice` is what helps where it ends.
    """

    def __init__(
        self,
        subject: Message = _SUBJECT,
        most_bytes: int = 0,
        longest: float = _LONGEST_SECONDS,
        advice: Message = _SMALLER,
    ):
        self._subject, self._most_bytes = subject, most_bytes
        self._longest, self._advice = longest, advice
        self._turn = threading.Lock()
        self._called = 0.0  # when somebody last called
        self._is_closed = False
        self._start()
        atexit.register(self.close)

    def _start(self) -> None:
        self._began = time.monotonic()
        self._loaded = threading.Event()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.torch_process"],
            cwd=PROJECT,
            env=os.environ
            | absolute_folders()
            | {"OMP_NUM_THREADS": "1", _BOUND: str(self._most_bytes)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal reaches the server, not the child
        )
        _set_priority(self._process.pid, is_waited_for=False)
        arguments = (self._process, self._loaded, self._answers)
        threading.Thread(target=_receive, args=arguments, daemon=True).start()

    @property
    def process_id(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    @property
    def seconds_until_loaded(self) -> float:
        """How long torch will still be loading, as far as one can know; 0 once it is there."""
        if self._loaded.is_set() or self._process.poll() is not None:
            return 0.0
        return max(1.0, _LOADING_SECONDS - (time.monotonic() - self._began))

    def wait_until_loaded(self) -> None:
        """Return once torch is there, or will not come."""
        _set_priority(self._process.pid, is_waited_for=True)
        self._loaded.wait(_LONGEST_SECONDS)

    @property
    def idle_seconds(self) -> float:
        """Since somebody last called; calls in the background do not count."""
        return time.monotonic() - self._called

    def call(
        self,
        function: str,
        *arguments: Any,
        seconds: float | None = None,
        in_background: bool = False,
    ) -> Any:
        """The result of `module:function` with these arguments; both have to be picklable.

        Raises LabError as the function does, also when the process ends or takes too long, and
        RuntimeError with the traceback of any other error.
        """
        if not in_background:
            self._called = time.monotonic()
            _set_priority(self._process.pid, is_waited_for=True)  # also of what is under way
        with self._turn:
            if self._is_closed:
                raise LabError("The lab is being closed.")
            if self._process.poll() is not None:
                self._end()
                self._start()
            _set_priority(self._process.pid, is_waited_for=not in_background)
            longest = self._longest if seconds is None else seconds
            outcome, value = self._ask((function, arguments), longest)
            if outcome == "ended":
                self._end()
        if outcome == "value":
            return value
        if outcome == "failure":
            raise RuntimeError(f"{function} failed in the process that has torch:\n{value}")
        raise value

    def _ask(self, call: tuple[str, Any], seconds: float) -> tuple[str, Any]:
        """What came of a call: "value", "error" or "failure" with it; "ended" with an error."""
        about = {"subject": self._subject, "advice": self._advice}
        try:
            _write(self._process.stdin, call)
            answer: tuple[str, Any] | None = self._answers.get(timeout=seconds)
        except (OSError, ValueError):  # a broken pipe, or one that was closed meanwhile
            answer = None
        except queue.Empty:
            return "ended", LabError(
                "{subject} took longer than {seconds:g} s; it starts anew: {advice}.",
                seconds=seconds,
                **about,
            )
        return answer or (
            "ended",
            LabError("{subject} has ended; it starts anew: {advice}.", **about),
        )

    def _end(self) -> None:
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]

    def close(self) -> None:
        """Ask it to leave, and end it when it does not."""
        self._is_closed = True
        atexit.unregister(self.close)
        with suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_SECONDS)
        self._end()


def _set_priority(process_id: int, is_waited_for: bool) -> None:
    """As everything else, or only what everything else leaves; where the system knows that.

    And where it allows the way back, which Linux refuses most users: a process that somebody waits
    for would get next to nothing beside a training.
    """
    if not _comes_back():
        return
    with suppress(OSError):
        policy = os.SCHED_OTHER if is_waited_for else os.SCHED_IDLE
        os.sched_setscheduler(process_id, policy, os.sched_param(0))


@cache
def _comes_back() -> bool:
    """Whether a thread that takes only what everything else leaves may take as much again."""
    tried: list[bool] = []

    def there_and_back() -> None:
        with suppress(AttributeError, OSError):
            for policy in (os.SCHED_IDLE, os.SCHED_OTHER):
                os.sched_setscheduler(0, policy, os.sched_param(0))  # 0: this thread
            tried.append(True)

    thread = threading.Thread(target=there_and_back)
    thread.start()
    thread.join()
    return bool(tried)


def _receive(
    process: subprocess.Popen[bytes], loaded: threading.Event, answers: queue.SimpleQueue[Any]
) -> None:
    """Hand on what the process says: first that torch is loaded, then answers, at its end None."""
    with process.stdout as pipe, suppress(EOFError, OSError, pickle.UnpicklingError):  # type: ignore[union-attr]
        pickle.load(pipe)
        loaded.set()
        while True:
            answers.put(pickle.load(pipe))
    answers.put(None)
    loaded.set()  # whoever waits need not wait any longer


class ThisProcess:
    """The same, for who has loaded torch anyway: calls are made here."""

    seconds_until_loaded = 0.0
    idle_seconds = float("inf")

    def wait_until_loaded(self) -> None:
        """It is there."""

    def call(self, function: str, *arguments: Any, **_how: Any) -> Any:
        """The result of `module:function` with these arguments."""
        return _find(function)(*arguments)


_starting = threading.Lock()


def torch_process() -> TorchProcess | ThisProcess:
    """The process that has torch: the only one of this server, started by the first who asks."""
    with _starting:
        return _torch_process()


@cache
def _torch_process() -> TorchProcess | ThisProcess:
    return ThisProcess() if "torch" in sys.modules else TorchProcess()


def close_torch_process() -> None:
    """Ask it to leave, when the server ends."""
    process = torch_process()
    if isinstance(process, TorchProcess):
        process.close()


def call_where_torch_is(function: str, *arguments: Any) -> Any:
    """The result of `module:function`, from the process that has torch where one was started.

    A page server has started one; a command or a worker may load torch itself. Raises LabError as
    the function does.
    """
    is_started = _torch_process.cache_info().currsize > 0
    process = torch_process() if is_started else ThisProcess()
    return process.call(function, *arguments)


@cache
def _own_process() -> TorchProcess | ThisProcess:
    if "torch" in sys.modules:
        return ThisProcess()
    advice = lazy("look for a loop without an end, a crash, or too much memory")
    subject = lazy("The process of your own networks")
    return TorchProcess(subject, _OWN_BYTES, _OWN_SECONDS, advice)


def own_process() -> TorchProcess | ThisProcess:
    """The process that runs networks of the user's own, which may end it."""
    with _starting:
        return _own_process()


def close_own_process() -> None:
    """Ask it to leave, where one was started."""
    process = own_process() if _own_process.cache_info().currsize else None
    if isinstance(process, TorchProcess):
        process.close()


@cache
def _inside_process() -> TorchProcess | ThisProcess:
    if "torch" in sys.modules:
        return ThisProcess()
    return TorchProcess(lazy("The process that looks inside networks"), _INSIDE_BYTES)


def inside_process() -> TorchProcess | ThisProcess:
    """The process that computes with real numbers, so that no count waits for it.

    Started by the first who looks inside a network.
    """
    with _starting:
        return _inside_process()


def close_inside_process() -> None:
    """Ask it to leave, where one was started."""
    process = inside_process() if _inside_process.cache_info().currsize else None
    if isinstance(process, TorchProcess):
        process.close()


def call_for_own_networks(function: str, *arguments: Any) -> Any:
    """The result of `module:function`, which runs somebody's code. Raises LabError as it does.

    A page server has a process for that; a command or a worker runs it itself.
    """
    is_server = _torch_process.cache_info().currsize > 0
    process = own_process() if is_server else ThisProcess()
    return process.call(function, *arguments)


def _find(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _write(pipe: Any, message: object) -> None:
    pipe.write(pickle.dumps(message))
    pipe.flush()


def _answer(function: str, arguments: Any) -> tuple[str, Any]:
    """What came of a call: a value, a LabError, or a traceback."""
    try:
        return "value", _find(function)(*arguments)
    except LabError as error:
        return "error", error
    except Exception:
        return "failure", traceback.format_exc()


def _serve() -> None:
    """Answer one call after the other, until standard input closes."""
    calls = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    importlib.import_module(_FIRST_IMPORT)
    if more_bytes := int(os.environ.get(_BOUND, "0")):
        bound_memory(more_bytes)
    _write(answers, "loaded")
    while True:
        function, arguments = pickle.load(calls)
        _write(answers, _answer(function, arguments))


if __name__ == "__main__":
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        _serve()
