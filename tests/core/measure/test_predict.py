"""What a run says to the test images: its own accuracy again, confusion counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.__main__ import main
from core.data.arrays import read_arrays
from core.jobs.files import best_path
from core.jobs.predictions import (
    Predictions,
    keep_predictions,
    read_predictions,
)
from core.jobs.store import Run, open_store
from core.jobs.worker import work
from core.measure.requests import PredictRequest
from core.report.tables.predictions import confusion_frame, prediction_frame
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from tests.run_files import files_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

BY_HAND = Predictions(  # classes 0, 1, 2; the last two are wrong
    np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0, 0.4, 0.6], [0.1, 0.8, 0.1]], np.float32),
    np.array([0, 1, 1, 2], np.uint8),
)


def trained(size: int = 28) -> Run:
    """A short run of a small network, trained here."""
    from core.jobs.execution import execute
    from core.jobs.processes import this_process

    model = ModelSpec("lenet", image_size=size)
    recipe = Recipe("fast", 2, 32, 0.1, momentum=0.9, initialization="xavier", normalize=True)
    store = open_store()
    run = store.start_here(RunSpec(model, "fashion-mini", recipe, 256), this_process())
    execute(store, run, lambda event: None, lambda: None)
    return store.get(run.id)


def test_confusion_and_mistakes_are_those_counted_by_hand():
    assert BY_HAND.confusion(3).tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 0]]
    assert BY_HAND.mistakes().tolist() == [3, 2]
    assert BY_HAND.accuracy == 0.5
    assert BY_HAND.confidence.tolist() == pytest.approx([0.9, 0.7, 0.6, 0.8])


@pytest.mark.parametrize("size", [28, 32])
def test_the_accuracy_of_the_run_comes_out_again_exactly(size):
    run = trained(size)
    assert run.best_file is not None
    job = open_store().enqueue_measurement(PredictRequest(run.id, run.best_file.sha256))
    assert work(open_store(), drain=True) == 1
    _, labels = read_arrays("fashion-mini", "test")
    found = read_predictions(run, labels)
    assert found is not None
    assert found.accuracy == run.best_accuracy
    assert found.probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    assert open_store().job(job.id).result == {"run": run.id}
    frame = prediction_frame(run, found)
    assert frame["right"].mean() == found.accuracy
    assert set(frame["run"]) == {run.id} and set(frame["dataset"]) == {"fashion-mini"}
    matrix = found.confusion(10)
    assert matrix.sum() == 2000 and matrix.sum(1).tolist() == [200] * 10
    shares = confusion_frame(run, matrix, [str(n) for n in range(10)])
    assert shares.groupby("label")["share_of_label"].sum().tolist() == pytest.approx([1.0] * 10)


def test_predictions_of_other_parameters_or_broken_files_are_not_shown():
    run = trained()
    labels = read_arrays("fashion-mini", "test")[1]
    keep_predictions(run, np.full((2000, 10), 0.1, np.float32))
    assert read_predictions(run, labels) is not None
    assert run.best_file is not None
    other = replace(run, best_file=replace(run.best_file, sha256="f" * 64))
    assert read_predictions(other, labels) is None
    assert read_predictions(replace(run, best_file=None), labels) is None
    [path] = files_of(run, "predictions-*")
    keep_predictions(run, np.full((7, 10), 0.1, np.float32))  # of another data set
    assert read_predictions(run, labels) is None
    np.savez(path, probabilities=np.array([object()]))  # would run code if it were unpickled
    assert read_predictions(run, labels) is None
    path.write_bytes(b"PK no archive")
    assert read_predictions(run, labels) is None


def test_a_run_without_parameters_is_one_sentence(capsys):
    run = trained()
    path = best_path(run)
    assert path is not None
    path.write_bytes(b"broken")
    assert main(["predict", str(run.id)]) == 2
    assert "is not what the run has written" in capsys.readouterr().err
    path.unlink()
    assert main(["predict", str(run.id)]) == 2
    assert "are not here" in capsys.readouterr().err


def test_a_device_that_is_gone_leaves_the_cpu(monkeypatch):
    from core.measure.predict import predict

    run = trained()
    path = best_path(run)
    assert path is not None
    here = predict(run.spec, path, run.compute_plan)
    there = predict(replace(run.spec, device="cuda:7"), path, run.compute_plan)
    assert (here == there).all()
    other = replace(run.spec, model=replace(run.spec.model, image_size=32, ratio=2))
    with pytest.raises(LabError, match="another network's"):
        predict(other, path, run.compute_plan)


# Gradients on the command line


def test_gradients_writes_a_table_and_a_csv(capsys):
    flags = ["gradients", "course-residual", "--seeds", "1", "--batch-size", "2"]
    assert main([*flags, "--shortcuts", "identity", "none", "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 * 7
    assert "variance_high" in lines[0]
    assert main(flags) == 0
    assert "residual1.conv1" in capsys.readouterr().out
    assert main([*flags, "--depths", "20"]) == 2
    assert "comes in one depth" in capsys.readouterr().err


def test_gradients_of_runs_alone(capsys):
    run = trained()
    assert main(["gradients", "--runs", str(run.id), "--batch-size", "2", "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 * 5
    assert f"trained, epoch {run.best_epoch}" in lines[-1]
