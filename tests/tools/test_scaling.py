"""What docs/scaling.md is computed with, held against closed forms."""

from __future__ import annotations

import csv
import random
from statistics import mean

import pytest

from tools.scaling.actions import FILE, Action
from tools.scaling.pages import Pages, Site
from tools.scaling.runs import in_classes, independent, share_that_waits, waits

_RUNS = 300_000


def _waits(runs_a_second: float, durations: list[float], workers: int) -> list[float]:
    draw = random.Random(1)
    return waits(independent(runs_a_second, _RUNS / runs_a_second, draw), durations, workers, draw)


@pytest.mark.parametrize(("runs_a_second", "workers"), [(0.7, 1), (2.4, 3), (9.0, 10)])
def test_exponential_durations_wait_as_erlang_says(runs_a_second, workers):
    draw = random.Random(2)
    durations = [draw.expovariate(1.0) for _ in range(100_000)]
    found = _waits(runs_a_second, durations, workers)
    share = share_that_waits(runs_a_second, workers)
    assert mean(wait > 0 for wait in found) == pytest.approx(share, rel=0.03)
    assert mean(found) == pytest.approx(share / (workers - runs_a_second), rel=0.1)


def test_erlangs_formula_has_its_published_value():
    """Two erlangs on three servers: 4/9, as the formula written out gives."""
    assert share_that_waits(2.0, 3) == pytest.approx(4 / 9)
    assert share_that_waits(1_800.0, 2_000) < 1e-5  # no overflow


@pytest.mark.parametrize("durations", [[1.0], [0.2, 0.2, 0.2, 3.4]])
def test_one_worker_waits_as_pollaczek_and_khinchine_say(durations):
    runs_a_second = 0.7
    busy = runs_a_second * mean(durations)
    squares = mean(duration**2 for duration in durations)
    expected = runs_a_second * squares / (2 * (1 - busy))
    assert mean(_waits(runs_a_second, durations, 1)) == pytest.approx(expected, rel=0.05)


def test_a_class_that_starts_together_waits_longer_at_the_same_load():
    draw, durations = random.Random(3), [100.0]
    apart = waits(independent(0.06, 400_000, draw), durations, 10, draw)
    together = waits(in_classes(0.06, 400_000, draw), durations, 10, draw)
    assert len(together) == pytest.approx(len(apart), rel=0.1)
    assert mean(apart) < 5 and mean(together) > 50


def _action(seconds: float, part: str = "page servers", idle: float = 0.0) -> Action:
    return Action("move", seconds + idle, {part: seconds})


def _exact(learners: int, demand: float, pause: float) -> tuple[float, float]:
    """Mean value analysis of a processor that is shared: seconds of an answer, actions a second."""
    queue = seconds = rate = 0.0
    for number in range(1, learners + 1):
        seconds = demand * (1 + queue)
        rate = number / (seconds + pause)
        queue = rate * seconds
    return seconds, rate


@pytest.mark.parametrize("learners", [5, 20, 40, 60])
def test_answers_of_one_page_server_take_as_long_as_theory_says(learners):
    """Whatever the actions' own times are: only their mean counts where all share equally."""
    actions = [_action(0.05), _action(0.05), _action(0.2)]
    answers = Pages(Site(1, 4, 1), actions, learners, (2.0, 5.0)).run(2_000)
    seconds, rate = _exact(learners, 0.1, 3.5)
    assert mean(took for _kind, took in answers) == pytest.approx(seconds, rel=0.05)
    assert len(answers) / 2_000 == pytest.approx(rate, rel=0.02)


def test_page_servers_that_share_one_core_are_no_faster_than_one():
    """Two halves of a core for half of the learners each: what theory says of all on one."""
    pages = Pages(Site(2, 1, 2), [_action(0.1)], 40, (2.0, 5.0))
    answers = pages.run(2_000)
    assert len(answers) / 2_000 == pytest.approx(_exact(40, 0.1, 3.5)[1], rel=0.02)
    assert 0.9 < pages.cores_busy(0) <= 1.0 + 1e-9


def test_more_machines_bring_back_the_time_of_an_empty_lab():
    actions = [_action(0.1, idle=0.05)]
    few, many = (
        mean(took for _kind, took in Pages(Site(servers, 8, 4), actions, 100, (2.0, 5.0)).run(300))
        for servers in (3, 100)
    )
    assert many == pytest.approx(0.15) and few > 0.4


def test_the_database_can_be_what_all_wait_for():
    """Page servers cannot make up for a database whose cores are busy."""
    actions = [_action(0.1, part="PostgreSQL")]
    pages = Pages(Site(100, 2, 4), actions, 100, (2.0, 5.0))
    answers = pages.run(300)
    assert pages.cores_busy(25) == pytest.approx(2.0, rel=0.05)
    assert mean(took for _kind, took in answers) > 1.0


def test_the_simulation_is_near_what_make_load_measured():
    """`python -m tools.scaling compare`, kept: sliders' p95, and the cores that were busy.

    Of a site that is asked for more than it can do, only that it is.
    """
    with FILE.with_name("scaling_compared.csv").open(newline="", encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert {row["visitors"] for row in rows} >= {20, 100}
    for row in rows:
        if row["measured_p95_seconds"] > 1:
            assert row["simulated_p95_seconds"] > 1
            continue
        for what, factor in (("p95_seconds", 1.5), ("cores", 1.2)):
            assert 1 / factor < row[f"simulated_{what}"] / row[f"measured_{what}"] < factor
