"""Every page as a script: what it shows, what it queues, what it says to bad input."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analysis import analyze
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
from core.training.records import EpochMetrics
from core.zoo.catalogue import CATALOGUE, complete
from pages.views.app.messages import escaped
from pages.views.forms.limits import RATE
from pages.views.forms.network import model_keys
from pages.views.forms.run import run_keys

PROJECT = Path(__file__).parents[2]
NUMBERS = ("ratio", "size", "channels", "classes", "images", "epochs", "batch", "rate", "seed")
SHORT = Recipe("fast", epochs=2, batch_size=64, learning_rate=0.05)


@pytest.fixture(autouse=True)
def no_worker_and_fresh_caches(monkeypatch):
    """Pages under test start no process and remember nothing of the test before."""
    monkeypatch.setenv("LAB_START_WORKER", "0")
    st.cache_data.clear()
    st.cache_resource.clear()


def open_page(page: str = "dashboard.py", **parameters: str) -> AppTest:
    """The page as a visitor with this address first sees it, without an exception."""
    app = AppTest.from_file(PROJECT / "dashboard.py", default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    if page != "dashboard.py":
        app.switch_page(page)
    app.run()
    assert not app.exception
    return app


def metric(app: AppTest, label: str) -> str:
    """What the number called `label` shows."""
    return next(one.value for one in app.metric if one.label == label)


def labels(app: AppTest) -> list[str]:
    """What the page's buttons say."""
    return [button.label for button in app.button]


@pytest.fixture
def clocks(monkeypatch) -> list[float | None]:
    """How often each fragment that a page draws is drawn again, in seconds."""
    seen: list[float | None] = []
    fragment = st.fragment

    def noted(function=None, *, run_every=None):
        seen.append(run_every)
        return fragment(function, run_every=run_every)

    monkeypatch.setattr(st, "fragment", noted)
    return seen


def finished_run(
    seed: int = 0,
    model: ModelSpec | None = None,
    study: str | None = None,
    recipe: Recipe = SHORT,
) -> int:
    """A run in the store with two epochs, the first one the better."""
    store = open_store()
    spec = RunSpec(
        model or ModelSpec("course-residual", image_size=28), "fashion-mini", recipe, seed=seed
    )
    run_id = store.enqueue(spec, study)
    run = store.claim()
    for epoch, accuracy in ((1, 0.8125), (2, 0.75)):
        store.record(run, EpochMetrics(epoch, 0.5, 0.8, 0.6, accuracy, 1.0, 0.1, 5000.0, 0.01))
    store.finish(run, RunState.FINISHED)
    return run_id


def test_the_overview_says_what_the_lab_is_and_offers_three_ways_to_start():
    app = open_page()
    assert app.title[0].value == "CNN Architecture Lab"
    assert labels(app) == ["Open VGG-11", "Set up the run", "Compare the blocks"]
    assert "No runs yet" in app.info[0].value


def test_the_overview_lists_the_newest_runs_with_their_state():
    run_id = finished_run()
    table = open_page().dataframe[0].value
    assert table["run"].tolist() == [f"train?run={run_id}"]
    assert table["state"].tolist() == ["✓ finished"]
    assert table["best accuracy"].tolist() == [81.25]


@pytest.mark.parametrize("name", CATALOGUE)
def test_architecture_shows_the_totals_that_core_computes_for_every_network(name):
    row = CATALOGUE[name]
    app = open_page("pages/architecture.py", net_network=f"{row.family}: {row.title}")
    totals = analyze(row.default).totals
    assert metric(app, "Parameters") == formats.short(totals.params)
    assert metric(app, "MACs an image") == formats.short(totals.macs)
    assert metric(app, "Depth") == f"{totals.depth} layers"


def test_an_address_reopens_the_same_network_ratio_size_and_options():
    app = open_page(
        "pages/architecture.py",
        net_network="Residual: Course residual net",
        net_ratio="2",
        net_size="32",
        net_shortcut="conv shortcut",
        net_as_published="true",
    )
    spec = ModelSpec("course-residual", 2, 32, options={"shortcut": "conv", "as_published": True})
    analysis = analyze(spec)
    assert metric(app, "Parameters") == formats.short(analysis.totals.params)
    assert app.warning[0].value == analysis.warnings[0]


