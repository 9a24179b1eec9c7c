"""Inside's views of a training: replayed epoch by epoch, and what it did to the filters."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from core.jobs.execution import execute
from core.jobs.store import JobState, Run, open_store
from core.specs import ModelSpec, RunSpec
from core.zoo.catalogue import complete
from tests.pages.opening import SHORT
from tests.run_files import folder_of

pytestmark = pytest.mark.slow
SPEC = RunSpec(
    complete(ModelSpec("course-residual", image_size=28)),
    "fashion-mini",
    replace(SHORT, epochs=2),
    train_images=128,
)


def page(view: str, run_id: int | None) -> None:
    """A page with one view alone."""
    from tests.pages.inside.one_view import draw

    draw(view, run_id)


def trained() -> Run:
    store = open_store()
    store.enqueue(SPEC)
    run = store.claim()
    assert execute(store, run) is JobState.FINISHED
    return store.get(run.id)


def shown(view: str, run_id: int | None, **address: str):
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(page, default_timeout=60, args=(view, run_id))
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def replayed(app) -> dict:
    """What the browser gets."""
    [component] = [one for one in app.get("bidi_component") if '"accuracy"' in str(one.proto.json)]
    return json.loads(component.proto.json)


def texts(app) -> str:
    """What the page says, without the links of words that are explained."""
    said = (one.value for kind in ("info", "markdown", "caption") for one in app.get(kind))
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(said))


def test_a_run_is_replayed_with_curve_predictions_and_maps_of_each_epoch():
    run = trained()
    app = shown("replay", run.id)
    assert not app.exception and not app.error
    data = replayed(app)
    assert data["epochs"] == [0, 1, 2] and data["epoch"] == 2
    rows = open_store().epochs([run.id])[run.id]
    assert [one["test"] for one in data["accuracy"]] == [row.test_accuracy for row in rows]
    assert len(data["images"]) == 8 and [len(said) for said in data["said"]] == [8, 8, 8]
    assert [one["path"] for one in data["maps"]] == ["stem1.conv", "stem1"]
    assert "8 fixed test images" in texts(app) and "after epoch 2" in texts(app)


def test_the_address_says_which_epoch_and_which_block():
    run = trained()
    app = shown("replay", run.id, in_epoch="1", in_block="residual2")
    data = replayed(app)
    assert data["epoch"] == 1 and data["maps"][1]["path"] == "residual2"
    assert not app.warning
    assert shown("replay", run.id, in_epoch="7").warning  # which this run does not have


def test_what_has_no_trail_says_so_and_what_would_help():
    assert "Only a run of yours can be replayed" in texts(shown("replay", None))
    run = trained()
    for path in folder_of(run).glob("trail-*"):
        path.unlink()
    assert "start it again" in texts(shown("replay", run.id))


def test_filters_are_shown_with_the_finding_and_what_they_want():
    app = shown("filters", trained().id, in_wants="true")
    assert not app.exception and not app.error
    assert "filters of stem1.conv, filter" in texts(app)
    assert "in which filter" in texts(app)
    assert any("weights" in str(one.proto) for one in app.get("bidi_component"))
    assert not shown("filters", trained().id, in_conv="residual2.conv2").exception


def test_filters_of_a_network_as_it_begins_have_not_moved():
    app = shown("filters", None)
    assert not app.exception
    assert "are as initialized" in texts(app)
