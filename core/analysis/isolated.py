"""Work in a process of its own, which may take too long, too much memory, or end."""

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import torch

from core.analysis.broken_off import ForwardError
from core.host_memory import bound_memory
from core.specs import LabError

_SECONDS = 120.0
_MOST_BYTES = 10 * 2**30  # of memory beside what the process has already
_NO_GRADIENT = "Unable to handle autograd's threading in combination with fork"  # torch's words
Result = TypeVar("Result")


class _NoGradientError(Exception):
    """torch takes no gradient in a copy of a process in which its autograd has begun threads."""


def in_a_process(work: Callable[[], Result], what: str, here: Callable[[], Result]) -> Result:
    """The result of `work`, from a copy of this process; here where a system has no such copies.

    `here` does the same in this process and changes nothing in it. Its turn comes where `work`
    takes gradients in a copy that cannot: torch takes none in the copy of a process whose autograd
    has threads, as with CUDA, and after torch.export. A new process would import torch first, for
    seconds, and know no class of a notebook; and the copy has run the same up to its gradient.

    Raises LabError when the copy ends without a result, `what` being its subject, and what `work`
    raises.
    """
    if "fork" not in multiprocessing.get_all_start_methods() or sys.platform == "darwin":
        return work()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(work, theirs), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        process.start()
    theirs.close()
    try:
        if not ours.poll(_SECONDS):
            raise LabError(
                "{what} has not ended within {seconds:.0f} s on a few images.",
                what=what,
                seconds=_SECONDS,
            )
        result, error = ours.recv()
    except (EOFError, OSError) as end:
        raise LabError(
            "{what} has ended its process: it crashed, or took more than {most} GiB of memory.",
            what=what,
            most=_MOST_BYTES // 2**30,
        ) from end
    finally:
        ours.close()
        process.kill()
        process.join()
    if isinstance(error, _NoGradientError):
        return here()
    if error is not None:
        raise error
    answer: Result = result
    return answer


def _answer(work: Callable[[], Any], reply: Connection) -> None:
    """In the copy: work on one thread, within bounds, and send what came of it."""
    torch.set_num_threads(1)  # threads of OpenMP do not survive the copying
    bound_memory(_MOST_BYTES)
    answer: tuple[Any, Exception | None]
    try:
        answer = (work(), None)
    except MemoryError:
        os._exit(1)
    except Exception as error:
        answer = (None, _plain(error))
    reply.send(answer)
    reply.close()
    os._exit(0)


def _plain(error: Exception) -> Exception:
    """An error that can be sent."""
    if _NO_GRADIENT in str(error):
        return _NoGradientError()
    if isinstance(error, LabError):
        return error if type(error) is ForwardError else LabError(error.message)
    return RuntimeError(f"{type(error).__name__}: {error}")
