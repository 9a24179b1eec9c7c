"""The form of a run: what it shows, what it queues, what it says to bad input."""

from __future__ import annotations

import platform
from dataclasses import asdict, replace

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.store import JobState, Worker, open_store
from core.measure.requests import DeviceSpeedRequest
from core.specs import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_IMAGE_SIZE,
    MAX_LEARNING_RATE,
    MAX_NUM_CLASSES,
    MAX_RATIO,
    MAX_SEED,
    LabError,
    ModelSpec,
    RunSpec,
)
from core.training.estimate import Speed
from core.training.recipes import recipe
from core.training.records import Device
from core.zoo.catalogue import complete
from pages.views.app import offers
from pages.views.forms.limits import RATE
from pages.views.forms.run import run_keys
from tests.pages.opening import SHORT, as_read, finished_run, labels, open_page, shown

NUMBERS = ("ratio", "size", "channels", "classes", "images", "epochs", "batch", "rate", "seed")
WIDEST = RunSpec(
    complete(ModelSpec("lenet", MAX_RATIO, MAX_IMAGE_SIZE, 3, MAX_NUM_CLASSES)),
    "fashion-mini",
    recipe("published-vgg", 5000, MAX_EPOCHS, MAX_BATCH_SIZE, MAX_LEARNING_RATE),
    train_images=5000,
    seed=MAX_SEED,
)


NARROWEST = RunSpec(
    complete(ModelSpec("lenet", 1, 1, 1, 1)),
    "fashion-mini",
    recipe("fast", 1, 1, 1, RATE[0]),
    train_images=1,
)


def cost_line(app: AppTest) -> str:
    """What the form says of time and memory."""
    [line] = [one.value for one in app.markdown if "MiB**" in one.value]
    return as_read(line)


def test_the_form_is_called_after_the_run_that_it_would_start():
    app = open_page("pages/train.py", train_network="vgg11", train_dataset="fashion-mnist")
    [title] = app.title
    assert as_read(title.value).startswith("Train VGG-11, ratio 4, 96 px on Fashion-MNIST")


def test_five_help_marks_are_enough():
    app = open_page("pages/train.py")
    in_run_row = [control for control in (*app.selectbox, *app.number_input) if control.help]
    marks = {control.key for control in in_run_row} & {
        f"train_{name}" for name in ("dataset", "images", "recipe", "epochs", "batch", "device")
    }
    assert marks == {"train_recipe", "train_epochs", "train_batch"}  # and those of ratio and resize


def test_the_fold_says_what_is_set():
    app = open_page("pages/train.py", train_rate="0.25", train_seed="7")
    folds = [block.proto.popover.label for block in app.get("popover")]
    assert "Muon, rate 0.25, seed 7" in folds


def test_such_runs_are_told_of_once_there_are_some():
    assert "such run" not in cost_line(open_page("pages/train.py"))
    model = complete(ModelSpec("course-residual", image_size=28))
    for seed, accuracy in enumerate((0.88, 0.9)):
        finished_run(seed, model, recipe=recipe("fast", 5000), accuracies=(0.5, accuracy))
    finished_run(2, model, accuracies=(0.5, 0.95))  # of another recipe
    said = cost_line(open_page("pages/train.py"))
    assert said.endswith("2 such runs reached 88.00 to 90.00 %.")


def test_throughput_has_no_control_that_only_a_whole_run_has():
    app = open_page("pages/train.py", train_view="Throughput", train_epochs="7")
    assert "train_epochs" not in {control.key for control in app.number_input}
    app.segmented_control(key="train_view").set_value("Set up a run").run()
    assert app.number_input(key="train_epochs").value == 7


def test_train_queues_exactly_the_run_that_the_form_shows():
    app = open_page(
        "pages/train.py",
        train_network="Classics: LeNet-5",
        train_images="640",
        train_epochs="2",
        train_batch="64",
        train_rate="0.25",
        train_seed="7",
        train_recipe="As published, VGG chapter",
    )
    app.button(key="train_start").click().run()
    [run] = open_store().runs()
    assert run.state is JobState.QUEUED
    assert run.spec.model == ModelSpec("lenet", image_size=28)
    assert (run.spec.dataset, run.spec.train_images, run.spec.seed) == ("fashion-mini", 640, 7)
    chosen = run.spec.recipe
    assert (chosen.name, chosen.epochs, chosen.batch_size) == ("published-vgg", 2, 64)
    assert (chosen.learning_rate, chosen.initialization) == (0.25, "xavier")
    assert app.query_params["run"] == str(run.id)


