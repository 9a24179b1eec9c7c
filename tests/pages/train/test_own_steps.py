"""The steps of one run, timed on demand: what the form and the record of a run make of them."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.store import JobState, Worker, open_store
from core.language import Message
from core.measure.requests import DeviceSpeedRequest, RunsAtOnceRequest, StepCostRequest
from core.specs import ModelSpec, RunSpec
from core.training.estimate import Speed
from core.training.recipes import recipe
from core.training.records import Device, EpochMetrics, StepCost
from core.zoo.catalogue import complete
from pages.views.app import offers
from pages.views.forms.estimates import study_seconds
from pages.views.forms.run import run_keys
from tests.pages.opening import as_read, labels, open_page, shown

CARD = Device("cuda", "NVIDIA H100", 80 * 2**30)
WITH_CARD = Worker("card 1", "node-1", (CARD, Device("cpu", "a CPU", 2**30)), 16, 2**30)
RUN = RunSpec(
    complete(ModelSpec("course-residual", image_size=28, in_channels=1, num_classes=10)),
    "fashion-mini",
    recipe("fast", 5_000),
    5_000,
)
ON_CARD = replace(RUN, device="cuda")
COST = StepCost(1.0, "a CPU", 1.0, 0.0, 0.125, 0.0005, None, None)


@pytest.fixture
def with_card(monkeypatch) -> None:
    """A worker elsewhere has a card; this server starts none."""
    monkeypatch.setattr(offers, "starts_workers", lambda: False)
    open_store().declare(WITH_CARD)


def request_of(run: RunSpec) -> StepCostRequest:
    return StepCostRequest(run, hardware=offers.hardware_of(run.device))


def said(app: AppTest) -> str:
    return as_read(" ".join(one.value for one in (*app.markdown, *app.caption)))


def test_the_form_offers_it_in_small_letters():
    app = open_page("pages/train.py")
    button = app.button(key="train_steps_start")
    assert button.label == "Time this run's own steps" and button.proto.type == "tertiary"
    button.click().run()
    [job] = open_store().measurements()
    assert isinstance(job.request, StepCostRequest) and job.needs.device == "cpu"


def test_what_was_timed_takes_the_place_of_the_measured_speed():
    """1 s + 4 epochs of 157 steps of 1/8 s and 2,000 test images of 1/2 ms."""
    speed = Speed((1e6, 1e6, 1e6), 1e6, 1e6, 1e-2, 1e-6)
    open_store().keep_result(DeviceSpeedRequest("cpu"), asdict(speed), replace=True)
    before = said(open_page("pages/train.py", train_epochs="4", train_batch="32"))
    asked = replace(RUN, recipe=replace(RUN.recipe, epochs=4, batch_size=32))
    open_store().keep_result(request_of(asked), COST.to_dict())
    app = open_page("pages/train.py", train_epochs="4", train_batch="32")
    assert "About 1 min 24 s (1 min 7 s to 1 min 44 s) on cpu" in said(app).replace("*", "")
    assert "About 1 min 24 s" not in before.replace("*", "")
    assert "A step takes 125.0 ms, a test image 0.50 ms, the start 1.0 s" in said(app)


@pytest.mark.parametrize("changes", [{"seed": 7}, {"train_images": 640}])
def test_seed_and_images_change_no_step(changes):
    assert request_of(replace(RUN, **changes)).key == request_of(RUN).key


@pytest.mark.parametrize("changes", [{"batch_size": 16}, {"optimizer": "sgd"}, {"bfloat16": False}])
def test_what_changes_a_step_is_timed_anew(changes):
    other = replace(RUN, recipe=replace(RUN.recipe, **changes))
    assert request_of(other).key != request_of(RUN).key


def test_half_a_measurement_is_no_estimate():
    open_store().keep_result(request_of(RUN), replace(COST, share=0.5).to_dict())
    assert "About" not in said(open_page("pages/train.py"))


# On a card


def test_a_card_that_has_nothing_to_do_times_them_unasked(with_card):
    app = open_page("pages/train.py")
    [job] = open_store().measurements()
    assert job.request.run.device == "cuda" and job.needs.device == "cuda"
    app.number_input(key="train_batch").set_value(64).run()
    assert open_store().measurements() == [job]  # now it has


def test_a_card_with_a_run_ahead_does_not(with_card):
    open_store().enqueue(ON_CARD)
    open_page("pages/train.py")
    assert open_store().measurements() == []


def test_on_a_cpu_nobody_times_them_unasked():
    open_page("pages/train.py")
    assert open_store().measurements() == []


def test_equal_bits_can_be_asked_for_on_a_card_alone(with_card):
    app = open_page("pages/train.py")
    app.checkbox(key="train_deterministic").check().run()
    app.button(key="train_start").click().run()
    assert open_store().runs()[0].spec.deterministic
    app = open_page("pages/train.py", train_device="cpu", train_deterministic="true")
    assert not app.checkbox
    app.button(key="train_start").click().run()
    assert not open_store().runs()[0].spec.deterministic


def finished_on_card(machine: str, spec: RunSpec = ON_CARD) -> int:
    """A run whose steps were captured."""
    store = open_store()
    run_id = store.enqueue(spec)
    run = store.claim()
    row = EpochMetrics(1, 0.5, 0.8, 0.6, 0.8, 1.0, 0.1, 5000.0, 0.01, captured_seconds=0.95)
    store.record(run, row)
    store.describe(run, machine, "a card", None)
    store.finish(run, JobState.FINISHED)
    return run_id


def test_the_record_says_what_a_profile_has_told(with_card):
    run_id = finished_on_card("node-1: NVIDIA H100, TF32")
    app = open_page("pages/train.py", run=str(run_id))
    assert "Bound by the network" in said(app) and "Launch-bound" not in said(app)
    assert "Find what its steps wait for" in labels(app)
    open_store().keep_result(
        request_of(ON_CARD), replace(COST, machine="a card", kernel_share=0.14).to_dict()
    )
    app = open_page("pages/train.py", run=str(run_id))
    assert "Launch-bound: the device computes 14 % of a step's time" in said(app)
    assert "TF32" in said(app)


def test_the_record_says_whether_its_bits_would_come_again(with_card):
    plain = open_page("pages/train.py", run=str(finished_on_card("node-1: NVIDIA H100, TF32")))
    assert "equal within rounding if trained again" in said(plain)
    fixed = "node-1: NVIDIA H100, TF32, deterministic kernels"
    run_id = finished_on_card(fixed, replace(ON_CARD, deterministic=True))
    again = open_page("pages/train.py", run=str(run_id))
    assert "deterministic kernels" in said(again) and "within rounding" not in said(again)


def test_an_error_of_the_measurement_is_one_sentence():
    app = open_page("pages/train.py")
    app.button(key="train_steps_start").click().run()
    store = open_store()
    store.finish(store.claim(), JobState.FAILED, Message("The loss is no number."))
    assert "The loss is no number." in as_read(shown(open_page("pages/train.py")))


def test_a_study_on_a_card_takes_as_much_less_as_runs_have_gained_side_by_side(with_card):
    runs = [replace(ON_CARD, seed=seed) for seed in range(6)]
    open_store().keep_result(request_of(ON_CARD), replace(COST, machine="a card").to_dict())
    one_by_one = study_seconds(runs)
    assert one_by_one == pytest.approx(6 * COST.seconds(ON_CARD.recipe.epochs, 157, 5_000, 2_000))
    found = RunsAtOnceRequest(ON_CARD, hardware=CARD.hardware)
    open_store().keep_result(found, {"runs": 4, "gain": 2.5})
    assert study_seconds(runs) == pytest.approx(one_by_one / 2.5)


def test_a_link_to_a_run_asks_for_equal_bits_where_it_had_them(with_card):
    asked = run_keys(replace(ON_CARD, deterministic=True))
    app = open_page("pages/train.py", **{key: str(value) for key, value in asked.items()})
    assert app.checkbox(key="train_deterministic").value and not app.warning
    assert "train_deterministic" not in run_keys(ON_CARD) | run_keys(RUN)
