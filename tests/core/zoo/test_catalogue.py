"""The zoo: every network builds wherever it can, and computes what its source says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import log, prod

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.specs import MAX_IMAGE_SIZE, MAX_RATIO, LabError, ModelSpec
from core.zoo.building import build, smallest_image_size
from core.zoo.catalogue import CATALOGUE, complete, find
from core.zoo.families.vgg import Block, parse_conv_arch
from core.zoo.networks.residual_units import PadChannels, UnitOptions, residual_unit
from core.zoo.variants import NETWORKS, ORDERS, SHORTCUTS, VARIANTS, nested, variant_of, variants_of

pytestmark = pytest.mark.usefixtures("one_thread")

COURSE_SHORTCUTS = ("identity", "none", "constant-scaling", "conv")
EVERY = {name: row.default for name, row in CATALOGUE.items()}  # label: spec
EVERY |= {
    f"course-residual, {shortcut}{', as published' if published else ''}": ModelSpec(
        "course-residual",
        image_size=28,
        options={"shortcut": shortcut, "as_published": published},
    )
    for shortcut in COURSE_SHORTCUTS
    for published in (False, True)
}
EVERY |= {  # every variant in a deep net, on gray images; those of the course net are above
    f"resnet-cifar, {name}": ModelSpec(
        "resnet-cifar",
        image_size=28,
        options=dict(VARIANTS[name].options_in("resnet-cifar")) | {"depth": 8},
    )
    for name in variants_of("resnet-cifar")
}
EVERY["custom-vgg, sigmoid"] = ModelSpec("custom-vgg", options={"last_activation": "sigmoid"})

every_network = pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY.keys())
every_architecture = pytest.mark.parametrize("name", CATALOGUE)
DENSENETS = ("densenet", "densenet121")


@cache
def on_meta(spec: ModelSpec) -> nn.Module:
    with torch.device("meta"):
        return build(spec)


def images(spec: ModelSpec, count: int = 2, device: str = "cpu") -> Tensor:
    shape = (count, spec.in_channels, spec.image_size, spec.image_size)
    return torch.empty(shape, device=device) if device == "meta" else torch.rand(shape)


def output_shape(spec: ModelSpec) -> tuple[int, ...]:
    return tuple(on_meta(spec)(images(spec, 2, "meta")).shape)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def layers_of(network: nn.Module, kind: type) -> list:
    return [module for module in network.modules() if isinstance(module, kind)]


def widths(network: nn.Module) -> list[int]:
    return [convolution.out_channels for convolution in layers_of(network, nn.Conv2d)]


# The catalogue


@every_architecture
def test_a_row_says_what_it_is(name):
    row = CATALOGUE[name]
    assert row.name == name == row.default.arch and find(name) is row
    assert row.title and row.family and row.source and 1998 <= row.year <= 2021
    assert len({option.name for option in row.options}) == len(row.options)
    assert all(option.title and option.help.endswith(".") for option in row.options)


def test_titles_tell_networks_apart():
    assert len({row.title for row in CATALOGUE.values()}) == len(CATALOGUE)


def test_the_vggs_carry_the_letters_of_table_1():
    letters = {name: row.config for name, row in CATALOGUE.items() if row.config}
    assert letters == {
        "vgg11": "A",
        "vgg11-lrn": "A-LRN",
        "vgg13": "B",
        "vgg16-c": "C",
        "vgg16": "D",
        "vgg19": "E",
    }


@pytest.mark.parametrize(
    ("wrong", "near"), [("vgg-11", "vgg11"), ("ResNet-18", "resnet18"), ("LENET", "lenet")]
)
def test_a_misspelt_network_gets_the_near_ones(wrong, near):
    with pytest.raises(LabError, match=f"no network named '{wrong}'; try .*{near}"):
        build(ModelSpec(wrong))


def test_a_name_unlike_any_gets_the_whole_list():
    with pytest.raises(LabError, match=r"lenet, alexnet, vgg11.*densenet121"):
        find("zzzzzz")


# Shapes


@pytest.mark.parametrize(
    ("image_size", "ratio", "in_channels", "num_classes"),
    [(224, 1, 3, 1000), (67, 3, 2, 1), (131, 64, 4, 23)],
)
@every_network
def test_images_become_one_row_of_classes_each(spec, image_size, ratio, in_channels, num_classes):
    asked = replace(
        spec,
        image_size=image_size,
        ratio=ratio,
        in_channels=in_channels,
        num_classes=num_classes,
    )
    assert output_shape(asked) == (2, num_classes)


@every_network
def test_the_default_builds(spec):
    assert output_shape(spec) == (2, spec.num_classes)


@pytest.mark.parametrize(
    "spec",
    [
        *(spec for spec in EVERY.values() if spec.arch in ("lenet",) or "course" in spec.arch),
        ModelSpec("custom-vgg", 16, 32, options={"head_width": 32}),
        ModelSpec("custom-vgg", 16, 32, options={"head_width": 32, "last_activation": "sigmoid"}),
        ModelSpec("resnet18", 16, 32, 3),
        ModelSpec("densenet", 16, 32),
        ModelSpec("googlenet", 16, 32),
    ],
    ids=lambda spec: ", ".join((spec.arch, *(str(value) for _, value in spec.options))),
)
def test_small_networks_compute_on_the_cpu(spec):
    torch.manual_seed(0)
    network = build(spec).eval()
    batch = images(spec, 3)
    with torch.no_grad():
        logits = network(batch)
        assert torch.equal(network(batch), logits)
        one_by_one = torch.cat([network(image) for image in batch.split(1)])
    assert logits.shape == (3, 10) and logits.dtype == torch.float32
    assert logits.isfinite().all() and logits.std() > 0
    torch.testing.assert_close(one_by_one, logits, rtol=1e-3, atol=1e-5)
    if spec.option("last_activation") == "sigmoid":
        assert (logits > 0).all() and (logits < 1).all()


@pytest.mark.slow
@every_network
def test_the_smallest_image_is_really_the_border(spec):
    smallest = smallest_image_size(spec)
    assert output_shape(replace(spec, image_size=smallest)) == (2, spec.num_classes)
    if smallest > 1:
        below = smallest - 1
        with pytest.raises(LabError, match=f"cannot take {below}×{below} pixels") as caught:
            on_meta(replace(spec, image_size=below))
        assert f"the smallest that works is {smallest}×{smallest}." in str(caught.value)


@pytest.mark.parametrize(
    ("name", "smallest"),
    [
        ("vgg11", 32),
        ("vgg19", 32),
        ("alexnet", 65),
        ("lenet", 12),
        ("course-residual", 16),
        ("course-inception", 16),
        ("resnet50", 1),
        ("googlenet", 1),
        ("densenet121", 29),
    ],
)
def test_the_smallest_image_is_what_counting_back_gives(name, smallest):
    assert smallest_image_size(CATALOGUE[name].default) == smallest


def test_the_smallest_image_follows_from_the_blocks():
    for blocks in range(1, 11):
        spec = ModelSpec("custom-vgg", options={"conv_arch": "1x4 " * blocks})
        assert smallest_image_size(spec) == 2**blocks <= MAX_IMAGE_SIZE


# Ratio


@every_architecture
def test_ratio_divides_the_channels_of_every_convolution(name):
    spec = CATALOGUE[name].default
    if name == "vgg16-forum":
        pytest.skip("its ratio also decides which convolutions there are: see S4 below")
    whole = widths(on_meta(spec))
    for ratio in (2, 4, 8, 16):
        expansion = 4 if name in ("resnet50", "densenet121") else 1
        assert widths(on_meta(replace(spec, ratio=ratio))) == [
            max(width // ratio, 1) if expansion == 1 else width // ratio for width in whole
        ]


@pytest.mark.parametrize("ratio", [3, 5, 7, 100])
def test_ratio_divides_in_whole_numbers(ratio):
    expected = [max(1, width // ratio) for width in (64, 128, 256, 256, 512, 512, 512, 512)]
    assert widths(on_meta(ModelSpec("vgg11", ratio))) == expected


@every_network
def test_a_ratio_that_leaves_no_channel_leaves_one(spec):
    thin = replace(spec, ratio=MAX_RATIO)
    assert min(widths(on_meta(thin))) == 1
    assert output_shape(thin) == (2, spec.num_classes)


@every_network
def test_ratio_never_divides_the_width_of_a_linear_layer(spec):
    whole = [linear.out_features for linear in layers_of(on_meta(spec), nn.Linear)]
    for ratio in (2, 4, MAX_RATIO):
        thin = layers_of(on_meta(replace(spec, ratio=ratio)), nn.Linear)
        assert [linear.out_features for linear in thin] == whole
        assert [linear.in_features for linear in thin[1:]] == whole[:-1]


@pytest.mark.parametrize("name", DENSENETS)
@pytest.mark.parametrize(("ratio", "growth_rate", "initial"), [(1, 32, 64), (4, 8, 16), (5, 6, 12)])
def test_densenets_ratio_divides_growth_rate_and_initial_channels(
    name, ratio, growth_rate, initial
):
    network = on_meta(replace(CATALOGUE[name].default, ratio=ratio))
    assert widths(network.stem) == [initial]
    channels = initial
    for number, depth in enumerate((4,) * 4 if name == "densenet" else (6, 12, 24, 16), start=1):
        block = network.get_submodule(f"dense_block{number}")
        new = [
            w
            for w, c in zip(widths(block), layers_of(block, nn.Conv2d), strict=True)
            if c.kernel_size == (3, 3)
        ]
        assert new == [growth_rate] * depth
        channels += depth * growth_rate
        if number < 4:
            channels //= 2
            assert widths(network.get_submodule(f"transition{number}")) == [channels]
    assert network.head.linear.in_features == channels


# Published counts and closed forms

TORCHVISION = (
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
    "resnet18",
    "resnet34",
    "resnet50",
    "densenet121",
)


@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_equal_torchvisions(name):
    from torchvision.models import get_model_weights

    published = get_model_weights(name).IMAGENET1K_V1.meta["num_params"]
    assert count(on_meta(ModelSpec(name, 1, 224, 3, 1000))) == published


def conv_params(inputs: int, outputs: int, kernel: int) -> int:
    return inputs * outputs * kernel**2 + outputs


def linear_params(*units: int) -> int:
    return sum((a + 1) * b for a, b in pairwise(units))


def conv_chain(channels: list[int], kernels: list[int]) -> int:
    pairs = zip(channels[:-1], channels[1:], kernels, strict=True)
    return sum(conv_params(a, b, kernel) for a, b, kernel in pairs)


VGG_TABLE = {  # arXiv 1409.1556, table 1: output channels of each convolution; 1×1 ones negative
    "vgg11": [64, 128, 256, 256, 512, 512, 512, 512],
    "vgg11-lrn": [64, 128, 256, 256, 512, 512, 512, 512],
    "vgg13": [64, 64, 128, 128, 256, 256, 512, 512, 512, 512],
    "vgg16-c": [64, 64, 128, 128, 256, 256, -256, 512, 512, -512, 512, 512, -512],
    "vgg16": [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512],
    "vgg19": [64, 64, 128, 128, *[256] * 4, *[512] * 8],
}


@pytest.mark.parametrize("name", VGG_TABLE)
@pytest.mark.parametrize(
    ("ratio", "size", "in_channels", "classes"), [(1, 224, 3, 1000), (4, 224, 1, 10), (3, 96, 1, 7)]
)
def test_vggs_are_table_1(name, ratio, size, in_channels, classes):
    network = on_meta(ModelSpec(name, ratio, size, in_channels, classes))
    kernels = [3 if width > 0 else 1 for width in VGG_TABLE[name]]
    channels = [in_channels, *(abs(width) // ratio for width in VGG_TABLE[name])]
    convolutions = layers_of(network, nn.Conv2d)
    assert [c.kernel_size[0] for c in convolutions] == kernels
    assert [c.in_channels for c in convolutions] == channels[:-1]
    flat = channels[-1] * (size // 32) ** 2
    assert count(network) == conv_chain(channels, kernels) + linear_params(
        flat, 4096, 4096, classes
    )
    assert len(layers_of(network, nn.LocalResponseNorm)) == (name == "vgg11-lrn")


def test_lenet_counts():
    expected = conv_params(1, 6, 5) + conv_params(6, 16, 5) + linear_params(400, 120, 84, 10)
    assert count(on_meta(ModelSpec("lenet", image_size=28))) == expected == 61_706


def test_alexnet_counts():
    convolutions = conv_chain([1, 96, 256, 384, 384, 256], [11, 5, 3, 3, 3])
    expected = convolutions + linear_params(6400, 4096, 4096, 10)
    assert count(on_meta(ModelSpec("alexnet"))) == expected == 46_764_746


def test_the_course_nets_count_what_the_note_says():
    inception, residual = ModelSpec("course-inception", image_size=28), EVERY["course-residual"]
    assert count(on_meta(inception)) == 97_298
    assert count(on_meta(residual)) == 41_514
    assert on_meta(inception).dense.linear.in_features == 1408
    assert on_meta(residual).dense.linear.in_features == 512


def test_googlenet_is_table_1_with_biases():
    def block(inputs, one, reduce3, three, reduce5, five, projection):
        return (
            conv_chain([inputs, one], [1])
            + conv_chain([inputs, reduce3, three], [1, 3])
            + conv_chain([inputs, reduce5, five], [1, 5])
            + conv_chain([inputs, projection], [1])
        )

    expected = (
        conv_chain([3, 64, 64, 192], [7, 1, 3])
        + block(192, 64, 96, 128, 16, 32, 32)
        + block(256, 128, 128, 192, 32, 96, 64)
        + block(480, 192, 96, 208, 16, 48, 64)
        + block(512, 160, 112, 224, 24, 64, 64)
        + block(512, 128, 128, 256, 24, 64, 64)
        + block(512, 112, 144, 288, 32, 64, 64)
        + block(528, 256, 160, 320, 32, 128, 128)
        + block(832, 256, 160, 320, 32, 128, 128)
        + block(832, 384, 192, 384, 48, 128, 128)
        + linear_params(1024, 1000)
    )
    assert count(on_meta(ModelSpec("googlenet", 1, 224, 3, 1000))) == expected == 6_998_552


@pytest.mark.parametrize(
    ("ratio", "one_by_one"), [(1, 3), (2, 2), (3, 0), (4, 0)], ids=lambda value: str(value)
)
def test_the_forums_vgg_adds_a_1x1_only_where_its_scaled_channels_reach_256(ratio, one_by_one):
    forum = on_meta(ModelSpec("vgg16-forum", ratio))
    kernels = [c.kernel_size[0] for c in layers_of(forum, nn.Conv2d)]
    assert (kernels.count(3), kernels.count(1)) == (10, one_by_one)


def shapes(network: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, parameter.shape) for name, parameter in network.named_parameters()]


def test_the_forums_vgg_is_c_at_ratio_1_and_b_at_ratio_4():
    for ratio, really in ((1, "vgg16-c"), (4, "vgg13")):
        forum, paper = ModelSpec("vgg16-forum", ratio), ModelSpec(really, ratio)
        assert shapes(on_meta(forum)) == shapes(on_meta(paper))


# Held against a forward pass written out by hand


class Weights:
    """The weights of a network's layers, handed out in the order of the module."""

    def __init__(self, network: nn.Module) -> None:
        self.values: Iterator[Tensor] = iter(list(network.parameters()))

    def conv(self, x: Tensor, padding: int = 0) -> Tensor:
        return F.conv2d(x, next(self.values), next(self.values), padding=padding)

    def linear(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ next(self.values).T + next(self.values)

    def are_used_up(self) -> bool:
        return next(self.values, None) is None


def inception_a(x: Tensor, weights: Weights) -> Tensor:
    """S7: no ReLU inside the block."""
    one = weights.conv(x)
    five = weights.conv(weights.conv(x), padding=2)
    three = weights.conv(weights.conv(weights.conv(x), padding=1), padding=1)
    pooled = weights.conv(F.avg_pool2d(x, 3, stride=1, padding=1))
    return torch.cat([one, five, three, pooled], dim=1)


@pytest.mark.parametrize(("size", "ratio"), [(28, 1), (17, 4)])
def test_the_course_inception_net_by_hand(size, ratio):
    torch.manual_seed(1)
    spec = ModelSpec("course-inception", ratio, size)
    network, x = build(spec), images(spec)
    weights = Weights(network)
    y = F.relu(F.max_pool2d(weights.conv(x), 2))
    y = inception_a(y, weights)
    assert ratio > 1 or y.shape == (2, 88, 12, 12)
    y = F.relu(F.max_pool2d(weights.conv(y), 2))
    y = inception_a(y, weights)
    torch.testing.assert_close(network(x), weights.linear(y))
    assert weights.are_used_up()


@pytest.mark.parametrize("published", [False, True], ids=["corrected", "as published"])
@pytest.mark.parametrize("shortcut", COURSE_SHORTCUTS)
def test_the_course_residual_net_by_hand(shortcut, published):
    """S8 to S11: the homework's two blocks, as published, apply conv2 to x itself."""

    def block(x: Tensor) -> Tensor:
        first = F.relu(weights.conv(x, padding=1))
        mistaken = published and shortcut in ("constant-scaling", "conv")
        y = weights.conv(x if mistaken else first, padding=1)
        if shortcut == "none":
            return F.relu(y)
        if shortcut == "identity":
            return F.relu(x + y)
        if shortcut == "constant-scaling":
            return F.relu(0.5 * (x + y))
        return F.relu(weights.conv(x) + y)

    torch.manual_seed(2)
    options = {"shortcut": shortcut, "as_published": published}
    spec = ModelSpec("course-residual", image_size=28, options=options)
    network, x = build(spec), images(spec)
    weights = Weights(network)
    y = block(F.max_pool2d(F.relu(weights.conv(x)), 2))
    y = block(F.max_pool2d(F.relu(weights.conv(y)), 2))
    torch.testing.assert_close(network(x), weights.linear(y))
    assert weights.are_used_up()


def unit(shortcut="identity", order="original", channels=(4, 4), stride=1, norm=False, **chosen):
    """A residual unit with weights of its own, of (in, out) channels."""
    options = UnitOptions(shortcut, order, norm, **SETTINGS | chosen)
    torch.manual_seed(7)
    made = residual_unit(*channels, stride, options, bias=not norm)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)
    return made.eval()


