"""The calculators: their numbers against PyTorch, brute force and published figures."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from core.explain.calculators import (
    MAX_CHANNELS,
    MAX_KERNEL,
    MAX_SIDE,
    PRESETS,
    Bottleneck,
    Convolution,
    SlidingWindow,
    StackedAgainstLarge,
    bottleneck_rows,
    stack_rows,
    window_rows,
)
from core.report.figures import calculators as figures
from core.specs import LabError
from tools.peak_memory import kept_in_a_real_step

PROJECT = Path(__file__).parents[3]


def same_convolution(numbers: Convolution) -> nn.Sequential:
    """The torch modules of a convolution that keeps the size, also with an even kernel."""
    before, after = (numbers.kernel - 1) // 2, numbers.kernel // 2
    return nn.Sequential(
        nn.ZeroPad2d((before, after, before, after)),
        nn.Conv2d(numbers.in_channels, numbers.out_channels, numbers.kernel),
    )


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def flops(network: nn.Module, image: Tensor, backward: bool = False) -> int:
    """What PyTorch counts: two for each multiply-add."""
    with FlopCounterMode(display=False) as counter:
        output = network(image)
        if backward:
            output.sum().backward()
    return counter.get_total_flops()


# The 1×1 bottleneck


def test_the_lectures_bottleneck_takes_about_one_tenth():
    """Q10: 192 → 32 channels at 28×28, 5×5, directly and through 16."""
    lecture = Bottleneck(192, 32, 16, 5, 28)
    assert lecture == Bottleneck()
    assert lecture.direct.macs == 120_422_400
    assert [step.macs for step in lecture.steps] == [2_408_448, 10_035_200]
    assert lecture.macs == 12_443_648
    assert lecture.gain == pytest.approx(9.7, abs=0.05)
    assert lecture.direct.params == 192 * 32 * 25 + 32
    assert lecture.params == (192 * 16 + 16) + (16 * 32 * 25 + 32)
    assert lecture.break_even_channels == 154


BOTTLENECKS = [
    Bottleneck(),
    Bottleneck(256, 256, 64, 3, 14),
    Bottleneck(7, 5, 3, 4, 9),  # an even kernel
    Bottleneck(16, 24, 40, 1, 1),
    Bottleneck(1, 1, 1, 1, 1),
    Bottleneck(64, 1, 2, 11, 5),
]


@pytest.mark.parametrize("numbers", BOTTLENECKS, ids=str)
def test_bottleneck_counts_are_pytorchs(numbers):
    with torch.device("meta"):
        direct = same_convolution(numbers.direct)
        detour = nn.Sequential(*map(same_convolution, numbers.steps))
        image = torch.empty(1, numbers.in_channels, numbers.side, numbers.side)
    assert direct(image).shape == detour(image).shape
    assert direct(image).shape[2:] == (numbers.side, numbers.side)
    assert (numbers.direct.params, numbers.params) == (parameters(direct), parameters(detour))
    assert 2 * numbers.direct.macs == flops(direct, image)
    assert 2 * numbers.macs == flops(detour, image)


@pytest.mark.parametrize("numbers", BOTTLENECKS, ids=str)
def test_the_break_even_is_the_last_number_of_channels_that_saves(numbers):
    saving = [
        middle
        for middle in range(1, 400)
        if replace(numbers, middle_channels=middle).macs < numbers.direct.macs
    ]
    assert numbers.break_even_channels == max(saving, default=0)


def test_every_row_of_the_bottlenecks_csv_has_all_inputs():
    rows = bottleneck_rows(Bottleneck())
    for row in rows:
        assert row.items() >= asdict(Bottleneck()).items()
        assert row["params"] == row["weights"] + row["biases"]
        assert row["flops"] == 2 * row["macs"]
    direct, reduce, then, both = rows
    for column in ("weights", "biases", "params", "macs", "flops"):
        assert both[column] == reduce[column] + then[column]
    assert direct["macs"] == 120_422_400


@pytest.mark.parametrize(
    "outside",
    [
        {"in_channels": 0},
        {"out_channels": MAX_CHANNELS + 1},
        {"middle_channels": -1},
        {"kernel": MAX_KERNEL + 1},
        {"side": MAX_SIDE + 1},
        {"side": 2.5},
    ],
    ids=str,
)
def test_a_bottleneck_outside_the_limits_is_one_sentence(outside):
    with pytest.raises(LabError, match="must be a whole number from 1 to"):
        Bottleneck(**outside)


# Kernel, stride, padding


def windows() -> list[SlidingWindow]:
    """Every window of a grid that fits."""
    found = []
    for side, kernel, stride, padding, dilation in product(
        (1, 2, 5, 8, 13), (1, 2, 3, 5), (1, 2, 3, 7), (0, 1, 2), (1, 2, 3)
    ):
        if dilation * (kernel - 1) + 1 <= side + 2 * padding:
            found.append(SlidingWindow(side, kernel, stride, padding, dilation))
    return found


def test_output_side_and_reads_are_pytorchs():
    """A kernel of ones gives each pixel the number of its reads as its gradient."""
    for window in windows():
        row = torch.zeros(1, 1, window.side, requires_grad=True)
        output = F.conv1d(
            row,
            torch.ones(1, 1, window.kernel),
            stride=window.stride,
            padding=window.padding,
            dilation=window.dilation,
        )
        output.sum().backward()
        assert window.output_side == output.shape[2], window
        assert window.reads() == tuple(row.grad.flatten().int().tolist()), window
        assert window.keeps_size == (output.shape == row.shape), window


def test_pixels_at_the_far_edge_are_never_read():
    for window in windows():
        tail = window.reads()[window.side - window.unread_at_edge :]
        assert not any(tail), window
        last = window.taps(window.output_side - 1)[-1] - window.padding
        assert window.unread_at_edge == max(0, window.side - 1 - last), window


def test_average_and_maximum_pooling_leave_the_same_size_and_refuse_the_same_padding():
    """Q11; torch's average pooling knows no dilation."""
    for window in windows():
        image = torch.zeros(1, 1, window.side, window.side)
        options = dict(kernel_size=window.kernel, stride=window.stride, padding=window.padding)
        pools = [lambda x, o=options, d=window.dilation: F.max_pool2d(x, **o, dilation=d)]
        if window.dilation == 1:
            pools.append(lambda x, o=options: F.avg_pool2d(x, **o))
        for pool in pools:
            if window.pooling_allows_padding:
                assert pool(image).shape[2:] == (window.output_side,) * 2, window
            else:
                with pytest.raises(RuntimeError, match="half of"):
                    pool(image)


