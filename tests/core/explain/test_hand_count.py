"""The hand-count checker: random mistakes in random networks are found where they were made."""

from __future__ import annotations

import ast
import builtins
import os
import random
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from pathlib import Path
from time import perf_counter

import pytest

from core.analysis import analyze
from core.analysis.records import Analysis, LayerCost
from core.explain.hand_count import check as hand_count
from core.explain.hand_count import matching, terms
from core.explain.hand_count.check import HandCount, check
from core.report.sentences import hand_count as hand_count_words
from core.report.sentences.hand_count import hand_count_sentences
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import CATALOGUE

every_network = pytest.mark.parametrize("name", CATALOGUE)

analysis_of = cache(analyze)

ALEXNET, VGG, RESNET = ModelSpec("alexnet"), ModelSpec("vgg11"), ModelSpec("resnet18")


# A hand count as a careful reader would write it


@dataclass(frozen=True)
class Term:
    """One line: factors in the usual order, a bias, perhaps a claimed result."""

    path: str
    roles: tuple[str, ...]
    factors: tuple[int, ...]
    bias: int
    result: int | None = None

    @property
    def value(self) -> int:
        return prod(self.factors) + self.bias

    @property
    def text(self) -> str:
        return "x".join(map(str, self.factors)) + (f"+{self.bias}" if self.bias else "")

    def line(self, named: bool) -> str:
        claimed = "" if self.result is None else f" = {self.result}"
        return (f"{self.path}: " if named else "") + self.text + claimed

    def with_factor(self, role: str, size: int) -> Term:
        place = self.roles.index(role)
        return replace(self, factors=(*self.factors[:place], size, *self.factors[place + 1 :]))


CONVOLUTION = ("kernel height", "kernel width", "input channels", "output channels")


def term_of(layer: LayerCost, quantity: str) -> Term:
    bias = layer.biases if quantity == "parameters" else 0
    weight = layer.weight_shape
    if layer.kind == "convolution":
        roles: tuple[str, ...] = CONVOLUTION
        factors: tuple[int, ...] = (*weight[2:], weight[1], weight[0])
        if quantity == "MACs":
            roles += ("output height", "output width")
            factors += layer.output_shape[2:]
        return Term(layer.path, roles, factors, bias)
    if layer.kind == "linear":
        return Term(layer.path, ("inputs", "outputs"), weight[::-1], bias)
    return Term(layer.path, ("parameters a channel", "channels"), (2, *weight), 0)


def terms_of(analysis: Analysis, quantity: str = "parameters") -> list[Term]:
    count = "params" if quantity == "parameters" else "macs"
    found = [term_of(layer, quantity) for layer in analysis.layers if getattr(layer, count)]
    assert sum(term.value for term in found) == getattr(analysis.totals, count)
    return found


def pasted(written: list[Term], named: bool = False, total: int | None = None) -> str:
    lines = [term.line(named) for term in written]
    return "\n".join(lines + ([] if total is None else [f"total = {total:,}"]))


def checked(text: str, analysis: Analysis, quantity: str = "parameters") -> HandCount:
    """The check, with what must always hold."""
    found = check(text, analysis, quantity)
    totals = analysis.totals
    assert found.exact == (totals.params if quantity == "parameters" else totals.macs)
    assert found.exact - found.claimed == found.parts.total
    assert found.parts.extra_terms <= 0
    counted = [term.layer for term in found.terms if term.layer]
    assert len(set(counted)) == len(counted)
    assert not set(counted) & {layer.path for layer in found.missing}
    for sentence in hand_count_sentences(found):
        assert sentence.endswith(".") and "\n" not in sentence and "None" not in sentence
    return found


def wrong_terms(found: HandCount) -> list[hand_count.TermCheck]:
    return [term for term in found.terms if term.verdict != "right"]


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


# Random mistakes


