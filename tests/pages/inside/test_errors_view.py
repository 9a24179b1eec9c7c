"""Where errors live: every test image as a point, the chosen one opened above."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
import streamlit as st

from core.jobs.store import JobState, open_store
from core.measure.inside_requests import EmbeddingRequest
from core.report import formats
from core.specs import ModelSpec
from core.training.records import Progress
from core.zoo.catalogue import complete
from pages.views.inside import errors
from tests.pages.opening import open_page

PAGE = "pages/inside.py"


def points_of(app) -> dict:
    """What the component was given."""
    [proto] = [one.proto for one in app.get("bidi_component") if '"xs"' in one.proto.json]
    data: dict = json.loads(proto.json)
    return data


def test_every_test_image_is_a_point_and_mistakes_are_told():
    app = open_page(PAGE, in_view="Errors")
    assert not app.error and not app.exception
    data = points_of(app)
    count = len(data["images"])
    assert count == 2_000 == len(data["xs"]) == len(data["texts"])
    wrong = sum(data["wrong"])
    assert 0 < wrong < count / 4 and f"of {wrong:,} mistakes" in data["title"]
    assert sum("taken for" in text for text in data["texts"]) == wrong
    assert len({(row["color"], row["marker"]) for row in data["classes"]}) == 10
    assert "Every image as CSV" in [button.label for button in app.get("download_button")]


def test_tsne_is_asked_for_once_and_then_shown():
    app = open_page(PAGE, in_view="Errors", in_errors_by="t-SNE")
    app.button(key="in_tsne_start").click().run()
    [job] = open_store().measurements(10)
    assert isinstance(job.request, EmbeddingRequest) and job.request.images == 2_000
    open_store().delete([job.id])
    places = [[float(i), -float(i)] for i in range(2_000)]
    open_store().keep_result(job.request, {"positions": places})
    data = points_of(open_page(PAGE, in_view="Errors", in_errors_by="t-SNE"))
    assert data["ys"][:3] == [0.0, -1.0, -2.0]


def test_the_time_left_is_told_once_a_share_is_done():
    model = complete(ModelSpec("lenet", image_size=28))
    request = EmbeddingRequest(model, "fashion-mini", None, "", "default", 0, None, None, 2_000)
    waiting = open_store().enqueue_measurement(request)
    assert "Waiting for its turn" in errors._how_far(waiting)
    started = time.time() - 15
    begun = replace(waiting, state=JobState.RUNNING, started_at=1.0, attempt_started_at=started)
    begun = replace(begun, spent_seconds=70.0)  # of an attempt that was lost
    assert "Starting" in errors._how_far(begun)
    quarter = replace(begun, progress=Progress("training", 1, 1, 1, 4))
    assert errors._how_far(quarter) == f"25% measured · about {formats.duration(45)} left"


@pytest.mark.parametrize(("told", "opened"), [(17, 17), (-1, None), (999, None), ("17", None)])
def test_only_an_image_of_the_set_is_opened(monkeypatch, told, opened):
    seen = []
    monkeypatch.setattr(errors, "open_image", seen.append)
    monkeypatch.setitem(st.session_state, "in_errors_points", {"open": told})
    errors._open(100)
    assert seen == ([] if opened is None else [opened])
