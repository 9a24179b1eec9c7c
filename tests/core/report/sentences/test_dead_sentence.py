"""What is said of parameters without a gradient is no more than what was seen."""

from __future__ import annotations

from dataclasses import replace

from core.report.sentences.dead_parameters import dead_sentence
from core.training.recipes import recipe

DEAD = {"residual1.conv1.weight": 2304, "residual1.conv1.bias": 16}
COURSE = recipe("published-course", 60_000)


def test_without_weight_decay_they_are_as_they_were_initialized():
    assert dead_sentence(DEAD, COURSE) == (
        "2,320 parameters got no gradient in any step, so they are still what they were initialized"
        " to: residual1.conv1.weight, residual1.conv1.bias."
    )


def test_weight_decay_changes_them_all_the_same():
    sentence = dead_sentence(DEAD, replace(COURSE, weight_decay=5e-4))
    assert "at most weight decay has changed them" in sentence and "initialized" not in sentence
