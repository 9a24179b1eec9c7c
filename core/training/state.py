"""What a run is between two steps: its network, its optimizer, the sums of the epoch under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from core.training.passes import Passes, passes_of
from core.training.records import PHASES
from core.training.sgd import SGD
from core.training.step_series import StepSeries


@dataclass
class EpochSums:
    """Sums of an epoch, kept on the device until the epoch is over."""

    device: torch.device
    seconds: float = 0.0
    images: int = 0
    phases: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    gradients: Tensor | None = None  # (silent parameters,): sums of their gradients' norms
    loss: Tensor = field(init=False)
    correct: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.loss = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), device=self.device)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add one batch: its mean loss, logits (B, classes) and labels (B,)."""
        self.images += len(labels)
        self.loss += loss.detach() * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum()

    def add_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Add the norm of each parameter's gradient, 0 where there is none."""
        none = torch.zeros((), device=self.device)
        norms = [none if p.grad is None else torch.linalg.vector_norm(p.grad) for p in parameters]
        if self.gradients is None:
            self.gradients = torch.stack(norms)
        else:
            self.gradients += torch.stack(norms)

    def charge(self, phase: str, seconds: float) -> None:
        """Add time that was spent outside of the steps."""
        self.phases[phase] += seconds
        self.seconds += seconds

    def begin_anew(self) -> None:
        """The sums of another epoch; the tensors stay, because a captured step adds to them."""
        self.seconds, self.images, self.phases = 0.0, 0, dict.fromkeys(PHASES, 0.0)
        self.loss.zero_()
        self.correct.zero_()

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy; waits for the device."""
        loss, correct = self.totals()
        return loss / self.images, correct / self.images

    def totals(self) -> tuple[float, float]:
        """Sum of the losses, and how many were right; waits for the device."""
        return self.loss.item(), self.correct.item()

    def state(self) -> dict[str, Any]:
        """Everything, ready to be saved."""
        return {name: value for name, value in vars(self).items() if name != "device"}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        vars(self).update(state, phases=dict.fromkeys(PHASES, 0.0) | state["phases"])
        self.loss, self.correct = self.loss.to(self.device), self.correct.to(self.device)
        if self.gradients is not None:
            self.gradients = self.gradients.to(self.device)


@dataclass
class Training:
    """A network and its optimizer between two steps."""

    network: nn.Module
    optimizer: SGD
    device: torch.device
    sums: EpochSums  # of the epoch under way
    epoch: int = 0  # epochs finished
    step: int = 0  # steps done of the epoch under way
    dead: dict[str, int] | None = None  # never got a gradient in a whole epoch: name → how many
    silent: dict[str, nn.Parameter] = field(init=False)  # have not got a gradient yet
    bfloat16: bool = False  # of the forward pass, by autocast
    replicas: int = 1  # that take a part of a batch each
    passes: Passes = field(init=False)
    captured: bool = False  # full batches are replayed; see core.training.captured
    is_captured: bool = False  # they already are
    capture_error: str = ""  # why they, or evaluations, are not where they should have been
    graph_memory: Any = field(init=False, default=None)  # of all its graphs
    takes_turns: bool = False  # with other runs: the time between two steps is then its own too
    series: StepSeries = field(default_factory=StepSeries)  # what its steps have come to

    def __post_init__(self) -> None:
        self.silent = dict(self.network.named_parameters())
        self.passes = passes_of(self.network, self.replicas)
        if self.captured and self.device.type == "cuda":
            self.graph_memory = torch.cuda.graph_pool_handle()

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "sums": self.sums.state(),
            "dead": self.dead,
            "silent": list(self.silent),
            "series": self.series.to_json(),
            "network": self.network.state_dict(),
            "optimiser": self.optimizer.state_dict(),  # as older checkpoints spell it
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimiser"])
        self.sums.restore(state["sums"])
        self.epoch, self.step, self.dead = state["epoch"], state["step"], state["dead"]
        self._restore_silent(state)
        if "series" in state:
            self.series = StepSeries.from_json(state["series"])

    def _restore_silent(self, state: dict[str, Any]) -> None:
        """Which parameters have had no gradient; older labs noted it once an epoch."""
        named = dict(self.network.named_parameters())
        names = state.get("silent", named if self.dead is None else self.dead)
        self.silent = {name: named[name] for name in names}
        if "silent" not in state:
            self.sums.gradients = None

    def next_epoch(self) -> None:
        """The epoch under way is finished."""
        self.forget_those_with_gradient()
        self.dead = {name: p.numel() for name, p in self._without_gradient().items()}
        self.epoch, self.step = self.epoch + 1, 0
        self.sums.begin_anew()

    def look_for_gradients(self) -> None:
        """After a backward pass: which parameters have still not got one, in no step so far.

        After few steps nearly all have; only the others are looked at in every further step. A
        device is waited for after 1, 2, 4, 8 and so on steps of an epoch.
        """
        if not self.silent:
            return
        self.sums.add_gradients(list(self.silent.values()))
        if self.is_captured:  # nothing may wait for the device
            return
        steps = self.step + 1
        if steps & (steps - 1) == 0:
            self.forget_those_with_gradient()

    def forget_those_with_gradient(self) -> None:
        """Keep the parameters whose gradient was absent or zero in every step so far.

        A captured step goes on adding to the same sums, of the same parameters.
        """
        if not self.is_captured:
            self.silent, self.sums.gradients = self._without_gradient(), None

    def _without_gradient(self) -> dict[str, nn.Parameter]:
        """Those whose gradient was absent or zero in every step so far; waits for the device."""
        if self.sums.gradients is None:
            return self.silent
        norms = zip(self.silent.items(), self.sums.gradients.tolist(), strict=True)
        return {name: parameter for (name, parameter), norm in norms if norm == 0}
