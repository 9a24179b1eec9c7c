"""The Residual page as a script: the form, a study's verdict, the reproduction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from urllib.parse import parse_qs, urlparse

import pandas as pd
import pytest
import streamlit as st

from core.explain.glossary import find_term
from core.jobs.store import JobState, StudyKind, open_store
from core.language import CHINESE, Message
from core.measure.requests import DeviceSpeedRequest
from core.report.figures.variants import variant_styles
from core.specs import ModelSpec, RunSpec
from core.studies import reproduction
from core.studies.published import PUBLISHED
from core.training.estimate import Speed
from core.training.records import EpochMetrics
from core.zoo.catalogue import CATALOGUE
from core.zoo.variants import VARIANTS
from pages.views.forms.estimates import study_seconds
from tests.core.studies.test_reproduction import HEAD, lines
from tests.databases import database, postgresql_server, pytest_generate_tests  # noqa: F401
from tests.pages.opening import SHORT, as_read, explains, finished_run, open_page, shown

pytestmark = pytest.mark.slow

CLEAR = {"identity": (0.90, 0.91, 0.905), "none": (0.80, 0.8105, 0.8047)}
TIED = {"identity": (0.90, 0.91, 0.92), "none": (0.905, 0.908, 0.918)}
PAGE = "pages/residual.py"


def trained(final_accuracies: dict[str, Sequence[float]], leave: int = 0, **last) -> str:
    """A study whose seeds end with these accuracies; the last `leave` runs stay queued."""
    store = open_store()
    specs = [
        RunSpec(
            ModelSpec("course-residual", image_size=28, options=VARIANTS[name].options),
            "fashion-mini",
            SHORT,
            seed=seed,
        )
        for name, values in final_accuracies.items()
        for seed in range(len(values))
    ]
    wanted = [value for values in final_accuracies.values() for value in values]
    study = store.create_study("blocks on trial", {}, specs)
    for value in wanted[: len(wanted) - leave]:
        run = store.claim()
        for epoch, accuracy in ((1, value + 0.01), (2, value)):
            metrics = EpochMetrics(epoch, 0.5, 0.8, 0.6, accuracy, 2.0, 0.5, 5000.0, 0.01)
            store.record(run, metrics, **last)
        store.finish(run, JobState.FINISHED)
    return study.id


def texts(app) -> str:
    """Everything the page says in words."""
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(one.value for kind in kinds for one in kind)


def frame(app, column: str):
    """The table that has this column."""
    return next(one.value for one in app.dataframe if column in one.value.columns)


def progress(app) -> str:
    """How far the study is."""
    return " ".join(one.proto.body for one in app.get("html") if "live-bar" in one.proto.body)


def test_charts_are_drawn_anew_in_another_language():
    trained(CLEAR)
    shown_in = {}
    for language in ("en", CHINESE, "en"):
        app = open_page(PAGE, lang=language)
        assert not app.exception
        shown_in[language] = texts(app)
        told = frame(app, "variant" if language == "en" else "变体")
        assert told.iloc[0, 0] == ("plain residual" if language == "en" else "普通残差")
    assert "is better than" in shown_in["en"] and "优于" in shown_in[CHINESE]


def test_before_any_study_one_button_starts_it_and_the_published_curves_are_there():
    app = open_page(PAGE, res_seeds="2", res_images="320", res_first_seed="5")
    assert app.title[0].value == "Which shortcut is better?"
    assert [button.key for button in app.button].count("res_train") == 1
    app.button(key="res_train").click().run()
    assert not app.exception
    runs = open_store().runs()
    assert len(runs) == 8 and {run.spec.seed for run in runs} == {5, 6}
    assert {run.spec.train_images for run in runs} == {320}
    [study] = open_store().studies(StudyKind.VARIANTS)
    assert app.query_params["study"] == study.id
    assert study.title == "4 variants × 2 seeds of Course residual net on Fashion-MNIST mini"
    assert study.settings["first_seed"] == 5
    assert app.title[0].value == "Study: four shortcuts, 2 seeds"
    assert "0 of 8 runs done" in progress(app)


def test_before_the_machine_was_measured_the_form_says_that_the_time_comes():
    app = open_page(PAGE)
    assert "12 runs. How long it takes" in texts(app)


def test_the_time_of_a_study_is_said_before_it_starts_and_follows_the_speed():
    told = []
    for factor in (1.0, 0.1):
        rates = (factor * 1e11, factor * 1e11, factor * 1e11)
        speed = Speed(rates, factor * 1e10, factor * 1e9, 1e-5 / factor, 1e-9 / factor)
        open_store().keep_result(DeviceSpeedRequest("cpu"), asdict(speed), replace=True)
        app = open_page(PAGE)
        told.append(next(one.value for one in app.caption if "together about" in one.value))
    assert told[0].startswith("12 runs, together about ") and told[0] != told[1]


def test_a_network_with_batchnorm_has_it_in_its_blocks_and_no_block_twice():
    app = open_page(PAGE, res_network=CATALOGUE["resnet20"].title)
    [variants] = [one for one in app.multiselect if one.key == "res_variants"]
    titles = list(variants.options)
    assert "plain residual" in titles and "plain residual with BatchNorm" not in titles
    cards = "".join(one.body for one in app.get("html")).replace("<wbr>", "")
    formulas = re.findall("<p>(.*?)</p>", cards)
    assert formulas and all("BN" in formula for formula in formulas)


def test_what_the_address_asks_for_and_the_form_has_not_is_told():
    app = open_page(PAGE, res_network="zzz", res_seeds="-5", res_dataset="q")
    told = next(one.value for one in app.warning if "The address asks" in one.value)
    assert all(name in told for name in ("res_network=zzz", "res_seeds=-5", "res_dataset=q"))
    app = open_page(PAGE, res_network=CATALOGUE["resnet20"].title, res_seeds="4")
    assert not app.warning


def test_without_a_variant_the_page_asks_for_one():
    app = open_page(PAGE)
    app.multiselect(key="res_variants").set_value([]).run()
    assert not app.exception
    assert any("at least one variant" in one.value for one in app.info)
    assert "res_train" not in [button.key for button in app.button]
    app.button(key="res_usual").click().run()
    assert len(app.multiselect(key="res_variants").value) == 4
    assert app.button(key="res_train").label == "Train 12 runs"


def test_a_study_that_takes_long_has_a_plainer_button_and_what_would_shorten_it():
    """A run of an hour does not start by the button that a run of seconds has."""
    kinds = {}
    for factor in (1.0, 1e-5):
        rates = (factor * 1e11, factor * 1e11, factor * 1e11)
        speed = Speed(rates, factor * 1e10, factor * 1e9, 1e-5 / factor, 1e-9 / factor)
        open_store().keep_result(DeviceSpeedRequest("cpu"), asdict(speed), replace=True)
        app = open_page(PAGE)
        kinds[factor] = app.button(key="res_train").proto.type, "make it shorter" in texts(app)
    assert kinds == {1.0: ("primary", False), 1e-5: ("secondary", True)}


def test_what_is_seldom_set_is_folded_under_its_values():
    app = open_page(PAGE, res_images="320", res_first_seed="5")
    said = shown(app)
    assert "320 images, first seed 5, cpu" in said


def test_a_study_whose_runs_do_not_fit_is_not_offered(monkeypatch):
    monkeypatch.setattr("pages.views.app.with_torch.available_host_bytes", lambda: 2**20)
    app = open_page(PAGE)
    assert "This run needs about" in app.error[0].value and "free" in app.error[0].value
    assert "res_train" not in [button.key for button in app.button]


def test_equal_runs_of_an_earlier_study_tell_the_time_best(monkeypatch):
    """Each of two run at a time: 2 epochs at 5,000 images/s, with the test images a third each."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    trained(CLEAR)
    specs = [run.spec for run in open_store().runs()]
    assert len(specs) == 6
    alone = 2 * (5_000 + 2_000 / 3) / 5_000
    assert study_seconds(specs) == pytest.approx(6 * alone / 2)


