"""The glossary: one sentence and a source for each word, found by each of its forms."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from core.explain.glossary import GLOSSARY, WORDS, explained, find_term, terms_with
from core.explain.terms import chinese
from core.language import CHINESE, _, in_language
from core.specs import LabError

TERMS = [term for terms in GLOSSARY.values() for term in terms]
ENGLISH_EVERYWHERE = {  # that have no other name in Chinese books
    "Grad-CAM", "t-SNE", "NCHW", "NHWC", "GFLOP/s", "bfloat16", "safetensors", "ONNX", "SHA-256",
    "Muon", "TF32",
}  # fmt: skip


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_one_plain_sentence_with_a_source(term):
    assert 20 <= len(term.sentence) <= 220
    assert term.sentence.endswith(".") and ". " not in term.sentence
    assert term.source
    assert term.url.startswith("https://") or term.source.startswith("this lab's rule")
    assert_stands_in_a_title(term.sentence, term.source)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_one_plain_sentence_in_chinese_too(term):
    with in_language(CHINESE):
        sentence, source = _(term.sentence), _(term.source)
        assert 8 <= len(sentence) <= 100 and sentence != term.sentence
        assert sentence.endswith("。") and "。" not in sentence[:-1]
        assert_stands_in_a_title(sentence, source)
        assert term.explanation == f"{sentence}出处：{source}。"
        assert term.name in (term.title, *term.forms)
        has_chinese = re.search("[\u4e00-\u9fff]", "".join((term.title, *term.forms)))
        assert bool(has_chinese) == (term.name not in ENGLISH_EVERYWHERE)


def assert_stands_in_a_title(sentence: str, source: str) -> None:
    """In those of Markdown links, where these would end it or be acted on."""
    assert not re.search(r'["\\`$*_\[\]<>]', sentence)
    assert '"' not in source


def test_names_and_aliases_are_unique_and_what_they_point_to_exists():
    words = Counter(word.lower() for term in TERMS for word in term.words)
    assert words.most_common(1)[0][1] == 1
    names = {term.name for term in TERMS}
    for term in TERMS:
        assert set(term.see) <= names - {term.name}, term.name
    assert set(chinese.WORDS) == names - ENGLISH_EVERYWHERE


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
    assert words_in(text) == ["Holm's correction", "batches", "kernels", "dense block"]


def words_in(text: str) -> list[str]:
    """What is marked in the text."""
    return [word for word in WORDS.findall(text) if word]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("每个卷积层的批量规范化", ["卷积层", "批量规范化"]),
        ("ResNet-18 用捷径连接避免梯度消失。", ["捷径连接", "梯度消失"]),
        ("MACs（乘加运算）与dropout，ReLU 之后", ["MACs", "乘加运算", "dropout", "ReLU"]),
        ("Xavier 初始化和普通的初始化", ["Xavier 初始化", "初始化"]),
        ("p 值、step 值和 95 % 置信区间", ["p 值", "95 % 置信区间"]),
        ("3×3卷积，线性 CKA，CKAs", ["卷积", "线性 CKA"]),
    ],
)
def test_words_are_found_in_chinese_where_nothing_stands_between_them(text, found):
    assert words_in(text) == found


@pytest.mark.parametrize("text", [*chinese.OTHER_WORDS, "第 3 轮"])
def test_other_words_that_hold_one_and_single_signs_are_passed_over(text):
    assert words_in(f"关于{text}的说明") == []


def test_a_chinese_word_leads_to_the_term_and_is_shown_in_chinese():
    pooling = find_term("pooling")
    assert find_term("池化层") is find_term("最大汇聚") is pooling and pooling.title == "pooling"
    with in_language(CHINESE):
        assert pooling.title == "汇聚"
        assert explained("pooling", "NCHW").startswith(f"**汇聚**：{_(pooling.sentence)}")
        assert find_term("epoch").title == "轮" and find_term("NCHW").forms == ()
        with pytest.raises(LabError, match="术语表中没有 'transformer'"):
            find_term("transformer")


def test_the_search_takes_every_word_in_any_order():
    assert [term.name for term in terms_with("backward keeps")["Costs"]] == ["saved activations"]
    assert terms_with("") == {group: list(terms) for group, terms in GLOSSARY.items()}
    assert terms_with("zebra") == {}


def test_the_search_goes_through_english_and_the_readers_language():
    assert [term.name for term in terms_with("梯度消失").get("Residual and Inception", ())] == [
        "vanishing gradient"
    ]
    with in_language(CHINESE):
        found = terms_with("反向传播 autograd")["Costs"]
        assert [term.name for term in found] == ["saved activations"]
        assert [term.name for term in terms_with("backward keeps")["Costs"]] == [
            "saved activations"
        ]