@cache
def random_analysis(seed: int) -> Analysis:
    """A network of the catalogue at a random ratio, size, channels and classes."""
    chance = random.Random(seed)
    while True:
        row = CATALOGUE[chance.choice(sorted(CATALOGUE))]
        spec = replace(
            row.default,
            ratio=chance.choice((1, 2, 3, 4, 8)),
            image_size=chance.choice((row.default.image_size, 65, 97, 224)),
            in_channels=chance.choice((1, 3)),
            num_classes=chance.choice((7, 10, 100)),
        )
        try:
            return analysis_of(spec)
        except LabError:
            continue  # too small an image


def other_size(size: int, chance: random.Random) -> int:
    """A size that no layer beside it is likely to have."""
    return size * chance.choice((2, 3)) + chance.choice((11, 17, 29))


CORRUPTIONS = ("bias", "inputs", "outputs", "kernel", "drop", "duplicate", "result")


def possible(term: Term, corruption: str) -> bool:
    if corruption == "bias":
        return term.bias > 0
    return corruption != "kernel" or "kernel height" in term.roles


def corrupted(term: Term, corruption: str, chance: random.Random) -> tuple[list[Term], dict]:
    """What stands in the term's place, and the slips that must be found: role → written, exact."""
    if corruption == "bias":
        return [replace(term, bias=0)], {"bias": (None, term.bias)}
    if corruption == "drop":
        return [], {}
    if corruption == "duplicate":
        return [term, term], {}
    if corruption == "result":
        return [replace(term, result=term.value + chance.randint(1, 999))], {}
    changes = {}
    roles = {
        "inputs": [r for r in term.roles if r in ("input channels", "inputs", "channels")],
        "outputs": [r for r in term.roles if r in ("output channels", "outputs", "channels")],
        "kernel": ["kernel height", "kernel width"],
    }[corruption]
    size = other_size(term.factors[term.roles.index(roles[0])], chance)
    for role in roles:
        changes[role] = (size, term.factors[term.roles.index(role)])
        term = term.with_factor(role, size)
    return [term], changes


def assert_found(found: HandCount, wrong: Term, corruption: str, slips: dict, named: bool) -> None:
    """That the mistake is reported, at its layer, and as what it is."""

    def is_it(path: str | None, exact: int) -> bool:
        # Of equal layers in a row without names, any one may be the one that is missing.
        return path == wrong.path if named else exact == wrong.value

    if corruption == "drop":
        assert any(is_it(layer.path, layer.value) for layer in found.missing)
    elif corruption == "duplicate":
        extra = [term for term in found.terms if term.verdict == "extra"]
        assert any(term.written == wrong.value and term.repeats for term in extra)
    elif corruption == "result":
        assert any(slip.written == wrong.value for slip in found.line_slips)
    else:
        [term] = [
            term
            for term in found.terms
            if term.verdict != "right" and is_it(term.layer, term.exact)
            and {slip.role: (slip.written, slip.exact) for slip in term.slips} == slips
        ]  # fmt: skip
        assert term.verdict == ("without bias" if corruption == "bias" else "wrong")


def problems(found: HandCount) -> int:
    return len(wrong_terms(found)) + len(found.missing) + len(found.line_slips)


def mistakes(term: Term, chance: random.Random, count: int) -> list[str]:
    kinds = [kind for kind in CORRUPTIONS if possible(term, kind)]
    return chance.sample(kinds, min(count, len(kinds)))


@pytest.mark.parametrize("seed", range(24))
def test_one_mistake_is_found_and_nothing_else(seed):
    chance = random.Random(1000 + seed)
    analysis = random_analysis(seed)
    quantity = chance.choice(matching.QUANTITIES)
    written = terms_of(analysis, quantity)
    place = chance.randrange(len(written))
    wrong = written[place]
    for kind in mistakes(wrong, chance, 2):
        instead, slips = corrupted(wrong, kind, chance)
        text = [*written[:place], *instead, *written[place + 1 :]]
        for named in (False, True):
            found = checked(pasted(text, named), analysis, quantity)
            assert_found(found, wrong, kind, slips, named)
            assert problems(found) == 1, (kind, hand_count_sentences(found))
            if slips:
                [term] = wrong_terms(found)
                assert (term.layer, term.line) == (wrong.path, place + 1)


