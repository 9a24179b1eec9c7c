"""Why counters disagree: every difference is taken apart, and the parts add up exactly."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from core.analysis.vgg_configuration import vgg_configuration
from core.explain.other_counters import other_counts
from core.explain.published_counts import PUBLISHED_COUNTS, PublishedCount
from core.explain.reconcile import Account, OtherCounts, reconcile
from core.language import CHINESE, in_language
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, find
from core.zoo.libraries import LIBRARIES
from core.zoo.variants import VARIANTS
from tests.core.networks import DEEPER_TWINS, DEFAULTS, analysis_of

pytestmark = pytest.mark.slow

THIN = [
    replace(CATALOGUE[name].default, ratio=3, image_size=97, in_channels=2)
    for name in ("vgg16-c", "densenet")
]
UNITS = [  # of every kind of layer in a unit one, with a change of width and without
    replace(
        DEFAULTS["resnet-cifar"],
        ratio=2,
        options={"depth": 8, **dict(VARIANTS[name].options_in("resnet-cifar"))},
    )
    for name in ("exclusive-gating", "conv", "dropout", "bn-full-pre-activation", "none")
]
TWINS = (*DEEPER_TWINS, "resnet34", "vgg13", "vgg16", "densenet121")  # of others, with more layers
NETWORKS = [spec for spec in DEFAULTS.values() if spec.arch not in TWINS]

THEIRS = LIBRARIES["torchvision"].models

counts_of = cache(other_counts)


def accounts(spec: ModelSpec, published: PublishedCount | None = None) -> list[Account]:
    return list(reconcile(analysis_of(spec), counts_of(spec), published, analysis_of))


@pytest.mark.parametrize("spec", [*NETWORKS, *THIN, *UNITS], ids=ModelSpec.to_text)
def test_every_difference_of_the_catalogue_is_explained(spec):
    for one in accounts(spec, PUBLISHED_COUNTS.get(spec.arch)):
        assert one.unexplained == 0, one
        assert all(part.amount for part in one.parts)


@pytest.mark.parametrize("name", ["vit_b_32", "swin_v2_t", "inception_v3"])
def test_every_difference_of_these_torchvision_models_is_explained(name):
    spec = find(f"torchvision/{name}").default
    known = THEIRS[name]
    count = PublishedCount(spec, known.params, known.giga_macs, "torchvision")
    for one in accounts(spec, count):
        assert one.unexplained == 0, one


def test_torchinfos_difference_of_vgg11_is_its_biases():
    """Each convolution's channels times the pixels of its map; 4096 + 4096 + 10 of the linear."""
    [mult_adds] = [one for one in accounts(ModelSpec("vgg11")) if one.quantity == "MACs"]
    maps = ((64, 224), (128, 112), (256, 56), (256, 56), *((512, 28),) * 2, *((512, 14),) * 2)
    assert [part.amount for part in mult_adds.parts] == [
        sum(channels * side**2 for channels, side in maps),
        4096 + 4096 + 10,
    ]


def test_settings_are_told_apart_on_the_way_to_the_published_network():
    """Ratio, classes, channels and size each change the count; together they differ as told."""
    spec = ModelSpec("vgg11", ratio=4, image_size=96)
    [params] = [
        one
        for one in accounts(spec, PUBLISHED_COUNTS["vgg11"])
        if one.quantity == "parameters" and "torchvision" in one.counter
    ]
    assert [part.reason for part in params.parts] == [
        "ratio 1 instead of 4",
        "1000 classes instead of 10",
        "3 input channels instead of 1",
        "images of 224 pixels instead of 96",
    ]
    with in_language(CHINESE):
        assert params.parts[0].reason == "比例为 1，而不是 4"
    assert params.ours == analysis_of(spec).totals.params and params.theirs == 132_863_336
    assert sum(part.amount for part in params.parts) == params.theirs - params.ours


def test_what_nothing_explains_is_not_hidden():
    spec = CATALOGUE["lenet"].default
    counts = counts_of(spec)
    wrong = OtherCounts(counts.torchinfo_params + 7, counts.torchinfo_macs, counts.flops, 0)
    assert [one.unexplained for one in reconcile(analysis_of(spec), wrong)] == [7, 0, 0]


@pytest.mark.parametrize("name", PUBLISHED_COUNTS)
def test_the_published_counts_are_those_of_the_installed_torchvision(name):
    ours, theirs = PUBLISHED_COUNTS[name], THEIRS[name]
    assert (ours.params, ours.giga_macs) == (theirs.params, theirs.giga_macs)
    assert ours.model.image_size == theirs.image_size


# What did I build?


@pytest.mark.parametrize(
    ("name", "letter"), [(n, row.config) for n, row in CATALOGUE.items() if row.config]
)
@pytest.mark.parametrize("ratio", [1, 3, 4])
def test_the_paper_s_configurations_are_recognized(name, letter, ratio):
    found = vgg_configuration(analysis_of(ModelSpec(name, ratio, 64)))
    assert (found.letter, found.ratio, found.differences) == (letter, ratio, ())


@pytest.mark.parametrize("name", [n for n, row in CATALOGUE.items() if row.family != "VGG"])
def test_other_networks_are_no_vgg(name):
    assert vgg_configuration(analysis_of(CATALOGUE[name].default)) is None


@pytest.mark.parametrize(
    ("conv_arch", "letter", "differences"),
    [
        ("2x64 2x128 3x256 3x512 3x512", "D", ()),
        ("1x16 1x32 2x64 2x128 2x128", "A", ()),  # a quarter of the channels, and says so
        ("2x64 2x128 3x256 3x512", "D", ("block 5 is missing",)),
        ("1x64 1x128 2x256 2x512 2x256", "A",
         ("block 5 is 2 × 3×3 to 256 instead of 2 × 3×3 to 512",)),
        ("1x64 1x128 2x256 2x512 2x512 1x512", "A",
         ("block 6 (3×3 to 512) is one too many",)),
    ],
)  # fmt: skip
def test_your_own_vgg_is_named_or_its_differences_are(conv_arch, letter, differences):
    spec = ModelSpec("custom-vgg", image_size=64, options={"conv_arch": conv_arch})
    found = vgg_configuration(analysis_of(spec))
    assert (found.letter, tuple(map(str, found.differences))) == (letter, differences)


def test_another_head_is_named_too():
    options = {"head_width": 512, "last_activation": "sigmoid"}
    found = vgg_configuration(analysis_of(ModelSpec("custom-vgg", image_size=64, options=options)))
    assert found.letter == "A"
    assert found.sentence().endswith(
        "its hidden linear layers have 512 and 512 units instead of 4,096; it ends in a sigmoid."
    )
