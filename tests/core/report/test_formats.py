"""Numbers as people read them."""

from __future__ import annotations

import pytest

from core.language import CHINESE, in_language
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


@pytest.mark.parametrize(
    ("value", "reference", "told"),
    [(8, 100, "12.5 times fewer"), (100, 8, "12.5 times more"), (96, 100, "4\u2009% fewer"),
     (104, 100, "4\u2009% more"), (1000, 1003, "as many"), (0, 0, "as many"), (0, 5, "none"),
     (1728, 0, "1.73\u2009k more"), (1, 1234.4, "1,234 times fewer"),
     (1e-9, 1, "1.0 × 10⁹ times fewer")],
)  # fmt: skip
def test_a_ratio_is_told_from_its_larger_side(value, reference, told):
    assert formats.times(value, reference) == told


def test_what_cannot_be_counted_is_less_and_not_fewer():
    assert formats.times(1, 4, formats.MUCH) == "4 times less"


@pytest.mark.parametrize(
    ("value", "told"),
    [(280, "the whole"), (281, "the whole"), (4, "1/70 of the whole"), (70, "1/4 of the whole"),
     (75, "27\u2009% of the whole"), (269, "96\u2009% of the whole"),
     (300, "107\u2009% of the whole"), (420, "1.5 × the whole"), (3388, "12.1 × the whole"),
     (0, "0\u2009% of the whole")],
)  # fmt: skip
def test_a_part_is_told_as_a_fraction_or_a_multiple(value, told):
    assert formats.part_of(value, 280, "the whole") == told


MACHINE = "NVIDIA H200, driver 580.1, 2 threads, torch 2.15"


def test_a_machine_is_told_in_the_language_of_its_reader():
    assert formats.machine(MACHINE) == MACHINE
    assert formats.machine("AMD EPYC CPU, 1 thread") == "AMD EPYC CPU, 1 thread"
    with in_language(CHINESE):
        told = "NVIDIA H200、驱动程序 580.1、2 个线程、torch 2.15"
        assert formats.machine(MACHINE) == told


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It takes 6.2\u2009MiB and 96 px.", "It takes 6.2_MiB and 96_px."),
        ("7.55\u2009G MACs", "7.55_G_MACs"),
        ("1\u2009min 20\u2009s, 95 % (90–99 %)", "1_min 20_s, 95_% (90–99_%)"),
        ("21,500 images/s, 128.8 M parameters", "21,500_images/s, 128.8_M parameters"),
        ("in 3 minutes, 4 sizes, 5 hours", "in 3 minutes, 4 sizes, 5 hours"),
        ("精度为 98.98 %，96 px的图像", "精度为 98.98_%，96_px的图像"),
    ],
)
def test_no_line_ends_between_a_number_and_its_unit(text, kept):
    assert formats.kept_together(text) == kept.replace("_", "\u202f")
