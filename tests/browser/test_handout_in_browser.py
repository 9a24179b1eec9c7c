"""A handout in a browser that has no network: its figures are drawn, and it can be printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.analysis import analyze
from core.jobs.store import JobState, open_store
from core.language import CHINESE, ENGLISH, LANGUAGES, in_language
from core.report.handout.document import Document
from core.report.handout.html import handout_html
from core.report.handout.network import network_document
from core.report.handout.networks import networks_document
from core.report.handout.study import study_document
from core.report.names_together import short_titles
from core.specs import ModelSpec
from core.zoo.catalogue import complete
from core.zoo.variants import VARIANTS
from tests.browser.test_every_view import PIXELS, WORDS
from tests.core.jobs.example_runs import SPEC as CONV
from tests.core.jobs.example_runs import metrics

BLOCKS = [
    replace(
        CONV,
        model=replace(CONV.model, options=VARIANTS[name].options),
        recipe=replace(CONV.recipe, epochs=1),
    )
    for name in ("none", "identity", "conv")
]
ZOOM_IN = {ENGLISH: "Zoom in", CHINESE: "放大"}
PHONE = {"width": 390, "height": 844}
# Every text that is wider than its box or, but for what scrolls, than the page
TOO_WIDE = """() => [...document.querySelectorAll("h1, h2, p, dt, dd, th, td, summary")].filter(
  text => text.scrollWidth > text.clientWidth + 1
    || !text.closest(".scroll") && text.getBoundingClientRect().right > innerWidth
).map(text => text.textContent)"""


def _of(arch: str) -> ModelSpec:
    return complete(ModelSpec(arch, in_channels=3, num_classes=1000))


def _network() -> Document:
    return network_document(analyze(_of("torchvision/vit_b_16")), 128, threads=2)


def _comparison() -> Document:
    archs = ("torchvision/vit_b_16", "densenet121", "vgg11", "alexnet", "googlenet")
    analyses = [analyze(_of(arch)) for arch in archs]
    named = list(zip(short_titles([found.spec for found in analyses]), analyses, strict=True))
    return networks_document(named, 128, {}, "Five networks")


def _study() -> Document:
    """Of accuracies that are far apart, whose intervals are wide."""
    store = open_store()
    specs = [replace(spec, seed=seed) for spec in BLOCKS for seed in range(3)]
    study = store.create_study("Three blocks", {}, specs)
    for accuracy in 3 * (0.1, 0.4, 0.7):
        run = store.claim()
        assert run is not None
        store.record(run, metrics(1, accuracy))
        store.finish(run, JobState.FINISHED)
    runs = store.runs(study=study.id)
    return study_document(study, runs, store.epochs([run.id for run in runs]), {})


# What each figure says and where, to a pixel
DRAWN = """() => [...document.querySelectorAll(".chart")].flatMap(chart => {
  const {left, top} = chart.getBoundingClientRect()
  return [...chart.querySelectorAll("text")].filter(text => text.textContent).map(text => {
    const {x, y} = text.getBoundingClientRect()
    return [text.textContent, Math.round(x - left), Math.round(y - top)]
  })
})"""
AS_WIDE = """() => [...document.querySelectorAll(".chart")].every(
  chart => chart.querySelector(".main-svg").clientWidth === chart.clientWidth)"""

DOCUMENTS = {"network": _network, "comparison": _comparison, "study": _study}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_handout_opens_without_the_lab_and_prints(browser, tmp_path, language):
    file = tmp_path / "handout.html"
    with in_language(language):
        document = network_document(analyze(complete(ModelSpec("googlenet"))), 128, threads=2)
        file.write_bytes(handout_html(document, datetime.now(UTC)))
    context = browser.new_context(viewport={"width": 1000, "height": 900}, offline=True)
    try:
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console", lambda line: problems.append(line.text) if line.type == "error" else None
        )
        page.goto(file.as_uri())
        page.locator(".chart >> nth=2").locator(".main-svg").first.wait_for()
        assert page.locator("h1").inner_text().startswith("GoogLeNet")
        assert page.evaluate(WORDS, PIXELS) == []
        zoom_in = page.locator(".modebar-btn[data-attr='zoom'][data-val='in'] >> nth=0")
        assert zoom_in.get_attribute("data-title") == ZOOM_IN[language]
        with page.expect_download() as download:
            page.locator("a[download$='totals.csv']").click()
        assert (
            download.value.suggested_filename
            == "googlenet-ratio1-224px-1channels-10classes-totals.csv"
        )
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
        assert problems == []
    finally:
        context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shown", DOCUMENTS)
def test_nothing_is_cut_on_a_phone(browser, tmp_path, language, shown):
    """Where one bar is nearly all its number needs room, and a card where its own is long."""
    file = tmp_path / "handout.html"
    with in_language(language):
        file.write_bytes(handout_html(DOCUMENTS[shown](), datetime.now(UTC)))
    context = browser.new_context(viewport=PHONE, offline=True)
    try:
        page = context.new_page()
        page.goto(file.as_uri())
        page.locator(".chart:not(:has(.main-svg))").first.wait_for(state="detached")
        assert page.evaluate(WORDS, PIXELS) == []
        assert page.evaluate(TOO_WIDE) == []
        read_aloud = [chart.get_attribute("aria-label") for chart in page.locator(".chart").all()]
        assert not [words for words in read_aloud if not words or words[0] == "," or ",," in words]
    finally:
        context.close()


def test_a_phone_that_is_turned_gets_the_other_form_of_a_figure(browser, tmp_path):
    """As if it had been opened so, there and back."""
    file = tmp_path / "handout.html"
    file.write_bytes(handout_html(_comparison(), datetime.now(UTC)))
    turned = {"width": PHONE["height"], "height": PHONE["width"]}
    context = browser.new_context(viewport=PHONE, offline=True)
    try:
        page, other = context.new_page(), context.new_page()
        other.set_viewport_size(turned)
        drawn = []
        for tab in (page, other):
            tab.goto(file.as_uri())
            tab.locator(".chart:not(:has(.main-svg))").first.wait_for(state="detached")
            drawn.append(tab.evaluate(DRAWN))
        narrow, wide = drawn
        assert narrow != wide
        for size, form in ((turned, wide), (PHONE, narrow)):
            page.set_viewport_size(size)
            page.wait_for_function(AS_WIDE)
            assert page.evaluate(DRAWN) == form
            assert page.evaluate(WORDS, PIXELS) == []
    finally:
        context.close()