@pytest.mark.parametrize("seed", range(12))
def test_one_mistake_in_one_long_sum_is_found_too(seed):
    chance = random.Random(2000 + seed)
    analysis = random_analysis(seed)
    written = terms_of(analysis)
    place = chance.randrange(len(written))
    wrong = written[place]
    for kind in mistakes(wrong, chance, 2):
        instead, slips = corrupted(wrong, kind, chance)
        if kind == "result":
            continue  # a single sum has one result
        text = [*written[:place], *instead, *written[place + 1 :]]
        found = checked(" + ".join(term.text for term in text), analysis)
        assert_found(found, wrong, kind, slips, named=False)
        assert problems(found) == 1, (kind, hand_count_sentences(found))


@pytest.mark.parametrize("turn", range(11))
def test_in_any_order_biases_left_out_and_one_wrong_term_are_found(turn):
    """The classifier first, or anything else; the term for block4.conv1 has the wrong input."""
    analysis = analysis_of(VGG)
    written = [replace(term, bias=0) for term in terms_of(analysis)]
    written = [
        one.with_factor("input channels", 333) if one.path == "block4.conv1" else one
        for one in written
    ]
    found = checked(pasted(written[turn:] + written[:turn]), analysis)
    assert not found.missing
    assert [term.verdict for term in found.terms].count("without bias") == 10
    [wrong] = [term for term in found.terms if term.verdict == "wrong"]
    assert wrong.layer == "block4.conv1"
    assert (wrong.slips[0].written, wrong.slips[0].exact) == (333, 256)


@pytest.mark.parametrize("seed", range(12))
def test_two_mistakes_at_once_are_both_found(seed):
    chance = random.Random(3000 + seed)
    analysis = random_analysis(seed)
    written = terms_of(analysis)
    pair = sorted(chance.sample(range(len(written)), 2))
    kinds = [mistakes(written[place], chance, 1)[0] for place in pair]
    text, slips = list(written), []
    for place, kind in reversed(list(zip(pair, kinds, strict=True))):
        text[place : place + 1], found_slips = corrupted(written[place], kind, chance)
        slips.insert(0, found_slips)
    found = checked(pasted(text, named=True), analysis)
    for place, kind, expected in zip(pair, kinds, slips, strict=True):
        assert_found(found, written[place], kind, expected, named=True)
    assert problems(found) == 2, (kinds, hand_count_sentences(found))
    # Without names a layer left out beside its like added twice is no mistake, but never a third.
    assert problems(checked(pasted(text), analysis)) <= 2


@pytest.mark.parametrize("seed", range(12))
def test_a_sum_that_leaves_a_term_out_or_adds_it_twice_names_the_term(seed):
    chance = random.Random(4000 + seed)
    analysis = random_analysis(seed)
    written = terms_of(analysis)
    term = chance.choice(written)
    sign = chance.choice((-1, 1))
    found = checked(pasted(written, total=analysis.totals.params + sign * term.value), analysis)
    assert found.addition is not None and not wrong_terms(found) and not found.missing
    assert found.addition.difference == -sign * term.value == found.parts.addition
    assert [piece.value for piece in found.addition.pieces] == [term.value]
    verb = "added twice" if sign > 0 else "left out"
    assert any(verb in sentence for sentence in hand_count_sentences(found))
    assert not found.right


def test_a_sum_that_leaves_two_terms_out_names_both():
    analysis = analysis_of(ALEXNET)
    written = terms_of(analysis)
    left_out = written[1].value + written[6].value
    found = checked(pasted(written, total=analysis.totals.params - left_out), analysis)
    assert found.addition is not None
    assert [piece.line for piece in found.addition.pieces] == [2, 7]


def test_a_sum_that_leaves_one_bias_out_names_it():
    analysis = analysis_of(ALEXNET)
    found = checked(pasted(terms_of(analysis), total=analysis.totals.params - 96), analysis)
    assert found.addition is not None
    assert [(one.line, one.text) for one in found.addition.pieces] == [(1, "96")]


