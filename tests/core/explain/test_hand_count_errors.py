"""The hand-count checker: random errors in random networks are found where they were made."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest

from core.analysis.records import Analysis
from core.explain.hand_count import matching
from core.explain.hand_count.check import HandCount
from core.report.sentences.hand_count import hand_count_sentences
from core.specs import LabError
from core.zoo.catalogue import CATALOGUE
from tests.core.explain.hand_counts import (
    ALEXNET,
    VGG,
    Term,
    checked,
    pasted,
    terms_of,
    wrong_terms,
)
from tests.core.networks import analysis_of

pytestmark = pytest.mark.slow

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
