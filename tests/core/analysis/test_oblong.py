"""Images that are not square: whatever the catalogue has, with height and width apart."""

from __future__ import annotations

import pytest
import torch

from core.analysis import analyze, analyze_module
from core.analysis.sweep import sweep
from core.specs import LabError, ModelSpec
from core.zoo.building import build
from core.zoo.catalogue import CATALOGUE

SIZES = {"lenet": (28, 40), "course-inception": (28, 40), "course-residual": (28, 40)}
SPECS = [
    ModelSpec(name, ratio=row.default.ratio, image_size=SIZES.get(name, (96, 128)), in_channels=3)
    for name, row in CATALOGUE.items()
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.arch)
def test_it_is_built_for_them_and_counted_as_torch_runs_it(spec):
    analysis = analyze(spec)
    with torch.device("meta"):
        network = build(spec)
    assert analysis.layers[0].input_shape == (1, 3, *spec.sides)
    assert analysis.layers[-1].output_shape == (1, 10)
    assert analysis.totals.params == sum(p.numel() for p in network.parameters())
    assert analysis.totals.macs == analyze_module(network, (3, *spec.sides)).totals.macs


def test_turned_images_cost_the_same():
    lying = analyze(ModelSpec("vgg11", image_size=(96, 160))).totals
    standing = analyze(ModelSpec("vgg11", image_size=(160, 96))).totals
    assert (lying.params, lying.macs) == (standing.params, standing.macs)


def test_a_sweep_keeps_the_proportions():
    points = sweep(ModelSpec("vgg11", image_size=(96, 192)), "image_size", analyze, [64, 96])
    assert [point.analysis.input_shape[1:] for point in points] == [(64, 128), (96, 192)]


def test_a_library_s_network_that_is_square_says_so():
    with pytest.raises(LabError, match="96×128 pixels: torchvision's ViT takes square images"):
        analyze(ModelSpec("torchvision/vit_b_16", image_size=(96, 128), in_channels=3))
