"""Every view in Chinese: no English where a Chinese textbook has its own word, and no word cut."""

from __future__ import annotations

import re

import pytest

from core.explain.glossary import GLOSSARY
from tests.browser.conftest import Visitor
from tests.browser.every_view import VIEWS
from tests.browser.test_every_view import NARROW, PIXELS, WIDE, WORDS, show, unfold

# Names, units, keys and code that textbooks leave in English; in lower case
SAID_IN_ENGLISH = frozenset(
    {
        # the switch of languages; libraries, formats, processors
        *("english", "language", "torch", "torchvision", "torchinfo", "streamlit", "timm", "linux"),
        *("python", "json", "zip", "safetensors", "keras", "captum", "autograd", "cpu", "intel"),
        *("xeon", "processor"),
        # names of layers as the code has them, of recipes and data sets as the commands have them
        *("conv", "dense", "head", "stem", "flatten", "sequential", "same", "inception", "total"),
        *("fashion", "mnist", "mini", "fast", "published", "vgg", "vm"),
        # people, methods
        *("dumoulin", "visin", "simonyan", "zisserman", "szegedy", "grad", "cam", "holm", "muon"),
        # what Chinese books write in letters too, units, keys
        *("dropout", "softmax", "sigmoid", "batch", "one", "cycle", "in", "place", "nat", "px"),
        *("ms", "min", "oidc"),
        *("esc", "enter", "home", "end", "page", "down"),
        # a study that the test has named
        *("two", "blocks"),
    }
)
# The glossary shows each term's English name, and papers by their titles
_IN_PAPERS = frozenset(
    word.lower()
    for terms in GLOSSARY.values()
    for term in terms
    for text in (term.name, *term.aliases, term.source)
    for word in re.findall(r"[A-Za-z]+", text)
)

_ENGLISH = r"""known => {
  const LEFT_ALONE =
    'code, pre, script, style, textarea, .katex, a[target="_blank"], [translate="no"]'
  const found = new Set()
  const look = (text, element) => {
    if (element.closest(LEFT_ALONE)) return
    // a word in letters alone: no path (block1.conv), class (Conv2d), file or setting (batch_size)
    const own = text.replace(/(来源|出处)：[^]*/, "")  // of a paper, a book
      .replace(/python -m core [a-z-]+|\d{8}-\d{6}-[0-9a-f]{4}/g, "")  // a command, a study
    for (const word of own.split(/[^A-Za-z0-9_.]+/))
      if (/^[A-Za-z]?[a-z]{2,}$/.test(word) && !known.includes(word.toLowerCase()))
        found.add(`${word} in "${text.trim().slice(0, 80)}"`)
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement
    if (element.checkVisibility()) look(texts.currentNode.data, element)
  }
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const element of document.querySelectorAll(`main [${name}], section [${name}]`))
      if (element.checkVisibility()) look(element.getAttribute(name), element)
  return [...found].sort()
}"""


@pytest.fixture(scope="module")
def visitor(window, furnished_lab):
    """One tab for all views."""
    page = window.new_page()
    yield Visitor(page, furnished_lab)
    page.close()


@pytest.mark.parametrize("path", VIEWS)
def test_a_view_in_chinese(visitor, path):
    """No English, and no word of a chart cut or under another, wide and narrow."""
    show(visitor, WIDE)
    visitor.open(f"{path}{'&' if '?' in path else '?'}lang=zh-Hans")
    visitor.wait_until_drawn()
    assert visitor.page.evaluate("document.documentElement.lang") == "zh-Hans"
    known = SAID_IN_ENGLISH | _IN_PAPERS if path.startswith("/glossary") else SAID_IN_ENGLISH
    for width in (WIDE, NARROW):
        show(visitor, width)
        assert visitor.page.evaluate(_ENGLISH, sorted(known)) == [], width
        assert visitor.page.evaluate(WORDS, PIXELS) == [], width


def test_what_opens_on_residual_in_chinese(visitor):
    """Also what lies inside of others, where a phone has least room."""
    show(visitor, WIDE)
    visitor.open("/residual?lang=zh-Hans")
    unfold(visitor)
    for width in (WIDE, NARROW):
        show(visitor, width)
        assert visitor.page.evaluate(_ENGLISH, sorted(SAID_IN_ENGLISH)) == [], width
        assert visitor.page.evaluate(WORDS, PIXELS) == [], width


_CHINESE = r"""() => {
  const isChinese = text => /[\u3000-\u9fff\uff00-\uffef]/.test(text ?? "")
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = []
  while (texts.nextNode()) if (isChinese(texts.currentNode.data)) found.push(texts.currentNode.data)
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (isChinese(element.getAttribute(name))) found.push(element.getAttribute(name))
  return found.filter(text => text !== "简体中文" && text !== "Language · 语言")
}"""


def test_nothing_chinese_is_left_once_english_is_chosen_again(visitor):
    """Streamlit draws anew only what has changed: its own words are put back."""
    show(visitor, WIDE)
    visitor.open("/train?train_view=Set up a run&lang=en")
    menu = visitor.page.get_by_test_id("stSidebar")
    for name, found in (("简体中文", True), ("English", False)):
        menu.get_by_text(name, exact=True).click()
        visitor.settle()
        visitor.wait_until_drawn()
        assert bool(visitor.page.evaluate(_CHINESE)) == found
    assert visitor.page.evaluate(_CHINESE) == []


def test_a_word_of_the_page_opens_the_glossary_in_its_language(visitor):
    """In a tab of its own, whose visit would have the browser's."""
    show(visitor, WIDE)
    visitor.open("/?lang=zh-Hans")
    with visitor.page.expect_popup() as opened:
        visitor.page.locator('[data-testid="stMain"] a[href^="glossary?term="]').first.click()
    opened.value.get_by_role("heading", name="术语表：").wait_for()
    opened.value.close()
