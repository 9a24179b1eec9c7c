"""What a recipe sets, line by line."""

from __future__ import annotations

import pytest

from core.report.sentences.recipes import recipe_settings
from core.training.recipes import RECIPES, recipe


def test_the_fast_recipe_says_what_moves_convolutions_and_what_its_targets_are():
    assert recipe_settings(recipe("fast", 60_000)) == [
        "SGD, momentum 0.9 (Nesterov momentum)",
        "convolutions by Muon instead, at 0.25 of the learning rate and without weight decay",
        "weight decay 0.0005",
        "schedule: one-cycle",
        "initialization: Xavier",
        "gradients longer than 1 are shortened",
        "labels smoothed by 0.1",
        "pixels with mean 0 and deviation 1",
        "bfloat16 where the device gains by it",
    ]


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "fast"])
def test_no_other_recipe_speaks_of_them(name):
    said = " ".join(recipe_settings(recipe(name, 60_000)))
    assert "SGD" in said and "Muon" not in said and "smoothed" not in said
