"""Carrying out one job that was claimed, whatever happens to it: its end is always recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import suppress

from core.jobs.files import delete_folder
from core.jobs.heartbeat import Heartbeat, StopRequested, report
from core.jobs.measurements import measure
from core.jobs.records import Job, JobState, Measurement, Run
from core.jobs.store import LostJob, Store, StoreUnavailable
from core.jobs.train import Listener, Shared, train
from core.language import Message, lazy
from core.specs import LabError
from core.training.fit import Diverged

under_way: list[Job] = []  # the jobs of this process


def execute(
    store: Store,
    job: Run | Measurement,
    listen: Listener | None = None,
    abandon: Callable[[], None] | None = None,
) -> JobState:
    """Carry out the claimed job to its end and record it; never raises for a job that fails.

    Does not care who called it. A job whose store or disk cannot take it now is queued again.
    `abandon` ends the caller's process when a stop must not wait for a long step. Returns the
    state that the job ended in.
    """
    steps = execute_in_steps(store, job, listen, abandon)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            state: JobState = end.value
            return state


def execute_in_steps(
    store: Store,
    job: Run | Measurement,
    listen: Listener | None = None,
    abandon: Callable[[], None] | None = None,
    shared: Shared | None = None,
) -> Generator[None, None, JobState]:
    """As `execute`, but the caller may do something else after each step of a run."""
    heartbeat = Heartbeat(store, job, abandon)
    heartbeat.start()
    under_way.append(job)
    try:
        if isinstance(job, Run):
            yield from train(
                store, job, heartbeat, listen or (lambda _event: None), shared or Shared()
            )
        else:
            measure(store, job, heartbeat)
        return heartbeat.end(JobState.FINISHED)
    except StopRequested:
        return heartbeat.end(JobState.STOPPED)
    except LostJob:
        with suppress(LabError):
            # Deleted while it ran: what was written since goes too
            if isinstance(job, Run) and not store.has(job.id):
                delete_folder(job)
        return JobState.STOPPED
    except StoreUnavailable as error:  # where nothing waits by itself: the queue keeps the job
        print(f"{error} The job goes back into the queue.", file=sys.stderr)
        return heartbeat.release()
    except Diverged as error:
        return heartbeat.end(JobState.DIVERGED, error.message)
    except LabError as error:
        return heartbeat.end(JobState.FAILED, error.message)
    except Exception as error:
        report(error)
        return heartbeat.end(JobState.FAILED, in_words(error))
    finally:
        under_way.remove(job)
        heartbeat.over.set()
        heartbeat.join()


def in_words(error: Exception) -> Message:
    """One sentence for an error that nobody foresaw."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        return lazy(
            "The device ran out of memory; choose a smaller batch or image, or a larger ratio."
        )
    if "Expected more than 1 value per channel" in text:
        return lazy(
            "BatchNorm cannot work on a single value: the last batch has one image and the map is"
            " 1×1; choose another batch size or a larger image."
        )
    if any(word in text for word in ("CUDA error", "CUDA driver", "cuDNN error", "MPS backend")):
        return lazy(
            "The device stopped working ({error}); continue the run once it is back, or start it on"
            " the CPU.",
            error=text,
        )
    return lazy("The run ended with {kind}: {error}", kind=type(error).__name__, error=text)
