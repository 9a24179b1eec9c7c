"""torchvision's own models and modules of a reader's own, against published figures.

Those of timm are tested in test_timm.py.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from core.analysis import Analysis, analyze, analyze_module
from core.specs import LabError, ModelSpec
from core.zoo.building import build
from core.zoo.catalogue import CATALOGUE, find
from core.zoo.libraries import LIBRARIES, models_of_installed
from tests.core.networks import analysis_of, flops_of

pytestmark = pytest.mark.slow

MODELS = LIBRARIES["torchvision"].models
PREFIX = "torchvision/"
# torchvision counts in evaluation and at a batch of 1; everything else is within 0.1 % of _ops,
# or equal to its three decimals.
DIFFERENT = {
    "inception_v3": "its auxiliary head runs in training",
    "swin_v2_b": "its position bias is computed once a batch, not for each image",
    "swin_v2_s": "its position bias is computed once a batch, not for each image",
    "swin_v2_t": "its position bias is computed once a batch, not for each image",
}


def analysis_by_name(name: str) -> Analysis:
    return analysis_of(find(PREFIX + name).default)


def test_the_table_that_comes_with_the_lab_is_torchvision_s_own():
    assert models_of_installed("torchvision") == MODELS


@pytest.mark.parametrize("name", MODELS)
def test_parameters_and_multiply_adds_are_the_published_ones(name):
    totals, known = analysis_by_name(name).totals, MODELS[name]
    assert totals.params == known.params
    giga_macs = totals.macs / 1e9
    close = giga_macs == pytest.approx(known.giga_macs, rel=0.001)
    equal = round(giga_macs, 3) == known.giga_macs
    assert (close or equal) == (name not in DIFFERENT), DIFFERENT.get(name)


def test_at_least_95_percent_are_the_same():
    assert len(DIFFERENT) <= 0.05 * len(MODELS)


@pytest.mark.parametrize("name", ["vit_b_16", "swin_t", "convnext_tiny"])
def test_attention_and_linear_over_tokens_are_counted_right(name):
    assert analysis_by_name(name).totals.macs / 1e9 == pytest.approx(MODELS[name].giga_macs, 1e-3)


def test_attention_s_rows_hold_its_weights():
    """ViT-B/16: 197 tokens of 768; query, key and value in one product; 12 heads of 64."""
    layers = {layer.path: layer for layer in analysis_by_name("vit_b_16").layers}
    attention = "encoder.layers.encoder_layer_0.self_attention"
    inside = [layer for path, layer in layers.items() if path.startswith(attention)]
    owners = [layer for layer in inside if layer.params]  # the first bias is added on its own
    assert [layer.weight_shape for layer in owners] == [(2304, 768), (2304,), (768, 768)]
    assert [layer.macs for layer in owners if layer.macs] == [197 * 2304 * 768, 197 * 768 * 768]
    products = [layer.macs for layer in inside if layer.kind == "linear" and not layer.params]
    assert products == [2 * 12 * 197 * 197 * 64]  # scores, and their sums of values
    assert analysis_by_name("vit_b_16").totals.receptive_field is None  # attention looks anywhere


@pytest.mark.parametrize("name", ["vit_b_32", "swin_t", "squeezenet1_1"])
def test_backward_macs_are_half_of_the_flops_that_pytorch_counts(name):
    """Of two images; those of the lab's own networks are tested with the analysis."""
    totals = analysis_by_name(name).totals
    assert flops_of(find(PREFIX + name).default)[1] == 2 * 2 * (totals.macs + totals.backward_macs)
    assert totals.backward_macs < 2 * totals.macs


def test_a_dead_layer_has_no_backward_work():
    options = {"shortcut": "conv", "as_published": True}
    spec = ModelSpec("course-residual", image_size=28, options=options)
    layers = {layer.path: layer for layer in analyze(spec).layers}
    assert layers["residual1.conv1"].backward_macs == 0 < layers["residual1.conv1"].macs
    assert layers["stem1.conv"].backward_macs == layers["stem1.conv"].macs
    assert layers["residual1.conv2"].backward_macs == 2 * layers["residual1.conv2"].macs


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec(PREFIX + "resnet-50", 1, 224, 3), "no classification model 'resnet-50'; try"),
        (ModelSpec(PREFIX + "resnet50", 2, 224, 3), "has no ratio"),
        (ModelSpec(PREFIX + "resnet50", 1, 224, 1), "3 channels, not 1"),
        (ModelSpec(PREFIX + "vit_b_16", 1, 100, 3), "cannot be built for 100×100"),
        (ModelSpec(PREFIX + "alexnet", 1, 20, 3), "cannot be taken apart at 3×20×20"),
        (ModelSpec(PREFIX + "<script>", 1, 224, 3), "no classification model '<script>'"),
    ],
)
def test_what_cannot_be_taken_apart_is_one_sentence(spec, words):
    with pytest.raises(LabError, match=words) as caught:
        analyze(spec)
    assert "\n" not in str(caught.value)


