"""The hand-count checker: what is pasted is data, read within bounds and never run."""

from __future__ import annotations

import ast
import builtins
import os
import random
import subprocess
from contextlib import suppress
from pathlib import Path
from time import process_time

import pytest

from core.explain.hand_count import check as hand_count
from core.explain.hand_count import matching, terms
from core.explain.hand_count.check import check
from core.language import CHINESE, in_language
from core.specs import LabError
from core.zoo.catalogue import CATALOGUE
from tests.core.explain.hand_counts import (
    ALEXNET,
    VGG,
    checked,
    wrong_terms,
)
from tests.core.networks import analysis_of

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
        ("3x3x64 128", "'128' stands where x or + was expected."),
        ("3x3x64\u00a0128", "'128' stands where x or + was expected."),
        ("3x3x64x128 + 64 128", "'128' stands where x or + was expected."),
        ("64 128 x 3", "'128' stands where x or + was expected."),
        ("(64 128)x3", "'128' stands where x or + was expected."),
        ("64 128²", "'128' stands where x or + was expected."),
        ("3x3x64x128 = 73 7280", "'7280' stands where x or + was expected."),
        ("64  128", "'128' stands where x or + was expected."),
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


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_dealt_with_quickly(text):
    analysis = analysis_of(CATALOGUE["densenet121"].default)  # 242 layers
    before = process_time()
    with suppress(LabError):  # too many terms
        checked(text, analysis)
    assert process_time() - before < 5  # seconds of work; one or two are usual


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


@pytest.mark.parametrize("module", [hand_count, matching, terms], ids=lambda one: one.__name__)
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


BLANKS = {
    "blanks": lambda n: f"3x3{' ' * n}= 9",
    "unbreakable blanks": lambda n: f"3x3{chr(0xA0) * n}= 9",
    "blanks in a name": lambda n: f"conv{' ' * (n // 2)}1{' ' * (n // 2)}x",
    "blanks before a letter": lambda n: f"3{' ' * n}m",
    "words": lambda n: "a " * (n // 2) + "1",
    "a word and a number": lambda n: "a" * n + "1!",
    "thousands": lambda n: "1 000 " * (n // 6) + "x",
    "groups": lambda n: "1,000" * (n // 5),
    "digits": lambda n: "9" * n,
    "a sum": lambda n: f"sum{' ' * n}of all",
}


@pytest.mark.parametrize("make", BLANKS.values(), ids=BLANKS)
def test_twice_the_text_takes_twice_the_time(make):
    """4 kB took seconds when a pattern was quadratic."""

    def seconds(length: int) -> float:
        times = []
        for _ in range(3):
            before = process_time()
            for _ in range(5):
                terms.read(make(length))
            times.append(process_time() - before)
        return min(times)

    seconds(1_000)
    assert seconds(16_000) < max(40 * seconds(1_000), 0.1)  # 16 times; a square would be 256 times


@pytest.mark.parametrize("make", BLANKS.values(), ids=BLANKS)
def test_a_megabyte_is_refused_at_once(make):
    before = process_time()
    with pytest.raises(LabError, match="up to 20,000 characters, not"):
        check(make(10**6), analysis_of(VGG))
    assert process_time() - before < 0.1


def test_a_count_written_in_chinese_is_read_as_one_in_english():
    english = checked(
        "conv1: 11x11x1x96 + 96\nfc2: (64+1)x10 + 10\ntotal = 1,200", analysis_of(ALEXNET)
    )
    chinese = checked(
        "卷积层1：11×11×1×96 ＋ 96\n全连接层 2 权重：（64＋1）×10 + 10\n总参数 ＝ 1，200",
        analysis_of(ALEXNET),
    )
    assert [term.layer for term in chinese.terms] == [term.layer for term in english.terms]
    assert [term.pieces for term in chinese.terms] == [term.pieces for term in english.terms]
    assert chinese.claimed == english.claimed == 1200
    assert not chinese.unreadable


def test_a_line_that_cannot_be_read_says_so_in_the_readers_language():
    with in_language(CHINESE):
        found = check("3x3x1x64+64\n3x3-64", analysis_of(VGG))
    assert [line.reason for line in found.unreadable] == ["'-' 处应为 x 或 +。"]
