"""`python -m core train | submit | runs | stop | resume | export | worker`."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

import core.data
import core.jobs.execution
from core.cli import progress_bar
from core.cli.flags import RunFlags
from core.jobs.store import JobState, Worker, open_store
from core.language import lazy
from core.measure.requests import LayerTimesRequest
from core.specs import LabError, ModelSpec
from core.training import step_readings
from core.training.records import Device, Progress
from tests.databases import database, postgresql_server, pytest_generate_tests  # noqa: F401

pytestmark = pytest.mark.slow

SMALL = ["--train-images", "320", "--epochs", "1", "--batch-size", "64"]


def test_train_keeps_the_run_and_writes_complete_rows(command, rows_of, tmp_path):
    file = tmp_path / "epochs.csv"
    flags = ["--lr", "0.05", "--seed", "3", "--ratio", "2", "--option", "shortcut=none"]
    code, table, err = command(
        "train", "course-residual", *SMALL[:2], "--epochs", "2", "--batch-size", "64", *flags,
        "--device", "cpu", "--csv", str(file),
    )  # fmt: skip
    assert code == 0, err
    [run] = open_store().runs()
    assert run.state is JobState.FINISHED
    epochs = open_store().epochs([run.id])[run.id]
    rows = rows_of(file.read_text(encoding="utf-8"))
    assert len(rows) == len(epochs) == 2
    for row, metrics in zip(rows, epochs, strict=True):
        assert row["run"] == str(run.id)
        assert row["network"] == "course-residual"
        assert (row["ratio"], row["image_size"], row["in_channels"]) == ("2", "28", "1")
        assert row["num_classes"] == "10"
        assert "shortcut=none" in row["options"]
        assert (row["dataset"], row["train_images"]) == ("fashion-mini", "320")
        assert (row["recipe"], row["batch_size"], row["seed"]) == ("fast", "64", "3")
        assert float(row["learning_rate"]) == 0.05  # what was chosen, not where the schedule is
        assert row["device"] == "cpu"
        for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
            assert float(row[name]) == pytest.approx(getattr(metrics, name), rel=1e-9)
        for name in ("train_seconds", "evaluation_seconds", "images_per_second"):
            assert float(row[name]) > 0
        assert int(float(row["epoch"])) == metrics.epoch
    lines = table.splitlines()
    assert lines[0].split()[:2] == ["epoch", "train_loss"]
    assert [line.split()[0] for line in lines[1:3]] == ["1", "2"]
    assert f"best-1-{run.best_epoch}.safetensors" in lines[-1]
    assert [line[:9] for line in err.splitlines()[1:]] == ["epoch 1/2", "epoch 2/2"]
    assert "\r" not in err


def test_ctrl_c_stops_the_run_and_keeps_what_was_learned(command, rows_of, tmp_path, monkeypatch):
    file = tmp_path / "epochs.csv"
    show = progress_bar.ProgressBar.show

    def show_then_interrupt(bar, event):
        show(bar, event)
        if isinstance(event, Progress) and event.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(progress_bar.ProgressBar, "show", show_then_interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code, table, err = command(
            "train", "lenet", *SMALL[:2], "--epochs", "3", "--csv", str(file)
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130
    [run] = open_store().runs()
    assert run.state is JobState.STOPPED
    assert len(open_store().epochs([run.id])[run.id]) == 1
    assert len(rows_of(file.read_text())) == 1
    assert "epoch" in table
    assert "was stopped" in err
    assert "Traceback" not in err


def test_ctrl_c_twice_does_not_wait_and_leaves_a_stopped_run(command, monkeypatch):
    def interrupt_twice(bar, event):
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(progress_bar.ProgressBar, "show", interrupt_twice)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code, _, err = command("train", "lenet", *SMALL)
    finally:
        signal.signal(signal.SIGINT, before)
    [run] = open_store().runs()
    assert (code, run.state) == (130, JobState.STOPPED)
    assert "python -m core resume 1" in err and "Traceback" not in err


def test_ctrl_c_while_the_run_ends_leaves_what_it_ended_as(command, monkeypatch):
    def finish_and_interrupt(store, run, listen, abandon):
        store.finish(run, JobState.FINISHED)
        raise KeyboardInterrupt

    monkeypatch.setattr(core.jobs.execution, "execute", finish_and_interrupt)
    code, _, err = command("train", "lenet", *SMALL)
    assert (code, err.count("Traceback")) == (0, 0)
    assert open_store().get(1).state is JobState.FINISHED


def test_a_run_that_fails_is_one_sentence_and_exit_code_1(command):
    code, out, err = command(
        "train", "course-residual", *SMALL, "--lr", "100", "--recipe", "published-vgg"
    )
    [run] = open_store().runs()
    assert run.state is JobState.DIVERGED
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == run.message
    assert "Traceback" not in err


def test_an_unforeseen_failure_shows_no_traceback(command, monkeypatch):
    def crash(*_arguments):
        raise RuntimeError("something new")

    monkeypatch.setattr(core.jobs.execution, "train", crash)
    code, out, err = command("train", "lenet", *SMALL)
    assert (code, out) == (1, "")
    assert "something new" in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_download_without_network_offers_the_shipped_set(command, monkeypatch, tmp_path):
    def no_network(name, progress):
        progress(1, 100)
        raise LabError(f"{name} could not be downloaded; take fashion-mini.")

    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr(core.data, "download", no_network)
    code, out, err = command("train", "lenet", "--dataset", "mnist", *SMALL)
    assert (code, out) == (1, "")
    assert "fashion-mini" in err.splitlines()[-1]
    [run] = open_store().runs()
    assert run.state is JobState.FAILED


def test_a_set_to_download_is_checked_before_it_is_downloaded(command, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "empty"))
    code, _, err = command("train", "lenet", "--dataset", "mnist", "--train-images", "60001")
    assert code == 2
    assert "60,000" in err
    assert open_store().runs() == []


def test_runs_in_every_format(command):
    assert command("runs")[:2] == (0, "")
    assert command("runs", "--format", "json").json == []
    store = open_store()
    spec = RunFlags("lenet", device="cpu").run_spec()
    first, second = store.enqueue_all([spec, replace(spec, seed=9)])
    table = command("runs")[1].splitlines()
    assert [line.split()[:3] for line in table[1:]] == [
        [str(second), "queued", "lenet"],
        [str(first), "queued", "lenet"],
    ]
    rows = command("runs", "--format", "csv").rows
    assert [(row["run"], row["seed"]) for row in rows] == [(str(second), "9"), (str(first), "0")]
    records = command("runs", "--format", "json").json
    assert [record["id"] for record in records] == [second, first]
    assert records[1]["spec"] == spec.to_dict()
    assert records[1]["state"] == "queued"
    assert records[1]["message"] == records[1]["note"] == ""


def test_runs_as_json_say_in_sentences_what_has_happened(command):
    store = open_store()
    store.enqueue(RunFlags("lenet", device="cpu").run_spec())
    run = store.claim()
    store.add_note(run, lazy("{which}, so it started over.", which=LabError("It is lost")))
    store.finish(run, JobState.FAILED, lazy("{machine} is gone.", machine="This one"))
    [record] = command("runs", "--format", "json").json
    assert record["note"] == "It is lost, so it started over."
    assert record["message"] == "This one is gone."
    assert not any(name.startswith("kept") for name in record)


def test_worker_drains_the_queue(command):
    store = open_store()
    spec = RunFlags("lenet", device="cpu").run_spec()
    small = replace(spec, train_images=320, recipe=replace(spec.recipe, epochs=1, batch_size=64))
    store.enqueue_all([small, small])
    assert command("worker", "--drain")[0] == 0
    assert {run.state for run in store.runs()} == {JobState.FINISHED}


def test_a_submitted_run_is_executed_by_a_worker_and_exported(command, rows_of, tmp_path):
    code, out, err = command("submit", "lenet", *SMALL, "--seed", "4")
    assert code == 0 and out == "1\n" and "Run 1 is queued" in err
    assert open_store().get(1).state is JobState.QUEUED
    assert command("worker", "--drain")[0] == 0

    file = tmp_path / "epochs.csv"
    code, out, err = command("export", "1", "--csv", str(file))
    assert (code, out) == (0, "") and "1 epochs of run 1" in err
    assert command("export", "1")[1].splitlines() == file.read_text("utf-8").splitlines()
    [row] = rows_of(file.read_text("utf-8"))
    assert (row["network"], row["seed"], row["epoch"]) == ("lenet", "4", "1")
    for name in ("forward_seconds", "backward_seconds", "optimiser_seconds"):
        assert float(row[name]) > 0


def test_the_steps_of_a_run_are_exported_with_what_they_are_of(command, monkeypatch):
    monkeypatch.setattr(step_readings, "READING_SECONDS", 0.0)
    assert command("train", "lenet", *SMALL, "--seed", "4", "--device", "cpu")[0] == 0
    written = command("export", "1", "--steps")
    assert written.code == 0
    rows = written.rows
    [series] = open_store().step_series([1]).values()
    assert [float(row["train_loss"]) for row in rows] == [point.loss for point in series.points]
    assert len(rows) > 1 and rows[-1]["images_trained"] == "320"
    assert float(rows[-1]["epochs_trained"]) == 1
    for row in rows:
        assert (row["run"], row["network"], row["dataset"]) == ("1", "lenet", "fashion-mini")
        assert (row["recipe"], row["device"], row["seed"]) == ("fast", "cpu", "4")
        assert 0 <= float(row["train_accuracy"]) <= 1
    # the mean of the points, each as long as its images, is that of the epoch
    starts = [0, *(float(row["images_trained"]) for row in rows)]
    total = sum(
        float(row["train_loss"]) * (float(row["images_trained"]) - start)
        for start, row in zip(starts, rows, strict=False)
    )
    [epoch] = command("export", "1").rows
    assert total / 320 == pytest.approx(float(epoch["train_loss"]), rel=1e-3)


def test_a_job_without_steps_is_told_in_one_sentence(command):
    command("submit", "lenet", *SMALL)
    code, out, err = command("export", "1", "--steps")
    assert (code, out) == (2, "") and "Run 1 has no points of its steps" in err
    open_store().enqueue_measurement(
        LayerTimesRequest(ModelSpec("lenet", image_size=28), "cpu", 32)
    )
    code, out, err = command("export", "2", "--steps")
    assert (code, out) == (2, "") and "is a measurement, no run" in err


def test_submit_takes_the_flags_of_train_and_checks_them(command):
    code, _, err = command("submit", "vgg11", "--size", "16")
    assert code == 2 and "smallest that works is" in err
    assert open_store().runs() == []


def test_stop_and_resume_move_a_run_and_say_so(command):
    command("submit", "lenet", *SMALL)
    assert command("stop", "1")[0] == 0
    assert open_store().get(1).state is JobState.STOPPED
    code, _, err = command("stop", "1")
    assert code == 2 and "Run 1 is stopped; there is nothing to stop." in err
    assert command("resume", "1")[0] == 0
    assert open_store().get(1).state is JobState.QUEUED
    code, _, err = command("resume", "1")
    assert code == 2 and "only a stopped or failed run can be continued" in err


def test_resume_extends_a_finished_run(command):
    command("train", "lenet", *SMALL, "--recipe", "published-course")
    assert command("resume", "1", "--epochs", "2")[0] == 0
    command("worker", "--drain")
    assert [row.epoch for row in open_store().epochs([1])[1]] == [1, 2]
    code, _, err = command("resume", "1", "--epochs", "0")
    assert code == 2 and "epochs must be a whole number" in err


@pytest.mark.parametrize("name", ["stop", "resume", "export"])
def test_a_run_that_is_not_there_is_one_sentence(command, name):
    code, out, err = command(name, "7")
    assert (code, out) == (2, "")
    assert err == "There is no run 7; the Runs page lists those there are.\n"


# Who executes what is queued

CARD = Worker("card 1", "node-1", (Device("cuda", "NVIDIA H100", 80 * 2**30),), 16, 128 * 2**30)


def test_workers_in_every_format(command):
    code, out, err = command("workers")
    assert (code, out) == (0, "") and err.startswith("Nobody is there to compute")
    store = open_store()
    store.declare(CARD)
    run_id = store.enqueue(replace(RunFlags("lenet", device="cpu").run_spec(), device="cuda"))
    store.claim(CARD.process, devices=CARD.devices)
    heading, line = command("workers")[1].splitlines()
    assert heading.split() == [
        *("machine", "devices", "cores", "free_cores", "memory_gib", "takes", "jobs", "since")
    ]
    assert line.startswith("node-1   cuda (NVIDIA H100)") and " 128  any " in line
    [row] = command("workers", "--format", "csv").rows
    assert (row["memory_bytes"], row["jobs"]) == (str(128 * 2**30), str(run_id))
    [worker] = command("workers", "--format", "json").json
    assert worker["devices"][0]["name"] == "cuda" and worker["jobs"] == [run_id]


def test_a_run_is_submitted_for_the_workers_that_live(command, monkeypatch):
    monkeypatch.setenv("LAB_START_WORKER", "0")
    open_store().declare(CARD)
    code, _, err = command("submit", "lenet", *SMALL)
    assert code == 0 and len(err.splitlines()) == 1
    assert open_store().get(1).spec.device == "cuda"
    code, _, err = command("submit", "lenet", *SMALL, "--device", "cpu")
    assert code == 0
    sentence = "Run 2: It waits for a worker with the device cpu; those that are there have cuda."
    assert sentence in err and sentence in command("runs")[2]
    assert command("submit", "lenet", "--device", "npu")[0] == 2


def test_memory_is_that_of_the_workers(command, monkeypatch):
    monkeypatch.setenv("LAB_START_WORKER", "0")
    small = replace(CARD.devices[0], memory_bytes=2**20)
    open_store().declare(replace(CARD, devices=(small,)))
    code, _, err = command("submit", "lenet", *SMALL, "--device", "cuda")
    assert code == 2 and "GiB" in err and open_store().runs() == []


def test_a_worker_takes_jobs_on_the_devices_that_are_named(command):
    code, _, err = command("worker", "--drain", "--device", "npu")
    assert code == 2 and "There is no device 'npu' on this machine" in err
    assert command("worker", "--drain", "--device", "cpu")[0] == 0
