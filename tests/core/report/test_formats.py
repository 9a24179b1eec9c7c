"""Numbers as people read them."""

from __future__ import annotations

import pytest

from core.report import formats


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "0"), (0.714, "0.71"), (24.1, "24"), (123.4, "123"),
     (3.14e-17, "3.1 × 10⁻¹⁷"), (2e6, "2.0 × 10⁶")],
)  # fmt: skip
def test_numbers_read_well(value, shown):
    assert formats.scientific(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.94123, "0.9412"), (1.02052, "1.0205"), (1.1298, "1.13"), (0.7143, "0.714"),
     (12.345, "12.3"), (3.144e-5, "3.14 × 10⁻⁵")],
)  # fmt: skip
def test_a_factor_can_be_multiplied_up_again(value, shown):
    assert formats.factor(value) == shown


def test_points_are_hundredths_of_an_accuracy():
    assert (formats.points(0.0031), formats.points(0.9898)) == ("0.31", "98.98")
    assert (formats.signed_points(0.0031), formats.signed_points(-0.0031)) == ("+0.31", "−0.31")


def test_differences_have_a_sign_and_zero_has_none():
    assert [formats.signed(number) for number in (1728, -1728, 0)] == ["+1,728", "−1,728", "0"]


def test_shares_in_sentences_are_whole():
    assert formats.whole_percent(0.449) == "45\u2009%"
