"""One image through a network: every row of the analysis with the numbers that ran."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch

from core.analysis import analyze
from core.inside.one_image import network_of, read, see
from core.inside.test_set import predicted
from core.inside.weights import Weights
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import CATALOGUE, complete

SMALL = [  # every network of the lab whose default pass is quick
    row.default
    for row in CATALOGUE.values()
    if "/" not in row.name and row.default.image_size in (28, 32)
]


def pixels_for(spec: ModelSpec) -> np.ndarray:
    """Random pixels of the network's size."""
    shape = (spec.in_channels, *spec.sides)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("spec", SMALL, ids=lambda spec: spec.arch)
def test_every_row_of_the_analysis_has_its_numbers(spec: ModelSpec) -> None:
    weights = Weights(complete(spec))
    seen = see(weights, pixels_for(spec))
    expected = {
        layer.path: layer.output_shape for layer in analyze(weights.spec).layers if layer.inputs
    }
    assert {path: tuple(step.output.shape) for path, step in seen.steps.items()} == expected


@pytest.mark.parametrize("spec", SMALL, ids=lambda spec: spec.arch)
def test_modules_run_again_on_what_they_read_give_what_was_kept(spec: ModelSpec) -> None:
    """Also where a layer behind has written over their result."""
    seen = see(Weights(complete(spec)), pixels_for(spec))
    for path, step in seen.steps.items():
        if step.module is not None:
            with torch.no_grad():
                again = step.module(*[tensor.clone() for tensor in step.inputs])
            assert torch.equal(again, step.output), path


def test_the_output_is_that_of_the_network_alone() -> None:
    spec = complete(ModelSpec("course-residual", image_size=28))
    weights = Weights(spec, seed=3, mean=0.1, std=0.3)
    pixels = pixels_for(spec)
    seen = see(weights, pixels)
    with torch.no_grad():
        alone = network_of(weights)(read(weights, pixels))
    assert torch.equal(seen.output, alone)
    assert seen.probabilities.sum() == pytest.approx(1)


def test_a_network_whose_maps_would_fill_the_memory_is_refused_in_one_sentence() -> None:
    spec = complete(ModelSpec("vgg19", image_size=1024))
    with pytest.raises(LabError, match=r"maps of one image take .* GiB here; .* smaller Resize"):
        see(Weights(spec), np.zeros((1, 8, 8), np.uint8))


def test_a_function_that_writes_over_its_input_has_its_row_and_leaves_the_one_before(
    networks_file,
) -> None:
    networks_file(
        "from torch import nn\n"
        "from torch.nn import functional as F\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv, self.linear = nn.Conv2d(3, 2, 2), nn.Linear(18, 2)\n"
        "    def forward(self, x):\n"
        "        return self.linear(F.relu_(self.conv(x)).flatten(1))\n"
    )
    spec = ModelSpec("nets.py:Net", image_size=4, in_channels=3, num_classes=2)
    steps = see(Weights(complete(spec)), pixels_for(spec)).steps
    assert list(steps) == ["conv", "relu", "linear"]
    assert steps["conv"].output.min() < 0
    assert torch.equal(steps["relu"].inputs[0], steps["conv"].output)
    assert torch.equal(steps["relu"].output, steps["conv"].output.relu())


FAILS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels=1, num_classes=10):
        super().__init__()
        self.linear = nn.Linear(784, num_classes)
    def forward(self, x):
        if not self.training and len(x) >= MOST:
            raise RuntimeError("no such branch")
        return self.linear(x.flatten(1))
"""


def own(networks_file, text: str) -> Weights:
    """The only network of such a file."""
    networks_file(text)
    return Weights(complete(ModelSpec("nets.py:Net", image_size=28, in_channels=1)))


def test_what_somebody_s_own_forward_raises_in_evaluation_is_told_with_its_line(networks_file):
    weights = own(networks_file, FAILS.replace("MOST", "1"))
    told = r"Net fails on these images: RuntimeError: no such branch \(nets.py, line 11\)\.\n\nFile"
    with pytest.raises(LabError, match=told):
        see(weights, pixels_for(weights.spec))


def test_a_network_that_takes_one_image_only_is_told_where_many_are_read(networks_file):
    weights = own(networks_file, FAILS.replace("MOST", "2"))
    assert see(weights, pixels_for(weights.spec)).output is not None
    with pytest.raises(LabError, match="Net fails on these images"):
        predicted(weights, "fashion-mini")


def test_a_copy_of_somebody_s_own_network_runs_its_own_layers(networks_file):
    network = network_of(own(networks_file, FAILS.replace("MOST", "99")))
    images = torch.rand(2, 1, 28, 28)
    copied = deepcopy(network)
    torch.nn.init.zeros_(copied.linear.weight)
    assert torch.equal(copied(images), copied.linear.bias.expand(2, 10))
    assert not torch.equal(network(images), copied(images))
