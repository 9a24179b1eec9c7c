"""Every network builds wherever it can: shapes, ratios, the smallest image, gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.specs import MAX_IMAGE_SIZE, MAX_RATIO, LabError, ModelSpec
from core.zoo.building import build, smallest_image_size
from core.zoo.catalogue import CATALOGUE
from tests.core.networks import DEEPER_TWINS, analysis_of
from tests.core.zoo.networks import (
    DENSENETS,
    EVERY,
    every_architecture,
    every_network,
    images,
    layers_of,
    on_meta,
    output_shape,
    widths,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


# Shapes


@every_network
def test_images_become_one_row_of_classes_each(spec):
    asked = replace(spec, image_size=67, ratio=3, in_channels=2, num_classes=1)
    assert output_shape(asked) == (2, 1)


@pytest.mark.parametrize(
    ("image_size", "ratio", "in_channels", "num_classes"), [(224, 1, 3, 1000), (131, 64, 4, 23)]
)
@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in DEEPER_TWINS])
def test_so_do_large_images_and_thin_networks(name, image_size, ratio, in_channels, num_classes):
    spec = replace(CATALOGUE[name].default, image_size=image_size, ratio=ratio,
                   in_channels=in_channels, num_classes=num_classes)  # fmt: skip
    assert output_shape(spec) == (2, num_classes)


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY.keys())
def test_the_default_builds(spec):
    assert analysis_of(spec).layers[-1].output_shape == (1, spec.num_classes)


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


BORDERS = [  # a shortcut has no window of its own, but the change of width on it has a stride
    *(row.default for name, row in CATALOGUE.items() if name not in DEEPER_TWINS),
    EVERY["course-residual, conv"],
    EVERY["resnet-cifar, conv"],
    EVERY["resnet-cifar, exclusive-gating"],
]


@pytest.mark.parametrize("spec", BORDERS, ids=ModelSpec.to_text)
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
    return replace(spec, ratio=ratio, image_size=96 if spec.arch == "alexnet" else 32)


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
    with torch.device("meta"):
        network = build(small(spec))
    assert {(p.device.type, p.dtype) for p in network.parameters()} == {("meta", torch.float32)}
