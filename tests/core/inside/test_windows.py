"""Where a number looks: against the analysis, against gradients, and by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from core.analysis import Analysis, analyze_module
from core.analysis.records import IMAGE, each_side
from core.inside.windows import Box, window_in_image, windows_read
from core.report.sentences.number import window_sentence
from core.specs import ModelSpec
from core.zoo.building import build
from core.zoo.catalogue import complete
from tests.core.networks import DEEPER_TWINS, DEFAULTS, analysis_of

SHAPES = [spec for name, spec in DEFAULTS.items() if name not in DEEPER_TWINS and "/" not in name]
OBLONG = [replace(spec, image_size=(97, 131)) for spec in SHAPES]
_UNEVEN = "AdaptiveAvgPool2d"  # its cells may differ by a place


def some_unit(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Channel, row and column of a number away from the middle."""
    _, channels, *sides = shape
    return (channels - 1, sides[0] // 3, sides[1] // 3) if sides else (channels - 1, 0, 0)


@pytest.mark.parametrize("spec", SHAPES + OBLONG, ids=lambda spec: f"{spec.arch} {spec.image_size}")
def test_a_window_in_the_image_is_as_large_as_the_receptive_field(spec: ModelSpec) -> None:
    analysis = analysis_of(spec)
    rows = list(enumerate(layer.operation for layer in analysis.layers))
    first_cells = next((index for index, name in rows if name == _UNEVEN), len(rows))
    for index, layer in list(enumerate(analysis.layers))[:: max(1, len(analysis.layers) // 60)]:
        found = window_in_image(analysis, layer.path, *some_unit(layer.output_shape))
        assert found is not None, layer.path
        field = each_side(layer.receptive_field)
        expected = (field[0], field[-1])
        if index < first_cells:
            assert found.whole.sides == expected, layer.path
        else:
            assert all(a <= b for a, b in zip(found.whole.sides, expected, strict=True)), layer.path
        height, width = spec.sides
        inside = found.inside
        assert 0 <= inside.top < inside.bottom <= height, layer.path
        assert 0 <= inside.left < inside.right <= width, layer.path


# Against gradients ----------------------------------------------------------------------------


def positive(network: nn.Module) -> nn.Module:
    """The network with weights of one, so that nothing that is read cancels out."""
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):  # one winner hides the others
                size = (child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(module, name, nn.AvgPool2d(*size))
            if isinstance(child, nn.ReLU | nn.Sigmoid | nn.BatchNorm2d | nn.Dropout):
                setattr(module, name, nn.Identity())
    return network.double().eval()


def support(map_of: Tensor, image: Tensor, unit: tuple[int, int, int]) -> Box:
    """Around the pixels that a number depends on."""
    (gradient,) = torch.autograd.grad(map_of[0][unit], image, retain_graph=True)
    rows, columns = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    return Box(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec("lenet", image_size=28),
        ModelSpec("course-residual", image_size=28),
        ModelSpec("course-inception", image_size=(28, 40)),
        ModelSpec("resnet20", image_size=32),
        ModelSpec("alexnet", image_size=(97, 131), ratio=8),
        ModelSpec("densenet", image_size=64, ratio=4),
    ],
    ids=lambda spec: spec.arch,
)
def test_a_window_is_where_the_gradient_is(spec: ModelSpec) -> None:
    spec = complete(spec)
    analysis = analysis_of(spec)
    network = positive(build(spec))
    sliding = [layer.path for layer in analysis.layers if layer.window]
    paths = (sliding[0], sliding[len(sliding) // 3], sliding[2 * len(sliding) // 3])
    kept: dict[str, Tensor] = {}
    for path in paths:
        module = network.get_submodule(path)
        module.register_forward_hook(lambda _, __, out, path=path: kept.update({path: out}))
    image = torch.rand(1, spec.in_channels, *spec.sides, dtype=torch.double, requires_grad=True)
    network(image)
    for path in paths:
        found = kept[path]
        _, _, height, width = found.shape
        for unit in ((0, 0, 0), (0, height // 2, width // 2), (0, height - 1, width - 1)):
            window = window_in_image(analysis, path, *unit)
            assert window is not None
            assert window.inside == support(found, image, unit), (path, unit)


# By hand --------------------------------------------------------------------------------------


def analysis_of_layers(*layers: nn.Module, sides: tuple[int, int] = (12, 15)) -> Analysis:
    return analyze_module(nn.Sequential(*layers), (2, *sides))


def test_what_a_unit_of_a_padded_strided_convolution_reads() -> None:
    analysis = analysis_of_layers(nn.Conv2d(2, 3, (3, 5), stride=2, padding=1))
    read = windows_read(analysis, "0", 1, 0, 2)[IMAGE]
    assert read is not None
    assert read.whole == Box(-1, 3, 2, 8)
    assert read.inside == Box(0, 3, 2, 8)


def test_a_dilated_window_begins_at_the_first_place_that_is_there() -> None:
    analysis = analysis_of_layers(nn.Conv2d(2, 3, 3, padding=1, dilation=2))
    read = windows_read(analysis, "0", 0, 0, 0)[IMAGE]
    assert read is not None
    assert read.whole == Box(-1, -1, 4, 4)
    assert read.inside == Box(1, 1, 4, 4)  # places -1, 1 and 3


def test_a_transposed_convolution_reads_the_places_whose_kernel_covers_it() -> None:
    layers = (nn.Conv2d(2, 2, 3), nn.ConvTranspose2d(2, 1, 4, stride=2, padding=1))
    analysis = analysis_of_layers(*layers)
    network = positive(nn.Sequential(*layers))
    image = torch.rand(1, 2, 12, 15, dtype=torch.double, requires_grad=True)
    given = network(image)
    for unit in ((0, 0, 0), (0, 7, 8), (0, 19, 25)):
        window = window_in_image(analysis, "1", *unit)
        assert window is not None
        assert window.inside == support(given, image, unit)


def test_a_flattened_unit_looks_where_its_number_stood_and_a_linear_one_everywhere() -> None:
    analysis = analysis_of_layers(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(3 * 10 * 13, 4))
    place = (1 * 10 + 4) * 13 + 7  # channel 1, row 4, column 7
    window = window_in_image(analysis, "1", place, 0, 0)
    assert window is not None and window.inside == Box(4, 7, 7, 10)
    window = window_in_image(analysis, "2", 3, 0, 0)
    assert window is not None and window.inside == Box(0, 0, 12, 15)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Softmax(dim=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_cannot_be_followed_is_unknown(layer: nn.Module) -> None:
    analysis = analysis_of_layers(nn.Conv2d(2, 2, 3, padding=1), layer)
    assert window_in_image(analysis, "1", 0, 0, 0) is None


def test_a_circular_window_over_the_border_has_both_sides_and_all_between() -> None:
    layers = (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), nn.Conv2d(3, 3, 3))
    analysis = analysis_of_layers(*layers)
    network = positive(nn.Sequential(*layers))
    image = torch.rand(1, 2, 12, 15, dtype=torch.double, requires_grad=True)
    given = network(image)
    for unit in ((0, 0, 6), (1, 4, 5), (2, 9, 12)):
        window = window_in_image(analysis, "1", *unit, circular={"0"})
        assert window is not None
        assert window.inside == support(given, image, unit), unit
        assert window.whole.sides == (5, 5)


def test_a_circular_window_is_told_by_its_own_size() -> None:
    analysis = analysis_of_layers(nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"))
    over = window_in_image(analysis, "0", 0, 0, 6, circular={"0"})
    within = window_in_image(analysis, "0", 0, 5, 6, circular={"0"})
    assert over is not None and within is not None
    assert "sees 3×3 pixels, some beyond the border" in window_sentence(over, (12, 15))
    assert window_sentence(within, (12, 15)).startswith("sees 3×3 pixels, 5")
    assert "border" not in window_sentence(within, (12, 15))
