"""What a map says in words, and one sentence for each reason why it says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.inside.attribution_records import (
    Agreement,
    Attribution,
    Finding,
    Grid,
    Method,
    Question,
    finding_of,
)
from core.report.sentences.attribution import (
    attribution_sentence,
    other_sentence,
    place_of,
    sanity_sentence,
    what_is_asked,
)

NAMES = ("Bag", "Coat", "Shirt")


def _found(method: Method, values: list[list[float]], **more: object) -> Attribution:
    array = np.array(values, np.float32)
    return Attribution(Question(method, 1), array, array, finding_of(array), 4.0, **more)


CAM = _found(Method.GRAD_CAM, [[0, 0], [0, 2]], layer="conv", channels=8, before_relu=(-1, 2))


def test_each_method_says_what_it_has_found() -> None:
    assert attribution_sentence(CAM, "Coat") == (
        "The 2×2 cells of conv speak for Coat most in the lower right."
    )
    grid = Grid((4, 4), (1, 1), (25, 25))
    cover = _found(Method.OCCLUSION, [[1.5, 0, 0], [0, 0, 0], [0, -0.5, 0]], grid=grid)
    assert attribution_sentence(cover, "Coat") == (
        "A cover of 4 pixels in the upper left takes most from the score of Coat: 1.5 of 4; one at"
        " the bottom raises it by up to 0.5."
    )
    path = _found(Method.INTEGRATED, [[0, 2], [1, 0]], steps=64, baseline_score=0.9)
    assert attribution_sentence(path, "Coat") == (
        "Pixels in the upper right speak for Coat most. All pixels add up to 3; from the plain"
        " image where the path begins to this one the score changes by 3.1, 3.23\u2009% off."
    )


def test_what_is_asked_names_both_classes() -> None:
    assert what_is_asked(CAM, NAMES) == "Coat"
    both = replace(CAM, question=replace(CAM.question, against=2))
    assert what_is_asked(both, NAMES) == "Coat rather than Shirt"


def test_every_reason_has_a_sentence_of_its_own() -> None:
    sentences = {
        attribution_sentence(replace(CAM, finding=finding), "Coat")
        for finding in Finding
        if finding is not Finding.SAYS
    }
    sentences |= {
        attribution_sentence(_found(method, [[0.0, 0.0]]), "Coat")
        for method in (Method.OCCLUSION, Method.INTEGRATED)
    }
    assert len(sentences) == len(Finding) - 1 + 2
    assert all(text.endswith(".") and "nan" not in text for text in sentences)


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (0, 0, "in the upper left"),
        (0, 4, "at the top"),
        (4, 4, "in the middle"),
        (4, 8, "at the right"),
        (8, 4, "at the bottom"),
        (8, 0, "in the lower left"),
    ],
)
def test_places_are_named_by_thirds(row: int, column: int, words: str) -> None:
    values = np.full((9, 9), -1.0)
    values[row, column] = 1
    assert place_of(values, highest=True) == words
    assert place_of(-values, highest=False) == words


@pytest.mark.parametrize(
    ("rank", "of_sizes", "says"),
    [
        (0.83, 0.1, "hardly changes with random weights (ρ = 0.83): it shows the image"),
        (0.1, 0.7, "hardly changes with random weights (ρ of the absolute values = 0.70)"),
        (0.05, -0.02, "it is another map (ρ = 0.05)"),
        (-0.9, 0.1, "with the other sign (ρ = −0.90)"),
        (0.35, 0.1, "changes in part with random weights (ρ = 0.35)"),
    ],
)
def test_the_sanity_check_says_how_much_of_the_map_was_learned(rank, of_sizes, says) -> None:
    alike = Agreement(rank, of_sizes, rank, 784)
    assert says in sanity_sentence(alike, CAM, CAM, is_trained=True)
    assert "has not been trained" in sanity_sentence(alike, CAM, CAM, is_trained=False)


def test_what_chance_does_among_few_cells_is_no_agreement() -> None:
    text = sanity_sentence(Agreement(0.45, 0.45, 0.4, 16), CAM, CAM, is_trained=True)
    assert "it is another map (ρ = 0.45)" in text
    assert text.endswith("With only 16 places, chance alone makes |ρ| ≥ 0.51 once in twenty.")


def test_maps_that_say_nothing_are_not_compared() -> None:
    nothing = replace(CAM, finding=Finding.NOTHING_FOR)
    assert sanity_sentence(None, nothing, CAM, is_trained=True) == ""
    assert "no map is left" in sanity_sentence(None, CAM, nothing, is_trained=True)
    assert "no map to compare" in other_sentence(None)
    assert other_sentence(Agreement(0.91, 0.9, 0.9, 49)) == (
        "Both networks find the same places (ρ = 0.91)."
    )
