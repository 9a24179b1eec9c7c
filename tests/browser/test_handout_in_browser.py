"""A handout in a browser that has no network: its figures are drawn, and it can be printed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.analysis import analyze
from core.language import CHINESE, ENGLISH, LANGUAGES, in_language
from core.report.handout.html import handout_html
from core.report.handout.network import network_document
from core.specs import ModelSpec
from core.zoo.catalogue import complete

ZOOM_IN = {ENGLISH: "Zoom in", CHINESE: "放大"}
# Every text of a figure that reaches beyond its frame
CUT = """() => [...document.querySelectorAll(".chart")].flatMap(chart => {
  const frame = chart.getBoundingClientRect()
  return [...chart.querySelectorAll("text")].filter(text => {
    const box = text.getBoundingClientRect()
    return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
  }).map(text => text.textContent)
})"""


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
        assert page.evaluate(CUT) == []
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
