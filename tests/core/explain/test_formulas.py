"""The explained formulas: what they say in numbers must come to what the analysis has counted."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis import analyze, analyze_module
from core.analysis.records import LEVELS, LayerCost, Window
from core.explain.formulas import Formula, formulas
from core.language import CHINESE, in_language
from core.specs import ModelSpec
from tests.core.networks import DEFAULTS, THIN, analysis_of

pytestmark = pytest.mark.slow

EVERY = DEFAULTS | THIN
every_network = pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY.keys())


def evaluated(text: str) -> int:
    """What a filled-in formula comes to, by a calculator that shares nothing with the code."""
    tokens = re.findall(r"[0-9]+|[·/+−()⌊⌋⌈⌉]", text)
    assert "".join(tokens) == text.replace(" ", ""), text

    def number() -> Fraction:
        token = tokens.pop(0)
        if token.isdecimal():
            return Fraction(token)
        inside = total()
        assert tokens.pop(0) == {"(": ")", "⌊": "⌋", "⌈": "⌉"}[token]
        return {"(": lambda x: x, "⌊": math.floor, "⌈": math.ceil}[token](inside)

    def product() -> Fraction:
        value = number()
        while tokens and tokens[0] in "·/":
            value = value * number() if tokens.pop(0) == "·" else value / number()
        return value

    def total() -> Fraction:
        value = product()
        while tokens and tokens[0] in "+−":
            value = value + product() if tokens.pop(0) == "+" else value - product()
        return value

    value = total()
    assert not tokens and value == int(value), text
    return int(value)


def test_the_calculator_itself():
    assert evaluated("⌊(224 + 2 · 1 − 1 · (11 − 1) − 1) / 4⌋ + 1") == 54
    assert evaluated("3 · 3 · 64 / 32 · 128 + 128") == 3 * 3 * 2 * 128 + 128
    assert evaluated("⌈7 / 2⌉ − 1") == 3


def by_quantity(layer: LayerCost, *layers: LayerCost) -> dict[str, Formula]:
    found = {one.quantity: one for one in formulas(layer, layers)}
    assert len(found) == len(formulas(layer, layers))
    return found


def layer_of(spec: ModelSpec, path: str) -> LayerCost:
    [layer] = [layer for layer in analysis_of(spec).layers if layer.path == path]
    return layer


# Every layer of every network


@every_network
def test_every_formula_comes_to_its_value_and_to_the_analysis(spec):
    layers = analysis_of(spec).layers
    for layer in layers:
        found = by_quantity(layer, *layers)
        for one in found.values():
            assert evaluated(one.filled) == one.value, (layer.path, one)
        assert found["parameters"].value == layer.params
        assert found["MACs"].value == layer.macs
        assert found["output bytes"].value == layer.output_bytes
        assert ("backward MACs" in found) == bool(layer.macs)
        if layer.macs:
            assert found["backward MACs"].value == layer.backward_macs
        ops = found.get("element-wise operations")
        assert (ops.value if ops else 0) == layer.elementwise_ops
        for name, place in (("output side", 2), ("output height", 2), ("output width", 3)):
            if name in found:
                assert found[name].value == layer.output_shape[place]


@every_network
def test_symbols_and_numbers_stand_in_the_same_places(spec):
    for layer in analysis_of(spec).layers:
        found = by_quantity(layer)
        for quantity in ("parameters", "MACs", "output bytes"):
            one = found[quantity]
            assert one.symbols, (layer.path, one)  # nothing in the catalogue is a plain count
            for sign in "·+/":
                assert one.symbols.count(sign) == one.filled.count(sign), (layer.path, one)


@every_network
def test_every_concatenation_shows_its_channels(spec):
    layers = analysis_of(spec).layers
    for layer in layers:
        if layer.operation == "cat":
            shown = by_quantity(layer, *layers)["channels"]
            assert shown.value == layer.output_shape[1]
            assert shown.filled.count("+") == len(layer.inputs) - 1


@pytest.mark.parametrize("level", LEVELS)
def test_rows_of_several_layers_are_never_given_a_formula_that_is_not_theirs(level):
    for name in ("alexnet", "resnet18", "googlenet"):
        for row in analysis_of(DEFAULTS[name]).rows(level):
            found = by_quantity(row)
            assert all(evaluated(one.filled) == one.value for one in found.values())
            assert (found["parameters"].value, found["MACs"].value) == (row.params, row.macs)


# Kinds of layers


def test_a_convolution_of_vgg():
    found = by_quantity(layer_of(DEFAULTS["vgg11"], "block2.conv1"))
    assert found["parameters"] == Formula(
        "parameters",
        "k_h · k_w · C_in · C_out + C_out",
        "3 · 3 · 64 · 128 + 128",
        73856,
        "The last summand is the bias, one for each output channel.",
    )
    assert found["MACs"].symbols == "k_h · k_w · C_in · C_out · H_out · W_out"
    assert found["MACs"].filled == "3 · 3 · 64 · 128 · 112 · 112"
    assert found["output side"].filled == "⌊(112 + 2 · 1 − 1 · (3 − 1) − 1) / 1⌋ + 1"
    assert found["output bytes"].filled == "4 · 128 · 112 · 112"
    assert found["backward MACs"].filled == f"2 · {73728 * 112 * 112}"
    assert "gradient of the input" in found["backward MACs"].note


def test_the_first_convolution_needs_no_gradient_of_the_image():
    found = by_quantity(layer_of(DEFAULTS["alexnet"], "block1.conv"))
    assert found["output side"].filled == "⌊(224 + 2 · 1 − 1 · (11 − 1) − 1) / 4⌋ + 1"
    assert found["output side"].value == 54
    assert found["backward MACs"].filled == f"1 · {11 * 11 * 96 * 54 * 54}"
    assert "the input is the image" in found["backward MACs"].note


def test_a_convolution_whose_result_is_thrown_away_has_no_backward_pass():
    spec = ModelSpec(
        "course-residual", image_size=28, options={"shortcut": "conv", "as_published": True}
    )
    found = by_quantity(layer_of(spec, "residual1.conv1"))
    assert found["MACs"].value > 0
    assert found["backward MACs"].value == 0
    assert "thrown away" in found["backward MACs"].note


def test_a_linear_layer_reads_a_flat_map():
    found = by_quantity(layer_of(DEFAULTS["vgg11"], "dense1.linear"))
    assert found["parameters"].filled == "25088 · 4096 + 4096"
    assert found["MACs"].symbols == "in_features · out_features"
    assert found["MACs"].filled == "25088 · 4096"
    assert found["output bytes"].filled == "4 · 4096"


def test_batch_normalization_has_two_parameters_a_channel_and_no_macs():
    found = by_quantity(layer_of(DEFAULTS["resnet18"], "stem.norm"))
    assert (found["parameters"].symbols, found["parameters"].filled) == ("2 · C", "2 · 64")
    assert "mean and variance" in found["parameters"].note
    assert found["MACs"].filled == "0"
    assert found["element-wise operations"].filled == "2 · 64 · 112 · 112"


def test_poolings_relu_and_sum():
    found = by_quantity(layer_of(DEFAULTS["alexnet"], "block1.pool"))
    assert found["element-wise operations"].filled == "3 · 3 · 96 · 26 · 26"
    assert found["output side"].filled == "⌊(54 + 2 · 0 − 1 · (3 − 1) − 1) / 2⌋ + 1"
    assert found["parameters"].value == 0
    found = by_quantity(layer_of(DEFAULTS["alexnet"], "block1.relu"))
    assert found["element-wise operations"].filled == "96 · 54 · 54"
    found = by_quantity(layer_of(DEFAULTS["course-residual"], "residual1.add"))
    assert found["element-wise operations"].filled == "16 · 12 · 12"
    globally = next(
        layer
        for layer in analysis_of(DEFAULTS["resnet18"]).layers
        if layer.operation == "AdaptiveAvgPool2d"
    )
    assert by_quantity(globally)["element-wise operations"].filled == "512 · 7 · 7"


def test_channels_of_the_inception_block_add_up():
    spec = DEFAULTS["course-inception"]
    layer = layer_of(spec, "inception1.cat")
    shown = by_quantity(layer, *analysis_of(spec).layers)["channels"]
    assert (shown.symbols, shown.filled) == ("C_1 + C_2 + C_3 + C_4", "16 + 24 + 24 + 24")
    assert "channels" not in by_quantity(layer)  # of four inputs, one record shows only the first


GROUPED = LayerCost(
    path="grouped",
    operation="Conv2d",
    kind="convolution",
    input_shape=(1, 64, 20, 30),
    output_shape=(1, 128, 8, 13),
    params=3 * 5 * 2 * 128,
    macs=3 * 5 * 2 * 128 * 8 * 13,
    backward_macs=2 * 3 * 5 * 2 * 128 * 8 * 13,
    elementwise_ops=0,
    output_bytes=4 * 128 * 8 * 13,
    saved_bytes=0,
    fixed_saved_bytes=0,
    receptive_field=5,
    depth=1,
    inputs=("before",),
    weight_shape=(128, 2, 3, 5),
    window=Window((3, 5), (2, 2), (0, 0), (2, 1), groups=32),
)


def test_a_grouped_dilated_oblong_convolution():
    found = by_quantity(GROUPED)
    assert found["parameters"].symbols == "k_h · k_w · C_in / groups · C_out"
    assert found["parameters"].filled == "3 · 5 · 64 / 32 · 128"
    assert found["parameters"].note == "It has no bias of its own."
    assert found["MACs"].filled == "3 · 5 · 64 / 32 · 128 · 8 · 13"
    assert found["output height"].filled == "⌊(20 + 2 · 0 − 2 · (3 − 1) − 1) / 2⌋ + 1"
    assert found["output width"].filled == "⌊(30 + 2 · 0 − 1 · (5 − 1) − 1) / 2⌋ + 1"
    assert "W" in found["output width"].symbols and "W:" in found["output width"].note
    assert all(evaluated(one.filled) == one.value for one in found.values())


def test_a_record_that_no_formula_fits_is_a_plain_count():
    odd = replace(GROUPED, params=GROUPED.params + 1, macs=GROUPED.macs + 1)
    found = by_quantity(odd)
    assert (found["parameters"].symbols, found["parameters"].value) == ("", odd.params)
    assert (found["MACs"].symbols, found["MACs"].value) == ("", odd.macs)


# Networks that the catalogue does not have


def traced(network: nn.Module, *shape: int) -> tuple[LayerCost, ...]:
    return analyze_module(network, shape).layers


def meta(kind: type[nn.Module], *arguments: object, **options: object) -> nn.Module:
    with torch.device("meta"):
        return kind(*arguments, **options)


class Attention(nn.Module):
    """A convolution to patches, attention among them, a linear layer on each."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)  # (N, 16, 8)
        return self.head(self.attention(tokens, tokens, tokens, need_weights=False)[0])


