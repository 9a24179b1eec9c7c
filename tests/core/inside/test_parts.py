"""Parts left out: against nets that were built without them, and zeroed weights."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from core.analysis import analyze, analyze_module
from core.inside.find_parts import channel_layers, parts_of
from core.inside.one_image import network_of
from core.inside.parts import measure_missing, without
from core.inside.parts_records import LEVELS, MissingParts, Operand, Part
from core.inside.weights import Weights
from core.language import read_kept
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import CATALOGUE, complete

SMALL = [
    row.default
    for row in CATALOGUE.values()
    if "/" not in row.name and row.default.image_size in (28, 32)
    if row.name not in ("resnet56", "resnet110")  # as resnet20, and longer
]


def course(shortcut: str) -> ModelSpec:
    return complete(ModelSpec("course-residual", image_size=28, options=(("shortcut", shortcut),)))


def part_of(spec: ModelSpec, level: str, name: str, layer: str = "") -> Part:
    """The part with this name."""
    parts = {part.name: part for part in parts_of(analyze(spec), level, layer).parts}
    return parts[name]


def a_network(spec: ModelSpec) -> tuple[nn.Module, torch.Tensor]:
    """A private copy of the network, with images."""
    torch.manual_seed(1)
    images = torch.rand(3, spec.in_channels, *spec.sides)
    return deepcopy(network_of(Weights(spec))), images


def output_without(network: nn.Module, part: Part, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad(), without(network, part) as run:
        return run(images)


class OnlyShortcut(nn.Module):
    """What is left of the course's residual block: ReLU of x, of half of it, or of its 1×1."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = {"constant-scaling": lambda: 0.5 * x, "identity": lambda: x}
        past = kept.get(self.block.shortcut, lambda: self.block.conv_shortcut(x))()
        return torch.relu(past)


@pytest.mark.parametrize("shortcut", ["identity", "constant-scaling", "conv"])
def test_a_residual_unit_left_out_is_the_net_built_with_its_shortcut_alone(shortcut: str) -> None:
    spec = course(shortcut)
    network, images = a_network(spec)
    found = output_without(network, part_of(spec, "blocks", "residual2"), images)
    network.residual2 = OnlyShortcut(network.residual2)
    with torch.no_grad():
        assert torch.equal(found, network(images))


def test_a_plain_net_s_block_left_out_is_the_net_built_without_it() -> None:
    spec = course("none")
    network, images = a_network(spec)
    found = output_without(network, part_of(spec, "blocks", "residual1"), images)
    network.residual1 = nn.Identity()
    with torch.no_grad():
        assert torch.equal(found, network(images))


@pytest.mark.parametrize("shortcut", ["identity", "constant-scaling"])
def test_without_its_shortcut_a_unit_is_a_plain_one(shortcut: str) -> None:
    spec = course(shortcut)
    network, images = a_network(spec)
    found = output_without(network, part_of(spec, "shortcuts", "residual1"), images)
    factor = 0.5 if shortcut == "constant-scaling" else 1.0
    network.residual1.shortcut = "none"
    with torch.no_grad():
        network.residual1.conv2.weight *= factor
        network.residual1.conv2.bias *= factor
        torch.testing.assert_close(found, network(images))


def test_a_branch_left_out_is_one_whose_last_layer_has_zeros() -> None:
    spec = complete(ModelSpec("course-inception", image_size=28))
    network, images = a_network(spec)
    found = output_without(network, part_of(spec, "branches", "inception1.branch3x3"), images)
    last = network.inception1.branch3x3[2]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        assert torch.equal(found, network(images))


def test_a_dense_layer_left_out_is_read_as_zeros_by_every_later_one() -> None:
    spec = complete(ModelSpec("densenet", 4, 32))
    network, images = a_network(spec)
    found = output_without(network, part_of(spec, "branches", "dense_block1.layer2"), images)
    with torch.no_grad():
        network.dense_block1.layer2.conv.weight.zero_()
        if network.dense_block1.layer2.conv.bias is not None:
            network.dense_block1.layer2.conv.bias.zero_()
        assert torch.equal(found, network(images))


