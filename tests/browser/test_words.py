"""The words of the field in a real browser: explained by keyboard, followed, searched."""

from __future__ import annotations

from core.explain.glossary import find_term
from core.report.formats import kept_together


def test_a_word_is_explained_on_focus_and_leads_to_the_glossary(visitor):
    visitor.open("/calculators")
    word = visitor.page.get_by_role("link", name="MACs", exact=True)
    macs = find_term("MACs")
    sentence, explanation = kept_together(macs.sentence), kept_together(macs.explanation)
    assert word.get_attribute("title") == explanation
    word.focus()
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Shift+Tab")
    shown = word.evaluate("link => getComputedStyle(link, '::after').content")
    assert sentence in shown
    with visitor.page.context.expect_page() as opened:
        visitor.page.keyboard.press("Enter")
    entry = opened.value.locator("dl").first
    entry.wait_for()
    assert sentence in entry.inner_text()
    opened.value.close()


def test_the_glossary_is_searched_while_one_types(visitor):
    visitor.open("/glossary")
    field = visitor.page.get_by_role("searchbox", name="Find a word")
    field.press_sequentially("nesterov")
    visitor.page.get_by_text("Costs", exact=True).wait_for(state="detached")
    assert visitor.page.locator("dt").all_inner_texts() == ["Nesterov momentum Nesterov"]
    assert visitor.page.url.endswith("?words=nesterov")
    assert field.evaluate("field => field === document.activeElement")
