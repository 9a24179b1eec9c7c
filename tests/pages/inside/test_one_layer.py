"""A layer opened: the number that the address asks for, explained."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.records import IMAGE
from core.inside.number_records import Unit
from pages.views.inside.one_layer import UNIT_KEY, _unit


def _page(arch: str, path: str) -> None:
    """A page that is nothing but the opened layer; streamlit runs it alone."""
    import numpy as np

    from core.analysis import analyze
    from core.data.catalogue import find_dataset
    from core.inside.weights import Weights
    from core.specs import ModelSpec
    from core.zoo.catalogue import complete
    from pages.views.inside.chosen import Chosen, Subject
    from pages.views.inside.one_layer import one_layer_view

    spec = complete(ModelSpec(arch, image_size=28))
    subject = Subject(Weights(spec, seed=1), analyze(spec), None, "initial", lambda: arch)
    pixels = np.random.default_rng(2).integers(0, 256, (28, 28), dtype=np.uint8)
    data = find_dataset("fashion-mini")
    one_layer_view(Chosen(subject, data, pixels, "test image 0", 0, None), path)


def opened(arch: str, path: str, unit: str = "") -> dict[str, Any]:
    """What the browser is given to draw."""
    app = AppTest.from_function(_page, args=(arch, path), default_timeout=60)
    if unit:
        app.query_params[UNIT_KEY] = unit
    app.run()
    assert not app.exception and not app.error
    given = [json.loads(one.proto.json) for one in app.get("bidi_component") if one.proto.json]
    [number] = [one for one in given if one["kind"] == "number"]
    return number | {"tiles": next((one for one in given if one["kind"] == "tiles"), None)}


def test_the_number_of_the_address_is_explained() -> None:
    shown = opened("course-residual", "residual1.conv2", "3.0.11")
    assert shown["unit"] == "3.0.11"
    assert "144 products" in shown["number"]["sentence"]
    assert shown["map"]["mark"] == [0, 11]
    [source] = shown["sources"]
    assert source["path"] == "residual1.relu"
    assert source["box"] == [0, 10, 2, 12]  # 3 × 3 at the corner of a map of 12 × 12
    assert len(shown["number"]["grids"]) == 8 and shown["number"]["rest"]["count"] == 8
    assert shown["tiles"]["chosen"] == 3 and len(shown["tiles"]["channels"]) == 16


@pytest.mark.parametrize(
    "unit", ["", "16.0.0", "3.0.12", "a.b.c", "3.0", "-1.0.0", "²..", "9" * 99]
)
def test_without_such_a_place_the_most_active_one_is_shown(unit: str) -> None:
    shown = opened("course-residual", "residual1.relu_2", unit)
    channel, row, column = map(int, shown["unit"].split("."))
    assert shown["tiles"]["channels"][0] == channel
    assert 0 <= row < 12 and 0 <= column < 12


def test_a_sum_shows_the_maps_of_both_branches() -> None:
    shown = opened("course-residual", "residual1.add", "2.5.6")
    assert [one["path"] for one in shown["sources"]] == ["stem1.pool", "residual1.conv2"]
    assert [one["mark"] for one in shown["sources"]] == [[5, 6], [5, 6]]
    terms = shown["number"]["terms"]
    assert [term["unit"] for term in terms] == ["stem1.pool|2.5.6", "residual1.conv2|2.5.6"]


def test_a_winner_of_a_pooling_is_outlined_in_the_map_before() -> None:
    shown = opened("course-residual", "stem1.pool", "1.4.7")
    [grid], [source] = shown["number"]["grids"], shown["sources"]
    row, column = divmod(grid["winner"], 2)
    assert source["box"] == [8, 14, 10, 16]
    assert source["mark"] == [8 + row, 14 + column]
    assert grid["units"][grid["winner"]] == f"stem1.relu|1.{8 + row}.{14 + column}"


def test_a_linear_layer_reads_a_vector_in_rows() -> None:
    shown = opened("course-residual", "dense.linear", "3.0.0")
    assert shown["map"]["isVector"] and shown["shape"] == [10, 1, 1]
    assert shown["tiles"] is None
    [source] = shown["sources"]
    assert source["path"] == "dense.flatten" and source["isVector"]
    assert shown["image"]["box"] == [0, 0, 28, 28]
    assert shown["number"]["rest"]["count"] == 512 - 8


def test_the_first_convolution_reads_the_image_where_its_window_lies() -> None:
    shown = opened("course-residual", "stem1.conv", "0.20.3")
    [source] = shown["sources"]
    assert source["path"] == IMAGE
    assert source["box"] == shown["image"]["box"] == [20, 3, 25, 8]


def test_a_place_is_three_numbers_within_the_map() -> None:
    assert _unit("2.3.4", "conv", (3, 4, 5)) == Unit("conv", 2, 3, 4)
    assert _unit("2.3.5", "conv", (3, 4, 5)) is None
