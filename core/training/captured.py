"""A step captured once as a CUDA graph, then replayed: one launch in place of hundreds.

The steps of a small network are bound by launches: on an H200 the course nets keep the card busy
for 15 % of the time. Replayed they train six to eight times as fast, to the same bits: the kernels,
their order and their numbers stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.data.batches import Images
from core.specs import RunSpec, first_line
from core.training.host_state import host_state
from core.training.state import EpochSums, Training
from core.training.step import PhaseClock, evaluation_step, train_step

_WARM_UP = 5  # plain steps, after which kernels are chosen and buffers are there
_PATIENCE = 32  # plain steps, after which it is captured although some parameter has no gradient
_IN_PYTHON = "its forward pass draws or counts something in Python, which a replay does not"
_AHEAD = 16  # replays after which those before them are awaited: no progress runs far ahead


class _Captured:
    """Full batches of some images, one after the other, each by a replay of the same step."""

    def __init__(self, training: Training, images: Images, batch_size: int) -> None:
        self.training, self.images, self.batch_size = training, images, batch_size
        device = training.device
        self.first = torch.zeros((), dtype=torch.int64, device=device)  # of the next batch
        self.places = torch.arange(batch_size, device=device)
        self.next_step: int | None = None  # the one whose batch begins at `first`
        self.replay: Callable[[], None] | None = None
        self.awaited: torch.cuda.Event | None = None  # when the device had come so far
        self.seen = 0  # plain steps
        self.host_state: tuple[object, ...] = ()  # before the first of them
        self.replays = 0

    def is_full(self, step: int) -> bool:
        """Whether there are images for the whole batch of this step."""
        return (step + 1) * self.batch_size <= len(self.images.labels)

    def places_of_batch(self) -> Tensor:
        """Where its images stand in their order, (B,); the next batch begins behind them."""
        places = self.first + self.places
        self.first += self.batch_size
        return places

    def see_plain_step(self) -> None:
        """One more is about to be computed."""
        if not self.seen:
            self.host_state = host_state(self.training.network, self.training.device)
        self.seen += 1

    def replay_step(self, step: int, sums: EpochSums) -> None:
        """Compute the batch of this step; what no graph adds to `sums` is added here."""
        assert self.replay is not None
        images = sums.images
        if step != self.next_step:
            self.first.fill_(step * self.batch_size)
        self.replay()
        self.next_step = step + 1
        self.replays += 1
        if self.replays % _AHEAD == 0:
            self._await_earlier_replays()
        sums.images = images + self.batch_size

    def capture(self, step: Callable[[], None], sums: EpochSums) -> str:
        """From now on this step is replayed; else why it cannot be. Computes nothing."""
        if host_state(self.training.network, self.training.device) != self.host_state:
            return _IN_PYTHON
        images = sums.images
        try:
            self.replay = capture(step, self.training.graph_memory)
        except RuntimeError as error:  # it waits for the device, or asks the host for something
            return first_line(error)
        finally:
            sums.images = images
        return ""

    def _await_earlier_replays(self) -> None:
        """Let the device fall behind by so many replays and no more, but never run out of them."""
        if self.training.device.type == "cuda":
            if self.awaited is not None:
                self.awaited.synchronize()
            self.awaited = torch.cuda.Event()
            self.awaited.record()


class CapturedSteps(_Captured):
    """The steps of one run over full batches; the first few, and smaller batches, stay plain."""

    def __init__(self, spec: RunSpec, training: Training, train: Images) -> None:
        super().__init__(training, train, spec.recipe.batch_size)
        self.spec = spec
        self.order = torch.zeros(len(train.labels), dtype=torch.int64, device=training.device)

    def begin_epoch(self, order: Tensor) -> None:
        """Images are now taken in this order (N,)."""
        self.order.copy_(order)
        self.next_step = None

    def take(self, step: int) -> bool:
        """Train on the batch of this step by a replay; False where it must be a plain step."""
        training = self.training
        if not training.captured or not self.is_full(step):
            return False
        if self.replay is None:
            self.see_plain_step()
            has_all = self.seen > _WARM_UP and not training.silent
            if not has_all and self.seen <= _PATIENCE:
                return False
            self._begin()
        if self.replay is None:
            return False
        self.replay_step(step, training.sums)
        return True

    def _begin(self) -> None:
        """Plain steps go on where the network cannot be captured."""
        training = self.training
        training.optimizer.keep_rate_on_device()
        if training.silent and training.sums.gradients is None:
            training.sums.gradients = torch.zeros(len(training.silent), device=training.device)
        training.is_captured = True
        if error := self.capture(self._step, training.sums):
            training.captured = training.is_captured = False
            training.capture_error = error
            training.optimizer.zero_grad()

    def _step(self) -> None:
        images, labels = self.images.batch(self.order[self.places_of_batch()])
        train_step(self.spec, self.training, images, labels, PhaseClock(self.training.sums, 0))


class CapturedEvaluation(_Captured):
    """Evaluations of one run over full batches; the very first, and smaller ones, stay plain."""

    def __init__(self, training: Training, test: Images, batch_size: int, sums: EpochSums) -> None:
        super().__init__(training, test, batch_size)
        self.sums = sums
        self.can_be = True

    def take(self, step: int) -> bool:
        """Evaluate the batch of this step by a replay; False where it must be done plainly."""
        if not (self.training.captured and self.can_be and self.is_full(step)):
            return False
        if self.replay is None:
            self.see_plain_step()
            if self.seen == 1:
                return False
            if error := self.capture(self._step, self.sums):
                self.can_be, self.training.capture_error = False, error
                return False
        self.replay_step(step, self.sums)
        return True

    def _step(self) -> None:
        images, labels = self.images.batch(self.places_of_batch())
        evaluation_step(self.training, images, labels, self.sums)


def capture(step: Callable[[], None], memory: Any = None) -> Callable[[], None]:
    """What repeats `step`, which reads and writes the same tensors each time. Runs nothing yet.

    Graphs may share `memory`, a handle of torch.cuda.graph_pool_handle, where none is replayed
    while another goes on and none leaves anything behind in it. Other runs may be under way on
    streams of their own. Raises RuntimeError where the step waits for the device.
    """
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    own = None if stream == torch.cuda.default_stream() else stream  # which captures nothing
    with torch.cuda.graph(graph, memory, stream=own, capture_error_mode="thread_local"):
        step()
    return graph.replay