def test_the_padding_that_keeps_the_size_is_the_only_one_and_even_windows_have_none():
    for kernel, dilation in product(range(1, 9), (1, 2, 3)):
        keeping = [
            padding
            for padding in range(20)
            if 20 + 2 * padding >= dilation * (kernel - 1) + 1
            and SlidingWindow(20, kernel, 1, padding, dilation).keeps_size
        ]
        window = SlidingWindow(MAX_SIDE, kernel, 1, 0, dilation)
        assert keeping == [p for p in [window.size_keeping_padding] if p is not None]
        assert bool(keeping) == (window.effective_kernel % 2 == 1)


@pytest.mark.parametrize(("kernel", "padding", "dilation"), [(9, 0, 1), (5, 1, 3), (2, 0, 1)])
def test_a_window_larger_than_its_input_names_the_smallest_that_works(kernel, padding, dilation):
    smallest = dilation * (kernel - 1) + 1 - 2 * padding
    assert SlidingWindow(smallest, kernel, 1, padding, dilation).output_side == 1
    with pytest.raises(LabError, match=rf"the smallest input that works is {smallest} pixels"):
        SlidingWindow(smallest - 1, kernel, 1, padding, dilation)


@pytest.mark.parametrize(
    ("outside", "name"),
    [
        ({"side": 0}, "The input side"),
        ({"side": MAX_SIDE + 1}, "The input side"),
        ({"kernel": 0}, "The kernel"),
        ({"stride": 0}, "The stride"),
        ({"padding": -1}, "The padding"),
        ({"dilation": 1_000}, "The dilation"),
    ],
    ids=str,
)
def test_a_window_outside_the_limits_is_one_sentence(outside, name):
    with pytest.raises(LabError, match=f"{name} must be a whole number"):
        SlidingWindow(**({"side": 8, "kernel": 3} | outside))


