"""Gradient flow: against autograd by hand, and what must vanish and what must not."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise

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
    spread,
)
from core.measure.gradient_records import (
    BlockFlow,
    GradientFlow,
    LayerFlow,
    NetworkFlow,
    Spread,
    depth_of,
    variations,
)
from core.report.figures.charts import BLUE, VERMILLION
from core.report.figures.gradients import DepthLine, depth_chart, flow_curves, flow_map
from core.report.sentences.gradients import (
    factor,
    first_and_last,
    gradient_outcome,
    label,
    number,
    sentences,
)
from core.report.tables.evidence import first_and_last_frame, flow_frame
from core.report.tables.tables import to_csv
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.initialization import initialized_network, xavier

pytestmark = pytest.mark.usefixtures("one_thread")
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
    assert label(after).startswith("run 7: course-residual, plain residual")
    assert label(after).endswith("trained, epoch 2")
    assert any(text.startswith("Run 7") for text in sentences(found))
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


# Words and figures --------------------------------------------------------------------------------


def flow(share: float, gains: tuple[float, ...] = (), depth: int = 20, **options) -> NetworkFlow:
    """A network whose weight gradient changes evenly from `share` at layer 1 to 1."""
    last = depth - 2
    layers = tuple(
        LayerFlow(f"conv{n}", n + 1, 10, value, value, value)
        for n in range(depth)
        for value in [spread([share ** (1 - min(n, last) / last) if share else float(n >= last)])]
    )
    blocks = tuple(BlockFlow(f"block{n}", spread([gain])) for n, gain in enumerate(gains))
    spec = ModelSpec(f"resnet{depth}", image_size=28, options=options)
    return NetworkFlow(spec.to_json(), "default", 1, layers, blocks)


@dataclass(frozen=True)
class Look:
    """How a line is drawn."""

    color: str = BLUE
    marker: str = "circle"
    dash: str = "solid"


def test_curves_are_drawn_as_told_and_deeper_ones_thicker():
    flows = (flow(0.5, depth=56), flow(0.5, depth=20), flow(0.1, depth=56))
    drawn = flow_curves(flows, "variance", [Look(), Look(), Look(VERMILLION, "x", "dash")]).data
    assert [one.line.color for one in drawn] == [BLUE, BLUE, VERMILLION]
    assert drawn[0].line.width == drawn[2].line.width > drawn[1].line.width
    assert (drawn[2].line.dash, drawn[2].marker.symbol) == ("dash", "x")


def test_the_words_are_computed_from_the_numbers():
    found = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(1e-9, shortcut="none", batch_norm=False),
        flow(0.5, (1.2, 0.9), shortcut="identity", batch_norm=False),
        flow(50.0, shortcut="none", batch_norm=True),
        flow(2.0, (1.1, 1.3), shortcut="identity", batch_norm=True),
    ))  # fmt: skip
    text = "\n".join(sentences(found))
    assert "**No shortcut, no BatchNorm, 20 layers**" in text
    assert "get 1.00 × 10⁻⁹ of the gradient norm" in text and "it vanishes" in text
    assert "between 0.9000 and 1.2, by 1 or more in 1 of them. So it does not hold" in text
    assert "by 1 or more in 2 of them. Here the claim holds for every block." in text
    assert "first layer's gradient from 1.0 × 10⁻⁹ to 50 times" in text
    assert "even grow towards the first layers" in text


def test_a_gradient_of_exactly_0_is_said_and_drawn_as_a_gap():
    dead = flow(0.0, shortcut="none", batch_norm=False)
    found = GradientFlow(1.0, "fashion-mini", 16, "a test", (dead,))
    assert "exactly 0 in float32" in sentences(found)[0]
    assert flow_curves((dead,), "weight_gradient", [Look()]).data[-1].y[0] is None
    assert flow_map((dead,), "weight_gradient").data[0].z[0][0] is None


def test_batch_norm_gets_no_credit_where_nothing_vanishes():
    found = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(0.9, shortcut="none", batch_norm=False),
        flow(3.0, shortcut="none", batch_norm=True),
    ))  # fmt: skip
    assert "nothing for BatchNorm to mend" in sentences(found)[-1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "0"), (0.714, "0.71"), (24.1, "24"), (123.4, "123"),
     (3.14e-17, "3.1 × 10⁻¹⁷"), (2e6, "2.0 × 10⁶")],
)  # fmt: skip
def test_numbers_read_well(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.94123, "0.9412"), (1.02052, "1.0205"), (1.1298, "1.13"), (0.7143, "0.714"),
     (12.345, "12.3"), (3.144e-5, "3.14 × 10⁻⁵")],
)  # fmt: skip
def test_a_factor_can_be_multiplied_up_again(value, shown):
    assert factor(value) == shown


def test_the_factor_a_layer_gives_the_ratio_again():
    """A reader who multiplies it up over the layers gets what the sentence says arrives."""
    found = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(726.0, depth=56, shortcut="none", batch_norm=True),
    ))  # fmt: skip
    said = sentences(found)[0]
    assert "get 726 of the gradient norm" in said
    assert "a factor of 1.13 at each of 54 layers" in said
    assert pytest.approx(726, rel=0.02) == 1.13**54


def test_ends_and_fate():
    both = first_and_last(flow(1e-6), "weight_gradient")
    assert both is not None
    assert both.ratio == pytest.approx(1e-6, rel=1e-3)
    assert both.a_layer == pytest.approx(1e-6 ** (1 / 18), rel=1e-3)
    assert [gradient_outcome(one) for one in (None, 1e-3, 1.0, 1e3)] == [
        *("cannot be told", "vanishes", "is kept", "explodes")
    ]


def test_of_layers_side_by_side_the_one_with_the_most_weights_is_drawn():
    value = Spread(1.0, 1.0, 1.0)
    layers = tuple(
        LayerFlow(path, depth, weights, value, value, value)
        for path, depth, weights in (("a", 1, 9), ("shortcut", 2, 1), ("b", 2, 9))
    )
    one = NetworkFlow(COURSE.to_json(), "default", 1, layers, ())
    assert [layer.path for layer in one.main_path] == ["a", "b"]


def test_networks_of_different_depth_share_the_map_s_width():
    flows = (flow(0.5, depth=20), flow(0.1, depth=56))
    heat = flow_map(flows, "variance").data[0]
    assert flow_map(flows, "variance").layout.xaxis.ticktext == ("0 %", "50 %", "100 %")
    assert {len(row) for row in heat.z} == {56}
    assert all(one <= other for one, other in pairwise(heat.z[1][:-1]))


def test_the_tables_say_what_they_are_about():
    found = GradientFlow(1.0, "fashion-mini", 16, "a test", (flow(0.5, shortcut="none"),))
    frame = flow_frame(found)
    assert len(frame) == 20
    assert set(frame["options"]) == {"shortcut=none"} and set(frame["network"]) == {"resnet20"}
    assert first_and_last_frame(found)["first_by_last_weight_gradient"][0] == pytest.approx(0.5)
    assert "default" in to_csv(frame)


def test_accuracy_by_depth_has_mean_and_whiskers():
    line = DepthLine("no shortcut", Look(VERMILLION), ((20, (0.5, 0.7)), (56, (0.4,))))
    drawn = depth_chart([line], "accuracy", "title").data[0]
    assert drawn.line.color == VERMILLION
    assert list(drawn.y) == pytest.approx([60, 40])
    assert list(drawn.error_y.array) == pytest.approx([10, 0])
