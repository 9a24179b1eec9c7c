"""Every residual unit against its formula, written out from its own weights; the CIFAR ResNets."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.specs import LabError, ModelSpec
from core.zoo.building import build
from core.zoo.catalogue import complete
from core.zoo.families.cifar_resnet import DEPTHS
from core.zoo.networks.residual_units import GatedUnit, PadChannels, UnitOptions, residual_unit
from core.zoo.variants import NETWORKS, ORDERS, SHORTCUTS, VARIANTS, variant_of
from tests.core.networks import analysis_of, module_of

pytestmark = pytest.mark.slow

PLAIN = UnitOptions("identity", "original", False, 0.25, -3.0, 0.5)
CHANNELS = 3


def unit(**changes) -> nn.Module:
    torch.manual_seed(0)
    return residual_unit(CHANNELS, CHANNELS, 1, replace(PLAIN, **changes), bias=True)


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(2, CHANNELS, 4, 4)


def convolved(layer: nn.Module, x: Tensor) -> Tensor:
    return F.conv2d(x, layer.weight, layer.bias, padding=1)


def branch(block: nn.Module, x: Tensor) -> Tensor:
    """F(x) = conv2(ReLU(conv1(x)))."""
    return convolved(block.residual.conv2, convolved(block.residual.conv1, x).clamp(min=0))


def gate(block: nn.Module, x: Tensor) -> Tensor:
    weight = block.gate.weight[:, :, 0, 0]  # a 1×1 convolution is a product for each pixel
    return torch.sigmoid(
        torch.einsum("oi,nihw->nohw", weight, x) + block.gate.bias.view(1, -1, 1, 1)
    )


def projected(layer: nn.Module, x: Tensor) -> Tensor:
    return torch.einsum("oi,nihw->nohw", layer.weight[:, :, 0, 0], x) + layer.bias.view(1, -1, 1, 1)


SUMS = {
    "identity": lambda b, x: x + branch(b, x),
    "constant-scaling": lambda b, x: 0.25 * x + 0.75 * branch(b, x),
    "scaled-shortcut": lambda b, x: 0.25 * x + branch(b, x),
    "exclusive-gating": lambda b, x: (1 - gate(b, x)) * x + gate(b, x) * branch(b, x),
    "shortcut-gating": lambda b, x: (1 - gate(b, x)) * x + branch(b, x),
    "conv": lambda b, x: projected(b.shortcut, x) + branch(b, x),
    "dropout": lambda b, x: x + branch(b, x),  # nothing is dropped outside of training
    "none": lambda b, x: branch(b, x),
}


@pytest.mark.parametrize("name", SHORTCUTS)
def test_a_shortcut_is_its_formula(name, x):
    block = unit(shortcut=name).eval()
    torch.testing.assert_close(block(x), SUMS[name](block, x).clamp(min=0))


def normalized(layer: nn.Module, x: Tensor) -> Tensor:
    """BatchNorm in training: zero mean, unit variance over (N, H, W), then weight and bias."""
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = x.var((0, 2, 3), unbiased=False, keepdim=True)
    scale, shift = layer.weight.view(1, -1, 1, 1), layer.bias.view(1, -1, 1, 1)
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def relu(x: Tensor) -> Tensor:
    return x.clamp(min=0)


def in_order(block: nn.Module, order: str, x: Tensor) -> Tensor:
    """Figure 4 of arXiv 1603.05027, (a) to (e)."""
    r = block.residual
    match order:
        case "original":
            y = relu(normalized(r.norm1, convolved(r.conv1, x)))
            return relu(x + normalized(r.norm2, convolved(r.conv2, y)))
        case "bn-after-addition":
            y = relu(normalized(r.norm1, convolved(r.conv1, x)))
            return relu(normalized(block.after.norm1, x + convolved(r.conv2, y)))
        case "relu-before-addition":
            y = relu(normalized(r.norm1, convolved(r.conv1, x)))
            return x + relu(normalized(r.norm2, convolved(r.conv2, y)))
        case "relu-only-pre-activation":
            y = relu(normalized(r.norm1, convolved(r.conv1, relu(x))))
            return x + normalized(r.norm2, convolved(r.conv2, y))
        case "full-pre-activation":
            y = convolved(r.conv1, relu(normalized(r.norm1, x)))
            return x + convolved(r.conv2, relu(normalized(r.norm2, y)))
    raise AssertionError(order)


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_is_its_figure(order, x):
    block = unit(order=order, batch_norm=True).train()
    for layer in block.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.bias)
    torch.testing.assert_close(block(x), in_order(block, order, x))


def test_gates_begin_at_their_bias():
    block = unit(shortcut="exclusive-gating", gate_bias=-6.0)
    assert isinstance(block, GatedUnit)
    assert torch.equal(block.gate.bias, torch.full((CHANNELS,), -6.0))


def test_dropout_drops_on_the_shortcut_in_training_only(x):
    block = unit(shortcut="dropout", dropout=1.0)
    torch.testing.assert_close(block.train()(x), relu(branch(block, x)))
    torch.testing.assert_close(block.eval()(x), relu(x + branch(block, x)))


def test_where_the_shape_changes_the_shortcut_has_no_parameters():
    x = torch.arange(32.0).view(1, 2, 4, 4)
    padded = PadChannels(3, 2)(x)
    assert padded.shape == (1, 3, 2, 2)
    assert padded[0, 0].tolist() == [[0, 2], [8, 10]] and not padded[0, 2].any()
    assert not list(PadChannels(3, 2).parameters())


@pytest.mark.parametrize("name", SHORTCUTS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("arch", ["course-residual", "resnet20"])
def test_every_shortcut_goes_with_every_order(arch, name, order):
    spec = ModelSpec(arch, 4, 28, options={"shortcut": name, "order": order, "batch_norm": True})
    scores = build(spec)(torch.rand(2, 1, 28, 28))
    assert scores.shape == (2, 10) and scores.isfinite().all()


@pytest.mark.parametrize("arch", ["course-residual", "resnet20"])
def test_orders_that_differ_in_batchnorm_alone_are_one_without_it(arch):
    """Figure 4: (b) moves only a BatchNorm of (a), (e) one of (d)."""
    alike = {"bn-after-addition": "original", "full-pre-activation": "relu-only-pre-activation"}
    for order in ORDERS:
        spec = ModelSpec(arch, image_size=28, options={"order": order, "batch_norm": False})
        assert complete(spec).option("order") == alike.get(order, order)
        branch, after = (
            tuple(part for part in parts if part != "BN")
            for parts in (ORDERS[order].branch, ORDERS[order].after)
        )
        row = ORDERS[alike.get(order, order)]
        assert branch == tuple(part for part in row.branch if part != "BN")
        assert after == tuple(part for part in row.after if part != "BN")
        build(spec)


def test_the_mistake_is_offered_only_as_it_was_published():
    options = {"shortcut": "conv", "as_published": True, "batch_norm": True}
    with pytest.raises(LabError, match="set as_published to false"):
        build(ModelSpec("course-residual", image_size=28, options=options))


# Networks


def parameters(arch: str, **options) -> int:
    spec = ModelSpec(arch, image_size=32, in_channels=3, options=options)
    return sum(parameter.numel() for parameter in module_of(spec).parameters())


@pytest.mark.parametrize(
    ("arch", "millions"), [("resnet20", 0.27), ("resnet56", 0.85), ("resnet110", 1.7)]
)
def test_parameters_are_those_of_the_paper(arch, millions):
    """Table 6 of arXiv 1512.03385; and the closed form of depth 6n + 2 with option A."""
    n = (DEPTHS[arch] - 2) // 6
    convolutions = 9 * 3 * 16 + 9 * 16 * 16 * 2 * n  # stem, stage 1
    for before, after in ((16, 32), (32, 64)):
        convolutions += 9 * before * after + 9 * after * after * (2 * n - 1)
    norms = 2 * (16 + 2 * n * (16 + 32 + 64))
    found = parameters(arch)
    assert found == convolutions + norms + 64 * 10 + 10
    assert round(found / 1e6, len(str(millions)) - 2) == millions


@pytest.mark.parametrize("arch", DEPTHS)
@pytest.mark.parametrize("size", [28, 32])
def test_maps_halve_twice_and_the_depth_is_in_the_name(arch, size):
    layers = analysis_of(ModelSpec(arch, image_size=size, in_channels=3)).layers
    assert max(layer.depth for layer in layers) == DEPTHS[arch]
    maps = list(dict.fromkeys(row.output_shape[1:] for row in layers if len(row.output_shape) == 4))
    assert maps[:1] + maps[1:3] == [(16, size, size), (32, size // 2, size // 2),
                                    (64, size // 4, size // 4)]  # fmt: skip


def test_gates_and_projections_cost_what_they_are():
    plain = parameters("resnet20")
    squares = 2 * 16 * 16 + 16 * 16 + 16 * 32 + 2 * 32 * 32 + 32 * 64 + 2 * 64 * 64
    biases = 3 * (16 + 32 + 64)
    for shortcut in ("conv", "exclusive-gating", "shortcut-gating"):
        assert parameters("resnet20", shortcut=shortcut) == plain + squares + biases
    for shortcut in ("constant-scaling", "scaled-shortcut", "dropout", "none"):
        assert parameters("resnet20", shortcut=shortcut) == plain


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("arch", ["course-residual", "resnet20"])
def test_a_variant_is_recognized_by_its_options(arch, name):
    variant = VARIANTS[name]
    if variant.as_published and arch != "course-residual":
        return
    chosen = {k: v for k, v in variant.options if k != "as_published" or arch == "course-residual"}
    spec = complete(ModelSpec(arch, image_size=28, options=chosen))
    found = variant_of(spec)
    assert (found.shortcut, found.order) == (variant.shortcut, variant.order)
    if arch == "course-residual":
        assert found == variant


def test_other_networks_have_no_variant():
    assert variant_of(ModelSpec("vgg11")) is None
    assert all(variant_of(ModelSpec(arch, image_size=28)) for arch in NETWORKS)


@pytest.mark.parametrize(
    ("value", "words"), [("much", "from 0 to 2"), (3, "from 0 to 2"), (float("nan"), "from 0 to 2")]
)
def test_a_factor_is_a_number_within_bounds(value, words):
    with pytest.raises(LabError, match=f"factor must be a number {words}"):
        complete(ModelSpec("course-residual", image_size=28, options={"factor": value}))
    spec = ModelSpec("resnet20", options={"factor": "0.25", "shortcut": "scaled-shortcut"})
    assert complete(spec).option("factor") == 0.25
