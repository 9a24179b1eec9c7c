"""Where the time of a run goes, and what is said about it."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from core.training.records import PHASES, EpochMetrics, Throughput, ThroughputPoint
from core.training.time_split import split_time

EPOCH = EpochMetrics(1, 1.0, 0.5, 1.0, 0.5, 10.0, 1.0, 500.0, 0.1, 0.2, 0.1, 3.0, 6.0, 0.5)


def test_the_parts_add_up_to_the_time_of_the_epochs():
    split = split_time([EPOCH, EPOCH])
    assert sum(asdict(split).values()) == pytest.approx(2 * (10 + 1))
    assert split.overhead == pytest.approx(0.4) and split.evaluation == 2
    assert split.network == pytest.approx(19)


def test_runs_of_before_the_phases_were_timed_have_no_split():
    assert split_time([replace(EPOCH, **{f"{phase}_seconds": 0.0 for phase in PHASES})]) is None
    assert split_time([]) is None


def test_the_rate_of_the_steps_alone_is_the_higher_one():
    assert EPOCH.step_images_per_second == pytest.approx(500 * 10 / 9.5)
    untimed = replace(EPOCH, forward_seconds=0.0, backward_seconds=0.0, optimiser_seconds=0.0)
    assert untimed.step_images_per_second is None


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


def test_a_throughput_survives_the_store():
    assert Throughput.from_dict(FOUND.to_dict()) == FOUND