def test_the_presets_leave_the_published_sizes():
    """GoogLeNet's and ResNet's table 1; AlexNet as the course builds it, 224 px and padding 1."""
    assert [preset.window.output_side for preset in PRESETS] == [112, 26, 28, 224, 54, 112]
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)


def test_the_windows_csv_has_every_input_and_no_results_where_a_window_does_not_fit():
    chosen = SlidingWindow(8, 3, 2, 1)
    rows = window_rows(chosen)
    assert rows[0].items() >= asdict(chosen).items()
    assert {row["side"] for row in rows} == {8}
    by_name = {row["window"]: row for row in rows}
    assert by_name["Inception 3×3 average pool"]["output_side"] == 8
    alexnet = by_name["AlexNet 11×11, stride 4"]
    assert (alexnet["kernel"], alexnet["output_side"], alexnet["unread"]) == (11, None, None)
    assert all(row.keys() == rows[0].keys() for row in rows)


# Stacked 3×3 against one large kernel


STACKS = [
    StackedAgainstLarge(1, 4, 6, 2),
    StackedAgainstLarge(2, 3, 8, 2),
    StackedAgainstLarge(3, 5, 7, 1),
    StackedAgainstLarge(5, 2, 11, 3),
]
every_stack = pytest.mark.parametrize("numbers", STACKS, ids=str)