SETTINGS = {"factor": 0.25, "gate_bias": -1.5, "dropout": 0.3}


def conv3(x: Tensor, layer: nn.Conv2d, stride: int = 1) -> Tensor:
    return F.conv2d(x, layer.weight, layer.bias, stride=stride, padding=1)


def conv1(x: Tensor, layer: nn.Conv2d, stride: int = 1) -> Tensor:
    """A 1×1 convolution as a matrix product of each pixel's channels."""
    y = torch.einsum("oc,nchw->nohw", layer.weight[:, :, 0, 0], x[:, :, ::stride, ::stride])
    return y + layer.bias.view(-1, 1, 1)


def norm(x: Tensor, layer: nn.BatchNorm2d) -> Tensor:
    """With the statistics that a new layer has: mean 0, variance 1."""
    return x / (1 + layer.eps) ** 0.5 * layer.weight.view(-1, 1, 1) + layer.bias.view(-1, 1, 1)


def by_shortcut(made: nn.Module, shortcut: str, x: Tensor, stride: int = 1) -> Tensor:
    """Figure 2 of arXiv 1603.05027, outside training."""
    a, f = SETTINGS["factor"], made.residual
    y = conv3(F.relu(conv3(x, f.conv1, stride)), f.conv2)
    missing = y.shape[1] - x.shape[1]
    same = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, missing))
    g = torch.sigmoid(conv1(x, made.gate, stride)) if "gating" in shortcut else None
    total = {
        "identity": lambda: same + y,
        "constant-scaling": lambda: a * same + (1 - a) * y,
        "scaled-shortcut": lambda: a * same + y,
        "exclusive-gating": lambda: (1 - g) * same + g * y,
        "shortcut-gating": lambda: (1 - g) * same + y,
        "conv": lambda: conv1(x, made.shortcut, stride) + y,
        "dropout": lambda: same + y,
        "none": lambda: y,
    }[shortcut]()
    return F.relu(total)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
