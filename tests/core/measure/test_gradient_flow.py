"""Gradient flow: against autograd by hand, and what must vanish and what must not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis import analyze
from core.measure.gradient_flow import (
    Trained,
    blocks_of,
    measure,
    measure_flow,
)
from core.measure.gradient_records import (
    GradientFlow,
    LayerFlow,
    NetworkFlow,
    Spread,
    depth_of,
    variations,
)
from core.report.sentences.gradients import gradient_sentences, label
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.initialization import initialized_network, xavier

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
COURSE = ModelSpec("course-residual", image_size=28)


class Block(nn.Module):
    """Two 3×3 convolutions with or without BatchNorm and an identity shortcut."""

    def __init__(self, channels: int, shortcut: bool, batch_norm: bool) -> None:
        super().__init__()
        self.shortcut = shortcut
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(channels) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(x + y if self.shortcut else y)


def stack(blocks: int, shortcut: bool, batch_norm: bool) -> nn.Sequential:
    """2 · blocks + 2 weight layers."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        *(Block(4, shortcut, batch_norm) for _ in range(blocks)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


def images(count: int = 8, side: int = 8) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(count, 1, side, side), torch.arange(count) % 3


def test_gradients_and_variances_are_autograd_s_own():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(),
                            nn.Linear(2 * 36, 3))  # fmt: skip
    x, labels = images()
    found = measure(network, x, labels)
    assert all(parameter.grad is None for parameter in network.parameters())

    first = network[0](x)
    logits = network[3](F.relu(first).flatten(1))
    loss = F.cross_entropy(logits, labels)
    for path, layer, output in (("0", network[0], first), ("3", network[3], logits)):
        weight, behind = torch.autograd.grad(loss, [layer.weight, output], retain_graph=True)
        sample = found.layers[path]
        assert sample.weight_gradient == pytest.approx(weight.norm().item(), rel=1e-5)
        assert sample.output_gradient == pytest.approx(behind.norm().item(), rel=1e-5)
        assert sample.variance == pytest.approx(output.var(correction=0).item(), rel=1e-5)
    assert [found.layers[path].order for path in ("0", "3")] == [1, 2]
    assert found.layers["0"].weights == 2 * 9 + 2


def test_a_block_s_gain_is_the_norm_before_by_the_norm_behind():
    network = stack(1, shortcut=True, batch_norm=False)
    x, labels = images()
    found = measure(network, x, labels)
    into = F.relu(network[0](x))
    out = network[2](into)
    loss = F.cross_entropy(network[5](network[4](network[3](out))), labels)
    before, behind = torch.autograd.grad(loss, [into, out])
    assert found.gains == {"2": pytest.approx((before.norm() / behind.norm()).item(), rel=1e-5)}


def test_blocks_are_the_innermost_modules_with_several_weight_layers():
    assert list(blocks_of(stack(3, True, True))) == ["2", "3", "4"]
    assert list(blocks_of(initialized_network(COURSE, "default", 0))) == ["residual1", "residual2"]


@pytest.mark.parametrize("initialization", ["default", "xavier"])
def test_a_deep_plain_net_vanishes_and_shortcut_or_batch_norm_prevent_it(initialization):
    shares = {}
    for shortcut in (False, True):
        for batch_norm in (False, True):
            network = stack(24, shortcut, batch_norm)
            if initialization == "xavier":
                network.apply(xavier)
            layers = list(measure(network, *images()).layers.values())[:-1]
            last = layers[-1].weight_gradient
            shares[shortcut, batch_norm] = layers[0].weight_gradient / last if last else 0.0
    assert shares[False, False] < 1e-3
    assert shares[True, False] > 0.01
    assert shares[False, True] > 0.01
    assert shares[True, True] > 0.01


def test_several_seeds_give_median_and_range_layer_by_layer():
    [found] = measure_flow([COURSE], "fashion-mini", seeds=3, batch_size=4)
    [flow] = found.networks
    depths = {layer.path: layer.depth for layer in analyze(COURSE).layers}
    assert [layer.path for layer in flow.layers] == [
        *("stem1.conv", "residual1.conv1", "residual1.conv2"),
        *("stem2.conv", "residual2.conv1", "residual2.conv2", "dense.linear"),
    ]
    assert all(layer.depth == depths[layer.path] for layer in flow.layers)
    for layer in flow.layers:
        for one in (layer.weight_gradient, layer.output_gradient, layer.variance):
            assert 0 < one.low <= one.median <= one.high
    assert flow.seeds == 3 and found.share == 1.0
    assert [block.path for block in flow.blocks] == ["residual1", "residual2"]
    again = GradientFlow.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found


def test_the_same_settings_give_the_same_numbers():
    one, other = (list(measure_flow([COURSE], "fashion-mini", 1, batch_size=4)) for _ in range(2))
    assert one == other


def test_a_run_is_measured_before_and_after_its_training(tmp_path):
    network = initialized_network(COURSE, "xavier", 5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.5)
    path = tmp_path / "best.safetensors"
    save_file(network.state_dict(), path)
    recipe = Recipe("fast", 1, 8, 0.1, initialization="xavier", normalize=True)
    run = Trained(7, 2, RunSpec(COURSE, "fashion-mini", recipe, seed=5), path)
    [found] = measure_flow([], "fashion-mini", batch_size=4, runs=[run])
    before, after = found.networks
    assert [one.trained for one in found.networks] == [False, True]
    halved = before.layers[0].variance.median / after.layers[0].variance.median
    assert halved == pytest.approx(4, rel=1e-3)  # the weights are half as large, bias is too
    assert label(after).startswith("run 7: Course residual net, plain residual")
    assert label(after).endswith("trained, epoch 2")
    assert any(text.startswith("Run 7") for text in gradient_sentences(found))
    path.write_bytes(b"no parameters")
    with pytest.raises(LabError, match="cannot be read"):
        list(measure_flow([], "fashion-mini", batch_size=4, runs=[run]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": 0}, "seeds must be"),
        ({"initialization": "zeros"}, "initialization must be"),
        ({"specs": []}, "at least one network"),
        ({"specs": [replace(COURSE, num_classes=3)]}, "has 10 classes"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(changes, said):
    settings = {"specs": [COURSE], "dataset": "fashion-mini", "batch_size": 2} | changes
    with pytest.raises(LabError, match=said):
        list(measure_flow(**settings))


def test_variations_are_every_combination():
    spec = ModelSpec("resnet110", image_size=28)
    found = variations(spec, (20, 56), ("identity", "none"), (False, True))
    assert len(found) == len(set(found)) == 8
    assert {one.arch for one in found} == {"resnet20", "resnet56"}
    assert [depth_of(one) for one in found[:1]] == [20]
    assert variations(COURSE) == [COURSE]
    assert depth_of(ModelSpec("resnet18")) is None
    with pytest.raises(LabError, match="comes in one depth"):
        variations(COURSE, (20,))


def test_of_layers_side_by_side_the_one_with_the_most_weights_is_drawn():
    value = Spread(1.0, 1.0, 1.0)
    layers = tuple(
        LayerFlow(path, depth, weights, value, value, value)
        for path, depth, weights in (("a", 1, 9), ("shortcut", 2, 1), ("b", 2, 9))
    )
    one = NetworkFlow(COURSE.to_json(), "default", 1, layers, ())
    assert [layer.path for layer in one.main_path] == ["a", "b"]
