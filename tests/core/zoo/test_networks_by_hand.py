"""Networks against a forward pass written out by hand, and against torchvision's."""

from __future__ import annotations

from math import prod

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from core.specs import ModelSpec
from core.zoo.building import build
from tests.core.zoo.networks import (
    COURSE_SHORTCUTS,
    Weights,
    images,
)

pytestmark = pytest.mark.usefixtures("one_thread")


# Held against a forward pass written out by hand


def inception_a(x: Tensor, weights: Weights) -> Tensor:
    """S7: no ReLU inside the block."""
    one = weights.conv(x)
    five = weights.conv(weights.conv(x), padding=2)
    three = weights.conv(weights.conv(weights.conv(x), padding=1), padding=1)
    pooled = weights.conv(F.avg_pool2d(x, 3, stride=1, padding=1))
    return torch.cat([one, five, three, pooled], dim=1)


@pytest.mark.parametrize(("size", "ratio"), [(28, 1), (17, 4)])
def test_the_course_inception_net_by_hand(size, ratio):
    torch.manual_seed(1)
    spec = ModelSpec("course-inception", ratio, size)
    network, x = build(spec), images(spec)
    weights = Weights(network)
    y = F.relu(F.max_pool2d(weights.conv(x), 2))
    y = inception_a(y, weights)
    assert ratio > 1 or y.shape == (2, 88, 12, 12)
    y = F.relu(F.max_pool2d(weights.conv(y), 2))
    y = inception_a(y, weights)
    torch.testing.assert_close(network(x), weights.linear(y))
    assert weights.are_used_up()


@pytest.mark.parametrize("published", [False, True], ids=["corrected", "as published"])
@pytest.mark.parametrize("shortcut", COURSE_SHORTCUTS)
def test_the_course_residual_net_by_hand(shortcut, published):
    """S8 to S11: the homework's two blocks, as published, apply conv2 to x itself."""

    def block(x: Tensor) -> Tensor:
        first = F.relu(weights.conv(x, padding=1))
        mistaken = published and shortcut in ("constant-scaling", "conv")
        y = weights.conv(x if mistaken else first, padding=1)
        if shortcut == "none":
            return F.relu(y)
        if shortcut == "identity":
            return F.relu(x + y)
        if shortcut == "constant-scaling":
            return F.relu(0.5 * (x + y))
        return F.relu(weights.conv(x) + y)

    torch.manual_seed(2)
    options = {"shortcut": shortcut, "as_published": published}
    spec = ModelSpec("course-residual", image_size=28, options=options)
    network, x = build(spec), images(spec)
    weights = Weights(network)
    y = block(F.max_pool2d(F.relu(weights.conv(x)), 2))
    y = block(F.max_pool2d(F.relu(weights.conv(y)), 2))
    torch.testing.assert_close(network(x), weights.linear(y))
    assert weights.are_used_up()


def test_a_block_of_the_dense_net_by_hand():
    torch.manual_seed(3)
    network = build(ModelSpec("densenet", 8, 32))
    block, x = network.dense_block1, torch.rand(2, 8, 6, 6)
    y = x
    for layer in block.children():
        conv = layer.conv
        new = F.conv2d(
            F.relu(F.batch_norm(y, None, None, training=True)), conv.weight, conv.bias, padding=1
        )
        y = torch.cat([y, new], dim=1)
    torch.testing.assert_close(block(x), y)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121"])
def test_networks_compute_what_torchvisions_do(name):
    """The same weights, in the same order, give the same logits."""
    import torchvision

    spec = ModelSpec(name, image_size=32, in_channels=3, num_classes=5)
    torch.manual_seed(4)
    ours, theirs = build(spec).eval(), torchvision.models.get_model(name, num_classes=5).eval()
    wanted = theirs.state_dict()
    values = list((wanted if name == "densenet121" else reordered(wanted)).values())
    assert [v.shape for v in values] == [v.shape for v in ours.state_dict().values()]
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    x = images(spec)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def reordered(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's ResNet with the convolutions of each block before its norms, as ours."""

    def place(item: tuple[int, str]) -> tuple:
        number, name = item
        parts = name.split(".")
        if not parts[0].startswith("layer"):
            return ((0,) if parts[0] in ("conv1", "bn1") else (2,), number)
        kind = ("conv", "bn", "downsample").index(parts[2].rstrip("123"))
        return ((1, parts[0], int(parts[1]), kind), number)

    return {name: state[name] for _, name in sorted(enumerate(state), key=place)}


def test_a_custom_vgg_by_hand():
    torch.manual_seed(6)
    options = {"conv_arch": "2x6 1x9", "head_width": 20, "last_activation": "sigmoid"}
    spec = ModelSpec("custom-vgg", 3, 13, 2, 5, options=options)
    network, x = build(spec).eval(), images(spec)
    weights = Weights(network)
    y = F.relu(weights.conv(x, padding=1))
    y = F.max_pool2d(F.relu(weights.conv(y, padding=1)), 2)
    y = F.max_pool2d(F.relu(weights.conv(y, padding=1)), 2)
    assert y.shape == (2, 3, 3, 3)
    y = F.relu(weights.linear(F.relu(weights.linear(y))))
    torch.testing.assert_close(network(x), torch.sigmoid(weights.linear(y)))
    assert weights.are_used_up()
    assert prod(network(x).shape) == 10
