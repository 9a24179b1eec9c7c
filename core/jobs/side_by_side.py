"""Several runs of one worker on one CUDA device: each on a stream of its own, a step each in turn.

A small network leaves most of a large device idle, however fast its steps are launched. How many
runs are worthwhile is tried while they train: four times as many, as long as that pays.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field

from core.analysis import analyze
from core.data.load import Dataset, load
from core.jobs.execution import execute_in_steps
from core.jobs.records import Run
from core.jobs.store import Store, Worker
from core.jobs.train import Shared
from core.measure.requests import RunsAtOnceRequest
from core.specs import LabError, RunSpec
from core.training.device_stream import DeviceStream
from core.training.devices import (
    available_bytes,
    available_devices,
    describe,
    find_device,
    synchronize,
)
from core.training.estimate import needed_bytes
from core.training.records import EpochMetrics, Progress

MOST_AT_ONCE = 32  # PyTorch has as many streams; the next run would wait for the first
_MORE = 4  # times as many runs are tried
_PAYS = 1.1  # they are worth it where they train so many times as fast together
_TRIES = 2  # of which the better counts: epochs that end, and files, come in between
_SETTLED_STEPS = 64  # of a run, after which its steps are captured
_TRIAL_SECONDS = 0.25
_STEPS_IN_A_TURN = 8  # changing the stream takes as long as launching a step
_ASK_SECONDS = 0.5  # between two looks into a queue that had nothing
_RESERVE = 2.0  # times the memory that a run needs must be free when it joins


def is_shared(spec: RunSpec) -> bool:
    """Whether runs on this device go side by side."""
    return spec.is_on_cuda and spec.device in available_devices()


@dataclass
class Trial:
    """How many runs at once are worthwhile: four times as many, until that no longer pays."""

    wanted: int = 1
    is_over: bool = False
    gain: float = field(default=1.0, compare=False)  # of so many, in images a second, over one
    _rates: list[float] = field(default_factory=list, compare=False)  # images a second with so many
    _before: tuple[int, float] = field(
        default=(1, 0.0), compare=False
    )  # how many were tried last, and their rate
    _alone: float = field(default=0.0, compare=False)  # the rate of one

    def note(self, runs: int, rate: float) -> None:
        """`runs` at once train `rate` images a second together; the best of some tries counts."""
        if self.is_over or runs < self.wanted:  # the queue had no more
            return
        self._rates.append(rate)
        if len(self._rates) < _TRIES:
            return
        best = max(self._rates)
        self._rates.clear()
        self._alone = self._alone or best
        fewer, their_rate = self._before
        if best < _PAYS * their_rate:
            self.wanted, self.is_over = fewer, True
            self.gain = their_rate / self._alone
            return
        self.gain = best / self._alone
        if runs >= MOST_AT_ONCE:
            self.is_over = True
        else:
            self.wanted, self._before = min(MOST_AT_ONCE, _MORE * runs), (runs, best)


@dataclass(eq=False)
class _Member:
    """A run that takes its turns, and the stream that it is computed on."""

    run: Run
    stream: DeviceStream
    steps: int = field(default=0, init=False)  # of training, so far

    def begin(self, store: Store, shared: Shared) -> None:
        """Be ready for the first turn."""
        self._execution = execute_in_steps(store, self.run, self._listen, shared=shared)

    def _listen(self, event: Progress | EpochMetrics) -> None:
        self.steps += isinstance(event, Progress) and event.phase == "training"

    @property
    def images(self) -> int:
        """Trained on so far."""
        return self.steps * self.run.spec.recipe.batch_size

    def take_turn(self) -> bool:
        """A few steps; False where the run is over."""
        with self.stream:
            return all(next(self._execution, self) is None for _ in range(_STEPS_IN_A_TURN))

    def leave(self) -> None:
        """Take no more turns, even though the run is not over."""
        with self.stream:
            self._execution.close()


class SharedDevice:
    """The runs of one worker that are computed side by side."""

    def __init__(self, store: Store, first: Run, worker: Worker) -> None:
        self.store, self.first, self.worker = store, first.spec, worker
        self.device = find_device(first.spec.device)
        self.data: Dataset | None = None
        self.members: list[_Member] = []
        self.idle_streams: list[DeviceStream] = []
        self.request = RunsAtOnceRequest(first.spec, hardware=describe(first.spec.device))
        self.trial = self._known_trial()
        self.ask_at = 0.0  # when to look into the queue again
        self._add(first)

    def execute(self) -> int:
        """Take turns until all runs are over, and those of the queue that suit; how many."""
        count = 0
        try:
            self._fill()
            while self.members:
                count += self._take_turns()
                self._fill()
        finally:  # somebody ends this process
            for member in self.members:
                member.leave()
                with suppress(LabError):  # then its lease runs out
                    self.store.release(member.run)
        return count

    def _known_trial(self) -> Trial:
        """What an earlier worker has found, else a new one."""
        with suppress(LabError):  # the store cannot be read just now
            if known := self.store.result_of(self.request):
                return Trial(known["runs"], is_over=True, gain=known["gain"])
        return Trial()

    def _take_turns(self) -> int:
        """Turns for a quarter of a second, or until some run is over; how many are."""
        is_settled = all(member.steps >= _SETTLED_STEPS for member in self.members)
        before, began = self._images(), time.perf_counter()
        seconds = 0.0
        while seconds < _TRIAL_SECONDS:
            over = [member for member in self.members if not member.take_turn()]
            if over:
                self.members[:] = [member for member in self.members if member not in over]
                self.idle_streams += [member.stream for member in over]
                return len(over)
            seconds = time.perf_counter() - began
        if is_settled:
            self._note((self._images() - before) / seconds)
        return 0

    def _images(self) -> int:
        return sum(member.images for member in self.members)

    def _note(self, rate: float) -> None:
        """The members train `rate` images a second together."""
        if not self.trial.is_over:
            self.trial.note(len(self.members), rate)
            if self.trial.is_over:
                with suppress(LabError):  # the next worker tries again
                    found = {"runs": self.trial.wanted, "gain": self.trial.gain}
                    self.store.keep_result(self.request, found, replace=True)

    def _fill(self) -> None:
        """Let as many runs join as are worthwhile, wait in the queue, suit and fit."""
        while len(self.members) < self.trial.wanted and time.monotonic() >= self.ask_at:
            run = self._claim()
            if run is None:
                self.ask_at = time.monotonic() + _ASK_SECONDS
            else:
                self._add(run)

    def _claim(self) -> Run | None:
        """The next of the queue, if it suits: nobody is passed over."""
        queue_filter, devices = self.worker.queue_filter, self.worker.devices
        with suppress(LabError):
            for job in self.store.waiting(queue_filter, 1, devices):
                if isinstance(job, Run) and self._suits(job.spec):
                    run = self.store.claim(self.worker.process, queue_filter, job.id)
                    return run if isinstance(run, Run) else None
        return None

    def _suits(self, spec: RunSpec) -> bool:
        """Whether a run computes as the first does on the same device, and has room there."""
        if _shared_by(spec) != _shared_by(self.first):
            return False
        free = available_bytes(self.device)
        return free is None or _RESERVE * needed_bytes(spec, analyze(spec.model)) < free

    def _add(self, run: Run) -> None:
        streams = self.idle_streams or [DeviceStream(self.device)]
        member = _Member(run, streams.pop())
        member.begin(self.store, Shared(lambda: len(self.members) - 1, self._load))
        self.members.append(member)

    def _load(self, name: str) -> Dataset:
        """The data set in the memory of the device, once for all members."""
        if self.data is None:
            self.data = load(name).to(self.device)
            synchronize(self.device)  # other streams read it too
        return self.data


def _shared_by(spec: RunSpec) -> tuple[object, ...]:
    """What runs have in common that share a process: the device, its kernels, the images there."""
    return spec.device, spec.deterministic, spec.dataset, spec.train_images
