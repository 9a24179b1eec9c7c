"""Residual units against their formulas and figures."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.zoo.building import build
from core.zoo.catalogue import CATALOGUE
from core.zoo.networks.residual_units import UnitOptions, residual_unit
from core.zoo.variants import ORDERS, SHORTCUTS

pytestmark = pytest.mark.usefixtures("one_thread")


def unit(shortcut="identity", order="original", channels=(4, 4), stride=1, norm=False, **chosen):
    """A residual unit with weights of its own, of (in, out) channels."""
    options = UnitOptions(shortcut, order, norm, **SETTINGS | chosen)
    torch.manual_seed(7)
    made = residual_unit(*channels, stride, options, bias=not norm)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)
    return made.eval()


SETTINGS = {"factor": 0.25, "gate_bias": -1.5, "dropout": 0.3}


def conv3(x: Tensor, layer: nn.Conv2d, stride: int = 1) -> Tensor:
    return F.conv2d(x, layer.weight, layer.bias, stride=stride, padding=1)


def conv1(x: Tensor, layer: nn.Conv2d, stride: int = 1) -> Tensor:
    """A 1×1 convolution as a matrix product of each pixel's channels."""
    y = torch.einsum("oc,nchw->nohw", layer.weight[:, :, 0, 0], x[:, :, ::stride, ::stride])
    return y + layer.bias.view(-1, 1, 1)


def norm(x: Tensor, layer: nn.BatchNorm2d) -> Tensor:
    """With the statistics that a new layer has: mean 0, variance 1."""
    return x / (1 + layer.eps) ** 0.5 * layer.weight.view(-1, 1, 1) + layer.bias.view(-1, 1, 1)


def by_shortcut(made: nn.Module, shortcut: str, x: Tensor, stride: int = 1) -> Tensor:
    """Figure 2 of arXiv 1603.05027, outside training."""
    a, f = SETTINGS["factor"], made.residual
    y = conv3(F.relu(conv3(x, f.conv1, stride)), f.conv2)
    missing = y.shape[1] - x.shape[1]
    same = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, missing))
    g = torch.sigmoid(conv1(x, made.gate, stride)) if "gating" in shortcut else None
    total = {
        "identity": lambda: same + y,
        "constant-scaling": lambda: a * same + (1 - a) * y,
        "scaled-shortcut": lambda: a * same + y,
        "exclusive-gating": lambda: (1 - g) * same + g * y,
        "shortcut-gating": lambda: (1 - g) * same + y,
        "conv": lambda: conv1(x, made.shortcut, stride) + y,
        "dropout": lambda: same + y,
        "none": lambda: y,
    }[shortcut]()
    return F.relu(total)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize(("channels", "stride"), [((4, 4), 1), ((3, 7), 2)])
def test_every_shortcut_by_hand(shortcut, channels, stride):
    made = unit(shortcut, channels=channels, stride=stride)
    x = torch.randn(2, channels[0], 5, 5)
    torch.testing.assert_close(made(x), by_shortcut(made, shortcut, x, stride))


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_activations_by_hand(order):
    """Figure 4 of arXiv 1603.05027."""
    made, x, relu = unit(order=order, norm=True), torch.randn(2, 4, 5, 5), F.relu
    f = made.residual
    y = {
        "original": lambda: relu(
            x + norm(conv3(relu(norm(conv3(x, f.conv1), f.norm1)), f.conv2), f.norm2)
        ),
        "bn-after-addition": lambda: relu(
            norm(x + conv3(relu(norm(conv3(x, f.conv1), f.norm1)), f.conv2), made.after.norm1)
        ),
        "relu-before-addition": lambda: (
            x + relu(norm(conv3(relu(norm(conv3(x, f.conv1), f.norm1)), f.conv2), f.norm2))
        ),
        "relu-only-pre-activation": lambda: (
            x + norm(conv3(relu(norm(conv3(relu(x), f.conv1), f.norm1)), f.conv2), f.norm2)
        ),
        "full-pre-activation": lambda: (
            x + conv3(relu(norm(conv3(relu(norm(x, f.norm1)), f.conv1), f.norm2)), f.conv2)
        ),
    }[order]()
    torch.testing.assert_close(made(x), y)
    x, plain = torch.randn(2, 4, 5, 5), unit(order=order) if order != "bn-after-addition" else None
    if plain is not None:  # without BatchNorm the same, less the norms
        f, first = plain.residual, relu(x) if "pre-activation" in order else x
        y = conv3(relu(conv3(first, f.conv1)), f.conv2)
        y = x + relu(y) if order == "relu-before-addition" else x + y
        torch.testing.assert_close(plain(x), relu(y) if order == "original" else y)


@pytest.mark.parametrize(
    ("shortcut", "expected"),
    [
        ("identity", 5.0),  # 2 + 3
        ("constant-scaling", 2.75),  # 0.25 · 2 + 0.75 · 3
        ("scaled-shortcut", 3.5),  # 0.25 · 2 + 3
        ("exclusive-gating", 2.75),  # g = 0.75: 0.25 · 2 + 0.75 · 3
        ("shortcut-gating", 3.5),  # 0.25 · 2 + 3
        ("conv", 1.0),  # −1 · 2 + 3
        ("dropout", 5.0),
        ("none", 3.0),
    ],
)
def test_a_unit_of_one_pixel(shortcut, expected):
    """x = 2 and F(x) = 0.5 · ReLU(3 · 2) = 3; the gate is σ(ln 3) = 0.75, the 1×1 weighs −1."""
    made = unit(shortcut, channels=(1, 1))
    weights = {"conv1.weight": 3, "conv2.weight": 0.5, "shortcut.weight": -1, "gate.bias": log(3)}
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.zero_()
            value = next((one for end, one in weights.items() if name.endswith(end)), 0)
            parameter.view(-1)[parameter.numel() // 2] = value
    assert made(torch.full((1, 1, 1, 1), 2.0)).item() == pytest.approx(expected)


def test_gates_start_at_the_bias_that_was_chosen():
    for arch in ("course-residual", "resnet20"):
        for shortcut in ("exclusive-gating", "shortcut-gating"):
            spec = replace(CATALOGUE[arch].default, options={"shortcut": shortcut})
            for chosen in (-6.0, 0.0, -3.5):
                wanted = spec if chosen == -6 else replace(
                    spec, options={"shortcut": shortcut, "gate_bias": chosen})  # fmt: skip
                gates = [m for n, m in build(wanted).named_modules() if n.endswith("gate")]
                assert len(gates) == (2 if arch == "course-residual" else 9)
                assert {value for gate in gates for value in gate.bias.tolist()} == {chosen}


def test_the_shortcut_is_dropped_in_training_only():
    made, x = unit("dropout"), torch.randn(2, 4, 5, 5)
    still = made(x)
    assert torch.equal(made(x), still)
    made.train()
    torch.manual_seed(8)
    y = made(x)
    torch.manual_seed(8)
    kept = torch.empty_like(x).bernoulli_(1 - SETTINGS["dropout"])
    f = made.residual
    expected = F.relu(x * kept / 0.7 + conv3(F.relu(conv3(x, f.conv1)), f.conv2))
    torch.testing.assert_close(y, expected)
    assert 0.05 < (kept == 0).float().mean() < 0.6
