"""Our optimizer beside torch's: the same parameters to the bit, each reads the other's state."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.specs import Recipe
from core.training.sgd import SGD

RECIPES = [
    Recipe("r", 1, 8, 0.1),
    Recipe("r", 1, 8, 0.1, momentum=0.9),
    Recipe("r", 1, 8, 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4),
    Recipe("r", 1, 8, 0.05, weight_decay=1e-3),
]
RATES = (0.1, 0.07, 1e-3, 0.0)


class Network(nn.Module):
    """A convolution in both memory formats to be, a linear layer, and one that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3)
        self.linear = nn.Linear(8, 5)
        self.unused = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) to (N, 5)."""
        return self.linear(self.convolution(images).mean((2, 3)))


def network() -> nn.Module:
    torch.manual_seed(0)
    return Network().to(memory_format=torch.channels_last)


def torchs(parameters, recipe: Recipe, fused: bool = True) -> torch.optim.SGD:
    return torch.optim.SGD(
        parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=fused,
    )


def backward(module: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    images = torch.randn((4, 3, 6, 6), generator=generator)
    F.cross_entropy(module(images), torch.tensor([0, 1, 2, 3])).backward()


def equal(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def pair(recipe: Recipe) -> tuple[nn.Module, SGD, nn.Module, torch.optim.SGD]:
    """Both optimizers after one step each."""
    ours, theirs = network(), network()
    our_optimizer = SGD(ours.parameters(), recipe)
    their_optimizer = torchs(theirs.parameters(), recipe)
    for module, optimizer in ((ours, our_optimizer), (theirs, their_optimizer)):
        backward(module, 0)
        optimizer.step()
        optimizer.zero_grad()
    return ours, our_optimizer, theirs, their_optimizer


def advance(module: nn.Module, optimizer: SGD | torch.optim.SGD) -> None:
    """A step for each rate."""
    for step, rate in enumerate(RATES):
        if isinstance(optimizer, SGD):
            optimizer.learning_rate = rate
        else:
            optimizer.param_groups[0]["lr"] = rate
        backward(module, step + 1)
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("recipe", RECIPES)
def test_parameters_move_as_torch_s_optimizer_moves_them(recipe):
    ours, our_optimizer, theirs, their_optimizer = pair(recipe)
    assert equal(ours, theirs) and not equal(ours, network())
    advance(ours, our_optimizer)
    advance(theirs, their_optimizer)
    assert equal(ours, theirs)
    assert torch.equal(ours.unused.weight, network().unused.weight)
    assert all(parameter.grad is None for parameter in ours.parameters())


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_continues_from_the_other_s_state(recipe, tmp_path):
    ours, our_optimizer, theirs, their_optimizer = pair(recipe)
    torch.save(our_optimizer.state_dict(), tmp_path / "ours")
    torch.save(their_optimizer.state_dict(), tmp_path / "theirs")

    ours_next = SGD(ours.parameters(), recipe)
    ours_next.load_state_dict(torch.load(tmp_path / "theirs"))
    theirs_next = torchs(theirs.parameters(), recipe)
    theirs_next.load_state_dict(torch.load(tmp_path / "ours"))
    assert ours_next.learning_rate == recipe.learning_rate
    advance(ours, ours_next)
    advance(theirs, theirs_next)
    assert equal(ours, theirs)


@pytest.mark.slow
def test_a_worker_s_first_step_waits_for_no_compiler():
    """torch._dynamo takes as long to import as torch itself, torchvision even longer."""
    program = (
        "import sys, core.jobs.worker\n"
        "from core.training.fit import fit\n"
        "from tests.core.training.tiny_training import TINY\n"
        "[event for _, event in zip(range(2), fit(TINY))]\n"
        "print({'torch._dynamo', 'torchvision', 'plotly', 'pandas', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_parameter_may_get_its_first_gradient_later_than_others(recipe):
    ours, theirs = network(), network()
    our_optimizer = SGD(ours.parameters(), recipe)
    their_optimizer = torchs(theirs.parameters(), recipe, fused=False)  # fused it cannot
    for step in range(4):
        for module, optimizer in ((ours, our_optimizer), (theirs, their_optimizer)):
            backward(module, step)
            if step >= 2:
                module.unused(torch.ones(2, 8)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_complex_parameters_are_moved_by_a_kernel_that_knows_them():
    weight = nn.Parameter(torch.ones(3, dtype=torch.complex64))
    optimizer = SGD([weight], Recipe("r", 1, 8, 0.5))
    (weight * weight.conj()).real.sum().backward()
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.zeros(3, dtype=torch.complex64))
