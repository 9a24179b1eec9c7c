"""Two networks, one image: rows of both on one scale, a choice that moves both, their likeness."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.analysis import analyze
from core.inside.aligned import aligned
from core.inside.maps import layer_maps
from core.inside.number import explain
from core.inside.shipped import SHIPPED
from core.inside.similarity import similarity
from core.inside.similarity_records import main_pairs
from core.inside.weights import Weights
from core.jobs.execution import execute
from core.jobs.store import JobState, open_store
from core.report.maps import range_of
from core.specs import ModelSpec, RunSpec
from core.zoo.catalogue import complete
from pages.views.app.test_images import test_images as images_of
from tests.pages.inside.one_view import DROPOUT_NET
from tests.pages.opening import SHORT, open_page, shown

OWN = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3)
        self.last = nn.Linear(4 * 26 * 26, 10)

    def forward(self, x):
        return self.last(self.first(x).relu().flatten(1))
"""
PAGE, VIEW = "pages/inside.py", {"in_view": "Two networks"}
FIRST, SECOND = SHIPPED["residual"].weights, SHIPPED["scaling"].weights


def opened(**parameters: str) -> AppTest:
    """The view of the lab's residual net, or as the address says."""
    app = open_page(PAGE, **VIEW, **{"in_network": "lab/residual"} | parameters)
    assert not app.error
    return app


def given(app: AppTest) -> list[dict[str, Any]]:
    """What the browser is given to draw."""
    return [json.loads(one.proto.json) for one in app.get("bidi_component") if one.proto.json]


def rows(app: AppTest) -> list[dict[str, Any]]:
    return next(one["rows"] for one in given(app) if "rows" in one)


def numbers(app: AppTest) -> list[dict[str, Any]]:
    return [one for one in given(app) if one.get("kind") == "number"]


def trained(arch: str = "course-residual", size: int = 28) -> int:
    """A run of 64 images and one epoch."""
    store = open_store()
    model = complete(ModelSpec(arch, image_size=size))
    run_id = store.enqueue(RunSpec(model, "fashion-mini", SHORT, train_images=64))
    assert execute(store, store.claim()) is JobState.FINISHED
    return run_id


def test_a_row_for_each_pair_with_one_scale_for_both():
    app = opened(in_other="lab/scaling")
    pairs = main_pairs(aligned(analyze(FIRST.spec), analyze(SECOND.spec)))
    assert [one["name"] for one in rows(app)] == [(p.first or p.second).path for p in pairs]
    pixels = images_of("fashion-mini")[0][0]
    row = next(one for one in rows(app) if one["path"] == "residual1.conv2")
    maps = [layer_maps(one, pixels, ["residual1.conv2"], 1)[0] for one in (FIRST, SECOND)]
    low, high = range_of(np.array([end for one in maps for end in (one.low, one.high)]))
    ends = [float(text.replace("−", "-")) for text in row["range"].split(" … ")]
    assert ends == pytest.approx([low, high], rel=0.01)


def test_layers_of_one_network_only_have_an_empty_other_side():
    app = opened(in_other="lab/scaling", in_every="true")
    alone = [one for one in rows(app) if None in (one["first"], one["second"])]
    assert alone and all(one["path"] is None for one in alone)  # the multiplications by 0.5
    assert all(one["first"] is None and one["cka"] == "–" for one in alone)


def test_the_same_number_is_explained_in_both():
    app = opened(in_other="lab/scaling", in_layer="residual1.conv2", in_unit="3.4.5")
    first, second = numbers(app)
    assert first["unit"] == second["unit"] == "3.4.5"
    assert first["map"]["limits"] == second["map"]["limits"]
    pixels = images_of("fashion-mini")[0][0]
    for drawn, weights in ((first, FIRST), (second, SECOND)):
        value = explain(weights, pixels, "residual1.conv2", 3, 4, 5).value
        shown_value = float(drawn["number"]["sentence"].split(" = ")[0].replace("−", "-"))
        assert shown_value == pytest.approx(value, abs=1e-4 * max(1, abs(value)))


def test_how_alike_is_told_with_its_finding():
    app = opened(in_other="lab/scaling")
    text = shown(app)
    assert "for the same class" in text and "first 400 test images" in text
    least = min((one for one in rows(app) if one["cka"] != "–"), key=lambda one: one["cka"])
    assert f"{least['path']}: CKA {least['cka']}" in text
    assert "Similarity by layer as CSV" in {one.label for one in app.get("download_button")}


def test_without_a_second_network_one_is_offered():
    app = opened()
    app.button(key="in_offer_other").click().run()
    assert not app.exception and not app.error
    assert app.selectbox(key="in_other").value == "lab/scaling"
    assert rows(app)


def test_the_newest_other_run_on_the_same_data_is_offered_to_a_run():
    first = trained()
    app = opened(in_network=f"run/{first}")
    assert "With the lab" in app.button(key="in_offer_other").label  # there is no other run yet
    second = trained("lenet")
    app = opened(in_network=f"run/{first}")
    app.button(key="in_offer_other").click().run()
    assert app.selectbox(key="in_other").value == f"run/{second}"
    assert not app.error


def test_a_run_beside_what_it_began_as_is_alike_only_in_its_shape():
    run = f"run/{trained()}"
    app = opened(in_network=run, in_which="initial", in_other=run)
    assert all(one["first"] and one["second"] for one in rows(app))
    assert len(numbers(app)) == 2
    same = opened(in_network=run, in_other=run)
    assert "alike at every layer: CKA 1.00" in shown(same)
    assert "They take 100.00" in shown(same)


def test_two_architectures_say_where_the_second_is_smaller_or_has_no_such_layer():
    run = f"run/{trained('lenet')}"
    pairs = aligned(analyze(FIRST.spec), analyze(open_store().get(1).spec.model))
    pair = next(
        pair
        for pair in pairs
        if pair.first
        and pair.second
        and pair.first.kind == "convolution"
        and pair.second.output_shape[1] < pair.first.output_shape[1]
    )
    last = pair.first.output_shape[1] - 1
    app = opened(in_other=run, in_layer=pair.first.path, in_unit=f"{last}.0.0")
    assert len(numbers(app)) == 1
    assert f"it has no channel {last}, row 0, column 0" in " ".join(one.value for one in app.info)
    alone = next(pair.first.path for pair in pairs if pair.first and not pair.second)
    app = opened(in_other=run, in_layer=alone)
    assert f"has no layer that stands for {alone}" in " ".join(one.value for one in app.info)


def test_a_network_of_ones_own_stands_beside_one_of_the_labs(networks_file):
    networks_file(OWN)
    app = opened(in_network=f"run/{trained('nets.py:Net')}", in_other="lab/scaling")
    first = [one for one in rows(app) if one["first"] and one["second"]]
    assert [one["name"] for one in first] == ["first", "last"]
    assert "for the same class" in shown(app)


def test_a_layer_that_does_nothing_in_evaluation_does_not_end_the_comparison(networks_file):
    networks_file(DROPOUT_NET)
    weights = Weights(complete(ModelSpec("nets.py:Net", image_size=28)))
    paths = [layer.path for layer in analyze(weights.spec).layers if layer.inputs]
    found = similarity(weights, weights, "fashion-mini", tuple(zip(paths, paths, strict=True)), 50)
    alike = {layer.first: layer.cka for layer in found.layers}
    assert [path for path, cka in alike.items() if cka is None] == ["mul"]
    assert alike["conv"] == pytest.approx(1) and alike["head"] == pytest.approx(1)
