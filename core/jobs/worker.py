"""The worker: takes queued runs from the store and executes them, one after the other."""

from __future__ import annotations

import gc
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs.files import (
    DamagedFile,
    delete_folder,
    load_checkpoint,
    remove_others,
    save_best,
    save_checkpoint,
)
from core.jobs.store import (
    LEASE_SECONDS,
    Kind,
    LostRun,
    Run,
    RunState,
    Store,
    StoredFile,
    open_store,
)
from core.specs import LabError, RunSpec
from core.training.records import ComputePlan, EpochMetrics, Progress

if TYPE_CHECKING:
    from core.training.fit import Training

HEARTBEAT_SECONDS = 1.0
IDLE_SECONDS = 0.5
STOP_SECONDS = 2.0  # a step that takes longer is not waited for when somebody presses stop
CHECKPOINT_SECONDS = 60.0  # of an epoch that a death loses at most, and the time to write that

Listener = Callable[[Progress | EpochMetrics], None]


class StopRequested(Exception):
    """Somebody pressed stop."""


class Heartbeat(threading.Thread):
    """Tells the store that the run is alive, and hears whether it should stop.

    A thread of its own, because one step of a large network may take longer than the lease.
    `abandon` ends the process in the middle of such a step.
    """

    def __init__(self, store: Store, run: Run, abandon: Callable[[], None] | None = None) -> None:
        super().__init__(daemon=True)
        self.store, self.run_row, self.abandon = store, run, abandon
        self.progress: Progress | None = None
        self.stop_requested_at: float | None = None
        self.stop_obeyed = False
        self.lost = False
        self.over = threading.Event()

    def run(self) -> None:
        """Beat until the run is over."""
        while not self.over.wait(HEARTBEAT_SECONDS):
            try:
                if self.store.heartbeat(self.run_row, self.progress):
                    self.hear_stop()
            except LostRun:
                self.lost = True
                return
            except LabError:
                continue  # the disk may have room again before the lease ends

    def hear_stop(self) -> None:
        """Note that the run shall stop; end the process when the step takes too long."""
        if self.stop_requested_at is None:
            self.stop_requested_at = time.monotonic()
        waited = time.monotonic() - self.stop_requested_at
        if self.abandon and not self.stop_obeyed and waited > STOP_SECONDS:
            self.store.finish(self.run_row, RunState.STOPPED)
            self.abandon()

    def check(self, progress: Progress) -> None:
        """Note where the run is; raise StopRequested or LostRun when it must end."""
        self.progress = progress
        if self.lost:
            raise LostRun(self.run_row.id)
        if self.stop_requested_at is not None:
            self.stop_obeyed = True
            raise StopRequested


def execute(
    store: Store,
    run: Run,
    listen: Listener | None = None,
    abandon: Callable[[], None] | None = None,
) -> RunState:
    """Train the claimed run to its end and record it; never raises for a run that fails.

    Does not care who called it. `abandon` ends the caller's process when a stop must not wait for
    a long step. Returns the state that the run ended in.
    """
    heartbeat = Heartbeat(store, run, abandon)
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
    """Data, network, epochs; each epoch is recorded, and the run can go on from its last step."""
    from core.data.load import load
    from core.training.allocator import memory_kept
    from core.training.fit import fit, start

    spec = run.spec
    fetch_data(spec.dataset, heartbeat, listen)
    preflight(run)
    training = start(spec, compute_plan_of(store, run))
    go_on(store, run, training)
    checkpointer = Checkpointer(store, run, training)
    with memory_kept():
        try:
            for event in fit(spec, load(spec.dataset), training):
                if isinstance(event, EpochMetrics):
                    checkpointer.keep_epoch(event)
                else:
                    checkpointer.keep_when_due()
                    heartbeat.check(event)
                listen(event)
        except StopRequested:
            checkpointer.keep_checkpoint()
            raise


class Checkpointer:
    """Writes the files of a run and tells the store, which vouches only for what is there."""

    def __init__(self, store: Store, run: Run, training: Training) -> None:
        self.store, self.run, self.training = store, run, training
        self.best = store.get(run.id).best_accuracy or -1.0
        self.due = time.monotonic() + CHECKPOINT_SECONDS

    def keep_epoch(self, metrics: EpochMetrics) -> None:
        """After an epoch: its figures, its checkpoint, and the parameters if they are the best."""
        best_file = None
        if metrics.test_accuracy > self.best:
            self.best = metrics.test_accuracy
            best_file = save_best(self.run, self.training.network, metrics.epoch)
        self.store.record(self.run, metrics, self.write(), best_file, self.training.dead)
        remove_others(self.store.get(self.run.id))

    def keep_checkpoint(self) -> None:
        """In the middle of an epoch: where it is."""
        self.store.keep_checkpoint(self.run, self.write())
        remove_others(self.store.get(self.run.id))

    def keep_when_due(self) -> None:
        """A checkpoint in the middle of a long epoch."""
        if time.monotonic() > self.due:
            self.keep_checkpoint()

    def write(self) -> StoredFile:
        """The checkpoint; the next one is due later where writing takes long."""
        began = time.monotonic()
        about = {"spec": self.run.spec.to_json()}
        file = save_checkpoint(self.run, self.training.state() | about)
        now = time.monotonic()
        self.due = now + max(CHECKPOINT_SECONDS, 20 * (now - began))
        return file


