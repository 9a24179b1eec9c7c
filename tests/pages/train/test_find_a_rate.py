"""Train's view Find a rate: what it asks for, what it shows, what the form then has."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.store import JobState, open_store
from core.measure.requests import DeviceSpeedRequest, LearningRatesRequest
from core.specs import RunSpec
from core.training.estimate import Speed
from core.training.records import Progress
from pages.views.app import offers
from tests.core.measure.example_rates import FOUND, RUN, measured
from tests.pages.opening import as_read, labels, open_page


def open_view(**parameters: str) -> AppTest:
    return open_page("pages/train.py", train_view="Find a rate", **parameters)


def asked_for(run: RunSpec = RUN) -> LearningRatesRequest:
    return LearningRatesRequest(run, hardware=offers.hardware_of(run.device))


def said(app: AppTest) -> str:
    return as_read(" ".join(one.value for one in app.markdown))


def test_it_invites_before_anything_is_measured():
    app = open_view()
    assert not app.error and not app.warning
    [invitation] = [one.value for one in app.caption if "larger rate at each step" in one.value]
    assert "trains fresh networks for some ten seconds" in invitation
    assert "Find a rate" in labels(app)


def test_only_controls_that_change_it_are_there():
    controls = {control.key for control in open_view(train_epochs="7").number_input}
    assert {"train_batch", "train_rate", "train_seed"} <= controls
    assert "train_epochs" not in controls


def test_it_asks_for_the_run_that_the_form_shows():
    app = open_view(train_batch="64", train_seed="5", train_images="640")
    app.button(key="train_rates_start").click().run()
    [job] = open_store().measurements()
    run = job.request.run
    assert job.state is JobState.QUEUED and job.needs.device == "cpu"
    assert (run.recipe.batch_size, run.seed, run.train_images) == (64, 5, 640)


def test_the_suggested_rate_goes_into_the_form_and_what_was_found_stays():
    open_store().keep_result(asked_for(), FOUND.to_dict())
    app = open_view(train_rate="0.25")
    assert "The recipe's 0.25 lies a factor 2.5 above where the loss begins to rise" in said(app)
    [table] = [one.value for one in app.dataframe]
    assert table["begins to rise at"].tolist() == pytest.approx([0.316, 0.0316, 0.1], rel=0.01)
    use = app.button(key="train_rates_use")
    assert use.label == "Use 0.1"
    use.click().run()
    assert app.number_input(key="train_rate").value == 0.1
    assert "The recipe's 0.1 lies where the loss" in said(app)
    assert "Use 0.1" not in labels(app)
    app.segmented_control(key="train_view").set_value("Set up a run").run()
    assert app.number_input(key="train_rate").value == 0.1


def test_a_network_that_never_learns_gets_no_suggestion():
    open_store().keep_result(asked_for(), measured(lambda rate: 2.3).to_dict())
    app = open_view()
    assert "learns nothing at any rate" in said(app)
    assert not [label for label in labels(app) if label.startswith("Use ")]


def test_while_the_first_sweep_goes_on_nothing_is_said_of_it():
    begun = replace(FOUND, sweeps=(replace(FOUND.sweeps[0], losses=(2.3,) * 9, diverged=False),))
    store = open_store()
    store.enqueue_measurement(asked_for())
    job = store.claim()
    store.keep_partial_result(job, begun.to_dict(), Progress("measuring", 1, 1, 16, 1000))
    app = open_view()
    assert "Stop" in labels(app) and not app.dataframe and "learns" not in said(app)


def test_another_batch_is_another_measurement():
    open_store().keep_result(asked_for(), FOUND.to_dict())
    assert "The recipe's" not in said(open_view(train_batch="64"))
    other = replace(RUN, recipe=replace(RUN.recipe, batch_size=64))
    assert asked_for(other).key != asked_for().key


def test_what_cannot_be_trained_is_one_sentence():
    app = open_view(train_network="vgg19", train_size="320", train_ratio="1", train_batch="4096")
    assert "a batch of" in app.error[0].value and "Find a rate" not in labels(app)
    assert "10 classes" in open_view(train_classes="5").error[0].value


def test_a_long_measurement_says_how_long_it_takes(monkeypatch):
    monkeypatch.setattr("pages.views.train.learning_rates._TOLD_SECONDS", 0)
    speed = Speed((1e11, 1e11, 1e11), 1e10, 1e9, 1e-5, 1e-9)
    open_store().keep_result(DeviceSpeedRequest("cpu"), asdict(speed))
    assert "This takes about" in open_view().warning[0].value
