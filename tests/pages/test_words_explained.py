"""A word of the field has its explanation where it first stands on a page."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from core.explain.glossary import GLOSSARY, explained, find_term
from core.language import CHINESE, in_language
from pages.views.app import language as visit_language
from pages.views.app.language import in_this_language
from pages.views.app.prose import address_of, marked, words_explained
from tests.pages.opening import explains, finished_run, open_page, shown

TERMS = [term for terms in GLOSSARY.values() for term in terms]
ADDRESSES = sorted({address for term in TERMS for address in term.met})
# Words that stand on the record of a run, which has no address that stays.
OF_A_RUN = ("accuracy", "best epoch", "throughput", "epoch", "batch")


def open_address(address: str) -> AppTest:
    """The page as a link to this address shows it."""
    name, _, query = address.partition("?")
    return open_page(f"pages/{name}.py" if name else "dashboard.py", **dict(parse_qsl(query)))


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address or "overview")
def test_the_words_that_are_met_on_a_page_are_explained_there(address):
    page = shown(open_address(address))
    missing = [term.name for term in TERMS if address in term.met and not explains(page, term)]
    assert not missing


def test_the_words_on_the_record_of_a_run_are_explained_there():
    page = shown(open_page("pages/train.py", run=str(finished_run())))
    assert [word for word in OF_A_RUN if not explains(page, find_term(word))] == []


def test_a_word_is_marked_where_it_first_stands_and_nowhere_else():
    with words_explained():
        first, second = marked("Two kernels, one kernel."), marked("A kernel with a stride.")
    link = f'[kernels](glossary?term=kernel "{explained("kernel")}")'
    assert first == f"Two {link}, one kernel."
    assert second.startswith("A kernel with a [stride](")


def test_a_chinese_word_is_marked_once_and_explained_in_chinese():
    with in_language(CHINESE), words_explained():
        first, second = marked("两个卷积核，一个卷积核。"), marked("kernel 与步幅")
        kernel = explained("kernel")
    assert first == f'两个[卷积核](glossary?term=kernel&lang=zh-Hans "{kernel}")，一个卷积核。'
    assert "出处：" in kernel
    assert second.startswith("kernel 与[步幅](glossary?term=stride")


def test_bold_begins_and_ends_beside_a_link_between_chinese_characters():
    """CommonMark 6.2: `之间的**[` and `)**由` begin and end no bold text; a joiner lets them."""
    with in_language(CHINESE), words_explained():
        between = marked("稠密块之间的**过渡层**由卷积组成")
    assert "之间的**\u2060[过渡层](glossary?term=transition&lang=zh-Hans " in between
    assert ")\u2060**由" in between


def test_a_fragment_that_runs_alone_explains_its_own_words_each_time():
    assert marked("A kernel.") == marked("A kernel.") != "A kernel."


@pytest.mark.parametrize(
    "text", ["`kernel`", "$kernel$", "[kernel](x)", "https://example.org/kernel", "kernel_size"]
)
def test_code_formulas_and_links_stay_as_they_are(text):
    assert marked(text) == text


def test_names_of_the_field_lead_to_addresses_that_the_glossary_reads():
    assert address_of(find_term("Holm")) == "glossary?term=Holm%27s%20correction"


def test_bold_chinese_is_bold_to_markdown_beside_links_and_punctuation():
    joiner = "\N{WORD JOINER}"
    with in_language(CHINESE):
        assert marked("即**卷积核**。").startswith(f"即**{joiner}[卷积核](")
        assert f'"){joiner}**很小' in marked("**卷积核**很小")
        assert marked("**网络（28 层）** 的") == f"**网络（28 层）{joiner}**的"
        assert marked("**网络** 的") == "**网络** 的"


def test_a_link_of_the_browsers_own_keeps_a_language_that_it_does_not_speak(monkeypatch):
    assert in_this_language("./") == "./"
    with in_language(CHINESE):
        assert in_this_language("./") == "./?lang=zh-Hans"
        assert in_this_language("train?run=1") == "train?run=1&lang=zh-Hans"
        monkeypatch.setattr(visit_language, "_of_browser", lambda: CHINESE)
        assert in_this_language("train?run=1") == "train?run=1"
    assert in_this_language("train?run=1") == "train?run=1&lang=en"
