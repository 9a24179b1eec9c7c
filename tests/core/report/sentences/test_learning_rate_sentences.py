"""What a range test says: in words, as a chart and as tables."""

from __future__ import annotations

from dataclasses import replace
from math import log10

import pytest

from core.language import CHINESE, in_language
from core.measure.learning_rate_records import LOWEST
from core.report.figures.learning_rates import learning_rate_chart
from core.report.sentences.learning_rates import (
    rate_limits,
    rate_verdict,
    rise_finding,
    suggested_rate,
)
from core.report.tables.measurements import reading_frame, sweep_frame
from tests.core.measure.example_rates import FOUND, RUN, STEPS, measured, valley

RECIPE = RUN.recipe  # one-cycle
NEVER_FALLS = measured(lambda rate: 2.3)
NEVER_RISES = measured(lambda rate: 2 - 0.2 * log10(rate / LOWEST), diverged=False)


def verdict(found, rate: float, schedule: str = "one-cycle") -> str:
    return " ".join(rate_verdict(found, replace(RECIPE, learning_rate=rate, schedule=schedule)))


def test_the_rise_is_told_with_its_spread():
    assert rise_finding(FOUND) == "The loss begins to rise at 0.1"
    assert "(0.1; 0.032 to 0.32 over 3 seeds)" in verdict(FOUND, 0.02)
    assert "(0.1)" in verdict(measured(valley(0.1)), 0.02)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.025, "The recipe's 0.025 lies a factor 4 below where the loss begins to rise"),
        (0.09, "The recipe's 0.09 lies where the loss begins to rise"),
        (0.4, "The recipe's 0.4 lies a factor 4 above where the loss begins to rise"),
    ],
)
def test_the_recipe_s_rate_is_held_against_it(rate, words):
    said = verdict(FOUND, rate)
    assert said.startswith(words) and ("may diverge" in said) is (rate > 0.1)


def test_a_suggestion_is_round_and_below_the_rise():
    one_cycle, constant = (suggested_rate(FOUND, name) for name in ("one-cycle", "constant"))
    assert (one_cycle, constant) == (0.1, 0.05)
    assert "close to that, such as 0.1" in verdict(FOUND, 0.02)
    assert "half of that, such as 0.05" in verdict(FOUND, 0.02, "constant")
    for lowest in (2e-3, 0.0019, 0.077, 0.6, 3.0):
        found = measured(valley(lowest))
        part = suggested_rate(found, "one-cycle") / found.rise.median
        assert 0.5 < part < 1.001


def test_without_a_rise_nothing_is_suggested():
    assert suggested_rate(NEVER_FALLS, "constant") is suggested_rate(NEVER_RISES, "constant")
    assert "learns nothing at any rate from 1.0 × 10⁻⁴ to 10" in verdict(NEVER_FALLS, 0.1)
    assert verdict(NEVER_RISES, 0.1) == "No rate up to 10 is too large here."
    assert rise_finding(NEVER_FALLS) == "The loss falls at none of these learning rates"
    assert rise_finding(NEVER_RISES) == "The loss rises at none of these learning rates"


def test_nothing_is_said_before_a_sweep_is_over():
    begun = replace(FOUND, sweeps=(replace(FOUND.sweeps[0], losses=(2.3,) * 9, diverged=False),))
    assert rate_verdict(begun, RECIPE) == rate_limits(begun) == []
    assert rise_finding(begun) == "The loss at rising learning rates"
    assert learning_rate_chart(begun, 0.05).data and len(sweep_frame(begun)) == 9


def test_what_it_cannot_tell_is_told():
    seen, steepest = rate_limits(FOUND)
    assert f"the first {STEPS} steps of 3 seeds" in seen and "is no advice" in steepest
    assert len(rate_limits(NEVER_FALLS)) == 1


def test_everything_can_be_said_in_chinese():
    with in_language(CHINESE):
        said = [rise_finding(FOUND), verdict(FOUND, 0.02), verdict(FOUND, 0.4), *rate_limits(FOUND)]
        assert all("learning" not in text and "loss" not in text for text in said)


def names_stand(figure) -> list[str]:
    return [note.xanchor for note in figure.layout.annotations]


def test_the_chart_marks_the_recipe_s_rate_and_the_rise():
    figure = learning_rate_chart(FOUND, own=0.05)
    lines = {line.name: line for line in figure.data if line.showlegend is not False}
    assert set(lines["the recipe's rate"].x) == {0.05}
    assert set(lines["the loss begins to rise"].x) == {FOUND.rise.median}
    assert [note.text for note in figure.layout.annotations] == ["rises: 0.1", "recipe: 0.05"]
    assert names_stand(figure) == ["left", "right"]  # each name away from the other's line
    assert names_stand(learning_rate_chart(FOUND, own=0.4)) == ["right", "left"]
    assert names_stand(learning_rate_chart(FOUND, own=2e-4)) == ["left", "left"]  # at the edge
    assert lines["mean"].y == pytest.approx(FOUND.mean_curve)
    assert figure.layout.xaxis.type == "log"


@pytest.mark.parametrize("own", [1e-9, 100.0])
def test_a_rate_that_was_not_swept_has_no_line(own):
    names = {line.name for line in learning_rate_chart(FOUND, own).data}
    assert "the recipe's rate" not in names and "the loss begins to rise" in names


@pytest.mark.parametrize("found", [NEVER_FALLS, NEVER_RISES, replace(FOUND, sweeps=())])
def test_a_chart_without_a_rise_can_be_drawn(found):
    assert learning_rate_chart(found, own=0.05).data


def test_every_step_says_what_it_is_of():
    frame = sweep_frame(FOUND)
    assert len(frame) == 3 * STEPS and list(frame["seed"].unique()) == [0, 1, 2]
    first = frame.iloc[0]
    assert (first["network"], first["dataset"], first["batch_size"]) == (
        "course-residual",
        "fashion-mini",
        RECIPE.batch_size,
    )
    assert (first["step"], first["learning_rate"], first["loss"]) == (1, LOWEST, 2.0)
    assert not {"run", "epochs", "schedule"} & set(frame.columns)
    assert frame["learning_rate"].max() == pytest.approx(10)


def test_each_sweep_has_a_row_of_what_it_says():
    frame = reading_frame(FOUND)
    assert frame["rise"].tolist() == pytest.approx([0.316, 0.0316, 0.1], rel=0.01)
    assert (frame["steepest"] < frame["rise"]).all()
    assert reading_frame(NEVER_FALLS)["rise"].isna().all()
