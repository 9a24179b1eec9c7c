"""Muon beside torch's own, beside closed forms, and beside SGD for all that is no convolution."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.specs import Recipe
from core.training.muon import Muon, orthogonal
from core.training.recipes import MUON_SHARE
from core.training.sgd import SGD

RECIPE = Recipe(
    "r", 1, 8, 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, optimizer="muon"
)  # fmt: skip
RATES = (0.1, 0.07, 1e-3)


class Network(nn.Module):
    """Kernels that are wide and tall matrices, a depthwise one, a linear layer, one never used."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 8, 3)
        self.tall = nn.Conv2d(8, 16, 1)
        self.depthwise = nn.Conv2d(16, 16, 3, groups=16)
        self.norm = nn.BatchNorm2d(16)
        self.linear = nn.Linear(16, 5)
        self.unused = nn.Conv2d(3, 8, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) to (N, 5)."""
        maps = self.norm(self.depthwise(F.relu(self.tall(F.relu(self.wide(images))))))
        return self.linear(maps.mean((2, 3)))


def network() -> Network:
    torch.manual_seed(0)
    return Network().to(memory_format=torch.channels_last)


def give_gradients(module: nn.Module, step: int) -> None:
    """The same to every network, whatever its parameters have become; none to what is unused."""
    generator = torch.Generator().manual_seed(step)
    for name, parameter in module.named_parameters():
        gradient = torch.randn(parameter.shape, generator=generator)
        parameter.grad = None if name.startswith("unused") else gradient


def advance(module: nn.Module, optimizer: SGD, first: int = 0) -> None:
    """A step for each rate."""
    for step, rate in enumerate(RATES, first):
        optimizer.learning_rate = rate
        give_gradients(module, step)
        optimizer.step()
    optimizer.zero_grad()


@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (24, 24), (1, 9)])
def test_a_step_keeps_its_directions_and_makes_them_equally_long(shape):
    torch.manual_seed(1)
    left, lengths, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    lengths = torch.linspace(1, 0.1, len(lengths))  # one ten times as long as another
    among_themselves = left.T @ orthogonal(left @ torch.diag(lengths) @ right) @ right.T
    lengths = among_themselves.diagonal()
    assert lengths.min() > 0.6 and lengths.max() < 1.3
    rest = among_themselves - torch.diag(lengths)
    assert rest.abs().max() < 1e-4


@pytest.mark.parametrize("shape", [(16, 144), (144, 16)])
def test_it_is_newton_and_schulz_s_iteration(shape):
    """As Jordan writes it, on the matrix itself."""
    torch.manual_seed(2)
    matrix = torch.randn(shape, dtype=torch.float64)
    iterated = matrix / matrix.norm()
    for _iteration in range(5):
        square = iterated @ iterated.T
        iterated = (
            3.4445 * iterated - 4.775 * square @ iterated + 2.0315 * square @ square @ iterated
        )
    torch.testing.assert_close(orthogonal(matrix), iterated)
    torch.testing.assert_close(orthogonal(matrix.float()).double(), iterated, atol=1e-4, rtol=0)


def test_a_step_does_not_depend_on_the_gradient_s_length_and_zero_stays_zero():
    torch.manual_seed(3)
    matrix = torch.randn(8, 27)
    torch.testing.assert_close(orthogonal(matrix), orthogonal(1000 * matrix))
    assert torch.equal(orthogonal(torch.zeros(8, 27)), torch.zeros(8, 27))


@pytest.mark.parametrize("name", ["wide", "tall"])
@pytest.mark.parametrize("nesterov", [True, False])
def test_kernels_move_as_torch_s_muon_moves_their_matrices(name, nesterov):
    """torch iterates in bfloat16, so the moves are alike to a few hundredths."""
    ours = network()
    recipe = Recipe("r", 1, 8, 0.1, momentum=0.9, nesterov=nesterov, optimizer="muon")
    optimizer = Muon(ours, recipe)
    kernel = getattr(ours, name).weight
    before = kernel.detach().flatten(1).clone()
    matrix = nn.Parameter(before.clone())
    theirs = torch.optim.Muon(
        [matrix], lr=0.1, momentum=0.9, nesterov=nesterov, weight_decay=0.0
    )  # fmt: skip
    for step, rate in enumerate(RATES):
        optimizer.learning_rate = rate
        theirs.param_groups[0]["lr"] = MUON_SHARE * rate
        give_gradients(ours, step)
        matrix.grad = kernel.grad.flatten(1).clone()
        optimizer.step()
        theirs.step()
    moved, expected = kernel.detach().flatten(1) - before, matrix.detach() - before
    assert (moved - expected).norm() < 0.03 * expected.norm()


def test_all_that_is_no_full_convolution_moves_as_sgd_moves_it():
    ours, theirs = network(), network()
    advance(ours, Muon(ours, RECIPE))
    advance(theirs, SGD(theirs.parameters(), RECIPE))
    for (name, parameter), other in zip(
        ours.named_parameters(), theirs.parameters(), strict=True
    ):  # fmt: skip
        is_kernel = name in ("wide.weight", "tall.weight")
        assert torch.equal(parameter, other) is not is_kernel, name
    assert torch.equal(ours.unused.weight, network().unused.weight)


def test_it_continues_from_its_state_to_the_same_bits(tmp_path):
    unbroken = network()
    optimizer = Muon(unbroken, RECIPE)
    advance(unbroken, optimizer)
    torch.save((unbroken.state_dict(), optimizer.state_dict()), tmp_path / "state")
    advance(unbroken, optimizer, first=3)

    weights, state = torch.load(tmp_path / "state")
    continued = network()
    continued.load_state_dict(weights)
    again = Muon(continued, RECIPE)
    again.load_state_dict(state)
    advance(continued, again, first=3)
    assert all(map(torch.equal, continued.parameters(), unbroken.parameters()))