def test_torchvision_s_networks_have_one_line_of_text_like_ours():
    spec = find(PREFIX + "resnet18").default
    assert spec.to_text() == "torchvision/resnet18/1/224/3/1000"
    assert ModelSpec.from_text(spec.to_text()) == spec


# A module of your own


class Gate(nn.Module):
    """Uses a parameter of its own, one layer twice, and a function."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.scale = nn.Parameter(torch.full((3, 1, 1), 0.5))
        self.unused = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.conv(self.conv(x))) * self.scale


def test_a_module_of_your_own_is_taken_apart_and_left_as_it_was():
    module = Gate().eval()
    before = [parameter.clone() for parameter in module.parameters()]
    analysis = analyze_module(module, (3, 20, 20))
    layers = {layer.path: layer for layer in analysis.layers}
    assert layers["conv"].params == 3 * 3 * 9 + 3
    assert layers["conv_2"].params == 0 and layers["conv_2"].macs == layers["conv"].macs
    assert layers["mul"].params == 3
    assert layers["unused"].params == 30
    assert analysis.totals.params == sum(parameter.numel() for parameter in module.parameters())
    assert analysis.totals.macs == 2 * 20 * 20 * 3 * 3 * 9
    assert "30 parameters can never get a gradient" in analysis.warnings[0]
    assert not module.training and all(
        parameter.device.type == "cpu" and torch.equal(parameter, kept)
        for parameter, kept in zip(module.parameters(), before, strict=True)
    )


def test_the_same_network_as_module_and_as_spec_has_the_same_layers():
    """In the order of memory that the lab trains it in: another one takes more work space."""
    spec = CATALOGUE["course-residual"].default
    network = build(spec).to(memory_format=torch.channels_last)
    assert analyze_module(network, (1, 28, 28)).layers == analyze(spec).layers


def test_a_frozen_layer_has_no_gradient_of_its_weights():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3))
    network[0].requires_grad_(False)
    first, second = analyze_module(network, (3, 8, 8)).layers
    assert first.backward_macs == 0
    assert second.backward_macs == second.macs  # of its weights; nothing before it learns
    assert analyze_module(network, (3, 8, 8)).warnings == ()  # it was meant to get none


def test_a_module_of_another_precision_is_counted_by_its_own_size():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    expected = analyze_module(network, (3, 8, 8))
    half = analyze_module(network.half(), (3, 8, 8))
    assert (half.totals.params, half.totals.macs) == (expected.totals.params, expected.totals.macs)
    assert half.totals.output_bytes == expected.totals.output_bytes // 2
    assert half.training_memory(8).optimiser == 2 * half.totals.params
    assert network[0].weight.dtype is torch.float16


def test_a_warning_names_a_few_modules_and_counts_the_others():
    network = nn.Sequential(nn.Conv2d(3, 3, 1))
    network.heads = nn.ModuleList(nn.Linear(2, 2) for _ in range(9))
    network.forward = network[0].forward
    [warning] = analyze_module(network, (3, 8, 8)).warnings
    assert warning == (
        "54 parameters can never get a gradient, because what heads.0 and heads.1 and heads.2 and"
        " heads.3 and 5 more could compute is never used."
    )


class Branching(nn.Module):
    """Decides on a value, which does not exist on meta."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Broken(nn.Module):
    """Raises what no library would."""

    def forward(self, x: Tensor) -> Tensor:
        return {}["no such key"]


@pytest.mark.parametrize(
    ("module", "shape", "words"),
    [
        (Broken(), (3, 8, 8), "module/Broken cannot be taken apart"),
        (nn.LazyConv2d(8, 3), (3, 8, 8), "LazyConv2d has lazy layers: run it once"),
        (nn.Conv2d(1, 1, 3), (3, 8, 8), "module/Conv2d cannot be taken apart"),
        (nn.Conv2d(3, 3, 3), (3, 0, 8), "input_shape is"),
        (nn.Conv2d(3, 3, 3), 8, "input_shape is"),
    ],
)
def test_a_module_that_cannot_be_traced_is_one_sentence(module, shape, words):
    with pytest.raises(LabError, match=words):
        analyze_module(module, shape)