def test_a_slip_of_the_pen_in_the_sum_is_given_as_a_difference():
    analysis = analysis_of(ALEXNET)
    found = checked(pasted(terms_of(analysis), total=analysis.totals.params + 7), analysis)
    assert found.addition is not None and not found.addition.pieces
    assert found.addition.difference == found.parts.total == -7


def test_a_wrong_result_counts_only_if_the_sum_was_made_of_it():
    analysis = analysis_of(ALEXNET)
    written = terms_of(analysis)
    written[2] = replace(written[2], result=written[2].value + 5)
    exact = analysis.totals.params
    found = checked(pasted(written, total=exact + 5), analysis)
    assert (found.parts.products, found.parts.addition) == (-5, 0)
    found = checked(pasted(written, total=exact), analysis)
    assert (found.parts.products, found.parts.addition) == (0, 0)
    assert [(slip.line, slip.claimed - slip.written) for slip in found.line_slips] == [(3, 5)]
    found = checked(pasted(written, total=exact + 5 - written[4].value), analysis)
    assert (found.parts.products, found.parts.addition) == (-5, written[4].value)
    found = checked(pasted(written, total=exact - written[4].value), analysis)
    assert (found.parts.products, found.parts.addition) == (0, written[4].value)


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


# Text is data


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("__import__('os').system('exit')", "It has a name but no term."),
        ("3x3x64x", "A whole number was expected at its end."),
        ("3x3-64", "'-' stands where x or + was expected."),
        ("3/3", "'/' stands where x or + was expected."),
        ("3.5x2", "'.' stands where x or + was expected."),
        ("1,00x2", "',' stands where x or + was expected."),
        ("3x3 64", "'64' stands where x or + was expected."),
        ("37.7M", "'.' stands where x or + was expected."),
        ("0x__class__", "A whole number was expected, not '_'."),
        ("３x３", "A whole number was expected, not '３'."),
        ("٣x٣", "A whole number was expected, not '٣'."),
        ("3^99", "A power has an exponent from 1 to 9."),
        ("3^x", "A power has an exponent from 1 to 9."),
        ("(3x3", "A closing parenthesis is missing."),
        ("3x3)", "')' stands where x or + was expected."),
        ("((((((((((1))))))))))", "Parentheses go at most 8 deep."),
        ("(1+1)x(1+1)x(1+1)x(1+1)x(1+1)x(1+1)x(1+1)", "Its parentheses multiply out to over 64"),
        ("1x" * 20 + "1", "A product has at most 16 factors."),
        ("9" * 14, "Numbers go up to 1,000,000,000,000."),
        ("1000000000001", "Numbers go up to 1,000,000,000,000."),
        ("3x3 = 9 = 9", "A line has one = at most, before its result."),
        ("conv1:", "It has a name but no term."),
        ("total = many", "A whole number was expected, not 'm'."),
        ("[].__class__", "A whole number was expected, not '['."),
        ("<script>3x3</script>", "A whole number was expected, not '<'."),
        ("3x3 # a comment", "'#' stands where x or + was expected."),
        ("3x3\x00", "'\\x00' stands where x or + was expected."),
    ],
)
def test_a_malformed_line_is_named_and_the_others_are_checked(line, reason):
    found = checked(f"3x3x1x64+64\n{line}\n3x3x64x128+128", analysis_of(VGG))
    [bad] = found.unreadable
    assert bad.line == 2 and bad.text == line[:60] and bad.reason.startswith(reason)
    assert [(one.line, one.layer) for one in found.terms] == [
        (1, "block1.conv1"),
        (3, "block2.conv1"),
    ]
    assert not wrong_terms(found) and not found.right


def test_a_second_sum_is_malformed():
    found = checked("3x3x1x64+64\nsum 640\nsum 641", analysis_of(VGG))
    assert [bad.line for bad in found.unreadable] == [3]


