"""A sentence is said in the reader's language, also where it was written elsewhere."""

from __future__ import annotations

import pickle
import threading

import numpy as np
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


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        '{"template": "cut o',
        "[1]",
        '{"template": "No values"}',
        '{"template": "{} of none", "values": {"a": 1}}',
        '{"template": "{a:,}", "values": {"a": "no number"}}',
        '{"template": 1, "values": {"a": 1}}',
        '{"values": ' * 100_000,
    ],
)
def test_a_damaged_text_breaks_nothing_and_hides_nothing(damaged):
    kept = lazy("Cancel").kept()
    mark = kept[0]
    assert read_kept(kept + mark + damaged + kept) == " ".join(
        ["Cancel", *filter(None, [damaged]), "Cancel"]
    )


def test_a_value_cannot_be_taken_for_another_message():
    mark = lazy("Cancel").kept()[0]
    said = lazy("{name}: {error}.", name=f"a{mark}b", error=ValueError("{c} 5 %"))
    assert read_kept(said.kept()) == "ab: {c} 5 %."


class _Stranger(Exception):
    """An error that another process may not know, nor pickle."""

    def __reduce__(self):
        raise TypeError("not to be pickled")


def test_values_are_sent_and_kept_as_plain_ones():
    values = {"error": _Stranger("lost"), "share": np.float32(0.5), "images": np.int64(5000)}
    said = lazy("{error}: {share:.1%} of {images:,}", **values)
    assert str(pickle.loads(pickle.dumps(said))) == read_kept(said.kept()) == str(said)
    assert str(said) == "lost: 50.0% of 5,000"
    sent = pickle.loads(pickle.dumps(LabError("{error} {inner}.", inner=said, **values)))
    assert str(sent) == f"lost {said}."


def test_chinese_has_a_space_where_a_value_meets_it_and_none_within_the_value():
    folder = "/home/数据2/run实验"
    with in_language(CHINESE):
        assert listed([folder, "2"]) == f"{folder}和 2"
        assert listed(["2", folder]) == f"2 和{folder}"
        assert _("{{x}} of {n}", n="b中c") == "{x} of b中c"


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
