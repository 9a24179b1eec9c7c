"""The worker: takes queued runs from the store and executes them, one after the other."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.runs.files import delete_folder, load_resume, save_best, save_resume
from core.runs.store import LEASE_SECONDS, LostRun, Run, RunState, Store, open_store
from core.specs import LabError
from core.training.records import EpochMetrics, Progress

if TYPE_CHECKING:
    from core.training.fit import Training

HEARTBEAT_SECONDS = 1.0
IDLE_SECONDS = 0.5

Listener = Callable[[Progress | EpochMetrics], None]


class StopRequested(Exception):
    """Somebody pressed stop."""


class Heartbeat(threading.Thread):
    """Tells the store that the run is alive, and hears whether it should stop.

    A thread of its own, because one step of a large network may take longer than the lease.
    """

    def __init__(self, store: Store, run: Run) -> None:
        super().__init__(daemon=True)
        self.store, self.run_row = store, run
        self.progress: Progress | None = None
        self.stop_requested = False
        self.lost = False
        self.over = threading.Event()

    def run(self) -> None:
        """Beat until the run is over."""
        while not self.over.wait(HEARTBEAT_SECONDS):
            try:
                self.stop_requested = self.store.heartbeat(self.run_row, self.progress)
            except LostRun:
                self.lost = True
                return
            except LabError:
                continue  # the disk may have room again before the lease ends

    def check(self, progress: Progress) -> None:
        """Note where the run is; raise StopRequested or LostRun when it must end."""
        self.progress = progress
        if self.lost:
            raise LostRun(self.run_row.id)
        if self.stop_requested:
            raise StopRequested


def execute(store: Store, run: Run, listen: Listener | None = None) -> RunState:
    """Train the claimed run to its end and record it; never raises for a run that fails.

    Does not care who called it. Returns the state that the run ended in.
    """
    heartbeat = Heartbeat(store, run)
    heartbeat.start()
    try:
        train(store, run, heartbeat, listen or (lambda _event: None))
        return end(store, run, RunState.FINISHED)
    except StopRequested:
        return end(store, run, RunState.STOPPED)
    except LostRun:
        if not store.has(run.id):  # deleted while it ran: what was written since goes too
            delete_folder(run.id)
        return RunState.STOPPED
    except LabError as error:
        return end(store, run, RunState.FAILED, str(error))
    except Exception as error:
        report(error)
        return end(store, run, RunState.FAILED, in_words(error))
    finally:
        heartbeat.over.set()
        heartbeat.join()


def end(store: Store, run: Run, state: RunState, message: str = "") -> RunState:
    """Write the end of a run, unless somebody else holds it by now."""
    with suppress(LostRun, LabError):  # a store that cannot be written: the lease will run out
        store.finish(run, state, message)
    return state


def train(store: Store, run: Run, heartbeat: Heartbeat, listen: Listener) -> None:
    """Data, network, epochs; each epoch is recorded and can be continued from."""
    from core.data.load import load
    from core.training.devices import describe
    from core.training.fit import fit, start

    spec = run.spec
    fetch_data(spec.dataset, heartbeat, listen)
    preflight(run)
    store.describe_machine(run, f"{platform.node()}: {describe(spec.device)}")
    training = start(spec)
    go_on(store, run, training)
    best = store.get(run.id).best_accuracy or -1.0
    for event in fit(spec, load(spec.dataset), training):
        if isinstance(event, EpochMetrics):
            if event.test_accuracy > best:  # files first: the store promises only what is there
                best = event.test_accuracy
                save_best(run, training.network, event.epoch)
            about = {"spec": spec.to_json(), "metrics": asdict(event)}
            save_resume(run, training.state() | about)
            store.record(run, event)
        else:
            heartbeat.check(event)
        listen(event)


def go_on(store: Store, run: Run, training: Training) -> None:
    """Continue after the run's last epoch, or start over where its files do not belong to it.

    A death between writing the files and the store leaves the store one epoch behind.
    """
    state = load_resume(run)
    recorded = len(store.epochs([run.id])[run.id])
    # Numbers of runs begin anew with a new store, whose folder may still hold files of the old one
    if state and state.get("spec") == run.spec.to_json() and recorded >= state["epoch"] - 1:
        training.restore(state)
    store.forget_epochs(run, after=training.epoch)
    if state and recorded < training.epoch:
        store.record(run, EpochMetrics(**state["metrics"]))


def preflight(run: Run) -> None:
    """Raise LabError when the run would not fit into the device's memory."""
    from core.analysis import analyze
    from core.training.devices import available_bytes, find_device
    from core.training.estimate import check_memory

    free = available_bytes(find_device(run.spec.device))
    check_memory(run.spec, analyze(run.spec.model), free)


