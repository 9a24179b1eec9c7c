"""The calculators' figures show what the calculators find."""

from __future__ import annotations

from itertools import product

import pytest

from core.explain.calculators import (
    MAX_CHANNELS,
    MAX_KERNEL,
    MAX_SIDE,
    PRESETS,
    Bottleneck,
    SlidingWindow,
    StackedAgainstLarge,
)
from core.report.figures.bottleneck import bottleneck_bars, bottleneck_curve
from core.report.figures.sliding_window import (
    MAX_CELLS,
    PADDING,
    PIXEL,
    TAP,
    UNREAD,
    window_picture,
)
from core.report.figures.stacked_kernels import stack_bars

BOTTLENECKS = [
    Bottleneck(),
    Bottleneck(256, 256, 64, 3, 14),
    Bottleneck(7, 5, 3, 4, 9),  # an even kernel
    Bottleneck(16, 24, 40, 1, 1),
    Bottleneck(1, 1, 1, 1, 1),
    Bottleneck(64, 1, 2, 11, 5),
]


def small_windows() -> list[SlidingWindow]:
    """Of every size of kernel, stride, padding and dilation, where they fit."""
    grid = product((1, 2, 5, 8, 13), (1, 2, 3, 5), (1, 2, 3, 7), (0, 1, 2), (1, 2, 3))
    return [
        SlidingWindow(side, kernel, stride, padding, dilation)
        for side, kernel, stride, padding, dilation in grid
        if dilation * (kernel - 1) + 1 <= side + 2 * padding
    ]


def test_the_bars_of_the_bottleneck_add_up_to_its_macs():
    numbers = Bottleneck()
    lengths: dict[str, int] = {}
    for bar in bottleneck_bars(numbers).data:
        for way, macs in zip(bar.y, bar.x, strict=True):
            lengths[way] = lengths.get(way, 0) + macs
    assert lengths == {"directly": numbers.direct.macs, "through 16": numbers.macs}


@pytest.mark.parametrize("numbers", [*BOTTLENECKS, Bottleneck(middle_channels=MAX_CHANNELS)])
def test_the_curve_holds_the_choice_and_the_break_even(numbers):
    line, direct, choice = bottleneck_curve(numbers).data
    assert line.x[-1] >= max(numbers.middle_channels, numbers.break_even_channels)
    assert set(direct.y) == {numbers.direct.macs}
    assert (choice.x, choice.y) == ((numbers.middle_channels,), (numbers.macs,))


def test_the_picture_shows_every_tap_of_the_windows_that_it_draws():
    heat = window_picture(SlidingWindow(8, 3, 2, 1)).data[0]
    row, *positions = heat.z
    assert list(row) == [PADDING, *[PIXEL] * 8, PADDING]
    taps = [[cell for cell, kind in enumerate(drawn) if kind == TAP] for drawn in positions]
    assert taps == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 8]]


def test_the_picture_marks_the_pixels_that_alexnet_never_reads():
    window = SlidingWindow(224, 11, 4, 1)
    row = window_picture(window).data[0].z[0]
    assert list(row).count(UNREAD) == window.unread_at_edge == 2
    assert len(row) <= MAX_CELLS


def test_a_window_too_wide_to_draw_gets_its_number_of_reads():
    window = SlidingWindow(96, 31, 7, 1, 2)
    bars, unread = window_picture(window).data
    assert tuple(bars.y) == window.reads()
    assert len(unread.x) == window.reads().count(0) == 7


def test_presets_and_extreme_windows_have_a_picture():
    extremes = (
        SlidingWindow(1, 1),
        SlidingWindow(1, 3, 32, 31),
        SlidingWindow(MAX_SIDE, 1, 32, 31),
        SlidingWindow(MAX_SIDE, MAX_KERNEL, 32, 31, 16),
    )
    for window in (*extremes, *(preset.window for preset in PRESETS), *small_windows()[::40]):
        assert window_picture(window).data, window


def test_the_bars_of_a_stack_are_shares_of_the_large_kernel():
    [bars] = stack_bars(StackedAgainstLarge(2, 64, 56, 1)).data
    shares = dict(zip(bars.y, bars.x, strict=True))
    assert shares["MACs forward"] == shares["MACs backward"] == 72
    assert shares["receptive field"] == 100
    assert shares["saved for backward"] == 150
