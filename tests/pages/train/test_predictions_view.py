"""A finished run's record: what it gets wrong."""

from __future__ import annotations

import numpy as np

from core.data import DATASETS
from core.data.arrays import read_arrays
from core.jobs.predictions import keep_predictions
from core.jobs.store import JobState, StoredFile, open_store
from core.measure.requests import PredictRequest
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from tests.pages.opening import open_page
from tests.run_files import folder_of

SHORT = Recipe("fast", epochs=1, batch_size=64, learning_rate=0.05)
COURSE = ModelSpec("course-residual", image_size=28)


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
    store.finish(run, JobState.FINISHED)
    folder_of(run_id).mkdir(parents=True)
    (folder_of(run_id) / best.name).write_bytes(b"parameters")
    run = store.get(run_id)
    said = np.where(np.arange(len(labels)) < wrong, (labels + 1) % 10, labels)
    probabilities = np.full((len(labels), 10), 0.02, np.float32)
    probabilities[np.arange(len(labels)), said] = 0.82
    keep_predictions(run, probabilities)
    store.keep_result(PredictRequest(run_id, best.sha256), {"run": run_id})
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
    captions = [one.value for one in app.caption if one.value.startswith("true: ")]
    assert len(captions) == 24
    label = read_arrays("fashion-mini", "test")[1][0]
    assert f"true: {names[label]}" in captions[0]
    assert f"said: {names[(label + 1) % 10]}" in captions[0] and "82.00" in captions[0]
    app.segmented_control(key="train_mistakes_view").set_value("Two runs").run()
    assert not app.exception
    said = [one.value for one in app.markdown]
    assert any(one.startswith(f"Run {other.id} ") and ", seed 1)" in one for one in said)
    assert app.selectbox(key="train_other_run").options == [
        f"{other.id} · seed 1 · Course residual net, plain residual, 28 px"
    ]
    assert any(one.startswith("Test image 30:") for one in said)  # the first that only `run` knows


def test_predictions_that_are_gone_are_asked_for_again():
    run = run_with_predictions(3)
    for path in folder_of(run).glob("predictions-*"):
        path.unlink()
    app = open_page("pages/train.py", run=str(run.id))
    assert any("predict again" in one.value for one in app.info)
    assert "Predict again" in [button.label for button in app.button]


def test_a_data_set_that_is_gone_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path))
    run = run_with_predictions(3, dataset="mnist")
    app = open_page("pages/train.py", run=str(run.id))
    assert any("no longer on this machine" in one.value for one in app.info)