@pytest.mark.parametrize(("channels", "stride"), [((4, 4), 1), ((3, 7), 2)])
def test_every_shortcut_by_hand(shortcut, channels, stride):
    made = unit(shortcut, channels=channels, stride=stride)
    x = torch.randn(2, channels[0], 5, 5)
    torch.testing.assert_close(made(x), by_shortcut(made, shortcut, x, stride))


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_activations_by_hand(order):
    """Figure 4 of arXiv 1603.05027."""
    made, x, relu = unit(order=order, norm=True), torch.randn(2, 4, 5, 5), F.relu
    f = made.residual
    y = {
        "original": lambda: relu(
            x + norm(conv3(relu(norm(conv3(x, f.conv1), f.norm1)), f.conv2), f.norm2)
        ),
        "bn-after-addition": lambda: relu(
            norm(x + conv3(relu(norm(conv3(x, f.conv1), f.norm1)), f.conv2), made.after.norm1)
        ),
        "relu-before-addition": lambda: (
            x + relu(norm(conv3(relu(norm(conv3(x, f.conv1), f.norm1)), f.conv2), f.norm2))
        ),
        "relu-only-pre-activation": lambda: (
            x + norm(conv3(relu(norm(conv3(relu(x), f.conv1), f.norm1)), f.conv2), f.norm2)
        ),
        "full-pre-activation": lambda: (
            x + conv3(relu(norm(conv3(relu(norm(x, f.norm1)), f.conv1), f.norm2)), f.conv2)
        ),
    }[order]()
    torch.testing.assert_close(made(x), y)
    x, plain = torch.randn(2, 4, 5, 5), unit(order=order) if order != "bn-after-addition" else None
    if plain is not None:  # without BatchNorm the same, less the norms
        f, first = plain.residual, relu(x) if "pre-activation" in order else x
        y = conv3(relu(conv3(first, f.conv1)), f.conv2)
        y = x + relu(y) if order == "relu-before-addition" else x + y
        torch.testing.assert_close(plain(x), relu(y) if order == "original" else y)