def fetch_data(name: str, heartbeat: Heartbeat, listen: Listener) -> None:
    """Download the data set where it is not here yet."""
    from core.data import download, is_available

    if is_available(name):
        return

    def progress(done: int, total: int) -> None:
        event = Progress("downloading", 1, 1, done, total)
        heartbeat.check(event)
        listen(event)

    download(name, progress)


def in_words(error: Exception) -> str:
    """One sentence for an error that nobody foresaw."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        return "The device ran out of memory; choose a smaller batch or image, or a larger ratio."
    if "Expected more than 1 value per channel" in text:
        return (
            "BatchNorm cannot work on a single value: the last batch has one image and the map is"
            " 1×1; choose another batch size or a larger image."
        )
    return f"The run ended with {type(error).__name__}: {text}"


def report(error: Exception) -> None:
    """The traceback for whoever runs the worker, never for the page."""
    import traceback

    traceback.print_exception(error, file=sys.stderr)


def work(
    store: Store,
    drain: bool = False,
    leave: threading.Event | None = None,
    when_idle: Callable[[Store], None] | None = None,
) -> int:
    """Execute queued runs for ever, or with `drain` until none is left; how many there were.

    `when_idle` is called once, as soon as there is no run to execute.
    """
    count = 0
    while leave is None or not leave.is_set():
        try:
            run = store.claim()
        except LabError as error:  # the disk may have room again in a moment
            if drain:
                raise
            report(error)
            time.sleep(LEASE_SECONDS)
            continue
        if run is None:
            if drain:
                break
            if when_idle is not None:
                when_idle(store)
                when_idle = None
            time.sleep(IDLE_SECONDS)
            continue
        with current_run(run):
            try:
                execute(store, run)
            except KeyboardInterrupt:
                store.release(run)
                raise
        count += 1
    return count


_under_way: list[Run] = []  # what a worker that must leave gives back


@contextmanager
def current_run(run: Run):  # type: ignore[no-untyped-def]
    """While open, `run` is what this process works on."""
    _under_way.append(run)
    try:
        yield
    finally:
        _under_way.remove(run)


def measure_devices(store: Store) -> None:
    """Measure the speed of each device, for estimates; the best of all measurements is kept."""
    from core.training.devices import available_devices
    from core.training.estimate import Speed, measure_speed

    for device in available_devices():
        name = speed_name(device)
        try:
            speed = measure_speed(device)
            if known := store.measured(name):
                speed = speed.best_of(Speed.from_dict(known))
            store.keep_measured(name, asdict(speed))
        except (LabError, RuntimeError) as error:  # a busy card: runs matter more than estimates
            report(error)


def speed_name(device: str) -> str:
    """The key under which a device's speed is kept."""
    return f"{platform.node()} {device}"


def leave_with_parent(store: Store) -> None:
    """End this process when its standard input closes, giving its run back to the queue."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # not through a buffer, whose lock outlives us
            pass
        for run in list(_under_way):
            with suppress(LabError):
                store.release(run)
        os._exit(0)  # files are written whole, so there is nothing to clean up

    threading.Thread(target=wait, daemon=True).start()


def main(drain: bool, exit_with_parent: bool) -> int:
    """`python -m core worker`."""
    store = open_store()
    if exit_with_parent:
        leave_with_parent(store)
    work(store, drain, when_idle=measure_devices)
    return 0
