"""The effective receptive field: against closed forms, and the paper's square root."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from core.analysis import analyze, analyze_module
from core.inside.effective_field import field_of, window_counts
from core.inside.effective_field_records import (
    EffectiveField,
    WindowCounts,
    field_layers,
    is_quick,
    last_map,
    theoretical_window,
)
from core.inside.tested import TestImages
from core.inside.weights import Weights
from core.inside.windows import Box
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import complete

SIDE = 33  # pixels of the images


def stacked(count: int, channels: int = 1) -> nn.Sequential:
    """So many 3×3 convolutions, all weights 1."""
    layers = [
        nn.Conv2d(1 if number == 0 else channels, channels, 3, padding=1, bias=False)
        for number in range(count)
    ]
    for layer in layers:
        nn.init.ones_(layer.weight)
    return nn.Sequential(*layers)


def field(network: nn.Module, layer: str, images: int = 2) -> EffectiveField:
    weights = Weights(ModelSpec("lenet", image_size=SIDE))
    shown = TestImages.of(weights, "fashion-mini", images)
    shape = (1, next(iter(network.parameters())).shape[0], SIDE, SIDE)
    return field_of(network, shown, layer, "", shape, (SIDE // 2, SIDE // 2))


def test_one_convolution_of_ones_listens_to_its_window_alike() -> None:
    values = field(stacked(1), "0").values
    expected = np.zeros((SIDE, SIDE), np.float32)
    expected[15:18, 15:18] = 1
    assert np.array_equal(values, expected)


def test_stacked_convolutions_of_ones_give_trinomial_coefficients() -> None:
    count = 6
    once = np.array([1.0])
    for _ in range(count):
        once = np.convolve(once, [1, 1, 1])
    values = field(stacked(count), str(count - 1)).values
    middle = slice(SIDE // 2 - count, SIDE // 2 + count + 1)
    np.testing.assert_allclose(values[middle, middle], np.outer(once, once), rtol=1e-6)
    assert values.sum() == pytest.approx(9**count)


def test_the_effective_size_grows_with_the_square_root_of_the_depth() -> None:
    """Arithmetic of a Gaussian: above 1/22 of its peak within 2.486 standard deviations."""
    for count in (5, 10):
        found = field(stacked(count), str(count - 1))
        radius = 2.486 * sqrt(2 / 3 * count)  # the variance of each layer's window is 2/3
        assert found.side == pytest.approx(radius * sqrt(np.pi), rel=0.08)


def test_channels_of_opposite_sign_do_not_cancel() -> None:
    """The sum over channels would be 0 everywhere; their squares add up."""
    network = stacked(1, channels=2)
    with torch.no_grad():
        network[0].weight[1] *= -1
    values = field(network, "0", images=64).values
    assert values[16, 16] == pytest.approx(sqrt(2), rel=0.15)


def test_half_of_a_field_is_the_smallest_square_around_its_middle() -> None:
    even = np.zeros((9, 9), np.float32)
    even[2:7, 2:7] = 1
    assert EffectiveField(even).half_side(Box(2, 2, 7, 7)) == 5  # 9 of 25 are less than half
    even[4, 4] = 100
    assert EffectiveField(even).half_side(Box(2, 2, 7, 7)) == 1


def test_a_layer_that_nothing_passes_has_no_field() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU())
    nn.init.constant_(network[0].bias, -1e9)
    found = field(network, "1")
    assert found.is_nothing and found.area == 0


@pytest.mark.parametrize("arch", ["course-residual", "course-inception", "resnet20", "lenet"])
def test_nothing_is_heard_from_outside_of_the_theoretical_window(arch: str) -> None:
    spec = complete(ModelSpec(arch, image_size=28))
    analysis = analyze(spec)
    for layer in [*field_layers(analysis)][:16:4]:
        window = theoretical_window(analysis, layer)
        found = window_counts(Weights(spec), "fashion-mini", layer).before
        outside = found.values.copy()
        inside = slice(max(0, window.top), window.bottom), slice(max(0, window.left), window.right)
        assert found.values[inside].any() and found.area <= window.sides[0] * window.sides[1]
        outside[inside] = 0
        assert not outside.any(), layer


def test_the_last_map_is_the_block_s_result_and_quick_for_small_networks() -> None:
    analysis = analyze(complete(ModelSpec("course-residual", image_size=28)))
    assert last_map(analysis) == "residual2.relu_2"
    assert field_layers(analysis)["residual2.relu_2"] == "residual2"
    assert "residual2.add" not in field_layers(analysis)  # no module gives it
    assert is_quick(analyze(complete(ModelSpec("vgg11", 4, 96))))
    assert not is_quick(analyze(complete(ModelSpec("vgg11", 1, 224))))


def test_before_and_after_training_travel_as_json(tmp_path) -> None:
    from safetensors.torch import save_file

    from core.inside.one_image import network_of

    spec = complete(ModelSpec("course-residual", image_size=28))
    file = tmp_path / "best.safetensors"
    save_file(network_of(Weights(spec, seed=9)).state_dict(), file)
    trained = Weights(spec, str(file), seed=1)
    found = window_counts(trained, "fashion-mini", "stem2.pool")
    alone = window_counts(Weights(spec, seed=9), "fashion-mini", "stem2.pool")
    assert alone.after is None and found.after is not None
    assert np.array_equal(found.after.values, alone.before.values)
    again = WindowCounts.from_dict(found.to_dict())
    np.testing.assert_allclose(again.after.values, found.after.values, rtol=1e-3, atol=1e-4)
    assert (again.layer, again.unit, again.images) == (found.layer, found.unit, found.images)


def test_a_layer_without_a_field_is_one_sentence() -> None:
    spec = complete(ModelSpec("lenet", image_size=28))
    with pytest.raises(LabError, match=r"'dense1.linear' has no receptive field here"):
        window_counts(Weights(spec), "fashion-mini", "dense1.linear")


def test_a_module_s_window_is_that_of_its_analysis() -> None:
    analysis = analyze_module(stacked(4), (1, SIDE, SIDE))
    window = theoretical_window(analysis, "3")
    assert window.sides == (9, 9) and window.top == SIDE // 2 - 4