@pytest.mark.parametrize(
    ("shortcut", "expected"),
    [
        ("identity", 5.0),  # 2 + 3
        ("constant-scaling", 2.75),  # 0.25 · 2 + 0.75 · 3
        ("scaled-shortcut", 3.5),  # 0.25 · 2 + 3
        ("exclusive-gating", 2.75),  # g = 0.75: 0.25 · 2 + 0.75 · 3
        ("shortcut-gating", 3.5),  # 0.25 · 2 + 3
        ("conv", 1.0),  # −1 · 2 + 3
        ("dropout", 5.0),
        ("none", 3.0),
    ],
)
def test_a_unit_of_one_pixel(shortcut, expected):
    """x = 2 and F(x) = 0.5 · ReLU(3 · 2) = 3; the gate is σ(ln 3) = 0.75, the 1×1 weighs −1."""
    made = unit(shortcut, channels=(1, 1))
    weights = {"conv1.weight": 3, "conv2.weight": 0.5, "shortcut.weight": -1, "gate.bias": log(3)}
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.zero_()
            value = next((one for end, one in weights.items() if name.endswith(end)), 0)
            parameter.view(-1)[parameter.numel() // 2] = value
    assert made(torch.full((1, 1, 1, 1), 2.0)).item() == pytest.approx(expected)


def test_gates_start_at_the_bias_that_was_chosen():
    for arch in ("course-residual", "resnet20"):
        for shortcut in ("exclusive-gating", "shortcut-gating"):
            spec = replace(CATALOGUE[arch].default, options={"shortcut": shortcut})
            for chosen in (-6.0, 0.0, -3.5):
                wanted = spec if chosen == -6 else replace(
                    spec, options={"shortcut": shortcut, "gate_bias": chosen})  # fmt: skip
                gates = [m for n, m in build(wanted).named_modules() if n.endswith("gate")]
                assert len(gates) == (2 if arch == "course-residual" else 9)
                assert {value for gate in gates for value in gate.bias.tolist()} == {chosen}


def test_the_shortcut_is_dropped_in_training_only():
    made, x = unit("dropout"), torch.randn(2, 4, 5, 5)
    still = made(x)
    assert torch.equal(made(x), still)
    made.train()
    torch.manual_seed(8)
    y = made(x)
    torch.manual_seed(8)
    kept = torch.empty_like(x).bernoulli_(1 - SETTINGS["dropout"])
    f = made.residual
    expected = F.relu(x * kept / 0.7 + conv3(F.relu(conv3(x, f.conv1)), f.conv2))
    torch.testing.assert_close(y, expected)
    assert 0.05 < (kept == 0).float().mean() < 0.6


# ResNets for small images


def cifar_params(depth: int, in_channels: int, classes: int) -> int:
    """With BatchNorm: no biases, two numbers a channel; no parameters on any shortcut."""
    n = (depth - 2) // 6
    widths = [in_channels, *[16] * (2 * n + 1), *[32] * 2 * n, *[64] * 2 * n]
    convolutions = sum(9 * before * after + 2 * after for before, after in pairwise(widths))
    return convolutions + linear_params(64, classes)


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)]
)
def test_the_cifar_resnets_have_the_parameters_of_table_6(depth, millions):
    """arXiv 1512.03385, table 6."""
    options = {} if f"resnet{depth}" in CATALOGUE else {"depth": depth}
    arch = "resnet-cifar" if options else f"resnet{depth}"
    found = count(on_meta(ModelSpec(arch, image_size=32, in_channels=3, options=options)))
    assert found == cifar_params(depth, 3, 10)
    assert round(found / 1e6, 2 if depth < 110 else 1) == millions


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3)])
def test_the_cifar_resnets_have_the_paper_s_maps(size, channels):
    network = on_meta(ModelSpec("resnet56", image_size=size, in_channels=channels))
    assert widths(network) == [16] * 19 + [32] * 18 + [64] * 18
    assert len(layers_of(network, nn.Conv2d)) + len(layers_of(network, nn.Linear)) == 56
    assert len(layers_of(network, PadChannels)) == 2
    shape, x = [], images(ModelSpec("resnet56", image_size=size, in_channels=channels), 2, "meta")
    for stage in (network.stem, network.stage1, network.stage2, network.stage3):
        x = stage(x)
        shape.append(tuple(x.shape[1:]))
    assert shape == [(16, size, size), (16, size, size),
                     (32, size // 2, size // 2), (64, size // 4, size // 4)]  # fmt: skip


def test_shortcuts_with_weights_count_them():
    n, base = 3, cifar_params(20, 3, 10)
    ones = conv_params(16, 16, 1) * n + conv_params(16, 32, 1) + conv_params(32, 32, 1) * (n - 1)
    ones += conv_params(32, 64, 1) + conv_params(64, 64, 1) * (n - 1)
    for shortcut in SHORTCUTS:
        has_weights = shortcut == "conv" or "gating" in shortcut
        spec = ModelSpec("resnet20", image_size=32, in_channels=3, options={"shortcut": shortcut})
        assert count(on_meta(spec)) == base + (ones if has_weights else 0)


def test_without_batch_norm_there_are_biases_instead():
    spec = ModelSpec("resnet20", image_size=32, in_channels=3, options={"batch_norm": False})
    network = on_meta(spec)
    assert not layers_of(network, nn.BatchNorm2d)
    assert all(convolution.bias is not None for convolution in layers_of(network, nn.Conv2d))
    assert count(network) == cifar_params(20, 3, 10) - sum(widths(network))


def test_a_net_with_pre_activation_is_activated_once_at_both_ends():
    """Appendix of arXiv 1603.05027: no BatchNorm and ReLU twice in a row, and one at the end."""
    spec = ModelSpec("resnet20", image_size=32, options={"order": "full-pre-activation"})
    network = on_meta(spec)
    kinds = [type(m).__name__ for m in network.modules() if not list(m.children())]
    activated = ["BatchNorm2d", "ReLU"]
    assert kinds[:6] == ["Conv2d", *activated, "Conv2d", *activated]
    assert kinds[-6:] == ["Conv2d", *activated, "AdaptiveAvgPool2d", "Flatten", "Linear"]
    assert count(network) == cifar_params(20, 1, 10)  # where they stand changes no count


@pytest.mark.parametrize("depth", [7, 9, 21, 224, "deep"])
def test_a_depth_that_is_not_6n_plus_2_is_one_sentence(depth):
    with pytest.raises(LabError, match="depth must be a whole number from 8 to 218 in steps of 6"):
        build(ModelSpec("resnet-cifar", options={"depth": depth}))


def test_the_depth_chosen_is_the_depth_named():
    for depth in (20, 56):
        chosen = ModelSpec("resnet-cifar", image_size=32, options={"depth": depth})
        assert shapes(on_meta(chosen)) == shapes(on_meta(ModelSpec(f"resnet{depth}", 1, 32)))


def test_bn_after_addition_needs_batch_norm():
    with pytest.raises(LabError, match="needs BatchNorm; set batch_norm to true"):
        build(ModelSpec("course-residual", image_size=28, options={"order": "bn-after-addition"}))


def test_the_homework_s_mistake_stays_as_it_was_published():
    options = {"shortcut": "conv", "as_published": True, "batch_norm": True}
    with pytest.raises(LabError, match="published with a factor of 0.5, without BatchNorm"):
        build(ModelSpec("course-residual", image_size=28, options=options))


@pytest.mark.parametrize(
    ("option", "values"), [("factor", (-0.1, 2.1, "half", "nan", True)), ("gate_bias", (-21, 21))]
)
def test_factors_have_bounds(option, values):
    for value in values:
        with pytest.raises(LabError, match=f"{option} must be a number from"):
            build(ModelSpec("resnet20", image_size=32, options={option: value}))
    assert complete(ModelSpec("resnet20", options={option: "1"})).option(option) == 1.0


# The table of variants


def test_every_variant_says_what_it_is():
    assert len({one.title for one in VARIANTS.values()}) == len(VARIANTS)
    assert len({one.formula for one in VARIANTS.values()}) == len(VARIANTS)
    assert all(one.source for one in VARIANTS.values())
    assert {one.shortcut for one in VARIANTS.values()} == set(SHORTCUTS)
    assert {one.order for one in VARIANTS.values()} == set(ORDERS)


@pytest.mark.parametrize("arch", NETWORKS)
def test_every_variant_of_a_network_is_found_again(arch):
    default = CATALOGUE[arch].default
    for name in variants_of(arch):
        spec = replace(default, options=VARIANTS[name].options_in(arch))
        for one in (spec, complete(spec)):
            assert (variant_of(one).name, variant_of(one).title) == (name, VARIANTS[name].title)
    assert bool(complete(default).option("batch_norm")) == NETWORKS[arch]


def test_formulas_are_written_as_functions():
    assert VARIANTS["identity"].formula == "ReLU(x + conv2(ReLU(conv1(x))))"
    assert VARIANTS["conv-published"].formula == "ReLU(conv1×1(x) + conv2(x)); conv1 is dead"
    assert VARIANTS["bn-full-pre-activation"].formula == "x + conv2(ReLU(BN(conv1(ReLU(BN(x))))))"
    assert nested(("a", "b"), "x") == "b(a(x))"


@pytest.mark.parametrize(
    ("arch", "options", "title"),
    [
        ("resnet20", {}, "plain residual"),
        ("resnet20", {"batch_norm": False}, "plain residual, no BatchNorm"),
        ("resnet20", {"shortcut": "none", "batch_norm": False}, "no shortcut, no BatchNorm"),
        ("resnet56", {"order": "full-pre-activation", "shortcut": "none"},
         "full pre-activation, no shortcut"),
        ("course-residual", {"batch_norm": True}, "plain residual with BatchNorm"),
        ("course-residual", {"shortcut": "conv", "batch_norm": True}, "conv shortcut, BatchNorm"),
        ("course-residual", {"shortcut": "dropout", "dropout": 0.2},
         "dropout shortcut, dropout 0.2"),
        ("course-residual", {"shortcut": "exclusive-gating", "gate_bias": -3},
         "exclusive gating, gate bias -3"),
    ],
)  # fmt: skip
def test_what_is_unusual_stands_in_the_title(arch, options, title):
    spec = replace(CATALOGUE[arch].default, options=options)
    assert variant_of(spec).title == variant_of(complete(spec)).title == title


def test_other_networks_have_no_variant():
    assert variant_of(ModelSpec("resnet18")) is None and variants_of("resnet18") == ()


def test_a_block_of_the_dense_net_by_hand():
    torch.manual_seed(3)
    network = build(ModelSpec("densenet", 8, 32))
    block, x = network.dense_block1, torch.rand(2, 8, 6, 6)
    y = x
    for layer in block.children():
        conv = layer.conv
        new = F.conv2d(
            F.relu(F.batch_norm(y, None, None, training=True)), conv.weight, conv.bias, padding=1
        )
        y = torch.cat([y, new], dim=1)
    torch.testing.assert_close(block(x), y)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121"])
def test_networks_compute_what_torchvisions_do(name):
    """The same weights, in the same order, give the same logits."""
    import torchvision

    spec = ModelSpec(name, image_size=32, in_channels=3, num_classes=5)
    torch.manual_seed(4)
    ours, theirs = build(spec).eval(), torchvision.models.get_model(name, num_classes=5).eval()
    wanted = theirs.state_dict()
    values = list((wanted if name == "densenet121" else reordered(wanted)).values())
    assert [v.shape for v in values] == [v.shape for v in ours.state_dict().values()]
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    x = images(spec)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def reordered(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's ResNet with the convolutions of each block before its norms, as ours."""

    def place(item: tuple[int, str]) -> tuple:
        number, name = item
        parts = name.split(".")
        if not parts[0].startswith("layer"):
            return ((0,) if parts[0] in ("conv1", "bn1") else (2,), number)
        kind = ("conv", "bn", "downsample").index(parts[2].rstrip("123"))
        return ((1, parts[0], int(parts[1]), kind), number)

    return {name: state[name] for _, name in sorted(enumerate(state), key=place)}


# Gradients


def without_gradient(spec: ModelSpec) -> set[str]:
    torch.manual_seed(5)
    network = build(spec).train()
    logits = network(images(spec, 4))
    F.cross_entropy(logits, torch.arange(4) % spec.num_classes).backward()
    return {
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }


def small(spec: ModelSpec) -> ModelSpec:
    """The same network, thin, on a small image."""
    if spec.image_size == 28:
        return spec
    ratio = 4 if spec.arch == "googlenet" else 8  # two channels a branch die of ReLU by chance
    return replace(spec, ratio=ratio, image_size=96 if spec.arch == "alexnet" else 64)


@every_network
def test_every_parameter_gets_a_gradient_except_the_known_dead_ones(spec):
    dead = without_gradient(small(spec))
    if spec.option("as_published") and spec.option("shortcut") in ("constant-scaling", "conv"):
        assert dead == {
            f"{block}.conv1.{kind}"
            for block in ("residual1", "residual2")
            for kind in ("weight", "bias")
        }
    else:
        assert dead == set()


@every_network
def test_builders_neither_move_nor_cast(spec):
    assert {(p.device.type, p.dtype) for p in on_meta(spec).parameters()} == {
        ("meta", torch.float32)
    }


# Options


def test_complete_fills_in_the_defaults_and_is_idempotent():
    spec = complete(ModelSpec("custom-vgg", options={"head_width": 64}))
    assert dict(spec.options) == {
        "conv_arch": "1x64 1x128 2x256 2x512 2x512",
        "head_width": 64,
        "last_activation": "none",
    }
    assert complete(spec) == spec


def test_options_from_a_url_are_read_as_what_they_are():
    spec = ModelSpec("course-residual", options={"as_published": "true", "shortcut": "conv"})
    assert complete(spec).option("as_published") is True
    spec = ModelSpec("custom-vgg", options={"head_width": "64"})
    assert complete(spec).option("head_width") == 64


@every_architecture
def test_an_unknown_option_is_named(name):
    with pytest.raises(LabError, match="has no option 'color'; it has") as caught:
        build(replace(CATALOGUE[name].default, options={"color": 1}))
    assert CATALOGUE[name].title in str(caught.value)


@pytest.mark.parametrize(
    ("name", "option", "values", "words"),
    [
        ("course-residual", "shortcut", ("gate", "", True), "must be one of identity, constant"),
        ("course-residual", "as_published", ("yes", 2, 0.5), "must be true or false"),
        (
            "custom-vgg",
            "head_width",
            (0, 16_385, "wide", 1.5, True),
            "must be a whole number from 1",
        ),
        ("custom-vgg", "last_activation", ("relu", 1), "must be one of none, sigmoid"),
    ],
)
def test_a_value_that_an_option_cannot_take_is_one_sentence(name, option, values, words):
    for value in values:
        with pytest.raises(LabError, match=f"{option} {words}.*{value!r}"):
            build(replace(CATALOGUE[name].default, options={option: value}))


def test_as_published_changes_only_the_two_blocks_with_the_mistake():
    for shortcut in ("identity", "none"):
        blocks = [
            on_meta(
                ModelSpec(
                    "course-residual",
                    image_size=28,
                    options={"shortcut": shortcut, "as_published": published},
                )
            ).residual1
            for published in (False, True)
        ]
        assert [block.drops_conv1 for block in blocks] == [False, False]


# custom-vgg

CHAPTER = tuple(Block(*pair) for pair in ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512)))


@pytest.mark.parametrize(
    "text",
    [
        "1x64 1x128 2x256 2x512 2x512",
        "1×64 1×128 2×256 2×512 2×512",
        "((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))",
        "[(1,64),(1,128),(2,256),(2,512),(2,512)]",
        "  1x64;1x128;\n2x256, 2 x 512  2x512 ",
    ],
)
def test_conv_arch_reads_what_readers_write(text):
    assert parse_conv_arch(text) == CHAPTER


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "64", "1x", "x64", "one by 64", "1x64x128", "1x64 2", "1.5x64", "1x64.0",
        "1*64", "0x40", "1x64 # comment", "1x64\x00", "1x64 " * 200, "1x64, a",
        "__import__('os').system('touch /tmp/lab-was-evaluated')", "(1, 8*8)", "f(1, 64)",
    ],
)  # fmt: skip
def test_conv_arch_says_how_to_write_it(text):
    with pytest.raises(LabError, match=r"conv_arch .* such as 1x64 1x128") as caught:
        build(ModelSpec("custom-vgg", options={"conv_arch": text}))
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["0x64", "17x64", "1x0", "1x4097", "1x4 " * 11, "1x" + "9" * 400, "1x-64"]
)
def test_conv_arch_has_bounds(text):
    with pytest.raises(LabError, match=r"conv_arch .* such as 1x64 1x128"):
        parse_conv_arch(text)


def test_the_default_custom_vgg_is_vgg11():
    for ratio in (1, 4):
        custom = on_meta(ModelSpec("custom-vgg", ratio))
        assert shapes(custom) == shapes(on_meta(ModelSpec("vgg11", ratio)))


def test_a_custom_vgg_by_hand():
    torch.manual_seed(6)
    options = {"conv_arch": "2x6 1x9", "head_width": 20, "last_activation": "sigmoid"}
    spec = ModelSpec("custom-vgg", 3, 13, 2, 5, options=options)
    network, x = build(spec).eval(), images(spec)
    weights = Weights(network)
    y = F.relu(weights.conv(x, padding=1))
    y = F.max_pool2d(F.relu(weights.conv(y, padding=1)), 2)
    y = F.max_pool2d(F.relu(weights.conv(y, padding=1)), 2)
    assert y.shape == (2, 3, 3, 3)
    y = F.relu(weights.linear(F.relu(weights.linear(y))))
    torch.testing.assert_close(network(x), torch.sigmoid(weights.linear(y)))
    assert weights.are_used_up()
    assert prod(network(x).shape) == 10
