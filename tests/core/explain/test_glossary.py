"""The glossary: one sentence and a source for each word, found by each of its forms."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from core.explain.glossary import GLOSSARY, WORDS, explained, find_term, terms_with
from core.specs import LabError

TERMS = [term for terms in GLOSSARY.values() for term in terms]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_one_plain_sentence_with_a_source(term):
    assert 20 <= len(term.sentence) <= 220
    assert term.sentence.endswith(".") and ". " not in term.sentence
    assert term.source
    assert term.url.startswith("https://") or term.source.startswith("this lab's rule")
    # it stands in titles of Markdown links, where these would end it or be acted on
    assert not re.search(r'["\\`$*_\[\]<>]', term.sentence)
    assert '"' not in term.source


def test_names_and_aliases_are_unique_and_what_they_point_to_exists():
    words = Counter(word.lower() for term in TERMS for word in (term.name, *term.aliases))
    assert words.most_common(1)[0][1] == 1
    names = {term.name for term in TERMS}
    for term in TERMS:
        assert set(term.see) <= names - {term.name}, term.name


def test_a_term_is_found_by_every_form_in_capitals_or_not():
    assert find_term("mac") is find_term("MACs") is find_term("Multiply-Adds")
    with pytest.raises(LabError, match="no 'transformer'"):
        find_term("transformer")


def test_several_words_are_explained_each_by_its_name():
    assert explained("MACs") == f"{find_term('MACs').sentence} Source: He et al. 2015, section 3.3."
    assert explained("NCHW", "NHWC").startswith("**NCHW**: ")


def test_words_are_found_whole_and_the_longest_form_wins():
    text = (
        "Holm's correction over batches, course-inception, params/epoch, kernels of a dense block"
    )
    assert WORDS.findall(text) == ["Holm's correction", "batches", "kernels", "dense block"]


def test_the_search_takes_every_word_in_any_order():
    assert [term.name for term in terms_with("backward keeps")["Costs"]] == ["saved activations"]
    assert terms_with("") == {group: list(terms) for group, terms in GLOSSARY.items()}
    assert terms_with("zebra") == {}