def compute_plan_of(store: Store, run: Run) -> ComputePlan:
    """Threads and memory format: those the run began with, else the best of a short trial.

    A run that goes on elsewhere gets a note, because its last digits are then no longer those of
    an unbroken one.
    """
    from core.training.compute_plan import fingerprint
    from core.training.devices import describe

    spec, here = run.spec, fingerprint(run.spec.device)
    compute_plan = run.compute_plan
    if compute_plan is None:
        compute_plan = fastest_compute_plan(store, spec)
    elif here != run.fingerprint:
        epoch = len(store.epochs([run.id])[run.id]) + 1
        store.add_note(
            run,
            f"From epoch {epoch} on it was computed elsewhere ({here}; before, {run.fingerprint}),"
            " so its last digits are not those of an unbroken run.",
        )
    store.describe(run, f"{platform.node()}: {describe(spec.device)}", here, compute_plan)
    return compute_plan


def fastest_compute_plan(store: Store, spec: RunSpec) -> ComputePlan:
    """What a trial finds; equal networks here share one, so that equal runs compute equal bits."""
    from core.data.catalogue import train_images_of
    from core.training.compute_plan import TRIAL_STEPS, choose_compute_plan, compute_plan_key

    steps = spec.recipe.epochs * -(-train_images_of(spec) // spec.recipe.batch_size)
    name = compute_plan_key(spec)
    known = store.measured(name) if steps >= TRIAL_STEPS else None
    if known:
        return ComputePlan(**known)
    compute_plan = choose_compute_plan(spec, steps)
    if steps < TRIAL_STEPS:
        return compute_plan
    return ComputePlan(**store.keep_first_measured(name, asdict(compute_plan)))


def go_on(store: Store, run: Run, training: Training) -> None:
    """Restore the checkpoint that the store vouches for; without one the run starts over."""
    try:
        state = load_checkpoint(run)
    except DamagedFile as error:
        state = None
        store.add_note(run, f"Its checkpoint {error}, so it started over.")
    if state:
        training.restore(state)
    store.forget_epochs(run, after=training.epoch)
    remove_others(store.get(run.id))


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
    if any(word in text for word in ("CUDA error", "CUDA driver", "cuDNN error", "MPS backend")):
        return (
            f"The device stopped working ({text}); continue the run once it is back, or start it"
            " on the CPU."
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
    abandon: Callable[[], None] | None = None,
    kind: Kind = Kind.ANY,
) -> int:
    """Execute queued runs for ever, or with `drain` until none is left; how many there were.

    Of this kind only.

    `when_idle` is called once, as soon as there is no run to execute.
    """
    count = 0
    end_leases_of_the_dead(store)
    while leave is None or not leave.is_set():
        try:
            run = store.claim(this_process(), kind)
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
                execute(store, run, abandon=abandon)
            except KeyboardInterrupt:
                store.release(run)
                raise
        free_memory()
        count += 1
    return count


def this_process() -> str:
    """A name for this process that no other one has, on this machine or another."""
    return f"{computer()} {os.getpid()}"


def computer() -> str:
    """This machine since it was last started; a container has process numbers of its own."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def end_leases_of_the_dead(store: Store) -> None:
    """Runs whose worker was killed on this machine need not wait until their lease runs out."""
    if os.name != "posix":
        return
    for worker in store.workers():
        where, _, number = worker.rpartition(" ")
        if where == computer() and not is_alive(int(number)):
            store.end_lease(worker)


def is_alive(process_id: int) -> bool:
    """Whether there is such a process here."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def free_memory() -> None:
    """Give back what the last run has left on an accelerator, so that the next one finds it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


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


def main(drain: bool, exit_with_parent: bool, kind: Kind = Kind.ANY) -> int:
    """`python -m core worker`."""
    store = open_store()
    if exit_with_parent:
        leave_with_parent(store)
    work(store, drain, when_idle=measure_devices, abandon=begin_anew, kind=kind)
    return 0


def begin_anew() -> None:
    """Put a fresh worker into the place of this process, whose step takes too long to end."""
    if os.name == "posix":  # standard input, and with it the tie to the parent, stays open
        os.execv(sys.executable, [sys.executable, "-m", "core", *sys.argv[1:]])
    os._exit(0)  # whoever started the worker starts another one
