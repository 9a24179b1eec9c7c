"""Why it works, Growth, and what a run gets wrong: the views with a store of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.data import DATASETS
from core.data.arrays import read_arrays
from core.jobs.engines.local import gradients_name, predictions_name
from core.jobs.files import run_folder
from core.jobs.predictions import keep_predictions
from core.jobs.store import RunState, StoredFile, open_store
from core.measure.gradient_records import GradientFlow, deep_net
from core.report.figures.variants import style_of
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from core.zoo.catalogue import CATALOGUE, complete
from core.zoo.variants import variant_of
from pages.views.gradients.flow import depth_lines, looks, stack_findings
from tests.core.measure.test_gradient_flow import flow
from tests.pages.test_pages import open_page

SHORT = Recipe("fast", epochs=1, batch_size=64, learning_rate=0.05)
COURSE = ModelSpec("course-residual", image_size=28)


@pytest.fixture(autouse=True)
def no_worker_and_fresh_caches(monkeypatch):
    """Pages under test start no process and remember nothing of the test before."""
    monkeypatch.setenv("LAB_START_WORKER", "0")
    st.cache_data.clear()
    st.cache_resource.clear()


def run_with_predictions(
    wrong: int, model: ModelSpec = COURSE, dataset: str = "fashion-mini", seed: int = 0
):
    """A finished run whose first `wrong` test images are taken for the next class."""
    store = open_store()
    run_id = store.enqueue(RunSpec(model, dataset, SHORT, seed=seed))
    run = store.claim()
    best = StoredFile("best-1-1.safetensors", f"{run_id:064d}")
    labels = read_arrays("fashion-mini", "test")[1]
    accuracy = 1 - wrong / len(labels)
    metrics = EpochMetrics(1, 0.5, 0.8, 0.6, accuracy, 1.0, 0.1, 5000.0, 0.01)
    store.record(run, metrics, best_file=best)
    store.finish(run, RunState.FINISHED)
    run_folder(run_id).mkdir(parents=True)
    (run_folder(run_id) / best.name).write_bytes(b"parameters")
    run = store.get(run_id)
    said = np.where(np.arange(len(labels)) < wrong, (labels + 1) % 10, labels)
    probabilities = np.full((len(labels), 10), 0.02, np.float32)
    probabilities[np.arange(len(labels)), said] = 0.82
    keep_predictions(run, probabilities)
    store.keep_measured(
        predictions_name(run_id, best.sha256), {"share": 1.0, "result": {"run": run_id}}
    )
    return run


def test_a_finished_run_s_record_shows_confusion_mistakes_and_another_run():
    run, other = run_with_predictions(30), run_with_predictions(50, seed=1)
    app = open_page("pages/train.py", run=str(run.id))
    said = next(one.value for one in app.markdown if "**30** of 2,000 test images" in one.value)
    assert "optimistic" in said and "chosen on these same test images" in said
    labels = [button.label for button in app.get("download_button")]
    assert {"Confusion matrix as CSV", "Every prediction as CSV"} <= set(labels)
    app.segmented_control(key="train_mistakes_view").set_value("Mistakes").run()
    assert not app.exception
    names = DATASETS["fashion-mini"].class_names
    captions = [one.value for one in app.caption if one.value.startswith("image ")]
    assert len(captions) == 24
    label = read_arrays("fashion-mini", "test")[1][0]
    assert f"true: {names[label]}" in captions[0]
    assert f"said: {names[(label + 1) % 10]}" in captions[0] and "82.00" in captions[0]
    app.segmented_control(key="train_mistakes_view").set_value("Two runs").run()
    assert not app.exception
    said = [one.value for one in app.markdown]
    assert any(one.startswith(f"Run {other.id} ") and ", seed 1)" in one for one in said)
    assert app.selectbox(key="train_other_run").options == [
        f"{other.id} · seed 1 · course-residual, plain residual, 28 px"
    ]
    assert any(one.startswith("Test image 30:") for one in said)  # the first that only `run` knows


def test_predictions_that_are_gone_are_asked_for_again():
    run = run_with_predictions(3)
    for path in run_folder(run.id).glob("predictions-*"):
        path.unlink()
    app = open_page("pages/train.py", run=str(run.id))
    assert any("predict again" in one.value for one in app.info)
    assert "Predict again" in [button.label for button in app.button]


def test_a_data_set_that_is_gone_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path))
    run = run_with_predictions(3, dataset="mnist")
    app = open_page("pages/train.py", run=str(run.id))
    assert any("no longer on this machine" in one.value for one in app.info)


@pytest.mark.slow
def test_growth_is_shown_for_densenets_only():
    name = f"DenseNet: {CATALOGUE['densenet'].title}"
    app = open_page(
        "pages/architecture.py", net_network=name, net_view="Growth", net_growth_rate="16"
    )
    assert not app.error
    frame = app.dataframe[-1].value
    assert frame["after it"].tolist()[:5] == [80, 96, 112, 128, 64]
    assert any("reads 64 + 1 · 16 = 80 channels" in one.value for one in app.markdown)
    said = next(one.value for one in app.markdown if "nearest to it" in one.value)
    assert said.count("times the parameters") == 3  # S13: equal accuracy, from real runs
    app = open_page("pages/architecture.py")
    assert "Growth" not in app.segmented_control(key="net_view").options


def why_page() -> None:
    """The view alone."""
    from pages.views.gradients.flow import why_view

    why_view()


def open_why(**parameters: str) -> AppTest:
    app = AppTest.from_function(why_page, default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_why_invites_before_anything_is_measured():
    app = open_why()
    assert not app.error
    assert "Measure the gradients" in [button.label for button in app.button]


@pytest.mark.parametrize("shown", ["Curves", "Heat map", "Table"])
def test_why_shows_what_was_measured_in_words(shown):
    specs = [
        complete(deep_net(depth, shortcut, norm))
        for depth in (20, 110)
        for norm in (False, True)
        for shortcut in ("identity", "none")
    ]
    found = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(1e-9, shortcut="none", batch_norm=False),
        flow(2.0, (1.1, 0.9), shortcut="identity", batch_norm=True),
    ))  # fmt: skip
    name = gradients_name(specs, "fashion-mini", 3, "default", 16, [])
    open_store().keep_measured(name, {"share": 1.0, "result": found.to_dict()})
    app = open_why(why_show=shown)
    assert any("1.00 × 10⁻⁹ of the gradient norm" in one.value for one in app.markdown)
    assert any("does not hold block by block" in one.value for one in app.markdown)


def test_stacking_layers_queues_plain_and_residual_nets_and_shows_runs_by_depth():
    app = open_why()
    app.button(key="why_stack_start").click().run()
    runs = open_store().runs()
    assert len(runs) == 6 and len({run.study for run in runs}) == 1
    assert {str(run.spec.model.option("shortcut")) for run in runs} == {"identity", "none"}
    store = open_store()
    for accuracy in (0.8, 0.7, 0.8, 0.6, 0.8, 0.4):
        run = store.claim()
        store.record(run, EpochMetrics(1, 0.5, accuracy, 0.6, accuracy, 1.0, 0.1, 9.0, 0.01))
        store.finish(run, RunState.FINISHED)
    app = open_why()
    assert "Every epoch as CSV" in [button.label for button in app.get("download_button")]
    said = next(one.value for one in app.markdown if "from 20 to 110 layers" in one.value)
    assert "on training images (mean during the last epoch)" in said
    assert any("while the network still learned" in one.value for one in app.caption)


def test_a_variant_has_its_color_on_the_whole_page():
    """Whatever its depth and BatchNorm, and a run of it too."""
    for shortcut in ("identity", "none"):
        models = [deep_net(depth, shortcut, norm) for depth in (20, 110) for norm in (True, False)]
        flows = [flow(0.5, shortcut=shortcut, batch_norm=norm) for norm in (True, False)]
        run = replace(flows[0], run=7)
        drawn = looks([*flows, run, replace(run, trained=True)])
        lines = depth_lines(*made(models, (0.8, 0.7, 0.6, 0.5)))
        color = style_of(variant_of(models[0])).color
        assert {look.color for look in [*drawn, *(line.look for line in lines)]} == {color}
        assert [look.dash for look in drawn] == ["solid", "dash", "solid", "solid"]
        assert [look.marker for look in drawn[2:]] == ["star-open", "star"]


def made(models: list[ModelSpec], accuracies: tuple[float, ...]):
    """Runs of these networks, and what each got."""
    store = open_store()
    ids = [store.enqueue(RunSpec(complete(model), "fashion-mini", SHORT)) for model in models]
    return [store.get(run_id) for run_id in ids], dict(zip(ids, accuracies, strict=True))


@pytest.mark.parametrize(
    ("test", "train", "said"),
    [
        ((0.8, 0.7), (0.9, 0.8), "worse on its training images too, so that is no overfitting"),
        ((0.8, 0.7), (0.9, 0.95), "it may be overfitting"),
        ((0.8, 0.81), (0.9, 0.8), None),
    ],
)
def test_overfitting_is_judged_by_the_data(test, train, said):
    runs, last = made([deep_net(depth, "none", True) for depth in (20, 110)], test)
    text = stack_findings(
        depth_lines(runs, last),
        depth_lines(runs, dict(zip(last, train, strict=True))),
    )
    assert said in text if said else "overfitting" not in text
