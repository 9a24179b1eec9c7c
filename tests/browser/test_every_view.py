"""Every view of every page: who cannot see or point can use it, and no word of a chart is cut."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import SIZE, Visitor
from tests.browser.every_view import VIEWS

WIDE, NARROW = 1280, 400
WIDTHS = (1600, WIDE, 820, NARROW)
CONTRAST = "color-contrast"
GRAVE = ("serious", "critical")
ALSO = "heading-order"  # only moderate for axe
PIXELS = 2  # so far words may reach beyond their picture, or into each other

WORDS = """pixels => {
  const corners = text => {  // also of one that is turned
    const {x, y, width, height} = text.getBBox(), m = text.getScreenCTM()
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]].map(
      ([a, b]) => [m.a * a + m.c * b + m.e, m.b * a + m.d * b + m.f])
  }
  const depth = (one, other) => {  // how far two boxes reach into each other
    let least = Infinity
    for (const box of [one, other]) for (const i of [0, 1]) {
      const [dx, dy] = [box[i + 1][0] - box[i][0], box[i + 1][1] - box[i][1]]
      const along = box => box.map(([x, y]) => (x * dx + y * dy) / Math.hypot(dx, dy))
      const [a, b] = [along(one), along(other)]
      least = Math.min(least, Math.max(...a) - Math.min(...b), Math.max(...b) - Math.min(...a))
    }
    return least
  }
  const found = []
  for (const place of document.querySelectorAll(".chart, .strip, .replay")) {
    const texts = [...place.querySelectorAll("text")].filter(text =>
      text.textContent.trim() && text.checkVisibility() && text.getBoundingClientRect().width
      && getComputedStyle(text).visibility === "visible" && !text.closest(".hoverlayer"))
    const boxes = texts.map(corners)
    texts.forEach((text, i) => {
      const box = text.getBoundingClientRect(), all = text.ownerSVGElement.getBoundingClientRect()
      const out = Math.max(
        all.left - box.left, box.right - all.right, all.top - box.top, box.bottom - all.bottom)
      if (out > pixels) found.push(`"${text.textContent}" is cut by ${out.toFixed(0)} pixels`)
      for (let j = i + 1; j < texts.length; j++) if (depth(boxes[i], boxes[j]) > pixels)
        found.push(`"${text.textContent}" lies on "${texts[j].textContent}"`)
    })
  }
  return found
}"""

PARTED = r"""() => {  // numbers in running text whose unit stands on the next line
  const UNIT = /\d[ \u2009\u202f](?=(%|px|ms|s|min|h|[kMGT]|[MG]iB|MACs|FLOPs)(?![A-Za-z0-9]))/g
  const range = document.createRange(), found = []
  const top = (text, at) => {
    range.setStart(text, at)
    range.setEnd(text, at + 1)
    return range.getBoundingClientRect().top
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const text = texts.currentNode
    if (!text.parentElement.checkVisibility() || text.parentElement.closest("svg, pre")) continue
    for (const {index} of text.data.matchAll(UNIT))
      if (top(text, index + 2) > top(text, index) + 4) found.push(text.data.slice(0, index + 9))
  }
  return found
}"""


@pytest.fixture(scope="module")
def visitor(window, furnished_lab):
    """One tab for all views: what is asked of a view needs no tab of its own."""
    page = window.new_page()
    visitor = Visitor(page, furnished_lab)
    yield visitor
    page.close()
    assert visitor.outside == []


@pytest.fixture(scope="module", params=VIEWS)
def view(request, visitor) -> Visitor:
    """The view, drawn: both tests of it look at the same page."""
    show(visitor, WIDE)
    visitor.open(request.param)
    visitor.wait_until_drawn()
    return visitor


def show(visitor: Visitor, width: int, scheme: str = "light") -> None:
    """The page at this width, light or dark."""
    visitor.page.emulate_media(color_scheme=scheme)
    visitor.page.set_viewport_size(SIZE | {"width": width})
    if visitor.page.url != "about:blank":
        visitor.wait_until_drawn()


def unfold(visitor: Visitor) -> None:
    """Open every expander, also those inside others."""
    folded = visitor.page.locator('[data-testid="stExpander"] details:not([open]) > summary')
    while folded.count():
        folded.first.click()
        visitor.page.wait_for_timeout(500)  # it unfolds, and does not hear clicks meanwhile
        visitor.settle()
    visitor.wait_until_drawn()


def faults(visitor: Visitor, contrast: bool | None = None) -> list[str]:
    """What axe finds grave: of contrast alone, of all but contrast, of everything."""
    options: dict[str, object] = {"resultTypes": ["violations"], "preload": False}
    if contrast:
        options["runOnly"] = [CONTRAST]
    elif contrast is False:
        options["rules"] = {CONTRAST: {"enabled": False}}
    found = Axe().run(visitor.page, options=options).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        if fault["impact"] in GRAVE or fault["id"] == ALSO
        for node in fault["nodes"]
    ]


def test_nothing_shuts_somebody_out(view):
    """All rules in a wide and a narrow window, contrast on both grounds in each."""
    show(view, WIDE)
    assert faults(view) == []
    show(view, WIDE, "dark")
    assert faults(view, contrast=True) == []
    show(view, NARROW, "dark")
    assert faults(view) == []
    show(view, NARROW)
    assert faults(view, contrast=True) == []


def test_no_word_of_a_chart_is_cut_or_lies_on_another(view):
    for width in WIDTHS:
        show(view, width)
        assert view.page.evaluate(WORDS, PIXELS) == [], width


def test_no_line_ends_between_a_number_and_its_unit(view):
    for width in (NARROW, 360, 330):
        show(view, width)
        assert view.page.evaluate(PARTED) == [], width


def test_what_opens_shuts_nobody_out(visitor):
    """A popover, expanders, the page's own menu."""
    show(visitor, WIDE)
    visitor.open("/compare")
    visitor.wait_until_drawn()
    visitor.button("Add a network").click()
    visitor.page.get_by_test_id("stPopoverBody").wait_for()
    assert faults(visitor) == []
    visitor.open("/residual")
    visitor.wait_until_drawn()
    unfold(visitor)
    for scheme in ("light", "dark"):
        show(visitor, WIDE, scheme)
        assert faults(visitor) == []
