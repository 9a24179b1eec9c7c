"""One number explained: what it is summed from comes to the number that stands in the map."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest

from core.analysis.records import IMAGE
from core.inside.arrays import arrays_npz, layer_values, summaries
from core.inside.maps import as_maps, layer_maps
from core.inside.number import circular_layers, explain, one_map
from core.inside.number_records import (
    PADDED,
    Applied,
    Copied,
    Explanation,
    Joined,
    Normalized,
    Pooled,
    Products,
    Shared,
    Term,
    Unit,
)
from core.inside.one_image import Seen, see
from core.inside.weights import Weights
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import CATALOGUE, complete
from tests.core.inside.test_one_image import SMALL, pixels_for

FLOAT32 = 2e-6  # rounding, against the sum of all terms without their signs

# One of each: two convolutions of every kind, a layer used twice, an in-place ReLU.
OWN = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self, in_channels: int = 3, num_classes: int = 4):
        super().__init__()
        self.first = nn.Conv2d(in_channels, 8, (3, 5), stride=(1, 2), padding=(1, 2))
        self.grouped = nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=4, bias=False)
        self.circular = nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular")
        self.reflect = nn.Conv2d(8, 8, 3, padding=(2, 1), padding_mode="reflect")
        self.replicate = nn.Conv2d(8, 8, 4, padding="same", padding_mode="replicate")
        self.relu = nn.ReLU(inplace=True)
        self.batch = nn.BatchNorm2d(8, track_running_stats=False)
        self.group = nn.GroupNorm(2, 8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.response = nn.LocalResponseNorm(4)
        self.up = nn.ConvTranspose2d(8, 6, (3, 4), stride=(2, 3), padding=1, output_padding=(1, 0),
                                     groups=2, dilation=(2, 1))
        self.largest = nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)
        self.mean = nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False)
        self.padded_mean = nn.AvgPool2d((2, 4), 3, padding=(1, 2), ceil_mode=True)
        self.cells = nn.AdaptiveMaxPool2d((3, 4))
        self.layer = nn.LayerNorm(72)
        self.drop = nn.Dropout()
        self.dense = nn.Linear(72, num_classes)
        self.free = nn.Parameter(torch.randn(3, 6))

    def forward(self, x):
        x = self.relu(self.first(x))
        x = self.relu(self.grouped(x) - x)
        x = self.circular(x) * torch.sigmoid(x.mean((2, 3), keepdim=True))
        x = F.leaky_relu(self.batch(self.reflect(x)), 0.1)[:, :, 1:-1]
        x = self.response(self.instance(self.group(self.replicate(x)))) / 0.5
        x = F.conv2d(self.up(x), self.free[:, :2].reshape(3, 2, 1, 1).repeat(2, 1, 1, 1), groups=3)
        x = torch.cat((self.largest(x), self.mean(x)), dim=1)[:, 1:7]
        x = 0.25 * self.cells(F.gelu(self.padded_mean(F.max_pool2d(x, 2))))
        return self.dense(self.drop(self.layer(x.flatten(1))))
"""


def explanations(weights: Weights, pixels: np.ndarray, seen: Seen) -> Iterator[Explanation]:
    """Of the corners of every layer's result, and of some numbers between."""
    random = np.random.default_rng(0)
    for path, step in seen.steps.items():
        shape = as_maps(step.output[0]).shape
        places = [(0, 0, 0), tuple(side - 1 for side in shape)]
        places += [tuple(int(random.integers(side)) for side in shape) for _ in range(3)]
        for place in places:
            yield explain(weights, pixels, path, *place)


def size_of(explanation: Explanation) -> float:
    """The sum of its terms without their signs, which rounding is measured against."""
    match explanation.how:
        case Products() as how:
            return float(np.abs(how.products).sum()) + abs(how.bias or 0)
        case Joined(terms=terms, sign="+"):
            return sum(abs(term.value) for term in terms)
        case Normalized() as how:
            before = (abs(how.before.value) + abs(how.mean)) / how.spread
            return before * abs(how.scale) + abs(how.shift)
        case _:
            return abs(explanation.value)


def read_numbers(explanation: Explanation) -> Iterator[tuple[float, Unit | None]]:
    """Every number that it names, with where it says that it comes from."""
    how = explanation.how
    if isinstance(how, Products | Pooled):
        for index in np.ndindex(how.reads.values.shape):
            if PADDED not in (how.reads.rows[index[1]], how.reads.columns[index[2]]):
                yield float(how.reads.values[index]), how.reads.unit(*index)
    elif isinstance(how, Joined):
        yield from ((term.value, term.unit) for term in how.terms if term.unit)
    elif how is not None and how.before.unit is not None:
        yield how.before.value, how.before.unit