@pytest.mark.parametrize("text", ["", "  \n\t\n  ", "\n" * 10_000])
def test_nothing_at_all_is_an_invitation(text):
    with pytest.raises(LabError, match="There is nothing to check yet; write one term a line"):
        check(text, analysis_of(VGG))


def test_too_much_is_refused():
    analysis = analysis_of(VGG)
    with pytest.raises(LabError, match="up to 20,000 characters, not 1,000,000."):
        check("9" * 10**6, analysis)
    with pytest.raises(LabError, match="up to 500 lines, not 501."):
        check("1\n" * 501, analysis)
    with pytest.raises(LabError, match="up to 500 terms, not 501."):
        check("+".join(["1"] * 501), analysis)
    with pytest.raises(LabError, match="of parameters or MACs, not of 'bytes'."):
        check("3x3", analysis, "bytes")  # type: ignore[arg-type]


HOSTILE = {
    "parentheses": "(" * 9_999 + "1" + ")" * 9_999,
    "a sum of sums": "(1+1)x" * 3_000 + "1",
    "powers of powers": "9^9^9^9^9^9",
    "digits": "9" * 19_999,
    "commas": "1,000," * 3_000,
    "thousands": "1 000 " * 3_000,
    "a word": "a" * 20_000,
    "words": "a " * 10_000,
    "colons": ":" * 20_000,
    "equals": "=" * 20_000,
    "plus": "+" * 20_000,
    "blanks": "1" + " " * 19_998 + "x",
    "totals": "total " * 3_000,
    "one name": "block1.conv1: 1\n" * 499,
    "names": "\n".join(f"conv{n}: {n}x7" for n in range(500)),
    "zeros": "0x0x0\n0\n0+0\n" * 100,
    "ones": "1x1x1x1+1\n" * 200,
    "long products": "\n".join(f"{n}x3x5x7x11x13x17x19" for n in range(500)),
    "numbers": "+".join(str(n * n + 7) for n in range(500)),
    "largest": "x".join(["1000000000000"] * 16),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_dealt_with_quickly(text):
    analysis = analysis_of(CATALOGUE["densenet121"].default)  # 242 layers
    before = perf_counter()
    with suppress(LabError):  # too many terms
        checked(text, analysis)
    assert perf_counter() - before < 5  # seconds; below one where nothing else runs


def test_random_text_never_breaks_the_report():
    chance = random.Random(11)
    pieces = [
        *"0123456789x×+=().,:^²³ \n\n",
        "3x3x64",
        " + 64",
        "conv1",
        "fc2: ",
        "sum = ",
        "1,000",
    ]
    for _ in range(300):
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(1, 120)))
        for quantity in matching.QUANTITIES:
            if text.strip():
                checked(text, analysis_of(ALEXNET), quantity)


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("something was run")


def test_nothing_pasted_is_ever_run(monkeypatch):
    text = (
        "__import__('os').system('true')\nopen('x','w'): 3x3\nexec('1'): 1+1\nlambda: 3x3x1x64+64"
    )
    analysis = analysis_of(VGG)
    doors: list[tuple[object, str]] = [(builtins, name) for name in ("eval", "exec", "open")]
    doors += [(os, "system"), (subprocess, "Popen"), (ast, "literal_eval"), (ast, "parse")]
    with monkeypatch.context() as patch:
        for owner, name in doors:
            patch.setattr(owner, name, refuse)
        found = check(text, analysis)
    assert [bad.line for bad in found.unreadable] == [1]
    assert len(found.terms) == 4


@pytest.mark.parametrize(
    "module", [hand_count, matching, terms, hand_count_words], ids=lambda one: one.__name__
)
def test_the_code_has_no_way_to_run_text(module):
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "getattr_static", "open"}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not used & {"literal_eval", "system", "import_module"}
    compiled = re_compile_calls(tree)
    assert all(compiled)


def re_compile_calls(tree: ast.AST) -> list[bool]:
    """Whether each `.compile` is that of a regular expression."""
    return [
        isinstance(node.value, ast.Name) and node.value.id == "re"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "compile"
    ]
