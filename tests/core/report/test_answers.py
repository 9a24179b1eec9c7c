"""The overview's answers: held against closed forms, and tried on other networks than theirs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch

from core.analysis import analyze
from core.analysis.kept import kept_analysis
from core.language import CHINESE, in_language
from core.report import formats
from core.report.questions.catalogue import GROUPS, QUESTIONS
from core.report.questions.question import Evidence
from core.report.questions.residual import gradients_in_one_line
from core.specs import ModelSpec
from core.studies.reproduction import read_runs, reproductions
from core.studies.shipped_studies import shipped_study
from core.training.devices import device_report
from tests.core.measure.example_flows import flow

EVIDENCE = Evidence(
    cache(analyze), cache(lambda: reproductions(read_runs())), shipped_study, device_report
)


def answer(name: str) -> str:
    return QUESTIONS[name].answer(EVIDENCE)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_every_answer_is_one_line_of_sentences(question):
    text = question.answer(EVIDENCE)
    assert text.endswith(".") and "\n" not in text and "None" not in text
    assert 40 <= len(text) <= 340


def test_nothing_is_traced_for_the_first_look():
    def kept(spec):
        found = kept_analysis(spec)
        assert found is not None, spec
        return found

    for question in QUESTIONS.values():
        question.answer(replace(EVIDENCE, analysis_of=kept, devices=lambda: None))


def test_rows_and_layers_are_those_of_the_chapter():
    assert answer("rows").startswith("The 8 rows are blocks. 11 layers have weights")


def test_vgg_beside_alexnet():
    small, large = (analyze(ModelSpec(name)).totals for name in ("alexnet", "vgg11"))
    text = answer("alexnet-vgg")
    for quantity in ("params", "macs", "saved_bytes"):
        assert f"{getattr(large, quantity) / getattr(small, quantity):.1f} times" in text


def test_a_tenth_of_the_computation():
    direct, through = 28**2 * 192 * 32 * 25, 28**2 * (192 * 16 + 16 * 32 * 25)
    text = answer("bottleneck")
    assert formats.short(direct) in text and f"{direct / through:.1f} times" in text


def test_accuracies_are_compared_at_equal_epochs_only():
    text = answer("size-and-accuracy")
    assert (
        "224 pixels" in text
        and "64 pixels" in text
        and "after 5 epochs of fashion-mnist each" in text
    )
    assert "10 epochs" not in text


def test_the_best_epoch_is_that_of_the_shipped_runs():
    rows = [row for row in EVIDENCE.reproductions() if row.model.arch == "course-inception"]
    earlier = sum(run.final < max(e.test_accuracy for e in run.metrics) for run in rows[0].runs)
    assert f"in {earlier} of {len(rows[0].runs)} runs of 10 epochs" in answer("more-epochs")


@pytest.mark.parametrize("words", ["SHORTCUT best", "7 7 out", "densenet built", "25088"])
def test_words_find_a_question(words):
    assert sum(question.has(words) for question in QUESTIONS.values()) == 1


@pytest.mark.parametrize(
    "words", ["梯度消失", "哪种 捷径", "1×1卷积 十分之一", "SHORTCUT best", "BatchNorm梯度消失"]
)
def test_words_of_both_languages_find_a_question_in_chinese(words):
    """Chinese has no spaces between its words, and readers put none before Latin letters."""
    with in_language(CHINESE):
        found = [name for name in QUESTIONS if QUESTIONS[name].has(words, answer(name))]
    assert len(found) == 1


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_every_answer_is_said_in_chinese(question):
    with in_language(CHINESE):
        text = question.answer(EVIDENCE)
    assert text.endswith("。") and "\n" not in text
    assert text != question.answer(EVIDENCE)


def test_the_layers_that_answer_are_found_in_every_language():
    question = QUESTIONS["dead-parameters"]
    options = (("as_published", True), ("shortcut", "constant-scaling"))
    analysis = analyze(ModelSpec("course-residual", image_size=28, options=options))
    paths = question.decisive(analysis)
    assert paths == ["residual1.conv1", "residual2.conv1"]
    with in_language(CHINESE):
        assert question.decisive(analysis) == paths


def test_no_two_questions_have_one_name():
    assert len(QUESTIONS) == sum(map(len, GROUPS.values()))


def test_a_machine_is_told_as_it_is():
    text = answer("devices")
    assert torch.__version__ in text
    assert ("no CUDA and no MPS" in text) == (set(device_report().devices) == {"cpu"})
    assert "still loading" in QUESTIONS["devices"].answer(replace(EVIDENCE, devices=lambda: None))


def test_the_gradient_of_the_deepest_nets_without_batch_norm():
    flows = (
        flow(1e-12, depth=56, shortcut="none", batch_norm=False),
        flow(0.0, depth=110, shortcut="none", batch_norm=False),
        flow(0.5, (0.9, 1.0, 1.1), depth=110, shortcut="identity", batch_norm=False),
        flow(7.0, depth=110, shortcut="none", batch_norm=True),
    )
    text = gradients_in_one_line(flows)
    assert text.startswith("110 layers without BatchNorm: nothing of the last layer's gradient")
    assert "0.5 with one" in text and "1 of 3 blocks make it smaller, down to 0.9000" in text


def test_the_homework_s_mistake_is_judged_by_the_shipped_seeds():
    rows = {row.title: row for row in EVIDENCE.reproductions()}
    published = rows["constant scaling, as published"].runs
    corrected = rows["constant scaling, corrected"].runs
    mean = sum(a.final - b.final for a, b in zip(published, corrected, strict=True)) / 5
    assert formats.signed_points(mean) in answer("dead-convolution")
