"""The forward and backward pass of a batch: whole, or in parts at once, a core each.

Threads within an operation wait for each other at its end, and a small map leaves them little to
share; parts of a batch meet once a step. As DistributedDataParallel does (Li et al. 2020,
arXiv 2006.15704), between threads of one process.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Losses:
    """What a forward pass over some images comes to."""

    logits: Tensor  # (B, classes)
    plain: Tensor  # mean loss, which is recorded
    wanted: Tensor  # that with smoothed targets, which is made small


_Result = TypeVar("_Result")
LossesOf = Callable[[nn.Module, Tensor, Tensor], Losses]  # of a network, images and labels
LogitsOf = Callable[[nn.Module, Tensor], Tensor]


def _nothing() -> None:
    pass


class Passes:
    """A network takes each batch as a whole."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def backward(
        self,
        losses_of: LossesOf,
        images: Tensor,
        labels: Tensor,
        after_forward: Callable[[], None] = _nothing,
    ) -> Losses:
        """Give the network the gradients of a batch (B, C, S, S), labels (B,)."""
        losses = losses_of(self._network, images, labels)
        after_forward()
        losses.wanted.backward()
        return losses

    def logits(self, logits_of: LogitsOf, images: Tensor) -> Tensor:
        """(B, classes) of a batch (B, C, S, S)."""
        return logits_of(self._network, images)


class DividedPasses(Passes):
    """The network and replicas, which share its parameters, take a part of each batch.

    Each has gradients of its own, which are added in the order of the parts, so the same run twice
    computes the same bits. For networks that `can_be_divided` alone, with one thread an operation:
    a second one that still looks for work holds the core that another part needs.
    """

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__(network)
        self._others = [_sharing(network) for _ in range(count - 1)]
        self._threads = ThreadPoolExecutor(count - 1, initializer=_one_thread)

    def backward(
        self,
        losses_of: LossesOf,
        images: Tensor,
        labels: Tensor,
        after_forward: Callable[[], None] = _nothing,
    ) -> Losses:
        """Give the network the gradients of the whole batch."""

        def of_a_part(network: nn.Module, images: Tensor, own: Tensor) -> tuple[float, Losses]:
            losses, share = losses_of(network, images, own), len(own) / len(labels)
            if network is self._network:
                after_forward()
            (share * losses.wanted).backward()
            return share, losses

        parts = self._at_once(of_a_part, images, labels)
        self._add_gradients()
        with torch.no_grad():
            return Losses(
                torch.cat([losses.logits for _share, losses in parts]),
                torch.stack([share * losses.plain for share, losses in parts]).sum(),
                torch.stack([share * losses.wanted for share, losses in parts]).sum(),
            )

    def logits(self, logits_of: LogitsOf, images: Tensor) -> Tensor:
        """Of all parts, in their order."""
        return torch.cat(self._at_once(logits_of, images))

    def _at_once(self, work: Callable[..., _Result], *batch: Tensor) -> list[_Result]:
        """The work on each part: the first on this thread with the network, others on theirs."""
        for other in self._others:
            if other.training is not self._network.training:
                other.train(self._network.training)
        # A last batch may have fewer images than there are networks
        first, *rest = zip(*(one.chunk(1 + len(self._others)) for one in batch), strict=True)
        begun = [
            self._threads.submit(work, other, *part)
            for other, part in zip(self._others, rest, strict=False)
        ]
        return [work(self._network, *first), *(one.result() for one in begun)]

    def _add_gradients(self) -> None:
        networks = (self._network, *self._others)
        for whole, *others in zip(*(one.parameters() for one in networks), strict=True):
            for other in others:
                if other.grad is not None:
                    whole.grad = other.grad if whole.grad is None else whole.grad.add_(other.grad)
                    other.grad = None


def passes_of(network: nn.Module, replicas: int) -> Passes:
    """By so many networks at once, as a ComputePlan has it."""
    return DividedPasses(network, replicas) if replicas > 1 else Passes(network)


def _sharing(network: nn.Module) -> nn.Module:
    """A copy whose parameters are those of `network` in memory."""
    own = {id(one): nn.Parameter(one.detach(), one.requires_grad) for one in network.parameters()}
    return deepcopy(network, own)


def _one_thread() -> None:
    torch.set_num_threads(1)


def can_be_divided(network: nn.Module) -> bool:
    """Whether, in training, the logits of an image depend on nothing but it and the parameters.

    Known of the lab's own networks and of PyTorch's layers, unless they have BatchNorm, whose
    statistics are those of a batch; dropout, whose random numbers parts would draw in any order; or
    buffers, which replicas do not share. What else a forward pass of somebody's own does (noise,
    gates, hooks, parameters that it makes anew) nobody sees from outside: it gets whole batches.
    """
    has_buffers = next(network.buffers(), None) is not None
    if has_buffers or not all(map(_treats_each_image_alone, network.modules())):
        return False
    if any(one._backward_hooks or one._post_accumulate_grad_hooks for one in network.parameters()):
        return False
    try:
        _sharing(network)
    except Exception:  # somebody may have given it what cannot be copied
        return False
    return True


_EACH_IMAGE_ALONE = {
    *(nn.Sequential, nn.Identity, nn.Conv2d, nn.Linear, nn.Flatten),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d),
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish),
    *(nn.Sigmoid, nn.Tanh, nn.Softplus, nn.LocalResponseNorm, nn.GroupNorm, nn.LayerNorm),
}


def _treats_each_image_alone(module: nn.Module) -> bool:
    """By its kind, if nobody has replaced its forward pass or listens to it."""
    if isinstance(module, nn.Flatten) and module.start_dim < 1:
        return False
    kind = type(module)
    is_known = kind in _EACH_IMAGE_ALONE or kind.__module__.startswith("core.zoo.networks.")
    is_changed = any(
        name == "forward" or (name.endswith("_hooks") and value)
        for name, value in vars(module).items()
    )
    return is_known and not is_changed