def test_residual_queues_every_variant_with_every_seed_as_one_study():
    app = open_page(
        "pages/residual.py",
        res_variants="plain residual,conv shortcut, as published",
        res_seeds="2",
    )
    app.multiselect(key="res_variants").set_value(["identity", "conv-published"])
    app.run()
    app.button(key="res_train").click().run()
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
    table = frame(open_page("pages/residual.py", study="residual-test"), "finished seeds")
    assert table["finished seeds"].tolist() == [2]
    assert (table["final"].tolist(), table["final ±"].tolist()) == ([75.0], [0.0])


def test_residual_with_an_unknown_study_says_what_to_do():
    app = open_page("pages/residual.py", study="nothing")
    assert "open this page without ?study=" in app.error[0].value


def test_a_study_that_was_deleted_meanwhile_says_so_in_one_sentence():
    app = open_page("pages/residual.py", study="gone")
    assert len(app.error) == 1


def test_a_clear_difference_is_said_with_points_and_interval():
    app = open_page(PAGE, study=trained(CLEAR))
    [said] = [one.value for one in app.success]
    assert said.startswith("**Plain residual is better than no shortcut by 9.99 points (95")
    assert "plain residual is better than no shortcut by 9.99 points (95 % 9." in as_read(
        texts(app)
    )
    assert "Holm" in texts(app)
    pairs, table = frame(app, "pair"), frame(app, "variant")
    assert pairs["pair"].tolist() == ["plain residual − no shortcut"]
    assert pairs["difference"].tolist() == [pytest.approx(9.99, abs=0.01)]
    assert table["variant"].tolist() == ["plain residual", "no shortcut"]
    assert table["final"][0] == pytest.approx(90.5) and table["final ±"][0] == pytest.approx(
        1.24, abs=0.005
    )
    assert table["best"][0] == pytest.approx(91.5)  # the first epoch of each
    assert table["parameters"].tolist() == [41_514, 41_514]
    assert table["seconds"].tolist() == [5.0, 5.0]
    by_epoch = frame(app, "epoch")
    assert by_epoch["plain residual"].tolist() == pytest.approx([91.5, 90.5])


