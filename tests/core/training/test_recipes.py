"""Recipes and their learning rates."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from core.specs import LabError, Recipe
from core.training.recipes import (
    FAST_BATCH_SIZES,
    FAST_PEAK,
    RECIPES,
    learning_rate_at,
    name_today,
    recipe,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_chapters_recipe_is_as_published():
    chosen = recipe("published-vgg", 60_000)
    assert (chosen.epochs, chosen.batch_size, chosen.learning_rate) == (5, 128, 0.05)
    assert (chosen.momentum, chosen.nesterov, chosen.weight_decay) == (0, False, 0)
    assert (chosen.schedule, chosen.initialization) == ("constant", "xavier")
    assert chosen.normalize is False and chosen.max_gradient_norm == 0


def test_the_course_notes_recipe_is_as_published():
    chosen = recipe("published-course", 60_000)
    assert (chosen.epochs, chosen.batch_size, chosen.learning_rate) == (10, 64, 0.01)
    assert (chosen.momentum, chosen.nesterov, chosen.weight_decay) == (0.5, False, 0)
    assert (chosen.schedule, chosen.initialization) == ("constant", "default")
    assert chosen.normalize is True and chosen.max_gradient_norm == 0


def test_published_recipes_do_not_depend_on_the_number_of_images():
    for name in ("published-vgg", "published-course"):
        assert recipe(name, 10) == recipe(name, 60_000)


@pytest.mark.parametrize(
    ("train_images", "epochs", "batch_size", "learning_rate"),
    [(100, 5, 16, 0.035), (5_000, 5, 32, 0.05), (20_000, 3, 128, 0.1), (60_000, 1, 128, 0.1)],
)
def test_the_fast_recipe_fits_the_number_of_images(train_images, epochs, batch_size, learning_rate):
    chosen = recipe("fast", train_images)
    assert chosen.epochs == epochs
    assert (chosen.batch_size, chosen.learning_rate) == (batch_size, learning_rate)
    assert (chosen.schedule, chosen.nesterov) == ("one-cycle", True)
    assert (chosen.optimizer, chosen.label_smoothing) == ("muon", 0.1)


def test_one_cycle_is_what_fast_was_before():
    before = (
        '{"batch_size": 128, "bfloat16": true, "epochs": 1, "initialization": "xavier",'
        ' "learning_rate": 0.1, "max_gradient_norm": 1.0, "momentum": 0.9, "name": "fast",'
        ' "nesterov": true, "normalize": true, "schedule": "one-cycle", "weight_decay": 0.0005}'
    )
    recorded = Recipe.from_json(before)
    assert replace(recorded, name="one-cycle") == recipe("one-cycle", 60_000)
    assert name_today(recorded) == "one-cycle"
    for name in RECIPES:
        assert name_today(recipe(name, 60_000)) == name


def test_more_images_never_make_the_fast_batch_or_rate_smaller():
    chosen = [recipe("fast", count) for count in range(1, 70_000, 997)]
    for smaller, larger in pairwise(chosen):
        assert smaller.batch_size <= larger.batch_size
        assert smaller.learning_rate <= larger.learning_rate <= FAST_PEAK
    assert {made.batch_size for made in chosen} == set(FAST_BATCH_SIZES)


@pytest.mark.parametrize("name", RECIPES)
def test_what_the_person_changes_is_changed_and_nothing_else(name):
    assert recipe(name, 5_000).name == name == RECIPES[name].name
    changed = recipe(name, 5_000, epochs=3, batch_size=7, learning_rate=0.125)
    assert changed == replace(
        recipe(name, 5_000), epochs=3, batch_size=7, learning_rate=0.125
    )  # fmt: skip


def test_an_unknown_recipe_gets_the_list():
    with pytest.raises(
        LabError, match="no recipe named 'slow'; try fast, one-cycle, published-vgg"
    ):
        recipe("slow", 100)


@pytest.mark.parametrize(
    ("change", "words"), [({"epochs": 0}, "epochs"), ({"learning_rate": 0}, "learning_rate")]
)
def test_a_changed_recipe_is_checked(change, words):
    with pytest.raises(LabError, match=words):
        recipe("fast", 100, **change)


# Schedules


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 39, 780])
def test_one_cycle_rises_to_the_peak_then_falls_towards_zero(steps):
    chosen = recipe("fast", 5_000)
    rates = [learning_rate_at(chosen, step, steps) for step in range(steps)]
    assert all(0 < rate <= chosen.learning_rate for rate in rates)
    top = rates.index(max(rates))
    assert top <= max(0.25 * steps, 1)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_one_cycle_is_two_straight_lines():
    chosen = recipe("fast", 5_000)
    rates = [learning_rate_at(chosen, step, 400) for step in range(400)]
    assert rates[99] == chosen.learning_rate  # a quarter of the way
    slopes = [after - before for before, after in pairwise(rates)]
    assert slopes[:99] == pytest.approx([chosen.learning_rate / 100] * 99)
    assert slopes[99:] == pytest.approx([slopes[-1]] * 300)
    assert 0 < rates[-1] < chosen.learning_rate / 100


def test_a_constant_rate_is_constant():
    chosen = recipe("published-vgg", 5_000)
    assert {learning_rate_at(chosen, step, 20) for step in range(20)} == {0.05}
