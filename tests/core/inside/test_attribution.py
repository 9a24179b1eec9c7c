"""What speaks for a class: by hand, by a direct loop, and by Captum where that can be asked."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy import stats

from core.analysis import analyze
from core.inside.attribution import attribution
from core.inside.attribution_records import (
    Attribution,
    Finding,
    Method,
    Question,
    agreement,
    default_layer,
    finding_of,
    integration_steps,
    last_map,
    layers_down_to,
    map_layers,
    occlusion_grid,
)
from core.inside.one_image import network_of, read
from core.inside.weights import Weights
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import complete, find

NETWORKS = """
import torch
from torch import nn
from torch.nn import functional as F
from typing import Literal

class Hand(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 2, dead: bool = False,
                 relu: Literal["module", "module_", "function", "function_"] = "module"):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 2, 2, stride=2)
        if relu.startswith("module"):
            self.relu = nn.ReLU(inplace=relu == "module_")
        self.way = relu
        self.linear = nn.Linear(8, num_classes)
        with torch.no_grad():
            self.conv.weight[0] = 1
            self.conv.weight[1] = -1
            self.conv.bias.fill_(-100 if dead else 0)
            self.linear.weight[0] = torch.tensor([1, 2, 3, 6, 0, 0, 0, 0])
            self.linear.weight[1] = -1
            self.linear.bias.zero_()

    def forward(self, x):
        x = self.conv(x)
        if self.way == "function":
            x = F.relu(x)
        elif self.way == "function_":
            x = F.relu_(x)
        else:
            x = self.relu(x)
        return self.linear(x.flatten(1))

class Linear(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 2):
        super().__init__()
        self.linear = nn.Linear(in_channels * 16, num_classes)

    def forward(self, x):
        return self.linear(x.flatten(1))

class Detached(Hand):
    def forward(self, x):
        return super().forward(x).detach()

class WritesOverTheImage(Hand):
    def forward(self, x):
        return super().forward(x.sub_(0.5))

class Vector(nn.Module):
    def forward(self, x):
        return x.mean((1, 2, 3))