def test_a_tie_is_said_with_the_seeds_that_it_would_take():
    app = open_page(PAGE, study=trained(TIED))
    assert not app.success
    assert "The two cannot be told apart with 3 seeds." in app.info[0].value
    assert "would be needed for a difference of 0.1 points" in texts(app)


def test_runs_of_growing_depth_are_shown_below_and_not_as_the_newest_study():
    specs = [RunSpec(ModelSpec("resnet20"), "fashion-mini", SHORT)]
    open_store().create_study("Stack layers", {}, specs, StudyKind.STACK)
    assert open_page(PAGE).title[0].value == "Which shortcut is better?"


def test_two_seeds_get_no_verdict():
    app = open_page(PAGE, study=trained({name: values[:2] for name, values in CLEAR.items()}))
    assert "No verdict: it takes at least 3 finished seeds" in app.info[0].value


def test_there_is_no_verdict_before_the_last_run_is_over():
    app = open_page(PAGE, study=trained(CLEAR, leave=1))
    assert "The verdict comes when every run is over" in texts(app)
    assert not app.success
    assert "5 of 6 runs done · about" in progress(app)


def test_a_study_stops_and_continues_as_a_whole_and_says_what_is_missing():
    study = trained(CLEAR, leave=2)
    app = open_page(PAGE, study=study)
    app.button(key="res_stop").click().run()
    states = [run.state for run in open_store().runs(study=study)]
    assert states.count(JobState.STOPPED) == 2
    app = open_page(PAGE, study=study)
    assert "no shortcut lacks seeds 1, 2 (stopped)" in texts(app)
    assert app.button(key="res_continue").label == "Continue 2 runs"
    app.button(key="res_continue").click().run()
    states = [run.state for run in open_store().runs(study=study)]
    assert states.count(JobState.QUEUED) == 2


