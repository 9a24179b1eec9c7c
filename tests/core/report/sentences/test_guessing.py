"""A run at chance level is told from one that has learned something."""

from __future__ import annotations

import pytest

from core.report.sentences.guessing import guessing_sentence, is_guessing


@pytest.mark.parametrize(
    ("accuracy", "classes", "images", "expected"),
    [
        (0.10, 10, 10_000, True),
        (0.1135, 10, 10_000, True),  # MNIST's most frequent class, and nothing else
        (0.123, 10, 10_000, True),  # 0.114 + 3 · √(0.114 · 0.886 / 10,000) = 0.1235
        (0.124, 10, 10_000, False),
        (0.134, 10, 2_000, True),  # fewer images spread wider: up to 0.1353
        (0.137, 10, 2_000, False),
        (0.05, 10, 2_000, True),
        (0.51, 2, 1_000, True),
        (0.9, 10, 2_000, False),
    ],
)
def test_by_the_binomial_spread(accuracy, classes, images, expected):
    assert is_guessing(accuracy, classes, images) is expected


def test_it_says_what_guessing_gives():
    text = guessing_sentence(0.1, 10)
    assert "10.00\u2009% is what guessing one of 10 classes gives" in text
