"""Every page as a script: what it shows, what it queues, what it says to bad input."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest
import streamlit as st

from core.jobs.store import RunState, open_store
from core.jobs.worker import speed_name
from core.report import formats
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
    Recipe,
    RunSpec,
)
from core.training import fit
from core.training.estimate import Speed
from core.training.recipes import recipe
from core.zoo.catalogue import complete
from pages.views.forms.network import MIN_LEARNING_RATE, run_keys
from tests.pages.opening import (
    SHORT,
    finished_run,
    labels,
    metric,
    no_worker_and_fresh_caches,
    open_page,
)

# Others import these from here.
__all__ = ["finished_run", "labels", "metric", "no_worker_and_fresh_caches", "open_page"]

NUMBERS = ("ratio", "size", "channels", "classes", "images", "epochs", "batch", "rate", "seed")


@pytest.mark.parametrize(
    ("page", "parameter", "value"),
    [
        ("architecture", "net_view", "Layer"),
        ("architecture", "net_classes", "0"),
        ("compare", "cmp_view", "<b>Table</b>"),
        ("compare", "cmp_batch", "1e999"),
        ("calculators", "calc_tool", "x" * 1000),
        ("train", "train_network", "nonsense"),
        ("train", "train_epochs", "1001"),
        ("train", "train_batch", "99999"),
        ("train", "train_rate", "1e9"),
        ("train", "train_seed", "-5"),
        ("train", "train_device", "npu"),
    ],
)
def test_a_value_that_no_control_takes_is_told_in_one_sentence(page, parameter, value):
    [told] = open_page(f"pages/{page}.py", **{parameter: value}).warning
    assert f"{parameter}=" in told.value and len(told.value) < 200
    assert "<b>" not in told.value.replace("\\<", "")


def test_another_recipe_starts_with_its_own_settings():
    app = open_page("pages/train.py", train_epochs="7", train_batch="50")
    app.selectbox(key="train_recipe").set_value("published-course").run()
    assert app.number_input(key="train_epochs").value == 10
    assert app.number_input(key="train_batch").value == 64
    assert app.number_input(key="train_rate").value == 0.01
    assert not app.warning


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
    recipe("fast", 1, 1, 1, MIN_LEARNING_RATE),
    train_images=1,
)


def test_ratio_and_resize_are_sliders_unless_the_address_asks_for_more():
    app = open_page("pages/train.py", train_ratio="3", train_size="64")
    assert (app.slider(key="train_ratio").value, app.slider(key="train_size").value) == (3, 64)
    app = open_page("pages/train.py", train_ratio="3", train_size="97")
    assert app.slider(key="train_ratio").value == 3
    assert app.number_input(key="train_size").value == 97 and not app.warning


@pytest.mark.parametrize("spec", [WIDEST, NARROWEST], ids=["widest", "narrowest"])
def test_the_form_of_train_takes_every_run_that_a_spec_takes(spec):
    """`New run` opens it with the settings of any run, also of one of the command line."""
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
    assert replace(SHORT, learning_rate=MIN_LEARNING_RATE)
    with pytest.raises(LabError):
        replace(SHORT, learning_rate=MIN_LEARNING_RATE / 2)


def test_several_values_that_train_cannot_take_are_told_together():
    app = open_page("pages/train.py", train_batch="99999", train_rate="1e9", train_epochs="7")
    [told] = app.warning
    assert "train_batch=99999" in told.value and "train_rate=1e9" in told.value
    assert "train_epochs" not in told.value
    app.run()
    assert not app.warning


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
    app.button[0].click().run()
    [run] = open_store().runs()
    assert run.state is RunState.QUEUED
    assert run.spec.model == ModelSpec("lenet", image_size=28)
    assert (run.spec.dataset, run.spec.train_images, run.spec.seed) == ("fashion-mini", 640, 7)
    chosen = run.spec.recipe
    assert (chosen.name, chosen.epochs, chosen.batch_size) == ("published-vgg", 2, 64)
    assert (chosen.learning_rate, chosen.initialization) == (0.25, "xavier")
    assert app.query_params["run"] == str(run.id)


def test_train_names_memory_before_the_start():
    app = open_page("pages/train.py")
    assert "MiB** of memory" in app.info[0].value


def test_train_refuses_a_batch_that_cannot_fit_and_names_one_that_does():
    app = open_page(
        "pages/train.py",
        train_network="VGG: VGG-19",
        train_size="320",
        train_ratio="1",
        train_batch="4096",
    )
    assert "a batch of" in app.error[0].value
    assert app.button[0].disabled


def test_train_refuses_fewer_outputs_than_classes():
    app = open_page("pages/train.py", train_classes="5")
    assert "10 classes" in app.error[0].value


def test_the_record_of_a_run_marks_its_best_epoch_and_says_that_it_is_optimistic():
    run_id = finished_run()
    app = open_page("pages/train.py", run=str(run_id))
    best = next(one for one in app.metric if one.label == "Best test accuracy")
    assert (best.value, best.delta) == (formats.percent(0.8125), "epoch 1")
    assert "optimistic" in best.help
    assert metric(app, "Last test accuracy") == formats.percent(0.75)


@pytest.mark.parametrize("address", ["99", "-1", "1; DROP TABLE runs", "<b>", "9" * 400])
def test_an_address_that_names_no_run_gets_one_sentence(address):
    app = open_page("pages/train.py", run=address)
    assert len(app.error) == 1
    assert app.error[0].value.endswith(".")


def failed_run(message: str, chosen: Recipe = SHORT) -> int:
    """A run in the store that failed with this sentence."""
    store = open_store()
    run_id = store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", chosen))
    store.finish(store.claim(), RunState.FAILED, message)
    return run_id


def test_a_run_that_diverged_offers_a_lower_rate_instead_of_going_on(monkeypatch):
    means = fit.EpochSums.means
    monkeypatch.setattr(fit.EpochSums, "means", lambda sums: (math.nan, means(sums)[1]))
    short = replace(SHORT, epochs=1, learning_rate=0.07)
    spec = RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", short, train_images=64)
    with pytest.raises(LabError) as caught:
        list(fit.fit(spec))
    app = open_page("pages/train.py", run=str(failed_run(str(caught.value), short)))
    assert "Continue" not in labels(app)
    app.button(key="train_lower").click().run()
    assert not app.exception and not app.warning
    assert app.number_input(key="train_rate").value == 0.007
    assert app.number_input(key="train_epochs").value == 1


def test_a_failed_run_says_why_and_can_be_continued():
    app = open_page("pages/train.py", run=str(failed_run("The disk is full; free some space.")))
    assert app.error[0].value == "The disk is full; free some space."
    assert "Continue" in labels(app) and "New run with a lower rate" not in labels(app)


@pytest.mark.parametrize(("epochs", "longer"), [(60, 120), (600, MAX_EPOCHS), (MAX_EPOCHS, None)])
def test_a_longer_run_is_set_up_with_the_epochs_that_its_button_names(epochs, longer):
    run_id = finished_run(recipe=replace(SHORT, epochs=epochs, schedule="one-cycle"))
    app = open_page("pages/train.py", run=str(run_id))
    named = [label for label in labels(app) if label.startswith("New run of")]
    assert named == ([f"New run of {longer} epochs"] if longer else [])
    if longer:
        app.button(key="train_longer").click().run()
        assert app.number_input(key="train_epochs").value == longer
        assert not app.warning


def test_the_time_appears_by_itself_once_the_machine_was_measured(monkeypatch, clocks):
    for module in ("app.services", "forms.estimates"):
        monkeypatch.setattr(f"pages.views.{module}.starts_workers", lambda: True)
        monkeypatch.setattr(f"pages.views.{module}.start_worker", lambda: None)
    app = open_page("pages/train.py")
    assert "is being measured on this machine." in app.info[0].value
    assert clocks == [1.0]
    speed = Speed((1e11, 1e11, 1e11), 1e10, 1e9, 1e-5, 1e-9)
    open_store().keep_measured(speed_name("cpu"), asdict(speed))
    clocks.clear()
    app.run()
    assert app.info[0].value.startswith("About **") and clocks == []


def test_a_long_run_on_few_images_can_be_started():
    """The smallest share of them that could be offered instead is no image at all."""
    speed = Speed((1e6, 1e6, 1e6), 1e6, 1e6, 1e-2, 1e-6)
    open_store().keep_measured(speed_name("cpu"), asdict(speed))
    app = open_page("pages/train.py", train_epochs="1000")
    assert not app.error
    assert "over ten minutes" in app.warning[0].value
    assert "Start training" in labels(app)


def test_where_nobody_measures_the_time_is_said_to_be_unknown(clocks):
    app = open_page("pages/train.py")
    assert app.info[0].value.endswith("How long it takes is not known yet.")
    assert clocks == []


def test_a_gray_network_is_told_of_color_before_it_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path))
    app = open_page("pages/train.py", train_dataset="CIFAR-10")
    assert app.error[0].value.startswith("The network takes 1 channel and the images have 3")
    app.number_input(key="train_channels").set_value(3).run()
    assert not app.error and not app.exception


def test_residual_queues_every_variant_with_every_seed_as_one_study():
    app = open_page(
        "pages/residual.py",
        res_variants="plain residual,conv shortcut, as published",
        res_seeds="2",
    )
    app.multiselect(key="res_variants").set_value(["identity", "conv-published"])
    app.run()
    app.sidebar.button[0].click().run()
    runs = open_store().runs()
    assert len(runs) == 4
    assert len({run.study for run in runs}) == 1
    assert {(run.spec.seed, run.spec.model.option("shortcut")) for run in runs} == {
        (seed, shortcut) for seed in (0, 1) for shortcut in ("identity", "conv")
    }
    assert not app.exception


def test_residual_shows_the_published_curves_before_anything_is_trained():
    app = open_page("pages/residual.py")
    assert "cannot be ranked" in " ".join(one.value for one in app.caption)


def test_residual_gives_mean_and_spread_of_each_variants_seeds():
    for seed in (0, 1):
        finished_run(seed, study="residual-test")
    table = open_page("pages/residual.py", study="residual-test").dataframe[0].value
    assert table["finished seeds"].tolist() == ["2 of 2"]
    assert table["final"].tolist() == [formats.joined("75.00 ± 0.00", "%")]


def test_residual_with_an_unknown_study_says_what_to_do():
    app = open_page("pages/residual.py", study="nothing")
    assert "open this page without ?study=" in app.error[0].value


def test_runs_invites_when_there_are_none():
    assert "No runs yet" in open_page("pages/runs.py").info[0].value


def test_runs_filters_by_state_and_network():
    finished_run()
    finished_run(model=ModelSpec("lenet", image_size=28))
    app = open_page("pages/runs.py")
    assert len(app.dataframe[0].value) == 2
    app.multiselect(key="runs_network").set_value(["lenet"]).run()
    assert app.dataframe[0].value["network"].tolist() == ["lenet, 28 px"]


def test_runs_is_drawn_again_while_a_run_is_not_over_and_keeps_ticks_and_filters(clocks):
    store = open_store()
    finished_run()
    spec = RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT)
    run_id = store.enqueue(spec)
    app = open_page("pages/runs.py")
    assert clocks == [2.0]
    wanted = ["queued", "running", "stopped"]
    app.multiselect(key="runs_state").set_value(wanted).run()
    app.session_state["runs_ticked"] = [run_id]
    other = store.enqueue(replace(spec, model=ModelSpec("alexnet", image_size=96)))  # elsewhere
    run = store.claim()
    app.run()
    assert app.dataframe[0].value["state"].tolist() == ["○ queued", "▶ running"]
    assert app.session_state["runs_ticked"] == [run_id]
    assert app.multiselect(key="runs_state").value == wanted
    disabled = {button.label: button.disabled for button in app.button}
    assert disabled == {"Stop": False, "Continue": True, "Delete…": False}
    store.request_stop([other])
    store.finish(run, RunState.STOPPED)
    clocks.clear()
    app.run()
    assert clocks == [None]
    assert app.session_state["runs_ticked"] == [run_id]
    [resume] = [button for button in app.button if button.label == "Continue"]
    clocks.clear()
    resume.click().run()
    assert store.get(run_id).state is RunState.QUEUED and clocks[-1] == 2.0


def test_the_clock_of_runs_stops_when_the_last_run_ends_between_two_looks(clocks, monkeypatch):
    """The fragment then finds that everything is over, and draws the whole page once more."""
    store = open_store()
    store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    run, fragment = store.claim(), st.fragment

    def ending(function=None, *, run_every=None):
        if store.get(run.id).state is RunState.RUNNING:
            store.finish(run, RunState.FINISHED)
        return fragment(function, run_every=run_every)

    monkeypatch.setattr(st, "fragment", ending)
    app = open_page("pages/runs.py")
    assert clocks == [2.0, None]
    assert app.dataframe[0].value["state"].tolist() == ["✓ finished"]


def test_a_store_that_cannot_be_opened_gets_one_sentence(monkeypatch):
    monkeypatch.setenv("LAB_RUNS_DIR", "/proc/nowhere")
    app = open_page("pages/runs.py")
    assert "LAB_RUNS_DIR" in app.error[0].value


def test_fewer_training_images_get_a_batch_that_fits_them():
    app = open_page("pages/train.py")
    app.number_input(key="train_images").set_value(500).run()
    assert app.number_input(key="train_batch").value == 16


def test_a_study_that_was_deleted_meanwhile_says_so_in_one_sentence():
    app = open_page("pages/residual.py", study="gone")
    assert len(app.error) == 1
