"""What is said about where a run's time goes and how fast it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.report.figures.throughput import throughput_chart
from core.report.figures.time_split import time_bar
from core.report.sentences.speed import throughput_verdict, time_verdict
from core.training.records import EpochMetrics, Throughput, ThroughputPoint
from core.training.time_split import split_time

EPOCH = EpochMetrics(1, 1.0, 0.5, 1.0, 0.5, 10.0, 1.0, 500.0, 0.1, 0.2, 0.1, 3.0, 6.0, 0.5)


def point(device: str, loop: str, batch: int, rate: float, flops: float) -> ThroughputPoint:
    return ThroughputPoint(device, loop, batch, 0, rate, rate, rate, rate, flops, 2, True)


FOUND = Throughput(
    "{}",
    1.0,
    {"cuda": "a card", "cpu": "a processor"},
    {"cuda": 1e14, "cpu": 2e11},
    (
        point("cuda", "lab", 32, 10_000, 1e12),
        point("cuda", "lab", 256, 60_000, 6e12),
        point("cuda", "conventional", 256, 5_000, 5e11),
        point("cpu", "lab", 32, 2_000, 1e11),
        point("cpu", "lab", 256, 2_100, 1.05e11),
        point("cpu", "conventional", 32, 1_000, 5e10),
    ),
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Bound by the network: 95"),
        ({"data_seconds": 4.0, "backward_seconds": 2.2}, "Data-bound: 41"),
        ({"transfer_seconds": 4.0, "backward_seconds": 2.1}, "Data-bound: 42"),
        ({"backward_seconds": 2.0}, "Bound by Python: 42"),
        ({"evaluation_seconds": 10.0}, "Much of it is evaluation: 50"),
    ],
)
def test_the_verdict_names_what_the_run_waits_for(changes, words):
    text = time_verdict(split_time([replace(EPOCH, **changes)]), "cpu")
    assert text.startswith(words)


@pytest.mark.parametrize(
    ("kernel_share", "changes", "words"),
    [
        (0.12, {}, "Launch-bound: the device computes 12"),
        (0.12, {"captured_seconds": 9.5}, "although whole steps are replayed"),
        (0.97, {"captured_seconds": 9.5}, "Bound by its kernels: the device computes 97"),
    ],
)
def test_a_profile_tells_whether_a_card_computes_or_waits(kernel_share, changes, words):
    if changes:
        changes |= {"forward_seconds": 0.0, "backward_seconds": 0.0, "optimiser_seconds": 0.0}
    text = time_verdict(split_time([replace(EPOCH, **changes)]), "cuda", kernel_share)
    assert words in text
    if kernel_share < 0.5:
        assert "a faster device would wait more" in text or "a faster one would wait more" in text


def test_what_a_run_waits_for_besides_its_steps_comes_before_a_profile_of_them():
    rows = [replace(EPOCH, data_seconds=4.0, backward_seconds=2.2)]
    assert time_verdict(split_time(rows), "cuda", 0.97).startswith("Data-bound")


def test_the_throughput_is_told_in_words():
    text = " ".join(throughput_verdict(FOUND))
    assert "On cuda a batch of 256 is 6.0 times as fast as one of 32." in text
    assert "On cpu the batch size changes little." in text
    assert "cuda trains 28.6 times as fast as cpu here." in text
    assert "too small to fill the device" in text and text.count("too small") == 1
    assert "2.0 to 12.0 times as fast as the published one" in text


def test_a_loop_that_is_slower_is_told_as_slower():
    slower = (point("cpu", "lab", 32, 500, 1e11), point("cpu", "conventional", 32, 1_000, 5e10))
    text = " ".join(throughput_verdict(replace(FOUND, points=slower)))
    assert "The lab's loop trains 2 times slower than the published one." in text


def test_the_charts_show_every_part_and_every_line():
    figure = time_bar(split_time([EPOCH]))
    assert sum(figure.data[0].x) == pytest.approx(11)
    assert len(throughput_chart(FOUND).data) == 4


def test_captured_steps_have_a_place_where_there_are_any():
    plain = time_bar(split_time([EPOCH]))
    captured = time_bar(split_time([replace(EPOCH, captured_seconds=0.1)]))
    names = [set(figure.data[0].y) for figure in (plain, captured)]
    assert names[1] - names[0] == {"captured steps"}
