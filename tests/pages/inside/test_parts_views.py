"""What of a network can be missing, is dead, or is not looked at: the three views."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.cli.measurements import measured_frame
from core.inside.activity_records import Activity, ChannelActivity, LayerActivity
from core.inside.parts_records import Missing, MissingParts
from core.jobs.store import JobState, open_store
from core.jobs.worker import work
from core.measure.inside_requests import ActivityRequest, EffectiveFieldRequest, MissingPartsRequest
from core.specs import ModelSpec
from core.zoo.catalogue import complete
from tests.pages.opening import as_read

NET = complete(ModelSpec("course-residual", image_size=28))
FIELDS = dict(
    model=NET,
    dataset="fashion-mini",
    run=None,
    parameters_sha256="",
    initialization="default",
    seed=0,
    mean=None,
    std=None,
)
BLOCKS = MissingPartsRequest(**FIELDS, level="blocks")
RESULT = MissingParts(
    *(1.0, "blocks", "", 2000, 2000, 10, 0.98, 0.1),
    (Missing("residual1", "shortcut", 0.91, 0.3), Missing("residual2", "shortcut", 0.95, 0.2)),
)


def show(view: str) -> AppTest:
    """The view of an untrained course net."""

    def script(view: str) -> None:
        import numpy as np

        from core.data.catalogue import find_dataset
        from core.inside.weights import Weights
        from core.specs import ModelSpec
        from core.zoo.catalogue import complete
        from pages.views.app.with_torch import analysis_of
        from pages.views.inside.chosen import Chosen, Subject
        from pages.views.inside.dead import dead_channels_view
        from pages.views.inside.missing import missing_view
        from pages.views.inside.window_counts import window_counts_view

        spec = complete(ModelSpec("course-residual", image_size=28))
        subject = Subject(Weights(spec), analysis_of(spec), None, "initial", lambda: "a net")
        data = find_dataset("fashion-mini")
        chosen = Chosen(subject, data, np.zeros((28, 28), np.uint8), "test image 0", 0, 9)
        if view == "missing":
            missing_view(chosen, subject)
        elif view == "dead":
            dead_channels_view(chosen)
        else:
            window_counts_view(chosen)

    app = AppTest.from_function(script, default_timeout=60, args=(view,)).run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    return as_read(" ".join(one.value for one in [*app.markdown, *app.caption, *app.info]))


def test_what_a_part_is_missed_for_is_told_of_both_networks():
    app = show("missing")
    assert [one.label for one in app.button] == ["Leave out each block"] * 2
    open_store().keep_result(BLOCKS, RESULT.to_dict(), replace=True)
    app = show("missing")
    assert text(app).count("Without any one of its 2 blocks") == 2
    assert "91.00" in text(app) and "Over all 2,000 test images" in text(app)
    assert "Accuracy without each part as CSV" in {one.label for one in app.get("download_button")}


def test_a_network_without_branches_says_so():
    app = show("missing")
    app.segmented_control(key="in_missing").set_value("branches").run()
    assert not app.exception and "no branch that this network could run without: choose" in text(
        app
    )
    app.segmented_control(key="in_missing").set_value("channels").run()
    assert not app.exception
    assert app.selectbox(key="in_missing_0_layer").value == "residual2.conv2"


def test_dead_channels_are_counted_and_named():
    live = ChannelActivity(0, 2.0, 0.0, 0.5, 1.0)
    dead = ChannelActivity(1, 0.0, 0.0, 0.0, 0.0)
    layer = LayerActivity("stem1.conv", "stem1.relu", True, (live, dead))
    found = Activity(1.0, 2000, 2000, (layer,))
    open_store().keep_result(ActivityRequest(**FIELDS), found.to_dict(), replace=True)
    said = text(show("dead"))
    assert "is dead, never positive over 2,000 test images: stem1.conv: 1." in said


def test_the_window_that_counts_is_computed_at_once():
    app = show("window")
    assert app.selectbox(key="in_field").value == "residual2.relu_2"
    said = text(app)
    assert "could see 40 × 40 px, more than the image (28 × 28 px)" in said
    labels = {one.label for one in app.get("download_button")}
    assert {"Every pixel as NPZ", "Picture as initialized as PNG"} <= labels


def test_the_measurements_run_as_jobs_with_what_they_were_asked():
    store = open_store()
    asked = (
        BLOCKS,
        ActivityRequest(**FIELDS),
        EffectiveFieldRequest(**FIELDS, layer="residual2.relu_2"),
    )
    jobs = [store.enqueue_measurement(one) for one in asked]
    work(store, drain=True)
    blocks, activity, field = (store.job(job.id) for job in jobs)
    assert blocks.state is activity.state is field.state is JobState.FINISHED
    assert measured_frame(store, blocks)["part"].tolist() == ["", "residual1", "residual2"]
    assert len(measured_frame(store, activity)) == 144  # channels
    assert measured_frame(store, field)["state"].tolist() == ["as initialized"]
    result = MissingParts.from_dict(blocks.result)
    assert [one.name for one in result.missing] == ["residual1", "residual2"]
    assert len(Activity.from_dict(activity.result).layers) == 6
