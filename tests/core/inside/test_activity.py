"""Dead channels: found where a bias kills them, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.inside.activity import measure_activity, read_rows
from core.inside.activity_records import Activity
from core.inside.one_image import network_of
from core.inside.weights import Weights
from core.specs import ModelSpec
from core.zoo.catalogue import complete

COURSE = complete(ModelSpec("course-residual", image_size=28))
INCEPTION = complete(ModelSpec("course-inception", image_size=28))


@pytest.fixture
def killed(tmp_path) -> Weights:
    """A course net two of whose channels have a bias of −1e9, one before a ReLU and one not."""
    state = {
        name: value.clone() for name, value in network_of(Weights(COURSE)).state_dict().items()
    }
    state["stem2.conv.bias"][5] = -1e9
    state["residual1.conv2.bias"][2] = -1e9
    save_file(state, tmp_path / "best.safetensors")
    return Weights(COURSE, str(tmp_path / "best.safetensors"))


def test_a_channel_that_its_bias_kills_is_dead_over_the_whole_test_set(killed: Weights) -> None:
    *_, found = measure_activity(killed, "fashion-mini")
    assert (found.share, found.images, found.test_images) == (1.0, 2000, 2000)
    layers = {layer.path: layer for layer in found.layers}
    assert 5 in layers["stem2.conv"].dead and layers["stem2.conv"].read_at == "stem2.relu"
    channel = layers["stem2.conv"].channels[5]
    assert (channel.maximum, channel.mean, channel.active_images) == (0, 0, 0)
    conv2 = layers["residual1.conv2"]  # what is added has its negative numbers read
    assert not conv2.has_relu and conv2.dead == () and 2 in conv2.only_negative


def test_the_numbers_are_those_of_the_first_layer_computed_by_hand(killed: Weights) -> None:
    *_, found = measure_activity(killed, "fashion-mini")
    images = torch.from_numpy(read_arrays("fashion-mini", "test")[0]).unsqueeze(1) / 255
    with torch.no_grad():
        maps = network_of(killed).stem1.conv(images).relu()
    expected = {
        "maximum": maps.amax((0, 2, 3)),
        "minimum": maps.amin((0, 2, 3)),
        "mean": maps.mean((0, 2, 3)),
        "active_images": (maps.amax((2, 3)) > 0).float().mean(0),
    }
    for name, values in expected.items():
        measured = [getattr(one, name) for one in found.layers[0].channels]
        assert measured == pytest.approx(values.tolist(), rel=1e-4), name


def test_the_relu_behind_a_pooling_counts_and_one_behind_an_addition_does_not() -> None:
    assert read_rows(analyze(INCEPTION))["stem1.conv"] == ("stem1.relu", True)
    rows = read_rows(analyze(COURSE))
    assert rows["residual1.conv1"] == ("residual1.relu", True)
    assert rows["residual1.conv2"] == ("residual1.conv2", False)
    normalized = read_rows(analyze(complete(ModelSpec("resnet20", image_size=28))))
    assert normalized["stem.conv"] == ("stem.relu", True)


def test_a_sigmoid_never_dies_and_results_travel_as_json() -> None:
    spec = complete(ModelSpec("lenet", image_size=28))
    results = list(measure_activity(Weights(spec), "fashion-mini"))
    assert np.all(np.diff([one.share for one in results]) > 0) and len(results) > 1
    assert Activity.from_dict(results[-1].to_dict()) == results[-1]
    assert all(not layer.dead and not layer.has_relu for layer in results[-1].layers)
