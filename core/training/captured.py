"""A training step captured once as a CUDA graph, then replayed: one launch in place of hundreds.

The steps of a small network are bound by launches: on an H200 the course nets keep the card busy
for 15 % of the time. Replayed they train six to eight times as fast, to the same bits: the kernels,
their order and their numbers stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from core.data.batches import Images
from core.specs import RunSpec
from core.training.state import Training
from core.training.step import PhaseClock, train_step

_WARM_UP = 5  # plain steps, after which kernels are chosen and buffers are there
_PATIENCE = 32  # plain steps, after which it is captured although some parameter has no gradient
_AHEAD = 16  # replays after which those before them are awaited: no progress runs far ahead


class CapturedSteps:
    """The steps of one run over full batches; the first few, and smaller batches, stay plain."""

    def __init__(self, spec: RunSpec, training: Training, train: Images) -> None:
        self.spec, self.training, self.train = spec, training, train
        device, self.batch_size = training.device, spec.recipe.batch_size
        self.order = torch.zeros(len(train.labels), dtype=torch.int64, device=device)
        self.first = torch.zeros((), dtype=torch.int64, device=device)  # of the next batch
        self.places = torch.arange(self.batch_size, device=device)
        self.next_step: int | None = None  # the one whose batch begins at `first`
        self.replay: Callable[[], None] | None = None
        self.awaited: torch.cuda.Event | None = None  # when the device had come so far
        self.seen = 0  # plain steps
        self.replays = 0

    def begin_epoch(self, order: Tensor) -> None:
        """Images are now taken in this order (N,)."""
        self.order.copy_(order)
        self.next_step = None

    def take(self, step: int) -> bool:
        """Train on the batch of this step by a replay; False where it must be a plain step."""
        training, sums = self.training, self.training.sums
        if not training.captured or (step + 1) * self.batch_size > len(self.order):
            return False
        images = sums.images
        if self.replay is None:
            self.seen += 1
            has_all = self.seen > _WARM_UP and not training.silent
            if not has_all and self.seen <= _PATIENCE:
                return False
            self._capture()
        if self.replay is None:
            sums.images = images  # nothing was computed
            return False
        if step != self.next_step:
            self.first.fill_(step * self.batch_size)
        self.replay()
        self.next_step = step + 1
        self.replays += 1
        if self.replays % _AHEAD == 0:
            self._await_earlier_replays()
        sums.images = images + self.batch_size
        return True

    def _capture(self) -> None:
        """From now on steps are replayed; plain ones go on where the network cannot be captured."""
        training = self.training
        training.optimizer.keep_rate_on_device()
        if training.silent and training.sums.gradients is None:
            training.sums.gradients = torch.zeros(len(training.silent), device=training.device)
        training.is_captured = True
        try:
            self.replay = capture(self._step)
        except RuntimeError as error:  # it waits for the device, or asks the host for something
            training.captured = training.is_captured = False
            training.capture_error = str(error).splitlines()[0]
            training.optimizer.zero_grad()

    def _await_earlier_replays(self) -> None:
        """Let the device fall behind by so many replays and no more, but never run out of them."""
        if self.training.device.type == "cuda":
            if self.awaited is not None:
                self.awaited.synchronize()
            self.awaited = torch.cuda.Event()
            self.awaited.record()

    def _step(self) -> None:
        images, labels = self.train.batch(self.order[self.first + self.places])
        self.first += self.batch_size
        train_step(self.spec, self.training, images, labels, PhaseClock(self.training.sums, 0))


def capture(step: Callable[[], None]) -> Callable[[], None]:
    """What repeats `step`, which reads and writes the same tensors each time. Runs nothing yet.

    Other runs may be under way on streams of their own. Raises RuntimeError where the step waits
    for the device.
    """
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    own = None if stream == torch.cuda.default_stream() else stream  # which captures nothing
    with torch.cuda.graph(graph, stream=own, capture_error_mode="thread_local"):
        step()
    return graph.replay
