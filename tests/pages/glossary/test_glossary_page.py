"""The Glossary page: searched by words, one term by its address, links that lead somewhere."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from core.explain.glossary import GLOSSARY, find_term
from core.language import CHINESE, in_language
from pages.views.app.frame import PAGES
from tests.pages.opening import open_page

PAGE = "pages/glossary.py"
TERMS = [term for terms in GLOSSARY.values() for term in terms]


def listed(app) -> list[str]:
    """The names of all terms that the page shows, in order."""
    return [
        name for block in app.get("html") for name in re.findall(r"<dt>([^<]+)", text_of(block))
    ]


def text_of(block) -> str:
    return block.proto.body.replace("&#x27;", "'")


def test_all_terms_stand_under_their_groups():
    app = open_page(PAGE, group="All")
    assert [name.strip() for name in listed(app)] == [term.name for term in TERMS]
    assert [heading.value for heading in app.header] == list(GLOSSARY)


@pytest.mark.parametrize("group", GLOSSARY)
def test_a_group_is_shown_alone_and_stands_in_the_address(group):
    app = open_page(PAGE)
    assert f"{group} {len(GLOSSARY[group])}" in app.pills(key="group").options
    app.pills(key="group").set_value(group).run()
    assert [name.strip() for name in listed(app)] == [term.name for term in GLOSSARY[group]]
    assert "".join(app.query_params.get("group", next(iter(GLOSSARY)))) == group
    assert not app.warning


def test_typing_leaves_the_terms_that_have_all_of_the_words():
    app = open_page(PAGE, words="variance layer")
    assert {name.strip() for name in listed(app)} == {"Xavier initialization"}
    assert f"1 of {len(TERMS)} words" in [text.value for text in app.caption]
    app.text_input(key="words").set_value("zebra").run()
    assert not listed(app)
    assert "try fewer" in app.info[0].value


def test_in_chinese_each_term_stands_beside_its_english_name():
    app = open_page(PAGE, lang=CHINESE, group="All")
    with in_language(CHINESE):
        titles = [term.title for term in TERMS]
    assert [name.strip() for name in listed(app)] == titles
    body = "".join(map(text_of, app.get("html")))
    assert "<dt>MACs <small>乘加运算、乘加</small></dt>" in body
    assert "<dt>通道 <small>channel、通道数</small></dt>" in body
    assert '用于：<a href="gradients?lang=zh-Hans">梯度</a>' in body
    assert f"全部 {len(TERMS)}" in app.pills(key="group").options


def test_in_chinese_both_languages_are_searched_and_lead_to_a_term():
    app = open_page(PAGE, lang=CHINESE, words="逐层 方差")
    assert [name.strip() for name in listed(app)] == []
    app.text_input(key="words").set_value("方差 layer").run()
    assert [name.strip() for name in listed(app)] == ["Xavier 初始化"]
    app = open_page(PAGE, lang=CHINESE, term="池化")
    assert app.title[0].value == "术语表：汇聚"


def test_an_address_leads_to_one_term_by_any_of_its_forms():
    app = open_page(PAGE, term="multiply-add", group="All")
    assert listed(app)[0].strip() == "MACs"
    assert app.title[0].value == "Glossary: MACs"
    assert len(listed(app)) == len(TERMS) + 1


def test_an_address_gone_stale_says_what_is_missing_and_shows_the_rest():
    app = open_page(PAGE, term="<b>zebra</b>")
    assert "has no" in app.error[0].value
    assert len(listed(app)) == len(next(iter(GLOSSARY.values())))


def test_every_link_inside_leads_to_a_term_or_a_page():
    app = open_page(PAGE, group="All")
    inside = {
        address
        for block in app.get("html")
        for address in re.findall(r'<a href="([^"]+)">', text_of(block))
    }
    names = {path.removeprefix("pages/").removesuffix(".py") for path, _, _ in PAGES} | {"./"}
    for address in inside:
        page, _, query = address.partition("?")
        assert page in names
        if page == "glossary":
            assert find_term(unquote(query.removeprefix("term=")))


@pytest.mark.parametrize("path", [path for path, _, _ in PAGES])
def test_the_page_is_in_the_menu_of_every_page(path):
    menu = [link.proto.label for link in open_page(path).get("page_link")]
    assert menu.index("Glossary") == menu.index("Calculators") + 1