def build_stack(count: int, kernel: int, channels: int, inplace: bool = False) -> nn.Sequential:
    pairs = [
        (nn.Conv2d(channels, channels, kernel, padding=kernel // 2), nn.ReLU(inplace))
        for _ in range(count)
    ]
    return nn.Sequential(*(module for pair in pairs for module in pair))


@every_stack
def test_stack_counts_are_pytorchs_forward_and_backward(numbers):
    for stack in (numbers.stacked, numbers.large):
        network = build_stack(stack.count, stack.kernel, numbers.channels).to("meta")
        shape = (1, numbers.channels, numbers.side, numbers.side)
        image = torch.empty(shape, device="meta", requires_grad=True)
        assert stack.params == parameters(network)
        assert 2 * stack.macs == flops(network, image)
        assert 2 * (stack.macs + stack.backward_macs) == flops(network, image, backward=True)


def test_vggs_own_example():
    """Simonyan & Zisserman 2015, section 2.3: 27 C² weights against 49 C², "81 % more"."""
    numbers = StackedAgainstLarge(3, 64, 56, 1)
    assert numbers.kernel == 7
    assert 3 * numbers.stacked.layer.weights == 27 * 64**2
    assert numbers.large.layer.weights == 49 * 64**2
    assert numbers.large.macs / numbers.stacked.macs == pytest.approx(1.81, abs=0.005)


@every_stack
def test_both_ways_see_the_same_pixels(numbers):
    """The gradient of the middle pixel reaches exactly the receptive field."""
    side = 2 * numbers.kernel + 1
    for stack in (numbers.stacked, numbers.large):
        assert stack.receptive_field == numbers.kernel
        convolutions = build_stack(stack.count, stack.kernel, 1)[::2]
        for convolution in convolutions:
            nn.init.ones_(convolution.weight)
        image = torch.ones(1, 1, side, side, requires_grad=True)
        convolutions(image)[0, 0, side // 2, side // 2].backward()
        assert (image.grad[0, 0, side // 2] != 0).sum() == stack.receptive_field


@every_stack
@pytest.mark.parametrize("inplace", [False, True])
def test_what_is_saved_for_the_backward_pass_is_what_autograd_keeps(numbers, inplace):
    """Q17: a map more for each further 3×3."""
    for stack in (numbers.stacked, numbers.large):
        network = build_stack(stack.count, stack.kernel, numbers.channels, inplace)
        image = torch.rand(numbers.batch_size, numbers.channels, numbers.side, numbers.side)
        assert stack.saved_bytes == kept_in_a_real_step(network, image)
    assert numbers.stacked.saved_maps - numbers.large.saved_maps == numbers.count - 1


def test_a_further_block_adds_one_map_for_each_of_its_convolutions():
    image = torch.rand(2, 3, 8, 8)
    one_map = image.nbytes
    for count, kernel in ((2, 3), (1, 5)):
        once, twice = (
            kept_in_a_real_step(build_stack(blocks * count, kernel, 3), image) for blocks in (1, 2)
        )
        assert twice - once == count * one_map


def test_every_row_of_the_stacks_csv_has_all_inputs():
    numbers = StackedAgainstLarge(3, 8, 14, 4)
    stacked, large = stack_rows(numbers)
    for row in (stacked, large):
        assert (row["channels"], row["side"], row["batch_size"]) == (8, 14, 4)
        assert row["params"] == row["weights"] + row["biases"]
        assert row["flops"] == 2 * row["macs"] == row["backward_macs"]
        assert row["batch_saved_bytes"] == row["saved_maps"] * 4 * (4 * 8 * 14 * 14)
    assert (stacked["convolutions"], stacked["kernel"]) == (3, 3)
    assert (large["convolutions"], large["kernel"]) == (1, 7)


@pytest.mark.parametrize(
    "outside", [{"count": 6}, {"channels": 0}, {"side": 0}, {"batch_size": 100_000}], ids=str
)
def test_a_stack_outside_the_limits_is_one_sentence(outside):
    with pytest.raises(LabError, match="must be a whole number from 1 to"):
        StackedAgainstLarge(**outside)


# Figures


def test_the_bars_of_the_bottleneck_add_up_to_its_macs():
    numbers = Bottleneck()
    lengths: dict[str, int] = {}
    for bar in figures.bottleneck_bars(numbers).data:
        for way, macs in zip(bar.y, bar.x, strict=True):
            lengths[way] = lengths.get(way, 0) + macs
    assert lengths == {"directly": numbers.direct.macs, "through 16": numbers.macs}


@pytest.mark.parametrize("numbers", [*BOTTLENECKS, Bottleneck(middle_channels=MAX_CHANNELS)])
def test_the_curve_holds_the_choice_and_the_break_even(numbers):
    line, direct, chosen = figures.bottleneck_curve(numbers).data
    assert line.x[-1] >= max(numbers.middle_channels, numbers.break_even_channels)
    assert set(direct.y) == {numbers.direct.macs}
    assert (chosen.x, chosen.y) == ((numbers.middle_channels,), (numbers.macs,))


def test_the_picture_shows_every_tap_of_the_windows_that_it_draws():
    heat = figures.window_picture(SlidingWindow(8, 3, 2, 1)).data[0]
    row, *positions = heat.z
    assert list(row) == [figures.PADDING, *[figures.PIXEL] * 8, figures.PADDING]
    taps = [[cell for cell, kind in enumerate(drawn) if kind == figures.TAP] for drawn in positions]
    assert taps == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 8]]


def test_the_picture_marks_the_pixels_that_alexnet_never_reads():
    window = SlidingWindow(224, 11, 4, 1)
    row = figures.window_picture(window).data[0].z[0]
    assert list(row).count(figures.UNREAD) == window.unread_at_edge == 2
    assert len(row) <= figures.MAX_CELLS


def test_a_window_too_wide_to_draw_gets_its_number_of_reads():
    window = SlidingWindow(96, 31, 7, 1, 2)
    bars, unread = figures.window_picture(window).data
    assert tuple(bars.y) == window.reads()
    assert len(unread.x) == window.reads().count(0) == 7


def test_presets_and_extreme_windows_have_a_picture():
    extremes = (
        SlidingWindow(1, 1),
        SlidingWindow(1, 3, 32, 31),
        SlidingWindow(MAX_SIDE, 1, 32, 31),
        SlidingWindow(MAX_SIDE, MAX_KERNEL, 32, 31, 16),
    )
    for window in (*extremes, *(preset.window for preset in PRESETS), *windows()[::40]):
        assert figures.window_picture(window).data, window


def test_the_bars_of_a_stack_are_shares_of_the_large_kernel():
    [bars] = figures.stack_bars(StackedAgainstLarge(2, 64, 56, 1)).data
    shares = dict(zip(bars.y, bars.x, strict=True))
    assert shares["MACs forward"] == shares["MACs backward"] == 72
    assert shares["receptive field"] == 100
    assert shares["saved for backward"] == 150


@pytest.mark.slow
def test_the_calculators_load_no_torch():
    program = (
        "import sys, core.explain.calculators, core.report.figures.calculators; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & {"torch", "torchvision", "streamlit"}
