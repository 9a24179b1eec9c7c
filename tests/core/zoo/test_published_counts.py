"""The parameters of every network against published counts and closed forms."""

from __future__ import annotations

from itertools import pairwise

import pytest
from torch import nn

from core.specs import LabError, ModelSpec
from core.zoo.building import build
from core.zoo.catalogue import CATALOGUE, complete
from core.zoo.networks.residual_units import PadChannels
from core.zoo.variants import SHORTCUTS
from tests.core.zoo.networks import (
    EVERY,
    conv_chain,
    conv_params,
    count,
    images,
    layers_of,
    linear_params,
    on_meta,
    shapes,
    widths,
)

pytestmark = pytest.mark.usefixtures("one_thread")


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


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_equal_torchvisions(name):
    from torchvision.models import get_model_weights

    published = get_model_weights(name).IMAGENET1K_V1.meta["num_params"]
    assert count(on_meta(ModelSpec(name, 1, 224, 3, 1000))) == published


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


def test_the_forums_vgg_is_c_at_ratio_1_and_b_at_ratio_4():
    for ratio, really in ((1, "vgg16-c"), (4, "vgg13")):
        forum, paper = ModelSpec("vgg16-forum", ratio), ModelSpec(really, ratio)
        assert shapes(on_meta(forum)) == shapes(on_meta(paper))


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
    shortcut = {"factor": "scaled-shortcut", "gate_bias": "shortcut-gating"}[option]
    spec = ModelSpec("resnet20", options={option: "1", "shortcut": shortcut})
    assert complete(spec).option(option) == 1.0
