"""One training step: forward, backward, optimizer; and the clock that times its phases."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.specs import LabError, RunSpec
from core.training.devices import cuda_generator, synchronize
from core.training.passes import LogitsOf, Losses, LossesOf
from core.training.state import EpochSums, Training

_TIMED_STEP = 25  # on an accelerator, where a clock must wait for the device, every 25th step


def train_step(
    spec: RunSpec, training: Training, images: Tensor, labels: Tensor, phase_clock: PhaseClock
) -> None:
    """One step on a batch (B, C, S, S) with its labels (B,)."""
    recipe = spec.recipe
    # PyTorch asks for no kept casts within a graph
    losses_of = losses_by(spec, training.bfloat16, keep_casts=not training.is_captured)
    after_forward = partial(phase_clock.end, "forward")
    losses = training.passes.backward(losses_of, images, labels, after_forward)
    training.look_for_gradients()
    phase_clock.end("backward")
    if recipe.max_gradient_norm:
        nn.utils.clip_grad_norm_(training.network.parameters(), recipe.max_gradient_norm)
    training.optimizer.step()
    training.optimizer.zero_grad()
    training.sums.add(losses.plain, losses.logits, labels)
    phase_clock.end("optimiser")


def losses_by(spec: RunSpec, bfloat16: bool, keep_casts: bool = True) -> LossesOf:
    """How the recipe of `spec` finds the losses of a network on a batch, on the batch's device."""

    def losses_of(network: nn.Module, images: Tensor, labels: Tensor) -> Losses:
        kind = images.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=bfloat16, cache_enabled=keep_casts):
            logits = _only_tensor(network(images))
            plain = F.cross_entropy(logits, labels)
            wanted = _smoothed(plain, logits, spec.recipe.label_smoothing)
        return Losses(logits, plain, wanted)

    return losses_of


def evaluation_step(training: Training, images: Tensor, labels: Tensor, sums: EpochSums) -> None:
    """Add a batch (B, C, S, S) of test images with its labels (B,) to `sums`."""
    logits_of = logits_by(training.bfloat16, keep_casts=not training.captured)
    logits = training.passes.logits(logits_of, images)
    with torch.no_grad():  # losses are float32, in whatever format the network computes
        sums.add(F.cross_entropy(logits.float(), labels), logits, labels)


def logits_by(bfloat16: bool, keep_casts: bool = True) -> LogitsOf:
    """How a network is asked for its logits (B, classes), on the device of the images."""

    def logits_of(network: nn.Module, images: Tensor) -> Tensor:
        kind = images.device.type
        casts = torch.autocast(kind, torch.bfloat16, enabled=bfloat16, cache_enabled=keep_casts)
        with torch.no_grad(), casts:
            return _only_tensor(network(images))

    return logits_of


def _only_tensor(output: Any) -> Tensor:
    """What the network gives, which is to be logits (B, classes)."""
    if not isinstance(output, Tensor):
        raise LabError(
            "This network gives {kind}, not a tensor of class scores (images, classes), so it"
            " cannot be trained here; return the scores alone.",
            kind=type(output).__name__,
        )
    return output


def _smoothed(loss: Tensor, logits: Tensor, share: float) -> Tensor:
    """The loss for targets of which a share is spread evenly over all classes.

    What is recorded stays the plain loss, which is comparable with that of the test images.
    Szegedy et al. 2016, section 7.
    """
    if not share:
        return loss
    return (1 - share) * loss - share * F.log_softmax(logits, dim=1).mean()


def seed_dropout(seed: int, epoch: int, step: int, device: torch.device) -> None:
    """Random numbers of this step, whatever was drawn before it.

    Only of the generator that draws them: torch.manual_seed notes a stack trace for every device
    that is not in use, which takes longer than a small network's layer.
    """
    value = ((seed * 1_000_003 + epoch) * 1_000_003 + step) % 2**63
    if device.type == "cuda":
        cuda_generator(device).manual_seed(value)
    elif device.type == "mps":
        torch.mps.manual_seed(value)
    else:
        torch.default_generator.manual_seed(value)


class PhaseClock:
    """Charges the time between two calls to a phase, `weight` times: for the steps not timed."""

    def __init__(self, sums: EpochSums, weight: int) -> None:
        self.sums, self.weight = sums, weight
        self.began = self.now() if weight else 0.0

    def now(self) -> float:
        """The time once the device has done what it was told."""
        synchronize(self.sums.device)
        return perf_counter()

    def end(self, phase: str) -> None:
        """What was done since the last call belongs to `phase`."""
        if self.weight:
            now = self.now()
            self.sums.phases[phase] += self.weight * (now - self.began)
            self.began = now


def timing_weight(step: int, steps: int, device: torch.device) -> int:
    """For how many steps the timing of this one stands; 0: it is not timed.

    On an accelerator a clock must wait for the device, so only the middle one of TIMED_STEP steps
    has one; on the CPU, where nothing is awaited, each step.
    """
    size = 1 if device.type == "cpu" else _TIMED_STEP
    first = step - step % size
    size = min(size, steps - first)
    return size if step == first + size // 2 else 0
