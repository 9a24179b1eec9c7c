"""Stochastic gradient descent, computed by torch.optim.sgd's fused kernels.

torch.optim.SGD computes the same, but its class imports torch's compiler, which takes seconds: the
first step of every worker would wait for it. States are exchanged with that class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from core.specs import Recipe


class SGD:
    """Parameters, their momentum, and the learning rate of the next step."""

    def __init__(self, parameters: Iterable[nn.Parameter], recipe: Recipe) -> None:
        self.parameters = list(parameters)
        self.momenta: list[Tensor | None] = [None] * len(self.parameters)
        self._learning_rate = recipe.learning_rate
        self._rate_on_device: Tensor | None = None
        self._momentum = recipe.momentum
        self._nesterov = recipe.nesterov
        self._weight_decay = recipe.weight_decay
        self._fused = {parameter.device.type for parameter in self.parameters} <= {"cpu", "cuda"}

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if self._rate_on_device is not None and rate != self._learning_rate:
            self._rate_on_device.fill_(rate)
        self._learning_rate = rate

    def keep_rate_on_device(self) -> None:
        """From now on steps read the rate from a tensor, which a captured step finds changed."""
        device = self.parameters[0].device
        self._rate_on_device = torch.tensor(self._learning_rate, device=device)

    @property
    def _rate(self) -> float | Tensor:
        """The learning rate, where a captured step finds it changed if one is captured."""
        return self._learning_rate if self._rate_on_device is None else self._rate_on_device

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self._move(range(len(self.parameters)))

    def _move(self, indices: Iterable[int]) -> None:
        """Move those of these parameters that have a gradient.

        The fused kernel takes parameters that all have momentum or all have none yet, as one has
        whose first gradient comes later than others; and no complex numbers.
        """
        groups: dict[tuple[bool, bool], list[int]] = {}
        for index in indices:
            parameter = self.parameters[index]
            if parameter.grad is not None:
                if parameter.grad.is_sparse:  # of an embedding that asked for it
                    parameter.grad = parameter.grad.to_dense()
                is_first = self.momenta[index] is None
                is_fused = self._fused and not parameter.is_complex()
                groups.setdefault((is_first, is_fused), []).append(index)
        for (_is_first, is_fused), moved in groups.items():
            self._move_alike(moved, is_fused)

    def _move_alike(self, moved: list[int], is_fused: bool) -> None:
        momenta = [self.momenta[index] for index in moved]
        sgd(
            [self.parameters[index] for index in moved],
            [grad for index in moved if (grad := self.parameters[index].grad) is not None],
            momenta,
            foreach=False,
            fused=is_fused,
            lr=self._rate,
            momentum=self._momentum,
            nesterov=self._nesterov,
            weight_decay=self._weight_decay,
            dampening=0.0,
            maximize=False,
        )
        if self._momentum:
            for index, momentum in zip(moved, momenta, strict=True):
                self.momenta[index] = momentum

    def zero_grad(self) -> None:
        """Forget all gradients, which frees memory that the next forward pass needs."""
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Momentum and rate as torch.optim.SGD writes them, with what it asks for on loading."""
        group = {
            "lr": self.learning_rate,
            "momentum": self._momentum,
            "nesterov": self._nesterov,
            "weight_decay": self._weight_decay,
            "dampening": 0.0,
            "maximize": False,
            "foreach": None,
            "differentiable": False,
            "fused": self._fused,
            "params": list(range(len(self.parameters))),
        }
        state = {
            index: {"momentum_buffer": momentum}
            for index, momentum in enumerate(self.momenta)
            if momentum is not None
        }
        return {"state": state, "param_groups": [group]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict`, or torch.optim.SGD's, returned."""
        self.learning_rate = state["param_groups"][0]["lr"]
        for index, parameter in enumerate(self.parameters):
            momentum = state["state"].get(index, {}).get("momentum_buffer")
            self.momenta[index] = None if momentum is None else momentum.to(parameter.device)
