"""Muon: momentum whose steps are made orthogonal, for the weights of convolutions.

Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/. torch.optim.Muon takes matrices
only, and its class imports torch's compiler, as that of torch.optim.SGD does.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.specs import Recipe
from core.training.recipes import MUON_SHARE
from core.training.sgd import SGD

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # brings singular values to between 0.7 and 1.2
_ITERATIONS = 5


class Muon(SGD):
    """Convolutions move by orthogonal steps, all other parameters as SGD moves them."""

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        super().__init__(network.parameters(), recipe)
        wanted = {id(weight) for weight in _kernels(network)}
        self._kernels = [i for i, p in enumerate(self.parameters) if id(p) in wanted]
        self._others = [i for i, p in enumerate(self.parameters) if id(p) not in wanted]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self._move(self._others)
        for index in self._kernels:
            gradient = self.parameters[index].grad
            if gradient is not None:
                self._move_kernel(index, gradient)

    def _move_kernel(self, index: int, gradient: Tensor) -> None:
        """One weight (O, I, H, W): each of its O filters is a row of the matrix that is moved."""
        weight, momentum = self.parameters[index], self.momenta[index]
        if momentum is None:
            momentum = torch.zeros_like(weight)
        self.momenta[index] = momentum.mul_(self._momentum).add_(gradient)
        if self._nesterov:
            momentum = gradient.add(momentum, alpha=self._momentum)
        step = orthogonal(momentum.flatten(1))
        # The same change of the outputs, whether there are more of them than inputs or fewer
        longer = math.sqrt(max(1.0, step.shape[0] / step.shape[1]))
        weight.sub_(step.mul_(MUON_SHARE * longer).mul_(self._rate).view(weight.shape))


def _kernels(network: nn.Module) -> list[Tensor]:
    """The weights of convolutions whose filters see all channels.

    The filters of other groups share no inputs, so that there is nothing to be orthogonal to.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return [layer.weight for layer in layers if layer.groups == 1]


def orthogonal(matrix: Tensor) -> Tensor:
    """About U Vᵀ of the singular value decomposition U S Vᵀ of `matrix`, by Newton–Schulz.

    Fast rather than exact: a step needs no more. The iteration X ← (a + b X Xᵀ + c (X Xᵀ)²) X runs
    on X Xᵀ alone, which has as many rows as `matrix` on its shorter side. Zero stays zero.
    """
    a, b, c = _NEWTON_SCHULZ
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if is_tall else matrix
    wide = wide / (torch.linalg.vector_norm(wide) + 1e-7)
    gram, product = wide @ wide.T, None
    for _iteration in range(_ITERATIONS):
        factor = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal().add_(a)
        product = factor if product is None else factor @ product
        gram = factor @ gram @ factor
    wide = product @ wide
    return wide.T if is_tall else wide