def check(weights: Weights, pixels: np.ndarray) -> set[str]:
    """That every number comes to its value from numbers that stand where it says."""
    seen = see(weights, pixels)
    maps = {path: as_maps(step.output[0]).numpy() for path, step in seen.steps.items()}
    maps[IMAGE] = seen.image[0].numpy()
    explained = set()
    for one in explanations(weights, pixels, seen):
        assert one.value == maps[one.unit.path][one.unit.channel, one.unit.row, one.unit.column]
        assert one.total is not None, one.unit
        bound = FLOAT32 * max(size_of(one), 1e-3)
        assert one.total == pytest.approx(one.value, rel=0, abs=bound), one.unit
        for value, unit in list(read_numbers(one))[:40]:
            if unit is not None and not isinstance(one.how, Joined):
                assert maps[unit.path][unit.channel, unit.row, unit.column] == value, one.unit
        explained.add(one.operation)
    return explained


@pytest.mark.parametrize(
    "spec",
    [spec for spec in SMALL if spec.arch not in ("resnet56", "resnet110")]  # resnet20, longer
    + [
        ModelSpec("course-residual", image_size=28, options={"shortcut": name})
        for name in ("constant-scaling", "conv", "none")
    ]
    + [
        ModelSpec("vgg11-lrn", image_size=32, ratio=8),
        ModelSpec("alexnet", image_size=97, ratio=8),
        ModelSpec("densenet", image_size=40, ratio=4),
    ],
    ids=lambda spec: f"{spec.arch} {dict(spec.options).get('shortcut', '')}",
)
def test_every_number_of_the_catalogue_comes_to_its_value(spec: ModelSpec) -> None:
    spec = complete(spec)
    check(Weights(spec, seed=1, mean=0.2, std=0.4), pixels_for(spec))


def test_every_operation_of_the_catalogue_is_among_these_networks() -> None:
    """So that a new kind of layer cannot be forgotten."""
    from tests.core.networks import DEFAULTS, analysis_of

    tried = {"LocalResponseNorm", *(OPERATIONS_TRIED)}
    there = {
        layer.operation
        for name, spec in DEFAULTS.items()
        if name in CATALOGUE and "/" not in name
        for layer in analysis_of(spec).layers
    }
    assert there <= tried


OPERATIONS_TRIED = (
    "Conv2d",
    "Linear",
    "MaxPool2d",
    "AvgPool2d",
    "AdaptiveAvgPool2d",
    "BatchNorm2d",
    "ReLU",
) + ("relu", "Sigmoid", "Flatten", "Dropout", "PadChannels", "add", "mul", "cat")


def test_numbers_of_grouped_dilated_transposed_and_padded_layers(networks_file) -> None:
    networks_file(OWN)
    spec = complete(ModelSpec("nets.py:Net", image_size=(20, 26), in_channels=3, num_classes=4))
    explained = check(Weights(spec, seed=2), pixels_for(spec))
    expected = {"ConvTranspose2d", "GroupNorm", "InstanceNorm2d", "LayerNorm", "convolution"}
    assert expected | {"sub", "div", "mul", "cat", "gelu", "AdaptiveMaxPool2d"} <= explained


SHARES = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 4):
        super().__init__()
        self.first = nn.Conv2d(in_channels, 8, 3, padding=1)
        self.over_channels = nn.Softmax2d()
        self.over_rows = nn.Softmax(2)
        self.gate = nn.GLU(1)
        self.up, self.odd = nn.Upsample(scale_factor=2), nn.Upsample((9, 7), mode="nearest-exact")
        self.dense = nn.Linear(4 * 11 * 5, num_classes)
        self.log = nn.LogSoftmax(1)

    def forward(self, x):
        x = self.over_rows(30 * self.first(x)) + self.over_channels(self.first(x))
        x = self.odd(self.up(self.gate(x)))
        x = F.glu(torch.cat((x, 2 * x), 1), 1) + F.log_softmax(x, -1) * F.softmax(x, dim=1)
        return self.log(self.dense(F.interpolate(x, (11, 5)).flatten(1)))
