"""The text that Prometheus reads, held against its own reader."""

from __future__ import annotations

import threading

import pytest

from core.operating.metrics import Counter, Histogram, gauge, process_lines
from tests.prometheus import read_metrics


def test_a_histogram_is_cumulative_and_keeps_sum_and_count():
    seconds = Histogram("lab_seconds", "About it.", ("page",), (0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 3.0):
        seconds.observe(value, "Train")
    assert read_metrics(seconds.lines()) == {
        ("lab_seconds_bucket", (("le", "0.1"), ("page", "Train"))): 2,
        ("lab_seconds_bucket", (("le", "1.0"), ("page", "Train"))): 3,
        ("lab_seconds_bucket", (("le", "+Inf"), ("page", "Train"))): 4,
        ("lab_seconds_sum", (("page", "Train"),)): pytest.approx(3.65),
        ("lab_seconds_count", (("page", "Train"),)): 4,
    }


def test_a_counter_without_labels_begins_at_zero_and_threads_lose_nothing():
    counter = Counter("lab_errors_total", "About it.")
    assert read_metrics(counter.lines()) == {("lab_errors_total", ()): 0}
    threads = [
        threading.Thread(target=lambda: [counter.add() for _ in range(5000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_metrics(counter.lines()) == {("lab_errors_total", ()): 20_000}


@pytest.mark.parametrize("value", ['a "b"', "a\\n", "a\nb", "残差网络", ""])
def test_a_label_may_hold_anything(value):
    [((_, labels), count)] = read_metrics(
        gauge("lab_jobs", "About it.", {(value,): 2}, ("kind",))
    ).items()
    assert dict(labels) == {"kind": value} and count == 2


def test_a_process_says_when_it_began():
    assert read_metrics(process_lines())[("process_start_time_seconds", ())] > 1.7e9
