"""A sentence is said in the reader's language, also where it was written elsewhere."""

from __future__ import annotations

import pickle
import threading

import pytest

from core import language
from core.language import (
    CHINESE,
    ENGLISH,
    Message,
    _,
    in_language,
    language_of,
    lazy,
    listed,
    ngettext,
    paragraph,
    read_kept,
)
from core.specs import LabError, ModelSpec

TEMPLATE = "{name} must be a whole number from {low:,} to {high:,}, not {value}."
VALUES = {"name": "ratio", "low": 1, "high": 1024, "value": "0"}
IN_ENGLISH = "ratio must be a whole number from 1 to 1,024, not 0."
IN_CHINESE = "ratio 必须是 1 到 1,024 之间的整数，而不是 0。"


def test_english_is_as_it_is_written():
    assert _(TEMPLATE, **VALUES) == IN_ENGLISH
    assert _("{as it is}") == "{as it is}"  # without values it is no template
    assert _("") == ""


def test_another_language_is_that_of_its_catalogue():
    with in_language(CHINESE):
        assert _(TEMPLATE, **VALUES) == IN_CHINESE
        assert _("What no catalogue has") == "What no catalogue has"
    assert _(TEMPLATE, **VALUES) == IN_ENGLISH


def test_chinese_has_a_space_beside_letters_and_none_between_characters():
    def said(name: str) -> str:
        return _("{first} or {last}", first=name, last=name)

    with in_language(CHINESE):
        assert said("ReLU") == "ReLU 或 ReLU"
        assert said("训练") == "训练或训练"
        assert said("层（2）") == "层（2）或层（2）"
    assert said("训练") == "训练 or 训练"


def test_numbers_enumerations_and_paragraphs_follow_the_language():
    def said() -> tuple[str, ...]:
        return (
            *(ngettext("{number:,} image", "{number:,} images", count) for count in (1, 5000)),
            *(listed(parts) for parts in (["a", "b", "c"], ["a", "b"], ["a"], [])),
            paragraph(_("Cancel"), "", "B."),
        )

    assert said() == ("1 image", "5,000 images", "a, b and c", "a and b", "a", "", "Cancel B.")
    with in_language(CHINESE):
        assert said() == ("1 张图像", "5,000 张图像", "a、b 和 c", "a 和 b", "a", "", "取消 B.")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["zh-CN"], CHINESE),
        (["zh"], CHINESE),
        (["zh_TW"], CHINESE),
        (["en-GB"], ENGLISH),
        (["de-DE", "zh-CN"], CHINESE),
        (["de"], ENGLISH),
        ([""], ENGLISH),
        ([], ENGLISH),
    ],
)
def test_a_browser_gets_the_first_language_that_there_is(tags, expected):
    assert language_of(tags) == expected


def test_an_error_crosses_processes_and_is_said_where_it_is_read():
    with pytest.raises(LabError) as caught:
        ModelSpec("lenet", ratio=0)
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == IN_ENGLISH
    with in_language(CHINESE):
        assert str(error) == IN_CHINESE


def test_what_is_kept_is_read_in_any_language():
    error = LabError(TEMPLATE, **VALUES)
    kept = Message("{error}, so it started over.", {"error": error}).kept()
    assert read_kept(kept) == f"{IN_ENGLISH}, so it started over."
    with in_language(CHINESE):
        assert IN_CHINESE in read_kept(kept)


def test_kept_sentences_follow_each_other_and_old_text_stays():
    one, two = lazy("Cancel"), lazy("{number:,} image", number=2)
    assert read_kept("Plain, of an older lab." + one.kept() + two.kept()) == (
        "Plain, of an older lab. Cancel 2 image"
    )
    assert read_kept("") == "" and Message("").kept() == ""


def test_a_thread_in_which_nobody_has_said_it_asks_once(monkeypatch):
    asked = []

    def of_this_thread() -> str:
        asked.append(1)
        return CHINESE

    monkeypatch.setattr(language, "_asked", [of_this_thread])
    said = []
    thread = threading.Thread(target=lambda: said.extend([_("Cancel"), _("Stop")]))
    thread.start()
    thread.join()
    assert said == ["取消", "停止"] and len(asked) == 1
