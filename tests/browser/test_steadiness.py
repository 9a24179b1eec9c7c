"""A page comes without jumps, and one act of the reader is one step of Back."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visitor
from tests.browser.every_view import PAGES

LARGEST_SHIFT = 0.1  # of the layout, over a whole load: what web.dev calls good
_WATCH = """
window.shifts = []
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value)
}).observe({type: "layout-shift", buffered: true})
"""


@pytest.fixture(scope="module")
def visitor(browser, furnished_lab):
    """A tab of a window of its own, in which shifts of the layout are watched."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(180_000)
    page = context.new_page()
    page.add_init_script(_WATCH)
    visitor = Visitor(page, furnished_lab)
    visitor.open()  # warm: the browser has the files that all pages share
    visitor.wait_until_drawn()
    yield visitor
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_comes_without_jumps(visitor, path):
    visitor.open(path)
    visitor.wait_until_drawn()
    visitor.open(path)
    visitor.wait_until_drawn()
    assert visitor.page.evaluate("shifts.reduce((a, b) => a + b, 0)") < LARGEST_SHIFT


def chosen(visitor: Visitor) -> list[str]:
    """The views that are chosen on the page."""
    return (
        visitor.page.get_by_test_id("stMain").get_by_role("radio", checked=True).all_inner_texts()
    )


def entries(visitor: Visitor) -> int:
    return visitor.page.evaluate("history.length")


def test_each_choice_and_each_page_is_one_step_back(visitor):
    visitor.open("/calculators")
    visitor.wait_until_drawn()
    first = chosen(visitor)
    before, steps = entries(visitor), 0
    for act in ("Output size", "Stacked 3×3"):
        visitor.page.get_by_role("radio", name=act).click()
        visitor.settle()
        steps += 1
        assert entries(visitor) == before + steps
    for page in ("Compare", "Glossary"):
        visitor.page.get_by_test_id("stSidebar").get_by_role("link", name=page).click()
        visitor.page.wait_for_url(f"**/{page.lower()}**")
        visitor.settle()
        steps += 1
        assert entries(visitor) == before + steps
    before_it = (("compare", ["MACs against parameters"]), ("calculators", ["Stacked 3×3"]))
    for page, shown in before_it:
        visitor.page.go_back()
        visitor.page.wait_for_url(f"**/{page}**")
        visitor.page.get_by_role("radio", name=shown[0], checked=True).wait_for()
        assert chosen(visitor) == shown
    for shown in (["Output size"], first):
        visitor.page.go_back()
        visitor.page.get_by_role("radio", name=shown[0], checked=True).first.wait_for()
        visitor.settle()
        assert chosen(visitor)[0] == shown[0]


def test_what_a_page_corrects_in_its_address_is_no_step(visitor):
    visitor.open("/glossary")
    before = entries(visitor)
    visitor.open("/architecture?net_network=Residual:+Course+residual+net&net_classes=inf")
    visitor.page.wait_for_url("**/architecture?net_network=course-residual")
    visitor.settle()
    assert entries(visitor) == before + 1
    visitor.page.go_back()
    visitor.page.get_by_role("heading", name="Glossary", level=1).wait_for()


def test_a_folded_sidebar_takes_no_tab(visitor):
    visitor.open("/architecture")
    visitor.wait_until_drawn()
    visitor.page.get_by_test_id("stSidebar").hover()
    visitor.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    visitor.page.get_by_test_id("stExpandSidebarButton").wait_for()
    visitor.page.wait_for_timeout(500)
    for _ in range(5):
        visitor.page.keyboard.press("Tab")
        is_inside = "document.activeElement.closest('[data-testid=stSidebar]') !== null"
        assert not visitor.page.evaluate(is_inside)