def test_a_study_gets_another_title():
    study = trained(CLEAR)
    app = open_page(PAGE, study=study)
    assert app.button(key="res_rename").disabled
    app.text_input(key=f"res_title_{study}").set_value("Once *more*, again").run()
    app.button(key="res_rename").click().run()
    assert open_store().study(study).title == "Once *more*, again"
    assert "Once \\*more\\*, again" in texts(app)
    app.text_input(key=f"res_title_{study}").set_value("\u202e").run()
    app.button(key="res_rename").click().run()
    assert "1 to 120 letters" in app.error[0].value


def test_failed_runs_say_why_once():
    store = open_store()
    study = trained(CLEAR, leave=3)
    for _ in range(3):
        store.finish(store.claim(), JobState.FAILED, Message("The disk is full."))
    app = open_page(PAGE, study=study)
    assert [one.value for one in app.error] == ["3 runs: The disk is full."]
    assert "no shortcut lacks seeds 0, 1, 2 (failed)" in texts(app)


def test_dead_parameters_are_named_with_their_variant():
    """Q15: the homework's mistake leaves conv1 untrained."""
    dead = {"residual1.conv1.weight": 2304, "residual1.conv1.bias": 16}
    app = open_page(PAGE, study=trained({"conv-published": (0.9,)}, dead_parameters=dead))
    told = next(one.value for one in app.warning if "Dead parameters" in one.value)
    assert "conv shortcut, as published" in told
    assert "2,320" in told and "residual1.conv1.weight" in told


def test_a_deleted_study_leaves_one_sentence_and_the_invitation():
    app = open_page(PAGE, study="gone")
    assert len(app.error) == 1 and "no such study" in app.error[0].value
    assert app.button(key="res_train")


def test_deleting_names_what_goes_and_can_be_cancelled():
    app = open_page(PAGE, study=trained(CLEAR))
    app.button(key="res_delete").click().run()
    assert app.button(key="res_delete_now").label == "Delete 6 runs"
    assert "Its 6 runs, their curves and their saved parameters" in texts(app)
    app.button(key="res_delete_cancel").click().run()
    assert len(open_store().runs()) == 6
    app.button(key="res_delete").click().run()
    app.button(key="res_delete_now").click().run()
    assert open_store().runs() == []


def test_a_stop_answers_at_once_and_there_is_one():
    study = trained(CLEAR, leave=1)
    open_store().claim()
    app = open_page(PAGE, study=study)
    assert [button.label for button in app.button if "Stop" in button.label] == ["Stop the study"]
    app.button(key="res_stop").click().run()
    button = open_page(PAGE, study=study).button(key="res_stop")
    assert (button.label, button.disabled) == ("Stopping after this step…", True)


def test_beside_a_study_another_can_be_started():
    app = open_page(PAGE, study=trained(CLEAR))
    assert app.title[0].value == "Study: two shortcuts, 3 seeds"
    app.button(key="res_train").click().run()
    assert app.title[0].value == "Study: four shortcuts, 3 seeds"
    assert len(open_store().studies(StudyKind.VARIANTS)) == 2


# Reproduction ----------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A small file in the place of the one that the lab ships."""
    path = tmp_path / "reproduction.csv"
    rows = [HEAD]
    for seed, final in enumerate((0.9890, 0.9895, 0.9900)):
        rows += lines("course-residual", "identity", "False", seed, final)
        rows += lines("course-residual", "conv", "True", seed, final + 0.005)
    path.write_text("\n".join(rows))
    monkeypatch.setattr(reproduction, "SHIPPED", path)
    st.cache_data.clear()


def reproduced(app):
    """The table of published runs and ours, by run."""
    return frame(app, "published").set_index("run")