def test_linear_over_tokens_and_attention_without_weights():
    layers = traced(meta(Attention), 3, 16, 16)
    for layer in layers:
        assert all(evaluated(one.filled) == one.value for one in formulas(layer, layers))
    head = by_quantity(layers[-1])
    assert head["MACs"].symbols == "tokens · in_features · out_features"
    assert head["MACs"].filled == "16 · 8 · 5"
    assert head["output bytes"].filled == "4 · 16 · 5"
    products = [layer for layer in layers if layer.macs and not layer.weight_shape]
    assert products  # queries · keys and weights · values
    for layer in products:
        found = by_quantity(layer)["MACs"]
        assert (found.symbols, found.value) == ("", layer.macs)
        assert "without weights" in found.note


class Shared(nn.Module):
    """One convolution twice, and a second one with the first one's weight but a bias of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(4, 4, 3, padding=1)
        self.other = nn.Conv2d(4, 4, 3, padding=1)
        self.other.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.one(self.one(x)))


def test_shared_weights_are_counted_where_they_are_used_first():
    first, again, other = traced(meta(Shared), 4, 6, 6)
    assert by_quantity(first)["parameters"].filled == "3 · 3 · 4 · 4 + 4"
    found = by_quantity(again)["parameters"]
    assert (found.filled, found.value) == ("0", 0)
    assert found.note == "Its weights are shared with an earlier layer and counted there."
    found = by_quantity(other)["parameters"]
    assert (found.symbols, found.filled) == ("C_out", "4")
    assert found.note.startswith("Its weights are shared")
    assert by_quantity(again)["MACs"].filled == "3 · 3 · 4 · 4 · 6 · 6"


def test_a_pooling_that_rounds_up():
    [layer] = traced(meta(nn.MaxPool2d, 3, 2, ceil_mode=True), 2, 8, 8)
    found = by_quantity(layer)["output side"]
    assert found.filled == "⌈(8 + 2 · 0 − 1 · (3 − 1) − 1) / 2⌉ + 1"
    assert evaluated(found.filled) == found.value == 4
    assert found.note.endswith("rounded up.")


def test_a_transposed_convolution_counts_its_macs_over_the_input():
    [layer] = traced(meta(nn.ConvTranspose2d, 6, 4, 2, 2), 6, 5, 5)
    found = by_quantity(layer)
    assert found["parameters"].value == 6 * 4 * 2 * 2 + 4 == evaluated(found["parameters"].filled)
    assert found["MACs"].value == 6 * 4 * 2 * 2 * 5 * 5
    assert "C_in" not in found["parameters"].symbols  # its weight has other dimensions


class Scaled(nn.Module):
    """Layer scale: a parameter that multiplies what a convolution gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 1)
        self.scale = nn.Parameter(torch.empty(3, 1))
        self.unused = nn.Parameter(torch.empty(7))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x.flatten(2)) * self.scale)


