"""Browsers are told only the points that they lack."""

from __future__ import annotations

import math

from core.jobs.step_curves import StepCurve
from pages.views.app.growing import new_points

CURVE = StepCurve(7, 2, 1, 2, [0.1, 0.2, 0.3], [2.3, 1.5, math.nan], [10.0, 40.0, 50.0])


def test_a_browser_that_has_nothing_gets_all_in_numbers_that_json_has():
    [(run, told)] = new_points({7: CURVE}, "7,,0").items()
    assert run == 7 and (told["version"], told["first"], told["settled"]) == ("2.1", 0, 2)
    assert told["epochs"] == [0.1, 0.2, 0.3] and told["loss"] == [2.3, 1.5, None]


def test_only_points_after_those_that_it_has_are_sent():
    told = new_points({7: CURVE}, "7,2.1,2")[7]
    assert (told["first"], told["epochs"], told["accuracy"]) == (2, [0.3], [50.0])


def test_points_of_another_attempt_or_width_or_too_many_are_replaced():
    for asked in ("7,1.1,2", "7,2.4,2", "7,2.1,3"):
        assert new_points({7: CURVE}, asked)[7]["first"] == 0


def test_what_is_not_asked_for_unknown_or_no_question_at_all_is_passed_over():
    for asked in ("", "8,,0", "x", ";;,,", "7" * 100, "²,,"):
        assert new_points({7: CURVE}, asked) == {}
    assert new_points({7: CURVE}, "7,2.1,²;8")[7]["first"] == 0