"""

# Blocks of 2 × 2 pixels that add up to 4, 0, 2 and 1
PIXELS = np.kron([[255, 0], [127.5, 63.75]], np.ones((2, 2))).round().astype(np.uint8)
SUMS = np.array([[4, 0], [2, 1]])


@pytest.fixture
def own(networks_file):
    """Weights of a network of the file above, at 4 × 4 pixels."""
    networks_file(NETWORKS)

    def weights(name: str, **options: object) -> Weights:
        arch = f"nets.py:{name}"
        sizes = dict(image_size=4, in_channels=1, num_classes=2)
        return Weights(complete(ModelSpec(arch, options=tuple(options.items()), **sizes)))

    return weights


# Grad-CAM --------------------------------------------------------------------------------------


@pytest.mark.parametrize("relu", ["module", "module_", "function", "function_"])
def test_grad_cam_of_a_net_on_paper(own, relu: str) -> None:
    """Mean gradients 3 and 0 at the map behind ReLU; before it 2.5, for the zero cell has none."""
    weights = own("Hand", relu=relu)
    found = attribution(weights, PIXELS, Question(Method.GRAD_CAM, 0))
    assert (found.layer, found.channels, found.finding) == ("relu", 2, Finding.SAYS)
    np.testing.assert_allclose(found.cells, 3 * SUMS, atol=0.05)
    assert found.score == pytest.approx(1 * 4 + 2 * 0 + 3 * 2 + 6 * 1, abs=0.05)
    before = attribution(weights, PIXELS, Question(Method.GRAD_CAM, 0, layer="conv"))
    np.testing.assert_allclose(before.cells, 2.5 * SUMS, atol=0.05)


def test_why_not_another_class_is_the_difference_of_both_scores(own) -> None:
    found = attribution(own("Hand"), PIXELS, Question(Method.GRAD_CAM, 0, against=1))
    np.testing.assert_allclose(found.cells, (3 + 1) * SUMS, atol=0.05)
    single = [attribution(own("Hand"), PIXELS, Question(Method.GRAD_CAM, c)) for c in (0, 1)]
    assert found.score == pytest.approx(single[0].score - single[1].score)


def test_a_map_is_enlarged_about_the_centers_of_its_cells(own) -> None:
    found = attribution(own("Hand"), PIXELS, Question(Method.GRAD_CAM, 0))
    assert found.values.shape == (4, 4)
    corners = found.values[np.ix_([0, 3], [0, 3])]
    np.testing.assert_allclose(corners, found.cells)
    assert found.values[0, 1] == pytest.approx(0.75 * found.cells[0, 0] + 0.25 * found.cells[0, 1])


@pytest.mark.parametrize("arch", ["lenet", "course-residual", "course-inception", "resnet20"])
def test_grad_cam_is_captums_where_the_map_is_a_modules(arch: str) -> None:
    from captum.attr import LayerGradCam

    spec = complete(find(arch).default)
    weights = Weights(spec, mean=0.3, std=0.4)
    pixels = np.random.default_rng(0).integers(0, 256, (spec.in_channels, *spec.sides), np.uint8)
    network = network_of(weights)
    for row in [row for row in map_layers(analyze(spec)) if row.is_module][-3:]:
        layer = network.get_submodule(row.path)
        image = read(weights, pixels).contiguous().requires_grad_()
        captums = LayerGradCam(network, layer).attribute(image, 3, relu_attributions=True)
        found = attribution(weights, pixels, Question(Method.GRAD_CAM, 3, layer=row.path))
        torch.testing.assert_close(torch.from_numpy(found.cells), captums[0, 0].detach())


def test_networks_stay_as_they_are(own) -> None:
    weights = own("Hand", relu="module_")
    network = network_of(weights)
    before = deepcopy(network.state_dict())
    for method in Method:
        attribution(weights, PIXELS, Question(method, 0))
        attribution(weights, PIXELS, Question(method, 0, random_seed=5, random_down_to="conv"))
    assert all(not one.requires_grad and one.grad is None for one in network.parameters())
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    assert not network._forward_hooks and not network.relu._forward_hooks


# Occlusion and integrated gradients --------------------------------------------------------------


def test_occlusion_is_the_mean_fall_of_the_score_over_the_windows_of_a_pixel() -> None:
    spec = complete(ModelSpec("course-residual", image_size=28))
    weights = Weights(spec, mean=0.3, std=0.4)
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    found = attribution(weights, pixels, Question(Method.OCCLUSION, 3, baseline=0.5))
    network, image = network_of(weights), read(weights, pixels)
    falls, counts = np.zeros((28, 28)), np.zeros((28, 28))
    (height, width), (down, right) = found.grid.window, found.grid.stride
    for top in range(0, 28 - height + down, down):
        for left in range(0, 28 - width + right, right):
            covered = image.clone()
            covered[..., top : top + height, left : left + width] = (0.5 - 0.3) / 0.4
            falls[top : top + height, left : left + width] += float(
                network(image)[0, 3] - network(covered)[0, 3]
            )
            counts[top : top + height, left : left + width] += 1
    assert counts.min() >= 1
    np.testing.assert_allclose(found.values, falls / counts, atol=1e-5)


@pytest.mark.parametrize("sides", [(28, 28), (96, 96), (224, 224), (32, 64), (4, 4), (1, 9)])
@pytest.mark.parametrize("macs", [1, 10**7, 10**8, 10**10])
def test_windows_cover_every_pixel_and_are_bounded(sides: tuple[int, int], macs: int) -> None:
    grid = occlusion_grid(sides, macs)
    assert grid.windows <= 1_000
    assert grid.windows * macs <= 15e9 or grid.windows <= 49
    for side, window, stride, count in zip(
        sides, grid.window, grid.stride, grid.counts, strict=True
    ):
        assert stride <= window <= side
        assert (count - 1) * stride + window >= side > (count - 2) * stride + window


def test_integrated_gradients_of_a_linear_net_are_weight_times_difference(own) -> None:
    weights = own("Linear")
    found = attribution(weights, PIXELS, Question(Method.INTEGRATED, 1, baseline=0.25))
    expected = network_of(weights).linear.weight[1].reshape(4, 4).numpy() * (PIXELS / 255 - 0.25)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.completeness_error == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("arch", ["lenet", "course-residual", "course-inception"])
def test_integrated_gradients_add_up_to_what_the_score_has_gained(arch: str) -> None:
    spec = complete(ModelSpec(arch, image_size=find(arch).default.image_size, in_channels=1))
    weights = Weights(spec, seed=1)
    pixels = np.random.default_rng(0).integers(0, 256, spec.sides, np.uint8)
    found = attribution(weights, pixels, Question(Method.INTEGRATED, 2))
    network = network_of(weights)
    scores = [float(network(read(weights, image))[0, 2]) for image in (pixels, 0 * pixels)]
    assert found.values.sum() == pytest.approx(scores[0] - scores[1], rel=0.03)
    assert found.completeness_error == pytest.approx(
        found.values.sum() - scores[0] + scores[1], abs=1e-4
    )


def test_a_larger_network_gets_fewer_steps() -> None:
    assert integration_steps(1_000) == 64
    assert integration_steps(10**8) == 50
    assert integration_steps(10**11) == 16


# Where a map says nothing ------------------------------------------------------------------------


def test_grad_cam_says_why_it_says_nothing(own) -> None:
    asked = Question(Method.GRAD_CAM, 0)
    white = np.full((4, 4), 255, np.uint8)
    cases = {
        Finding.NOTHING_FOR: attribution(own("Hand"), PIXELS, Question(Method.GRAD_CAM, 1)),
        Finding.DEAD_MAP: attribution(own("Hand", dead=True), PIXELS, asked),
        Finding.FLAT: attribution(own("Hand"), white, asked),
        Finding.ZERO: attribution(own("Hand"), PIXELS, Question(Method.GRAD_CAM, 0, against=0)),
        Finding.NO_MAP: attribution(own("Linear"), PIXELS, asked),
        Finding.NO_GRADIENT: attribution(own("Detached"), PIXELS, asked),
    }
    assert {expected: found.finding for expected, found in cases.items()} == {
        expected: expected for expected in cases
    }
    assert cases[Finding.NOTHING_FOR].before_relu[1] <= 0
    assert cases[Finding.FLAT].low == cases[Finding.FLAT].high == pytest.approx(3 * 4)


def test_a_last_map_of_one_cell_is_passed_over_and_said_when_it_is_chosen() -> None:
    spec = complete(find("resnet20").default)
    analysis = analyze(spec)
    last = last_map(analysis)
    assert last != default_layer(analysis)
    pixels = np.random.default_rng(0).integers(0, 256, (spec.in_channels, *spec.sides), np.uint8)
    found = attribution(Weights(spec), pixels, Question(Method.GRAD_CAM, 0, layer=last))
    assert found.cells.shape == (1, 1)
    assert found.finding is Finding.ONE_CELL


@pytest.mark.parametrize("method", Method)
def test_numbers_that_are_none_are_found(own, monkeypatch, method: Method) -> None:
    weights = own("Hand")
    network = network_of(weights)
    monkeypatch.setattr(network.conv.bias, "data", torch.tensor([float("nan"), 0]))
    assert attribution(weights, PIXELS, Question(method, 0)).finding is Finding.NOT_FINITE


def test_other_methods_say_why_they_say_nothing(own) -> None:
    black = np.zeros((4, 4), np.uint8)
    for method in (Method.OCCLUSION, Method.INTEGRATED):
        assert attribution(own("Hand"), black, Question(method, 0)).finding is Finding.ZERO
    asked = Question(Method.INTEGRATED, 0)
    assert attribution(own("Detached"), PIXELS, asked).finding is Finding.NO_GRADIENT
    assert finding_of(np.full((3, 3), 0.1, np.float32)) is Finding.FLAT
    assert finding_of(np.array([[0.0, np.inf]], np.float32)) is Finding.NOT_FINITE


@pytest.mark.parametrize("method", Method)
def test_a_network_that_writes_over_its_image_is_asked_all_the_same(own, method: Method) -> None:
    found = attribution(own("WritesOverTheImage"), PIXELS, Question(method, 0))
    assert found.finding is Finding.SAYS
    again = attribution(own("WritesOverTheImage"), PIXELS, Question(method, 0))
    np.testing.assert_array_equal(found.values, again.values)


def test_what_cannot_be_asked_is_refused_in_one_sentence(own) -> None:
    with pytest.raises(LabError, match=r"has the classes 0 to 1"):
        attribution(own("Hand"), PIXELS, Question(Method.GRAD_CAM, 2))
    with pytest.raises(LabError, match=r"'linear' is no map"):
        attribution(own("Hand"), PIXELS, Question(Method.GRAD_CAM, 0, layer="linear"))
    with pytest.raises(LabError, match=r"no parameters in 'relu'"):
        layers_down_to(analyze(own("Hand").spec), "relu")
    for method in Method:
        with pytest.raises(LabError, match=r"gives no scores of classes"):
            attribution(own("Vector"), PIXELS, Question(method, 0))


# The sanity check --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", Method)
def test_random_weights_are_those_of_another_seed(method: Method) -> None:
    spec = complete(ModelSpec("course-residual", image_size=28))
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    found = attribution(Weights(spec, seed=0), pixels, Question(method, 3, random_seed=7))
    expected = attribution(Weights(spec, seed=7), pixels, Question(method, 3))
    np.testing.assert_array_equal(found.values, expected.values)


def test_layers_are_made_random_from_the_last_one_up() -> None:
    spec = complete(ModelSpec("course-residual", image_size=28))
    weights, other = Weights(spec, seed=0), Weights(spec, seed=7)
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    assert layers_down_to(analyze(spec), "residual2.conv2") == ("dense.linear", "residual2.conv2")
    mixed = deepcopy(network_of(weights))
    mixed.dense.linear = network_of(other).dense.linear
    asked = Question(Method.GRAD_CAM, 3, random_seed=7, random_down_to="dense.linear")
    expected = float(mixed(read(weights, pixels))[0, 3])
    assert attribution(weights, pixels, asked).score == pytest.approx(expected)
    first = Question(Method.GRAD_CAM, 3, random_seed=7, random_down_to="stem1.conv")
    whole = Question(Method.GRAD_CAM, 3, random_seed=7)
    np.testing.assert_array_equal(
        attribution(weights, pixels, first).values, attribution(weights, pixels, whole).values
    )


def _map(values: np.ndarray) -> Attribution:
    values = values.astype(np.float32)
    asked = Question(Method.OCCLUSION, 0)
    return Attribution(asked, values, values, finding_of(values), 1.0)


def test_two_maps_agree_as_scipy_says() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.integers(-5, 6, (2, 9, 9))  # many values are the same
    found = agreement(_map(first), _map(second))
    flat = first.ravel(), second.ravel()
    assert found.rank == pytest.approx(stats.spearmanr(*flat).statistic)
    assert found.rank_of_sizes == pytest.approx(stats.spearmanr(*map(abs, flat)).statistic)
    assert found.linear == pytest.approx(stats.pearsonr(*flat).statistic)
    assert agreement(_map(first), _map(np.exp(first))).rank == pytest.approx(1)
    assert agreement(_map(first), _map(-first)).strongest == pytest.approx(-1)


def test_maps_that_say_nothing_agree_with_none() -> None:
    first = np.arange(9.0).reshape(3, 3)
    assert agreement(_map(first), _map(np.ones((3, 3)))) is None
    assert agreement(_map(first), _map(np.arange(4.0).reshape(2, 2))) is None


def test_unrelated_maps_exceed_the_bound_once_in_twenty() -> None:
    draw = np.random.default_rng(0)
    maps = [(_map(first), _map(second)) for first, second in draw.random((600, 2, 5, 5))]
    found = [agreement(*pair) for pair in maps]
    exceeding = np.mean([abs(one.rank) > one.by_chance for one in found])
    assert exceeding == pytest.approx(0.05, abs=0.02)