def test_every_published_run_stands_beside_ours(shipped):
    app = open_page(PAGE)
    table = reproduced(app)
    assert len(table) == len(PUBLISHED) + 3  # two corrected blocks, VGG-11 at 64 pixels
    row = table.loc["plain residual"]
    assert (row["published"], row["published ±"]) == (pytest.approx(98.98), pytest.approx(0.2))
    assert row["ours"] == pytest.approx(98.95) and row["ours: seeds"] == 3
    assert row["ours ±"] == pytest.approx(0.12, abs=0.005)
    assert row["difference"] == pytest.approx(-0.03)
    vgg = table.loc["VGG-11, ratio 4"]
    assert (vgg["published"], vgg["published ±"]) == (pytest.approx(90.9), pytest.approx(0.55))
    assert pd.isna(vgg["ours"])
    assert "your runs" not in table.columns  # there are none: no empty column
    machines = frame(app, "machine").set_index("run")
    assert machines.loc["plain residual", "machine"] == "a CPU, 1 thread"


def test_a_difference_of_over_0_3_points_is_said_in_words(shipped):
    said = as_read(texts(open_page(PAGE)))
    assert "conv shortcut, as published: our mean is 0.48 points above" in said
    assert "cannot be ranked" in said and "±0.2 points" in said


def test_without_the_file_everything_is_not_yet_reproduced(monkeypatch, tmp_path):
    monkeypatch.setattr(reproduction, "SHIPPED", tmp_path / "none.csv")
    table = reproduced(open_page(PAGE))
    assert table["ours"].isna().all()


@pytest.mark.parametrize("title", ["VGG-16 from the forum, ratio 4", "conv shortcut, as published"])
def test_each_row_opens_train_with_everything_set(shipped, title):
    address = urlparse(reproduced(open_page(PAGE)).loc[title, "start"])
    assert address.path == "train"
    asked = {key: values[0] for key, values in parse_qs(address.query).items()}
    app = open_page("pages/train.py", **asked)
    assert not app.warning or all("address asks" not in one.value for one in app.warning)
    row = next(one for one in PUBLISHED if one.title == title)
    assert app.number_input(key="train_epochs").value == row.epochs == 10
    assert app.slider(key="train_ratio").value == row.model.ratio
    assert app.slider(key="train_size").value == row.model.image_size
    assert app.selectbox(key="train_recipe").value == row.recipe
    assert app.selectbox(key="train_dataset").value == row.dataset


def test_a_row_can_be_queued_with_three_seeds(shipped):
    app = open_page(PAGE)
    app.selectbox(key="res_again").set_value("conv shortcut, as published").run()
    app.button(key="res_queue").click().run()
    runs = open_store().runs()
    assert {run.spec.seed for run in runs} == {0, 1, 2}
    assert {(run.spec.dataset, run.spec.recipe.name, run.spec.recipe.epochs) for run in runs} == {
        ("mnist", "published-course", 10)
    }
    assert all(run.spec.model.option("as_published") for run in runs)


def test_runs_of_this_store_in_the_same_setting_stand_beside_the_shipped_ones(shipped):
    app = open_page(PAGE)
    app.button(key="res_queue").click().run()
    store = open_store()
    for accuracy in (0.98, 0.99):
        run = store.claim()
        metrics = EpochMetrics(1, 0.5, 0.8, 0.6, accuracy, 2.0, 0.5, 5000.0, 0.01)
        store.record(run, metrics)
        store.finish(run, JobState.FINISHED)
    row = reproduced(open_page(PAGE)).loc["plain residual"]
    assert (row["your runs"], row["your runs: seeds"]) == (pytest.approx(98.5), 2)


def test_each_variant_has_a_look_of_its_own_and_as_published_that_of_its_correction():
    looks = variant_styles()
    assert set(looks) == set(VARIANTS)
    assert len({(one.color, one.marker, one.dash) for one in looks.values()}) == len(VARIANTS)
    for name, variant in VARIANTS.items():
        if variant.as_published:
            like = next(
                n
                for n, v in VARIANTS.items()
                if v.shortcut == variant.shortcut and not v.as_published
            )
            assert (looks[name].color, looks[name].dash) == (looks[like].color, "dot")


def test_the_words_of_a_verdict_are_explained_where_they_stand():
    page = shown(open_page(PAGE, study=trained(CLEAR)))
    for word in ("Holm's correction", "paired t test", "confidence interval", "best epoch"):
        assert explains(page, find_term(word)), word
