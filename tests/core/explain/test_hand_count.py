"""The hand-count checker: what is right is found right, and what it says."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from core.explain.hand_count import check as hand_count
from core.explain.hand_count import matching
from core.report.sentences.hand_count import hand_count_sentences
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE
from tests.core.explain.hand_counts import (
    ALEXNET,
    RESNET,
    VGG,
    checked,
    every_network,
    pasted,
    terms_of,
    wrong_terms,
)
from tests.core.networks import analysis_of

pytestmark = pytest.mark.slow

# What is right is found right


@every_network
@pytest.mark.parametrize("quantity", matching.QUANTITIES)
@pytest.mark.parametrize("named", [False, True], ids=["in order", "by name"])
def test_an_exact_hand_count_is_all_right(name, quantity, named):
    analysis = analysis_of(CATALOGUE[name].default)
    written = terms_of(analysis, quantity)
    found = checked(pasted(written, named), analysis, quantity)
    assert found.right and found.claimed == found.exact
    assert [term.layer for term in found.terms] == [term.path for term in written]
    assert hand_count_sentences(found) == (
        f"Everything is right: {found.exact:,} {quantity}, layer by layer.",
    )


@every_network
def test_so_is_one_long_sum_with_its_result(name):
    analysis = analysis_of(CATALOGUE[name].default)
    written = terms_of(analysis)
    text = " + ".join(term.text for term in written)
    found = checked(f"{text} = {analysis.totals.params:,}", analysis)
    assert found.right and len(found.terms) == len(written)
    broken = text.replace(" + ", "\n+ ") + f" = {analysis.totals.params}"
    found = checked(broken, analysis)
    assert found.right and found.addition and found.addition.claimed == found.exact


@every_network
def test_lines_by_name_may_stand_in_any_order(name):
    analysis = analysis_of(CATALOGUE[name].default)
    written = terms_of(analysis)
    random.Random(5).shuffle(written)
    found = checked(pasted(written, named=True, total=analysis.totals.params), analysis)
    assert found.right
    assert [term.layer for term in found.terms] == [term.path for term in written]


@every_network
@pytest.mark.parametrize("quantity", matching.QUANTITIES)
def test_so_may_lines_without_names(name, quantity):
    analysis = analysis_of(CATALOGUE[name].default)
    written = terms_of(analysis, quantity)
    random.Random(6).shuffle(written)
    assert checked(pasted(written), analysis, quantity).right
    assert checked(" + ".join(term.text for term in written), analysis, quantity).right


@every_network
def test_plain_values_without_factors_are_enough(name):
    analysis = analysis_of(CATALOGUE[name].default)
    values = [term.value for term in terms_of(analysis)]
    assert checked("\n".join(f"{value:,}" for value in values), analysis).right


WAYS = """
3×3×64×128+128 | 3 x 3 x 64 x 128 + 128 | 3*3*64*128+128 | 3·3·64·128 + 128 | 3⋅3⋅64⋅128+128
3X3X64X128+128 | 3^2x64x128+128 | 3**2*64*128 + 128 | 3²·64·128+128 | (3x3x64+1)x128
128x(1+64x3x3) | ((3x3)x64x128)+(128) | 9x64x128+128 | 576x128 + 128 | 128x64x3x3+128 | 73,856
73 856 | 73_856 | 73\u2009856 | 73728+128 | 73,728 + 128 | 3x3x64x128+128 = 73,856
conv2: 3x3x64x128+128 | block2.conv1 = 3x3x64x128+128 | Block2 / Conv1: 3x3x64x128+128
conv 2 3x3x64x128 + 128 | conv2 3x3x64x128+128 = 73856 | conv2_1 3x3x64x128+128 | block2: 73856
3 ✕ 3 ✕ 64 ✕ 128 + 128 | 3✖3✖64✖128+128 | 3⨯3⨯64⨯128+128 | 3∗3∗64∗128+128 | 3∙3∙64∙128+128
- 3x3x64x128+128 | * conv2: 73856 | 2. 3x3x64x128+128 | foo: 3x3x64x128+128
"""


@pytest.mark.parametrize("way", [way.strip() for way in WAYS.strip().replace("\n", "|").split("|")])
def test_there_are_many_ways_to_write_a_term(way):
    found = checked(way, analysis_of(VGG))
    assert not found.unreadable
    assert [(term.layer, term.verdict) for term in found.terms] == [("block2.conv1", "right")]
    assert len(found.missing) == 10


@pytest.mark.parametrize("total", ["sum", "Total:", "total parameters =", "Σ", "="])
def test_there_are_many_ways_to_write_the_sum(total):
    analysis = analysis_of(VGG)
    found = checked(f"{pasted(terms_of(analysis))}\n{total} 128 806 154", analysis)
    assert found.right and found.addition and found.addition.claimed == 128_806_154


def test_numbered_names_count_layers_of_their_kind_in_order():
    analysis = analysis_of(ALEXNET)
    written = terms_of(analysis)
    names = ["fc8", "conv5", "conv1", "fc6", "conv2", "conv4", "fc7", "conv3"]
    of_name = {f"conv{n}": written[n - 1] for n in range(1, 6)} | {
        f"fc{n}": written[n - 1]
        for n in range(6, 9)  # as in the paper's figures: layers 6 to 8
    }
    found = checked("\n".join(f"{name}: {of_name[name].text}" for name in names), analysis)
    assert found.right
    assert [term.layer for term in found.terms] == [of_name[name].path for name in names]


def test_a_bias_may_have_a_line_of_its_own():
    analysis = analysis_of(ALEXNET)
    lines = [part for term in terms_of(analysis) for part in term.text.split("+")]
    assert checked("\n".join(lines), analysis).right
    lines = [f"{t.path}: {part}" for t in terms_of(analysis) for part in t.text.split("+")]
    assert checked("\n".join(lines), analysis).right


def test_a_line_may_count_a_whole_block():
    text = "block3: 3x3x128x256+256 + 3x3x256x256+256 = 885,248\nblock1: 3x3x1x64+64"
    found = checked(text, analysis_of(VGG))
    paths = [term.layer for term in found.terms]
    assert paths == ["block3.conv1", "block3.conv2", "block1.conv1"]
    assert not wrong_terms(found) and not found.line_slips


# What the report says


def only(text: str, spec: ModelSpec, quantity: str = "parameters") -> hand_count.TermCheck:
    """The first term that is not right."""
    return wrong_terms(checked(text, analysis_of(spec), quantity))[0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("conv1: 11x11x3x96+96", "uses 3 input channels instead of 1"),
        ("conv1: 11x11x1x64+64", "uses 64 output channels instead of 96; uses a bias of 64"),
        ("conv1: 7x7x1x96+96", "uses a 7×7 kernel instead of 11×11"),
        ("conv1: 11x11x96", "leaves out the bias of 96"),
        ("conv1: 11x11x1x96+100", "uses a bias of 100 instead of 96"),
        ("conv1: 121x3x96+96", "uses 3 input channels instead of 1"),
        ("conv2: 5x96x256+256", "leaves out the factor 5 (kernel width)"),
        ("conv2: 5x5x96x256x2+256", "has a factor 2 too many"),
        ("conv2: 96x5x5x128+256", "uses 128 output channels instead of 256"),
        ("fc1: 256x6x6x4096+4096", "uses a flattened map of 6×6 instead of 5×5"),
        ("fc1: 256x36x4096+4096", "uses a flattened map of 36 pixels instead of 25"),
        ("fc1: 9216x4096+4096", "uses 9,216 inputs instead of 6,400"),
        ("fc3: 4096x1000+1000", "uses 1,000 outputs instead of 10; uses a bias of 1,000"),
        ("fc3: 41,000", "says 41,000 instead of 40,970"),
    ],
)
def test_the_factor_that_differs_is_named(line, says):
    found = checked(line, analysis_of(ALEXNET))
    [sentence] = [one for one in hand_count_sentences(found) if one.startswith("Line 1")]
    assert says in sentence, sentence


def test_a_bias_where_there_is_none():
    assert "adds a bias of 64 that the layer does not have" in " ".join(
        hand_count_sentences(
            checked("stem.conv: 7x7x3x64+64", analysis_of(replace(RESNET, in_channels=3)))
        )
    )
    assert "adds a bias of 96 that MACs leave out" in " ".join(
        hand_count_sentences(checked("11x11x1x96x54x54+96", analysis_of(ALEXNET), "MACs"))
    )


def test_parameters_in_place_of_macs_lack_the_pixels():
    term = only("11x11x1x96", ALEXNET, "MACs")
    assert term.layer == "block1.conv"
    assert [slip.exact for slip in term.slips if slip.written is None] == [54 * 54]


def test_convolutions_alone_leave_the_normalizations_to_one_sentence():
    analysis = analysis_of(RESNET)
    written = [term for term in terms_of(analysis) if "channels" not in term.roles]
    found = checked(pasted(written), analysis)
    assert not wrong_terms(found)
    assert {layer.kind for layer in found.missing} == {"normalisation"}
    assert (
        len([one for one in hand_count_sentences(found) if one.startswith("No term counts")]) == 1
    )


def test_a_missing_layer_does_not_shift_those_after_it():
    analysis = analysis_of(VGG)
    written = terms_of(analysis)
    for place in range(len(written)):
        found = checked(pasted(written[:place] + written[place + 1 :]), analysis)
        assert not wrong_terms(found)
        assert [layer.value for layer in found.missing] == [written[place].value]


def test_errors_that_cancel_are_told():
    analysis = analysis_of(ALEXNET)
    written = terms_of(analysis)
    written[0] = replace(written[0], bias=95)
    written[1] = replace(written[1], bias=257)
    found = checked(pasted(written), analysis)
    assert found.claimed == found.exact and not found.right
    assert len(wrong_terms(found)) == 2
    assert found.parts == hand_count.Parts(0, 0, 0, 0, 0, 0)
    assert hand_count_sentences(found)[-1] == "The total is exact nevertheless."


# The forum's two hand counts (SEEDS, Q2). Their terms are not known; these give their sums.


def test_the_readers_alexnet():
    text = """11x11x3x96 + 5x5x96x256 + 3x3x256x384 + 3x3x384x384 + 3x3x384x256
              + 6400x4096+4096 = 29,964,320"""
    found = checked(text, analysis_of(ALEXNET))
    assert found.addition is not None and found.addition.difference == 0
    assert [term.verdict for term in found.terms] == ["wrong", *["without bias"] * 4, "right"]
    assert [layer.path for layer in found.missing] == ["dense2.linear", "dense3.linear"]
    assert found.parts.missing_layers == 4096 * 4096 + 4096 + 4096 * 10 + 10
    assert found.parts.missing_biases == 96 + 256 + 384 + 384 + 256
    assert found.parts.wrong_terms == -11 * 11 * 2 * 96


def test_the_readers_vgg():
    convolutions = ["3x3x3x64", "3x3x64x128", "3x3x128x256", "3x3x256x256", "3x3x256x512"]
    text = "\n".join([*convolutions, *["3x3x512x512"] * 3, "25088x4096+4096", "= 111,980,544"])
    found = checked(text, analysis_of(VGG))
    assert found.addition is not None
    assert [(one.line, one.text) for one in found.addition.pieces] == [(1, "3×3×3×64")]
    assert found.addition.difference == 1728
    assert [layer.path for layer in found.missing] == ["dense2.linear", "dense3.linear"]
    assert found.terms[0].slips[0] == hand_count.Slip("input channels", 3, 1)