@pytest.mark.parametrize("layer", ["residual1.conv1", "stem2.conv"])
def test_a_channel_left_out_is_one_of_zero_weights_and_bias(layer: str) -> None:
    spec = course("identity")
    network, images = a_network(spec)
    found = output_without(network, part_of(spec, "channels", f"{layer}[3]", layer), images)
    conv = network.get_submodule(layer)
    with torch.no_grad():
        conv.weight[3], conv.bias[3] = 0, 0
        assert torch.equal(found, network(images))


class InPlace(nn.Module):
    """A residual unit that adds into its branch's result and activates x where it lies."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.second(self.first(torch.relu_(x)))
        y += x
        return y


def test_units_that_write_over_what_they_read_are_left_out_alike() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), InPlace(), nn.Flatten(), nn.Linear(72, 4)).eval()
    images = torch.rand(5, 1, 8, 8)
    analysis = analyze_module(network, (1, 8, 8))
    stem, unit, *head = network
    for level, alone in (
        ("blocks", lambda x: torch.relu(x)),
        ("shortcuts", lambda x: unit.second(unit.first(torch.relu(x)))),
    ):
        (part,) = parts_of(analysis, level).parts
        found = output_without(network, part, images)
        with torch.no_grad():
            assert torch.equal(found, nn.Sequential(*head)(alone(stem(images)))), level


@pytest.mark.parametrize("spec", SMALL, ids=lambda spec: spec.arch)
def test_every_part_of_a_network_can_be_left_out_and_leaves_it_as_it_was(spec: ModelSpec) -> None:
    """Each part is met where the analysis has it; nothing stays behind."""
    spec = complete(spec)
    network, images = a_network(spec)
    state = deepcopy(network.state_dict())
    attributes = {name: set(vars(module)) for name, module in network.named_modules()}
    with torch.no_grad():
        whole = network(images)
        for level in LEVELS:
            layer = channel_layers(analyze(spec))[0] if level == "channels" else ""
            for part in parts_of(analyze(spec), level, layer).parts[:6]:
                assert output_without(network, part, images).shape == whole.shape
        assert torch.equal(network(images), whole)
    assert {name: set(vars(module)) for name, module in network.named_modules()} == attributes
    assert not any(
        module._forward_hooks or module._forward_pre_hooks for module in network.modules()
    )
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_a_part_that_is_not_met_raises_instead_of_changing_nothing() -> None:
    network, images = a_network(course("identity"))
    nowhere = Part("x", "zeros", operands=(Operand("residual1.add_7", 0, 2),))
    with pytest.raises(LabError, match="residual1.add_7 did not run"):
        output_without(network, nowhere, images)
    of_three = Part("x", "zeros", operands=(Operand("residual1.add", 0, 3),))
    with pytest.raises(LabError, match="read 2 results, not 3"):
        output_without(network, of_three, images)
    other_shape = Part("stem1", "identity", "stem1")
    with pytest.raises(LabError, match="stem1 makes .* cannot stand in its place"):
        output_without(network, other_shape, images)


def test_what_cannot_be_left_out_comes_with_its_reason() -> None:
    left_alone = {
        one.name: read_kept(one.reason)
        for one in parts_of(analyze(course("none")), "blocks").left_alone
    }
    assert left_alone["stem1.conv"] == "it makes 16×24×24 of 1×28×28"


def test_the_measurement_grows_part_by_part_and_travels_as_json() -> None:
    spec = course("identity")
    *_, before, last = measure_missing(Weights(spec, seed=1), "fashion-mini", "blocks")
    assert [one.name for one in last.missing] == ["residual1", "residual2"]
    assert (before.share, last.share) == (pytest.approx(2 / 3), 1.0)
    assert last.images == last.test_images == 2000 and 0 <= last.accuracy <= 1
    assert MissingParts.from_dict(last.to_dict()) == last


def test_a_network_without_such_parts_is_one_sentence() -> None:
    spec = complete(ModelSpec("lenet", image_size=28))
    with pytest.raises(LabError, match="no shortcuts that could be left out"):
        next(measure_missing(Weights(spec), "fashion-mini", "shortcuts"))