def test_a_broken_address_falls_back_to_the_defaults():
    app = open_page(
        "pages/architecture.py", net_network="<script>", net_ratio="-3", net_size="a", net_level="?"
    )
    assert metric(app, "Parameters") == formats.short(128_806_154)
    assert not app.error
    [told] = app.warning
    for asked in ("net_ratio=-3", "net_network=\\<script\\>", "net_size=a", "net_level=?"):
        assert asked in told.value
    app.run()
    assert not app.warning  # it is about the address, which now says what is shown


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_address_that_asks_for_defaults_is_not_found_fault_with(name):
    asked = model_keys("net_", complete(CATALOGUE[name].default)) | {"net_level": "by block"}
    app = open_page(
        "pages/architecture.py",
        **{key: str(value) for key, value in asked.items()},
        net_layout="N×C×H×W",
        net_flops="FALSE",
        net_unknown="1",
    )
    assert not app.warning


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b net_size=3", "a_b net_size=3"),
        ("__x__ *y*", "\\_\\_x\\_\\_ \\*y\\*"),
        ("[a](b) <b> $x$", "\\[a\\](b) \\<b\\> \\$x\\$"),
        (":red[hi] :smile: a: b 1:2", ":\u2060red\\[hi\\] :\u2060smile: a: b 1:\u20602"),
    ],
)
def test_a_reader_s_text_is_shown_as_it_is(text, expected):
    assert escaped(text) == expected


def test_more_networks_than_fit_are_told():
    held = "|".join(f"vgg11/{ratio}/32/1/10" for ratio in range(1, 15))
    app = open_page("pages/compare.py", networks=held)
    assert app.error[0].value.startswith("The address holds 14 networks; the first 12 are shown")
    assert len(app.dataframe[0].value) == 12


def test_how_much_of_the_image_one_unit_sees_stands_under_the_receptive_field():
    """Q3: 150 pixels are two thirds of 224 and more than 96."""
    for size, share in ((224, "67"), (96, "100")):
        app = open_page("pages/architecture.py", net_size=str(size))
        [field] = [one for one in app.metric if one.label == "Receptive field"]
        assert field.delta == f"{formats.joined(share, '%')} of the side"


def test_a_size_that_is_too_small_gets_one_sentence_with_the_smallest_that_works():
    app = open_page("pages/architecture.py", net_size="24")
    assert app.error[0].value.startswith("VGG-11 cannot take 24×24 pixels")
    assert "32×32" in app.error[0].value


def test_another_network_starts_with_its_own_settings():
    app = open_page("pages/architecture.py", net_ratio="4")
    app.selectbox(key="net_network").set_value("course-residual").run()
    assert app.slider(key="net_size").value == 28
    assert app.slider(key="net_ratio").value == 1
    assert not app.warning


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
    recipe("fast", 1, 1, 1, RATE[0]),
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


@pytest.mark.parametrize(("level", "rows"), [("by block", 8), ("by weight layer", 11)])
def test_where_the_eleven_layers_of_vgg11_are(level, rows):
    """Q1: 8 rows are printed, the other 3 weight layers are inside blocks 3 to 5."""
    app = open_page("pages/architecture.py", net_level=level)
    table = app.dataframe[0].value
    assert len(table) == rows
    assert table["parameters"].sum() == 128_806_154


def test_shapes_come_in_the_order_of_keras_on_a_switch():
    app = open_page("pages/architecture.py", net_layout="N×H×W×C")
    assert app.dataframe[0].value["output"].iloc[0] == "1×112×112×64"


def test_flops_are_twice_the_macs():
    table = open_page("pages/architecture.py", net_flops="true").dataframe[0].value
    assert table["FLOPs"].sum() == 2 * analyze(ModelSpec("vgg11")).totals.macs


def test_the_summary_is_torchinfos():
    app = open_page("pages/architecture.py", net_view="Summary")
    assert "Total params: 128,806,154" in app.code[0].value


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


def test_what_an_address_says_is_never_markdown():
    """A link must not make the page load a picture from another host."""
    evil = "![x](http://other.example/x.png)"
    app = open_page("pages/compare.py", networks=evil)
    assert "!\\[x\\](http" in app.error[0].value


def test_compare_shows_each_network_of_the_address_and_says_which_cannot_be_built():
    app = open_page("pages/compare.py", networks="vgg11/4/96/1/10|vgg11/1/8/1/10|vgg11/4/96/1/10")
    assert app.dataframe[0].value["network"].tolist() == ["vgg11, ratio 4, 96 px"]
    assert "32×32" in app.error[0].value


def test_compare_tells_networks_apart_that_differ_only_in_an_option():
    texts = [
        ModelSpec("custom-vgg", 8, 32, options={"head_width": width}).to_text()
        for width in (16, 32)
    ]
    app = open_page("pages/compare.py", networks="|".join(texts))
    names = app.dataframe[0].value["network"].tolist()
    assert len(set(names)) == 2


def test_fewer_training_images_get_a_batch_that_fits_them():
    app = open_page("pages/train.py")
    app.number_input(key="train_images").set_value(500).run()
    assert app.number_input(key="train_batch").value == 16


def test_a_study_that_was_deleted_meanwhile_says_so_in_one_sentence():
    app = open_page("pages/residual.py", study="gone")
    assert len(app.error) == 1
