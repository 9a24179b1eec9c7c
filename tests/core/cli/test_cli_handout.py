"""`python -m core handout`: a file in the language that is asked for."""

from __future__ import annotations

import pytest

from core.language import CHINESE, ENGLISH


@pytest.mark.parametrize(
    ("language", "words"),
    [(ENGLISH, "Where parameters and work are"), (CHINESE, "参数和计算量的分布")],
)
def test_a_handout_speaks_the_language_that_is_asked_for(command, tmp_path, language, words):
    file = tmp_path / "lenet.html"
    written = command("handout", "network", "lenet", "--language", language, "--out", str(file))
    assert written.code == 0 and "bytes are in" in written.out + written.err
    text = file.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in text and words in text