def test_parameters_outside_of_layers_and_other_dimensions():
    layers = traced(meta(Scaled), 2, 4, 4)
    for layer in layers:
        found = by_quantity(layer)
        assert all(evaluated(one.filled) == one.value for one in found.values())
        assert found["parameters"].symbols
    assert sum(by_quantity(layer)["parameters"].value for layer in layers) == 2 * 3 + 3 + 3 + 7


@pytest.mark.parametrize(("side", "filled"), [(224, "512 · 7 · 7"), (96, "512 · 3 · 3")])
def test_flatten_says_where_the_inputs_of_the_next_layer_come_from(side, filled):
    layers = analyze(ModelSpec("vgg11", image_size=side)).layers
    flatten = next(layer for layer in layers if layer.operation == "Flatten")
    [row] = [one for one in formulas(flatten, layers) if one.quantity == "output features"]
    assert (row.symbols, row.filled) == ("C · H · W", filled)
    assert row.value == next(x for x in layers if x.kind == "linear").weight_shape[1]


def test_a_pooling_to_one_cell_is_no_flatten():
    layers = analyze(ModelSpec("resnet18", in_channels=3)).layers
    pooled = next(layer for layer in layers if "AvgPool" in layer.operation)
    assert pooled.output_shape[2:] == (1, 1)
    assert all(one.quantity != "output features" for one in formulas(pooled, layers))


def test_quantities_and_notes_are_in_the_readers_language():
    layer = layer_of(DEFAULTS["vgg11"], "block2.conv1")
    with in_language(CHINESE):
        found = by_quantity(layer)
    assert found["参数"].filled == by_quantity(layer)["parameters"].filled
    assert found["参数"].note == "最后一项是偏置，每个输出通道一个。"
    assert found["输出边长"].note.startswith("H：输入边长")
