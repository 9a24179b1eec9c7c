"""Maps to take along: the numbers that were computed, each with what it is about."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from core.inside.attribution_records import Attribution, Finding, Method, Question, agreement
from core.inside.weights import Weights
from core.report.tables.attribution import (
    ShownMap,
    attribution_frame,
    attribution_npz,
    summary_frame,
)
from core.specs import ModelSpec

CELLS = np.array([[0, 1], [5, 2]], np.float32)
LARGE = CELLS.repeat(2, 0).repeat(2, 1)
IMAGE = np.arange(16, dtype=np.uint8).reshape(4, 4)
WEIGHTS = Weights(ModelSpec("lenet", image_size=28), seed=3)


def _shown(name: str, cells: np.ndarray, seed: int | None) -> ShownMap:
    question = Question(Method.GRAD_CAM, 1, against=0, random_seed=seed)
    large = cells.repeat(2, 0).repeat(2, 1)
    found = Attribution(question, large, cells, Finding.SAYS, 4.0, layer="conv")
    first = Attribution(question, LARGE, CELLS, Finding.SAYS, 4.0)
    return ShownMap(name, "LeNet", WEIGHTS, IMAGE, found, agreement(first, found))


MAPS = [_shown("first", CELLS, None), _shown("random", -CELLS, 7)]


def test_every_cell_is_a_row_that_says_what_it_is_about() -> None:
    frame = attribution_frame(MAPS, "test image 5", ("Bag", "Coat"))
    assert len(frame) == 2 * 4
    first = frame[frame["parameters"] == "as chosen"].pivot_table("value", "row", "column")
    np.testing.assert_array_equal(first.to_numpy(), CELLS)
    assert set(frame["parameters"]) == {"as chosen", "random, seed 7"}
    row = frame.iloc[0]
    assert (row["network"], row["seed"], row["image"]) == ("lenet", 3, "test image 5")
    assert (row["method"], row["class"], row["rather_than"]) == ("grad-cam", "Coat", "Bag")


def test_the_summary_has_the_strongest_place_and_what_both_maps_share() -> None:
    frame = summary_frame(MAPS)
    assert frame.loc[0, ["lowest", "highest", "row", "column"]].tolist() == [0, 5, 2, 0]
    assert frame["rank_correlation"].round(6).tolist() == [1, -1]


def test_arrays_come_back_as_they_were() -> None:
    arrays = np.load(BytesIO(attribution_npz(MAPS)))
    np.testing.assert_array_equal(arrays["image-first"], IMAGE)
    np.testing.assert_array_equal(arrays["grad-cam-first"], LARGE)
    np.testing.assert_array_equal(arrays["grad-cam-random-cells"], -CELLS)