def test_another_recipe_starts_with_its_own_settings():
    app = open_page("pages/train.py", train_epochs="7", train_batch="50")
    app.selectbox(key="train_recipe").set_value("published-course").run()
    assert app.number_input(key="train_epochs").value == 10
    assert app.number_input(key="train_batch").value == 64
    assert app.number_input(key="train_rate").value == 0.01
    assert not app.warning


def test_ratio_and_resize_are_sliders_unless_the_address_asks_for_more():
    app = open_page("pages/train.py", train_ratio="3", train_size="64")
    assert (app.slider(key="train_ratio").value, app.slider(key="train_size").value) == (3, 64)
    app = open_page("pages/train.py", train_ratio="3", train_size="97")
    assert app.slider(key="train_ratio").value == 3
    assert app.number_input(key="train_size").value == 97 and not app.warning


@pytest.mark.parametrize("spec", [WIDEST, NARROWEST], ids=["widest", "narrowest"])
def test_the_form_of_train_takes_every_run_that_a_spec_takes(spec):
    """`Change and run again` opens it with the settings of any run, also of the command line."""
    app = open_page("pages/train.py", **{key: str(to) for key, to in run_keys(spec).items()})
    assert not app.warning
    controls = {one.key: one.value for one in (*app.number_input, *app.slider)}
    values = {key: controls[f"train_{key}"] for key in NUMBERS}
    chosen, model = spec.recipe, spec.model
    assert values == {
        "ratio": model.ratio,
        "size": model.image_size,
        "channels": model.in_channels,
        "classes": model.num_classes,
        "images": spec.train_images,
        "epochs": chosen.epochs,
        "batch": chosen.batch_size,
        "rate": chosen.learning_rate,
        "seed": spec.seed,
    }


def test_the_form_s_least_rate_is_the_least_that_a_recipe_takes():
    assert replace(SHORT, learning_rate=RATE[0])
    with pytest.raises(LabError):
        replace(SHORT, learning_rate=RATE[0] / 2)


def test_several_values_that_train_cannot_take_are_told_together():
    app = open_page("pages/train.py", train_batch="99999", train_rate="1e9", train_epochs="7")
    [told] = app.warning
    assert "train_batch=99999" in told.value and "train_rate=1e9" in told.value
    assert "train_epochs" not in told.value
    app.run()
    assert not app.warning


def test_fewer_training_images_get_a_batch_that_fits_them():
    app = open_page("pages/train.py")
    app.number_input(key="train_images").set_value(500).run()
    assert app.number_input(key="train_batch").value == 16


def test_train_names_memory_before_the_start():
    assert "MiB** of memory" in cost_line(open_page("pages/train.py"))


def test_train_refuses_a_batch_that_cannot_fit_and_names_one_that_does():
    app = open_page(
        "pages/train.py",
        train_network="VGG: VGG-19",
        train_size="320",
        train_ratio="1",
        train_batch="4096",
    )
    assert "a batch of" in app.error[0].value
    assert "Start training" not in labels(app)
    offer = next(label for label in labels(app) if label.startswith("Use a batch of"))
    app.button(key=f"train_offer_{offer}").click().run()  # as many as this machine has room for
    assert app.number_input(key="train_batch").value == int(offer.split()[-1]) and not app.error


def test_an_image_that_is_too_small_can_be_mended_by_a_button():
    app = open_page("pages/train.py", train_network="vgg11", train_size="8")
    assert "the smallest that works is 32" in app.error[0].value
    app.button(key="train_offer_Use 32 px").click().run()
    assert app.slider(key="train_size").value == 32
    assert not app.error and "Start training" in labels(app)


def test_train_refuses_fewer_outputs_than_classes():
    app = open_page("pages/train.py", train_classes="5")
    assert "10 classes" in app.error[0].value
    app.button(key="train_offer_Use 10 outputs").click().run()
    assert not app.error


def test_a_gray_network_is_told_of_color_before_it_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path))
    app = open_page("pages/train.py", train_dataset="CIFAR-10")
    assert app.error[0].value.startswith("The network takes 1 channel and the images have 3")
    app.button(key="train_offer_Use 3 channels").click().run()
    assert app.number_input(key="train_channels").value == 3
    assert not app.error and not app.exception


