"""Executing a run: data, network, epochs; each epoch is recorded, and the run can go on."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from core.analysis import analyze
from core.data import download, is_available
from core.data.catalogue import train_images_of
from core.data.load import Dataset, load
from core.jobs.files import (
    DamagedFile,
    load_checkpoint,
    remove_others,
    save_best,
    save_checkpoint,
)
from core.jobs.heartbeat import Heartbeat, StopRequested
from core.jobs.keep_trail import TrailKeeper
from core.jobs.records import Run, StoredFile
from core.jobs.store import Store
from core.language import N_, Message, lazy
from core.measure.requests import ComputePlanRequest
from core.specs import RunSpec
from core.training import compute_plan as compute_plans
from core.training import fit as training_loop
from core.training.allocator import memory_kept
from core.training.devices import available_bytes, find_device
from core.training.estimate import check_feasible
from core.training.records import ComputePlan, EpochMetrics, Progress
from core.training.state import Training

_CHECKPOINT_SECONDS = 60.0  # of training that a crash loses at most

Listener = Callable[[Progress | EpochMetrics], None]


@dataclass(frozen=True)
class Shared:
    """What a run shares with others that take turns with it on one device."""

    companions: Callable[[], int] = lambda: 0  # how many others there are just now
    load: Callable[[str], Dataset] = load  # a data set, by its name


def train(
    store: Store, run: Run, heartbeat: Heartbeat, listen: Listener, shared: Shared
) -> Iterator[None]:
    """Train the run to its end, a step each time that the caller asks for one.

    Raises LabError, StopRequested, LostJob.
    """
    spec = run.spec
    _fetch_data(spec.dataset, heartbeat, listen)
    _check_feasible(run)
    training = training_loop.start(spec, _compute_plan_of(store, run, heartbeat))
    _go_on(store, run, training, heartbeat)
    heartbeat.series = training.series
    is_told = False  # that others were there
    checkpointer = Checkpointer(store, run, training, heartbeat)
    data = shared.load(spec.dataset)
    with memory_kept():
        trail = TrailKeeper(run, training, data, lambda why: _note_once(store, run, why))
        try:
            for event in training_loop.fit(spec, data, training):
                if isinstance(event, EpochMetrics):
                    trail.keep()  # before the epoch is recorded, and counts from then on
                    checkpointer.keep_epoch(event)
                    _tell_plain_steps(store, run, training)
                    is_told = is_told or _tell_companions(store, run, training)
                else:
                    heartbeat.series = training.series
                    training.takes_turns = training.takes_turns or shared.companions() > 0
                    checkpointer.keep_when_due()
                    heartbeat.check(event)
                listen(event)
                yield
        except StopRequested:
            checkpointer.keep_checkpoint()
            raise


def _tell_plain_steps(store: Store, run: Run, training: Training) -> None:
    """Once: why the steps of this network, or its evaluations alone, cannot be captured."""
    if training.capture_error:
        template = N_(
            "Its steps cannot be captured as a CUDA graph, so each of their operations is launched"
            " on its own ({error})."
        )
        if training.captured:
            template = N_(
                "Its evaluations cannot be captured as a CUDA graph, as its training steps are"
                " ({error})."
            )
        _note_once(store, run, lazy(template, error=training.capture_error))
        training.capture_error = ""


def _tell_companions(store: Store, run: Run, training: Training) -> bool:
    """That the run's seconds are not its own; whether it was said."""
    if training.takes_turns:
        _note_once(
            store,
            run,
            lazy(
                "Other runs were computed on the same device at the same time, so each of its"
                " epochs took longer than it would have taken alone."
            ),
        )
    return training.takes_turns


def _note_once(store: Store, run: Run, sentence: Message) -> None:
    """Add the sentence, unless an earlier attempt did."""
    if str(sentence) not in run.note:
        store.add_note(run, sentence)


class Checkpointer:
    """Writes the files of a run and tells the store, which vouches only for what is there.

    Where the disk or the store cannot take it, the run waits.
    """

    def __init__(self, store: Store, run: Run, training: Training, heartbeat: Heartbeat) -> None:
        self.store, self.run, self.training, self.heartbeat = store, run, training, heartbeat
        self.best = heartbeat.patiently(lambda: store.get(run.id)).best_accuracy or -1.0
        self.due = time.monotonic() + _CHECKPOINT_SECONDS

    def keep_epoch(self, metrics: EpochMetrics) -> None:
        """After an epoch: its figures, its checkpoint, and the parameters if they are the best."""
        patiently, best_file = self.heartbeat.patiently, None
        if metrics.test_accuracy > self.best:
            self.best = metrics.test_accuracy
            best_file = patiently(lambda: save_best(self.run, self.training.network, metrics.epoch))
        checkpoint = self._write()
        dead = self.training.dead
        patiently(lambda: self.store.record(self.run, metrics, checkpoint, best_file, dead))
        self._remove_others()

    def keep_checkpoint(self) -> None:
        """In the middle of an epoch: where it is."""
        checkpoint = self._write()
        self.heartbeat.patiently(lambda: self.store.keep_checkpoint(self.run, checkpoint))
        self._remove_others()

    def keep_when_due(self) -> None:
        """A checkpoint in the middle of a long epoch."""
        if time.monotonic() > self.due:
            self.keep_checkpoint()

    def _write(self) -> StoredFile:
        """The checkpoint; the next one is due later where writing takes long."""
        began = time.monotonic()
        state = self.training.state() | {"spec": self.run.spec.to_json()}
        file = self.heartbeat.patiently(lambda: save_checkpoint(self.run, state))
        now = time.monotonic()
        self.due = now + max(_CHECKPOINT_SECONDS, 20 * (now - began))
        return file

    def _remove_others(self) -> None:
        files = self.heartbeat.patiently(lambda: self.store.get(self.run.id))
        if files.attempt == self.run.attempt:
            remove_others(files)