"""


def test_numbers_of_softmax_gates_and_enlarged_maps(networks_file) -> None:
    networks_file(SHARES)
    spec = complete(ModelSpec("nets.py:Net", image_size=(8, 6), in_channels=1, num_classes=4))
    weights, pixels = Weights(spec, seed=2), pixels_for(spec)
    explained = check(weights, pixels)
    assert {"Softmax", "Softmax2d", "LogSoftmax", "GLU", "Upsample"} <= explained
    assert {"glu", "_softmax", "_log_softmax", "upsample_nearest2d"} <= explained
    share = explain(weights, pixels, "over_channels", 3, 1, 2).how
    logits = one_map(weights, pixels, "first", 3)
    every = [one_map(weights, pixels, share.before.unit.path, k)[1, 2] for k in range(8)]
    assert isinstance(share, Shared) and share.numbers == 8
    assert share.total == pytest.approx(np.exp(every[3]) / np.exp(every).sum(), rel=1e-5)
    assert share.before.value == one_map(weights, pixels, share.before.unit.path, 3)[1, 2]
    assert logits.shape == (8, 6)
    copied = explain(weights, pixels, "up", 1, 5, 4).how
    assert copied == Copied(Term(copied.before.value, Unit("gate", 1, 2, 2)))


# By hand --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def residual() -> tuple[Weights, np.ndarray]:
    spec = complete(ModelSpec("course-residual", image_size=28))
    return Weights(spec, seed=4), pixels_for(spec)


def test_the_corner_of_the_first_convolution(residual) -> None:
    weights, pixels = residual
    found = explain(*residual, "stem1.conv", 3, 0, 0)
    assert isinstance(found.how, Products)
    kernel = see(weights, pixels).network.get_submodule("stem1.conv")
    np.testing.assert_array_equal(found.how.kernel, kernel.weight[3].double().numpy())
    window = pixels[:, :5, :5].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(found.how.reads.values, window)
    assert found.how.bias == float(kernel.bias[3])
    assert found.how.reads.unit(0, 4, 2) == Unit(IMAGE, 0, 4, 2)


def test_the_sum_of_a_residual_block_names_its_two_terms(residual) -> None:
    found = explain(*residual, "residual1.add", 2, 5, 6)
    assert isinstance(found.how, Joined) and found.how.sign == "+"
    maps = [one_map(*residual, path, 2) for path in ("stem1.pool", "residual1.conv2")]
    paths = ("stem1.pool", "residual1.conv2")
    assert found.how.terms == tuple(
        Term(float(values[5, 6]), Unit(path, 2, 5, 6))
        for values, path in zip(maps, paths, strict=True)
    )


def test_a_pooled_number_is_the_one_that_won(residual) -> None:
    found = explain(*residual, "stem1.pool", 1, 4, 7)
    assert isinstance(found.how, Pooled) and found.how.divisor is None
    row, column = found.how.winner
    unit = found.how.reads.unit(0, row, column)
    assert unit.path == "stem1.relu" and (unit.row // 2, unit.column // 2) == (4, 7)
    assert one_map(*residual, "stem1.relu", 1)[unit.row, unit.column] == found.value


def test_a_relu_and_a_flattened_number_name_the_number_before(residual) -> None:
    found = explain(*residual, "residual2.relu_2", 5, 1, 2)
    assert isinstance(found.how, Applied)
    assert found.value == max(0.0, found.how.before.value)
    assert found.how.before.unit == Unit("residual2.add", 5, 1, 2)
    flat = explain(*residual, "dense.flatten", 5 * 16 + 1 * 4 + 2, 0, 0)
    assert flat.how == Copied(Term(found.value, Unit("residual2.relu_2", 5, 1, 2)))


@pytest.mark.parametrize(
    ("path", "place", "says"),
    [
        ("stem9", (0, 0, 0), "No layer stem9 has run"),
        ("stem1.pool", (0, 12, 0), r"16 × 12 × 12 numbers .*none at 0\.12\.0"),
        ("stem1.pool", (-1, 0, 0), r"none at -1\.0\.0"),
    ],
)
def test_a_place_that_is_not_there_is_refused_in_one_sentence(residual, path, place, says) -> None:
    with pytest.raises(LabError, match=says):
        explain(*residual, path, *place)


ONE_FOR_ALL = """
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels=1, num_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 2, 3)
        self.linear = nn.Linear(2, num_classes)
    def forward(self, x):
        x = self.conv(x)
        x = (x - x.mean()) / x.abs().max()
        return self.linear(x.relu().mean((2, 3)))
"""


def test_a_number_of_the_whole_batch_is_a_row_that_others_read(networks_file):
    networks_file(ONE_FOR_ALL)
    weights = Weights(complete(ModelSpec("nets.py:Net", image_size=28, in_channels=1)))
    pixels = pixels_for(weights.spec)
    seen = see(weights, pixels)
    assert seen.steps["mean"].output.shape == ()
    [maps] = layer_maps(weights, pixels, ["mean"], 8)
    assert maps.shape == (1,) and maps.low == maps.high == float(seen.steps["mean"].output)
    alone = explain(weights, pixels, "mean", 0, 0, 0)
    assert (alone.value, alone.how) == (maps.low, None)
    how = explain(weights, pixels, "sub", 1, 2, 3).how
    assert isinstance(how, Joined)
    assert [term.unit for term in how.terms] == [Unit("conv", 1, 2, 3), Unit("mean", 0, 0, 0)]
    assert [one.path for one in summaries(weights, pixels)] == list(seen.steps)
    assert layer_values(weights, pixels, "max") == float(seen.steps["max"].output)
    with np.load(BytesIO(arrays_npz(weights, pixels))) as file:
        assert file["mean"].shape == () and file["input"].shape == (1, 28, 28)


def test_the_layers_whose_padding_is_circular_are_known(networks_file):
    networks_file(OWN)
    weights = Weights(complete(ModelSpec("nets.py:Net", image_size=28, in_channels=3)))
    assert circular_layers(weights, pixels_for(weights.spec)) == {"circular"}
