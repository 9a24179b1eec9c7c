"""The overview's answers: held against closed forms, and tried on other networks than theirs."""

from __future__ import annotations

from functools import cache

import pytest

from core.analysis import analyze
from core.analysis.kept import kept_analysis
from core.report import formats
from core.report.questions import QUESTIONS, Evidence
from core.specs import ModelSpec
from core.studies.reproduction import read_runs, reproductions

EVIDENCE = Evidence(cache(analyze), cache(lambda: reproductions(read_runs())))


def answer(words: str) -> str:
    [question] = [question for question in QUESTIONS if question.has(words)]
    return question.answer(EVIDENCE)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_every_answer_is_one_line_of_sentences(question):
    text = question.answer(EVIDENCE)
    assert text.endswith(".") and "\n" not in text and "None" not in text
    assert 40 <= len(text) <= 330


def test_nothing_is_traced_for_the_first_look():
    def kept(spec):
        found = kept_analysis(spec)
        assert found is not None, spec
        return found

    for question in QUESTIONS:
        question.answer(Evidence(kept, EVIDENCE.reproductions))


def test_rows_and_layers_are_those_of_the_chapter():
    assert answer("where are vgg-11").startswith("The 8 rows are blocks. 11 layers have weights")


def test_vgg_beside_alexnet():
    small, large = (analyze(ModelSpec(name)).totals for name in ("alexnet", "vgg11"))
    text = answer("slower")
    for quantity in ("params", "macs", "saved_bytes"):
        assert f"{getattr(large, quantity) / getattr(small, quantity):.1f} times" in text


def test_a_tenth_of_the_computation():
    direct, through = 28**2 * 192 * 32 * 25, 28**2 * (192 * 16 + 16 * 32 * 25)
    text = answer("tenth")
    assert formats.short(direct) in text and f"{direct / through:.1f} times" in text


def test_accuracies_are_compared_at_equal_epochs_only():
    text = answer("accuracy fall")
    assert "224 pixels" in text and "64 pixels" in text and "after 5 epochs each" in text
    assert "10 epochs" not in text


def test_the_best_epoch_is_that_of_the_shipped_runs():
    rows = [row for row in EVIDENCE.reproductions() if row.model.arch == "course-inception"]
    earlier = sum(run.final < max(e.test_accuracy for e in run.metrics) for run in rows[0].runs)
    assert answer("more epochs").startswith(f"In {earlier} of {len(rows[0].runs)} runs")


@pytest.mark.parametrize("words", ["SHORTCUT best", "7 7", "densenet built"])
def test_words_find_a_question(words):
    assert sum(question.has(words) for question in QUESTIONS) == 1