def _compute_plan_of(store: Store, run: Run, heartbeat: Heartbeat) -> ComputePlan:
    """Threads and memory format: those the run began with, else the best of a short trial.

    A run that goes on elsewhere gets a note, because its last digits are then no longer those of
    an unbroken one.
    """
    spec, here = run.spec, compute_plans.fingerprint(run.spec.device)
    plan = run.compute_plan
    if plan is None:
        bfloat16 = _format_of_study(store, run, heartbeat)
        plan = _fastest_compute_plan(store, spec, heartbeat, bfloat16)
    elif not run.fingerprint.endswith(here):  # older labs began it with the name of the host
        epoch = len(heartbeat.patiently(lambda: store.epochs([run.id]))[run.id]) + 1
        store.add_note(
            run,
            lazy(
                "From epoch {epoch} on it was computed elsewhere ({here}; before, {before}), so its"
                " last digits are not those of an unbroken run.",
                epoch=epoch,
                here=here,
                before=run.fingerprint,
            ),
        )
    machine = f"{platform.node()}: {compute_plans.in_words(spec, plan)}"
    chosen = plan
    heartbeat.patiently(lambda: store.describe(run, machine, here, chosen))
    return plan


def _format_of_study(store: Store, run: Run, heartbeat: Heartbeat) -> bool | None:
    """Whether the first run of its study computes in bfloat16 here; None of the first one, and of
    a run alone.

    So variants differ in what is compared, and not in the number format that was faster for each.
    """
    if run.study is None or run.spec.device != "cpu":  # elsewhere the recipe decides
        return None
    first = min(heartbeat.patiently(lambda: store.runs(study=run.study)), key=lambda run: run.id)
    if first.spec.model == run.spec.model:
        return None
    return _fastest_compute_plan(store, first.spec, heartbeat).bfloat16


def _fastest_compute_plan(
    store: Store, spec: RunSpec, heartbeat: Heartbeat, bfloat16: bool | None = None
) -> ComputePlan:
    """What a trial finds; equal networks here share one, so that equal runs compute equal bits."""
    steps = spec.recipe.epochs * -(-train_images_of(spec) // spec.recipe.batch_size)
    if steps < compute_plans.TRIAL_STEPS:
        return compute_plans.choose_compute_plan(spec, steps, bfloat16)
    for wanted in dict.fromkeys((None, bfloat16)):
        request = ComputePlanRequest(compute_plans.compute_plan_key(spec, wanted))
        known = heartbeat.patiently(partial(store.result_of, request))
        if known and bfloat16 in (None, ComputePlan(**known).bfloat16):
            return ComputePlan(**known)
    plan = compute_plans.choose_compute_plan(spec, steps, bfloat16)
    return ComputePlan(**heartbeat.patiently(lambda: store.keep_result(request, vars(plan))))


def _go_on(store: Store, run: Run, training: Training, heartbeat: Heartbeat) -> None:
    """Restore the checkpoint that the store vouches for; without one the run starts over."""
    try:
        state = heartbeat.patiently(lambda: load_checkpoint(run))
    except DamagedFile as error:
        state = None
        reason = lazy("{error}, so it started over.", error=error)
        store.add_note(run, reason)
    if state:
        training.restore(state)
    heartbeat.patiently(lambda: store.forget_epochs(run, after=training.epoch))
    remove_others(heartbeat.patiently(lambda: store.get(run.id)))


def _check_feasible(run: Run) -> None:
    """Raise LabError when there is nothing to train, or no room for it in the device's memory."""
    free = available_bytes(find_device(run.spec.device))
    check_feasible(run.spec, analyze(run.spec.model), free)


def _fetch_data(name: str, heartbeat: Heartbeat, listen: Listener) -> None:
    """Download the data set where it is not here yet."""
    if is_available(name):
        return

    def tell(event: Progress) -> None:
        heartbeat.check(event)
        listen(event)

    download(
        name,
        lambda done, total: tell(Progress("downloading", 1, 1, done, total)),
        lambda _sentence: tell(Progress("waiting for a download", 1, 1, 0, 1)),
    )
