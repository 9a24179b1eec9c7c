"""A measurement that waits: what comes first, and how the worker becomes free."""

from __future__ import annotations

from core.jobs.store import Measurement, open_store
from core.measure.requests import LayerTimesRequest
from core.specs import ModelSpec
from tests.pages.opening import open_page

LENET = ModelSpec("lenet", image_size=28)


def test_what_waits_names_what_is_measured_and_can_free_the_worker():
    store = open_store()
    store.enqueue_measurement(LayerTimesRequest(ModelSpec("alexnet", image_size=96), "cpu", 2))
    running = store.claim()
    assert isinstance(running, Measurement)
    app = open_page("pages/architecture.py", net_network="lenet", net_view="Time")
    next(button for button in app.button if button.key.endswith("_start")).click().run()
    said = [one.value for one in app.caption]
    assert f"First this is measured: time of every layer (job {running.id})." in said
    next(button for button in app.button if button.key.endswith("_free")).click().run()
    assert store.job(running.id).stop_requested
