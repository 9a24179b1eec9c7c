"""The rows of the catalogue, their options, and the table of variants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.specs import LabError, ModelSpec
from core.zoo.building import build
from core.zoo.catalogue import CATALOGUE, complete, find
from core.zoo.families.vgg import Block, parse_conv_arch
from core.zoo.variants import NETWORKS, ORDERS, SHORTCUTS, VARIANTS, nested, variant_of, variants_of
from tests.core.zoo.networks import (
    every_architecture,
    on_meta,
    shapes,
)

pytestmark = pytest.mark.usefixtures("one_thread")


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
        ("resnet56", {"order": "full-pre-activation", "shortcut": "none"}, "no shortcut"),
        ("course-residual",
         {"order": "full-pre-activation", "shortcut": "none", "batch_norm": True},
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