def test_the_time_appears_by_itself_once_the_machine_was_measured(monkeypatch, watching):
    monkeypatch.setattr("pages.views.forms.estimates.start_worker", lambda: None)
    app = open_page("pages/train.py")
    assert "is being measured on this machine." in cost_line(app)
    assert watching == ["speed-cpu"]
    speed = Speed((1e11, 1e11, 1e11), 1e10, 1e9, 1e-5, 1e-9)
    open_store().keep_result(DeviceSpeedRequest("cpu"), asdict(speed), replace=True)
    watching.clear()
    app.run()
    assert cost_line(app).startswith("About **") and " to " in cost_line(app)
    assert watching == []


def test_a_long_run_on_few_images_can_be_started():
    """The smallest share of them that could be offered instead is no image at all."""
    speed = Speed((1e6, 1e6, 1e6), 1e6, 1e6, 1e-2, 1e-6)
    open_store().keep_result(DeviceSpeedRequest("cpu"), asdict(speed), replace=True)
    app = open_page("pages/train.py", train_epochs="1000")
    assert not app.error
    assert "over ten minutes" in app.warning[0].value
    start = app.button(key="train_start")
    assert start.label.startswith("Start training, ") and start.proto.type == "secondary"


def test_where_nobody_measures_the_time_is_said_to_be_unknown(alone, watching):
    app = open_page("pages/train.py")
    assert cost_line(app).endswith("How long it takes is not known yet.")
    assert watching == []


# Who computes

CARD = Device("cuda", "NVIDIA H100", 80 * 2**30)
WITH_CARD = Worker("card 1", "node-1", (CARD, Device("cpu", "a CPU", 2**30)), 16, 2**30)


@pytest.fixture
def alone(monkeypatch) -> None:
    """This server starts no workers."""
    monkeypatch.setattr(offers, "starts_workers", lambda: False)


def test_where_nobody_computes_that_is_said_and_the_run_is_queued_all_the_same(alone):
    app = open_page("pages/train.py", train_device="cuda")
    [warning] = app.warning
    assert warning.value.startswith("Nobody is there to compute") and "core worker" in warning.value
    assert app.selectbox(key="train_device").options == ["cpu", "cuda", "mps"]
    app.button(key="train_start").click().run()
    [run] = open_store().runs()
    assert run.spec.device == "cuda" and run.needs_device == "cuda"
    assert "Nobody is there to compute" in as_read(shown(app))


def test_the_form_offers_what_the_workers_have(alone):
    open_store().declare(WITH_CARD)
    app = open_page("pages/train.py")
    assert app.selectbox(key="train_device").options == ["cuda", "cpu"]
    assert app.selectbox(key="train_device").value == "cuda" and not app.warning
    app.button(key="train_start").click().run()
    assert open_store().runs()[0].spec.device == "cuda"
    assert not app.warning  # somebody will take it


def test_devices_of_several_machines_are_told_apart(alone):
    open_store().declare(WITH_CARD)
    open_store().declare(Worker("plain 1", "node-2", (Device("cpu", "a CPU"),), 2, None))
    options = open_page("pages/train.py").selectbox(key="train_device").options
    assert options == ["cuda on node-1", "cpu on node-1, node-2"]


def test_beside_the_workers_of_others_this_machine_is_offered():
    open_store().declare(WITH_CARD)
    [card, cpu] = open_page("pages/train.py").selectbox(key="train_device").options
    assert card == "cuda on node-1" and cpu == f"cpu on {platform.node()}, node-1"


def test_memory_is_judged_by_what_the_workers_have(alone, monkeypatch):
    monkeypatch.setattr(offers, "free_bytes_here", lambda device: 2**40)  # of this server
    open_store().declare(WITH_CARD)
    large = run_keys(replace(WIDEST, model=complete(ModelSpec("vgg16", 1, 224)), device="cuda"))
    large = {name: str(value) for name, value in large.items()} | {"train_batch": "64"}
    assert not open_page("pages/train.py", **large).error
    [error] = open_page("pages/train.py", **large | {"train_device": "cpu"}).error
    assert "and no machine offers more than 1.0 GiB" in as_read(error.value)


def test_a_queued_run_says_what_it_waits_for(alone):
    store = open_store()
    store.declare(Worker("plain 1", "node-2", (Device("cpu", "a CPU"),), 2, None))
    run_id = store.enqueue(
        RunSpec(ModelSpec("lenet", image_size=28), "mnist", SHORT, device="cuda")
    )
    app = open_page("pages/train.py", run=str(run_id))
    assert [warning.value for warning in app.warning] == [
        "It waits for a worker with the device cuda; those that are there have cpu."
    ]
