"""Carrying out one job that was claimed, whatever happens to it: its end is always recorded."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import suppress

from core.jobs.files import delete_folder
from core.jobs.heartbeat import Heartbeat, StopRequested
from core.jobs.measurements import measure
from core.jobs.pulse import pulse, under_way
from core.jobs.records import TRAIN, JobState, Measurement, Run
from core.jobs.status import JOB_SECONDS
from core.jobs.store import LostJob, Store, StoreUnavailable
from core.jobs.train import Listener, Shared, train
from core.language import Message, lazy
from core.operating.logs import log, log_error
from core.specs import LabError, first_line
from core.training.fit import Diverged


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
    began = time.monotonic()
    pulse.beat()
    kind = TRAIN if isinstance(job, Run) else job.kind
    about = f"{kind}, attempt {job.attempt}"
    log("job-begins", f"Job {job.id} begins ({about}).", logging.INFO, job.id)
    state = yield from _steps_to_the_end(store, job, listen, abandon, shared or Shared())
    seconds = time.monotonic() - began
    JOB_SECONDS.observe(seconds, kind, state)
    log("job-ends", f"Job {job.id} is {state} ({about}, {seconds:.1f} s).", logging.INFO, job.id)
    return state


def _steps_to_the_end(
    store: Store,
    job: Run | Measurement,
    listen: Listener | None,
    abandon: Callable[[], None] | None,
    shared: Shared,
) -> Generator[None, None, JobState]:
    heartbeat = Heartbeat(store, job, abandon)
    heartbeat.start()
    under_way.append(job)
    try:
        if isinstance(job, Run):
            yield from train(store, job, heartbeat, listen or (lambda _event: None), shared)
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
        log("job-requeued", f"{error} The job goes back into the queue.", job=job.id)
        return heartbeat.release()
    except Diverged as error:
        return heartbeat.end(JobState.DIVERGED, error.message)
    except LabError as error:
        return heartbeat.end(JobState.FAILED, error.message)
    except (Exception, SystemExit) as error:  # a network of somebody's own may call sys.exit
        log_error(error, job.id)  # the traceback for whoever runs the worker, never for the page
        return heartbeat.end(JobState.FAILED, in_words(error))
    finally:
        under_way.remove(job)
        heartbeat.over.set()
        heartbeat.join()


def in_words(error: BaseException) -> Message:
    """One sentence for an error that nobody foresaw."""
    text = first_line(error)
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        return lazy(
            "The device ran out of memory; choose a smaller batch or image, or a larger ratio."
        )
    if "Expected more than 1 value per channel" in text:
        return lazy(
            "BatchNorm cannot work on a single value: the last batch has one image and the map is"
            " 1×1; choose another batch size or a larger image."
        )
    if "does not require grad" in text:
        return lazy(
            "No gradient reaches the parameters: the network's forward pass leaves the graph, by"
            " torch.no_grad(), detach() or a result of whole numbers."
        )
    if any(word in text for word in ("CUDA error", "CUDA driver", "cuDNN error", "MPS backend")):
        return lazy(
            "The device stopped working ({error}); continue the run once it is back, or start it on"
            " the CPU.",
            error=text,
        )
    return lazy("The run ended with {kind}: {error}", kind=type(error).__name__, error=text)
