"""Each of the readers' questions, from the overview: one click, and the page proves the answer.

What stands on the page below question and answer is held against what `core` says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest

from core.analysis import Analysis, analyze
from core.explain.calculators import PRESETS
from core.explain.framework_rows import framework_rows
from core.inside.effective_field_records import WindowCounts
from core.inside.parts_records import MissingParts
from core.inside.shipped import SHIPPED
from core.measure.gradient_records import GradientFlow
from core.measure.learning_rate_records import LearningRates
from core.measure.shipped import GRADIENTS, LAST_WINDOW, LEARNING_RATES, MISSING, shipped_result
from core.measure.shipped.branches import shipped_branches
from core.measure.shipped.device_use import device_uses
from core.report import formats
from core.report.questions.catalogue import GROUPS, QUESTIONS
from core.report.sentences.branch_norms import branches_over_seeds
from core.report.sentences.effective_field import window_sentences
from core.report.sentences.epochs import best_epoch_sentence
from core.report.sentences.gradients import gradient_sentences
from core.report.sentences.learning_rates import rate_verdict, rise_finding
from core.report.sentences.parts import worst_of
from core.report.sentences.verdict import pair_sentence
from core.specs import ModelSpec
from core.studies.reproduction import course_accuracies, read_runs, reproductions
from core.studies.shipped_studies import shipped_study
from core.studies.statistics import compare
from core.training.devices import device_report
from core.zoo.catalogue import find
from tests.pages.opening import as_read

BATCH = 128
_SECONDS = 60  # for which a page may take to show it


@cache
def analysis(name: str, size: int = 224) -> Analysis:
    return analyze(ModelSpec(name, image_size=size))


@cache
def row(arch: str):
    return next(r for r in reproductions(read_runs()) if r.model.arch == arch and r.runs)


def _rows() -> list[str]:
    vgg = analysis("vgg11")
    rows = framework_rows(vgg)
    return [
        f"{len(vgg.rows('block'))} rows here are blocks",
        f"MXNet prints {len(rows.mxnet)}",
        f"{len(vgg.rows('weight layer'))} layers have weights",
        f"{len(vgg.layers)} modules run",
    ]


def _parameters() -> list[str]:
    vgg = analysis("vgg11")
    largest = max(vgg.layers, key=lambda layer: layer.params)
    share = 100 * largest.params / vgg.totals.params
    return [f"{largest.path} holds {share:.1f} % of the parameters"]


def _equal_cost() -> list[str]:
    macs = [layer.macs for layer in analysis("vgg11").layers if layer.kind == "convolution"]
    most = max(macs, key=macs.count)
    return [f"{macs.count(most)} of the {len(macs)} convolutions take the same"
            f" {formats.short(most, 'MACs')}"]  # fmt: skip


def _chain() -> list[str]:
    found = [layer for layer in analysis("vgg11").layers if layer.kind == "convolution"]
    chain = [found[0].input_shape[1], *(layer.output_shape[1] for layer in found)]
    return [" → ".join(map(str, chain))]


def _sizes() -> list[str]:
    runs = read_runs()
    finals = {size: [run.final for run in runs if run.model == ModelSpec("vgg11", 4, size)
                     and run.epochs == 5] for size in (64, 224)}  # fmt: skip
    return [f"{100 * sum(values) / len(values):.2f}" for values in finals.values()]


def _means(name: str) -> list[str]:
    return [formats.percent_within(mean.mean, mean.half)
            for mean in shipped_study(name).finals.values()]  # fmt: skip


def _best_pair() -> list[str]:
    pairs = compare(course_accuracies(reproductions(read_runs()), as_published=False))
    return [pair_sentence(next(pair for pair in pairs if pair.is_decided))]


def _gradients() -> list[str]:
    flow = GradientFlow.from_dict(shipped_result(GRADIENTS))
    return [sentence.replace("*", "") for sentence in gradient_sentences(flow)[:2]]


def _dead() -> list[str]:
    options = {"as_published": True, "shortcut": "constant-scaling"}
    net = analyze(ModelSpec("course-residual", image_size=28, options=options))
    dead = sum(layer.params for layer in net.layers if layer.path.endswith("conv1"))
    return [f"{dead:,} parameters can never get a gradient"]


def _published_and_corrected() -> list[str]:
    accuracies = course_accuracies(reproductions(read_runs()))
    pair = {title: finals for title, finals in accuracies.items()
            if title.startswith("constant scaling")}  # fmt: skip
    return [pair_sentence(compare(pair)[0])]


def _growth() -> list[str]:
    joined = [layer for layer in analysis("densenet", 96).layers if layer.kind == "join"]
    return [f"Up to {max(layer.output_shape[1] for layer in joined)} channels side by side"]


def _waiting_card() -> list[str]:
    idle = min(device_uses(), key=lambda use: use.kernel_share)
    title = find(idle.model.arch).title
    return [f"{formats.whole_percent(idle.kernel_share)} of the time with {title}"]


def _rise() -> list[str]:
    found = LearningRates.from_dict(shipped_result(LEARNING_RATES))
    return [*rate_verdict(found, LEARNING_RATES.run.recipe), rise_finding(found)]


def _surest_mistake() -> list[str]:
    row = SHIPPED["residual"]
    return [f"test image {row.known.mistake}: {row.data.class_names[row.known.label]}"]


def _missing() -> list[str]:
    found = [MissingParts.from_dict(shipped_result(request)) for request in MISSING.values()]
    return [formats.percent(worst_of(one).accuracy) for one in found]


def _last_window() -> list[str]:
    counts = WindowCounts.from_dict(shipped_result(LAST_WINDOW))
    return [window_sentences(counts, analyze(LAST_WINDOW.model))[0]]


PROOFS: dict[str, Callable[[], list[str]]] = {
    "rows": _rows,
    "mxnet-names": lambda: ["its dense0 is dense1 here", "dropout1"],
    "keras-shapes": lambda: ["Keras prints 6, as N×H×W×C", "gives the shapes of all 8"],
    "parameters": _parameters,
    "equal-cost": _equal_cost,
    "bottleneck": lambda: [f"{120_422_400 / 12_443_648:.1f}"],
    "smaller-images": lambda: [
        "3×3 cells instead of 7×7",
        formats.short(analysis("vgg11", 96).totals.macs),
    ],
    "in-channels": _chain,
    "seven-by-seven": lambda: [f"{512 * 7 * 7:,} inputs; 7 = 224 / 2⁵"],
    "last-layer": lambda: [f"88 channels × 4 × 4 = {88 * 4 * 4:,} inputs"],
    "pools": lambda: [preset.name for preset in PRESETS],
    "too-much": lambda: [formats.mebibytes(analysis("vgg19").training_bytes(BATCH))],
    "no-faster": _waiting_card,
    "devices": lambda: [f"PyTorch {device_report().torch}", next(iter(device_report().devices))],
    "faster-here": lambda: ["Measure every layer", formats.short(analysis("vgg11").totals.macs)],
    "more-epochs": lambda: [best_epoch_sentence(row("course-inception"))],
    "learning-rate": _rise,
    "size-and-accuracy": _sizes,
    "smaller-images-accuracy": lambda: _means("sizes"),
    "sigmoid": lambda: _means("last-activation"),
    "best-shortcut": _best_pair,
    "vanishing": _gradients,
    "dead-convolution": _published_and_corrected,
    "dead-parameters": _dead,
    "branch-weights": lambda: [branches_over_seeds(shipped_branches())],
    "deeper-head": lambda: _means("heads"),
    "densenet": _growth,
    "what-it-sees": _surest_mistake,
    "missing-part": _missing,
    "last-layer-sees": _last_window,
    "own-network": lambda: [formats.short(analysis("custom-vgg").totals.params)],
    "timm": lambda: [formats.short(25_557_032)],  # resnet50's, in timm and in torchvision
}
FILES = {  # proved by what the page lets one download: button → column and its values
    "alexnet-vgg": ("Comparison as CSV", "saved_bytes", ("alexnet", "vgg11")),
    "vgg-family": ("Comparison as CSV", "params", ("vgg16", "vgg19")),
}


def below_the_answer(visitor) -> str:
    """All that the page says but for the question and its answer."""
    said = visitor.page.evaluate(
        """() => {
          const main = document.querySelector('[data-testid="stMain"]').cloneNode(true)
          main.querySelector('.st-key-asked_question')?.remove()
          return main.textContent
        }"""
    )
    return as_read(said)


def ask(visitor, name: str) -> None:
    """From the overview, by a click on its group, then on the question."""
    visitor.open()
    group = next(group for group, asked in GROUPS.items() if QUESTIONS[name] in asked)
    visitor.page.get_by_role("radio", name=f"{group} {len(GROUPS[group])}", exact=True).click()
    visitor.page.locator(f".st-key-question_{name} button").first.click()
    visitor.page.locator(".st-key-asked_question").wait_for()
    visitor.settle()


def test_every_question_has_its_proof():
    assert {*PROOFS, *FILES, "stacked"} == set(QUESTIONS)


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_behind_a_question_proves_its_answer(visitor, group):
    for question in GROUPS[group]:
        if question.name not in PROOFS:
            continue
        ask(visitor, question.name)
        asked = visitor.page.locator(".st-key-asked_question").inner_text()
        assert as_read(asked).startswith(question.text)
        wanted = [as_read(text) for text in PROOFS[question.name]()]
        until, seen = time.monotonic() + _SECONDS, ""
        while time.monotonic() < until:
            seen = below_the_answer(visitor)
            if all(text in seen for text in wanted):
                break
            visitor.page.wait_for_timeout(250)
        assert [text for text in wanted if text not in seen] == [], question.name


@pytest.mark.parametrize("name", FILES)
def test_the_file_behind_a_question_proves_its_answer(visitor, name):
    button, column, networks = FILES[name]
    ask(visitor, name)
    frame = pd.read_csv(visitor.download(button))
    assert frame[column].tolist() == [getattr(analysis(one).totals, column) for one in networks]


def test_two_small_convolutions_for_a_large_one(visitor):
    ask(visitor, "stacked")
    frame = pd.read_csv(visitor.download("Comparison as CSV"))
    assert frame["receptive_field"].tolist() == [5, 5]
    assert frame["params"][0] < frame["params"][1]


def test_questions_are_found_as_one_types(visitor):
    visitor.open()
    box = visitor.page.get_by_role("searchbox", name="Find a question")
    box.press_sequentially("sigmoid", delay=30)
    visitor.page.locator(".st-key-question_rows").wait_for(state="detached")
    visitor.page.locator(".st-key-question_sigmoid").wait_for()  # of another group
    assert visitor.page.locator("[class*=st-key-question_]").count() <= 3
    visitor.page.wait_for_url("**find=sigmoid**")
