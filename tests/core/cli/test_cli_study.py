"""`study`: what the Residual page does, in a terminal."""

from __future__ import annotations

import csv
import threading

import pytest

from core.cli import study as study_module
from core.cli.exit_codes import BAD_INPUT, FAILED, INTERRUPTED
from core.jobs.store import JobState, open_store
from core.jobs.worker import work

SMALL = ("--train-images", "96", "--epochs", "1")


@pytest.fixture(autouse=True)
def own_worker(monkeypatch):
    """The command starts no worker: what is queued is executed by one in a thread of the test."""
    monkeypatch.setenv("LAB_START_WORKER", "0")
    monkeypatch.setattr(study_module, "_LOOK_SECONDS", 0.05)
    leave = threading.Event()
    store = open_store()
    worker = threading.Thread(target=work, args=(store,), kwargs={"leave": leave})

    def start() -> None:
        worker.start()

    yield start
    leave.set()
    if worker.ident:
        worker.join()


def test_variants_over_seeds_with_a_verdict_and_a_csv(command, own_worker, one_thread, tmp_path):
    own_worker()
    path = tmp_path / "study.csv"
    variants = ("--variants", "identity", "none")
    done = command("study", *variants, "--seeds", "3", *SMALL, "--csv", str(path))
    assert done.code == 0
    [study] = open_store().studies()
    assert study.id in done.err and "6/6 runs" not in done.out
    for words in ("plain residual", "no shortcut", "3 seeds", "paired t tests"):
        assert words in done.out, words
    assert "**" not in done.out
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [(row["variant"], row["runs"], row["finished"]) for row in rows] == [
        ("plain residual", "3", "3"),
        ("no shortcut", "3", "3"),
    ]
    runs = open_store().runs(study=study.id)
    assert {(run.spec.model.option("shortcut"), run.spec.seed) for run in runs} == {
        (shortcut, seed) for shortcut in ("identity", "none") for seed in range(3)
    }


def test_values_of_an_argument_of_one_s_own_network(command, own_worker, one_thread, networks_file):
    path = networks_file(
        "import torch\n"
        "class Net(torch.nn.Sequential):\n"
        "    def __init__(self, width: int = 4):\n"
        "        super().__init__(torch.nn.Flatten(), torch.nn.Linear(784, width),\n"
        "                         torch.nn.Linear(width, 10))\n"
    )
    own_worker()
    of_width = ("--network", f"{path}:Net", "--argument", "width", "--values", "2", "8")
    done = command("study", *of_width, "--seeds", "1", *SMALL)
    assert done.code == 0
    widths = [run.spec.model.option("width") for run in open_store().runs()]
    assert sorted(widths) == [2, 8]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--variants", "identity", "nonsense"), "has no variant 'nonsense'; choose from identity"),
        (("--network", "lenet"), "The blocks of lenet cannot be exchanged"),
        (("--network", "nothing"), "nothing"),
        (("--argument", "depth"), "has no argument 'depth'"),
        (("--argument", "batch_norm"), "Choose values of batch_norm"),
        (("--argument", "batch_norm", "--values", "perhaps"), "true or false"),
        (("--seeds", "0"), "seeds"),
        (("--seeds", "101"), "seeds"),
        (("--first-seed", str(2**31 - 1)), "first_seed"),
        (("--train-images", "0"), "train_images"),
        (("--go-on", "20200101-000000-abcd"), "no study 20200101-000000-abcd"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_queues_nothing(command, flags, words):
    done = command("study", *flags)
    assert done.code == BAD_INPUT and done.out == ""
    assert words in done.err and done.err.count("\n") == 1
    assert open_store().runs() == []


def test_a_study_that_was_interrupted_is_followed_again(
    command, own_worker, one_thread, monkeypatch
):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study_module, "_follow", interrupted)
        left = command("study", "--variants", "identity", "none", "--seeds", "1", *SMALL)
    [study] = open_store().studies()
    assert left.code == INTERRUPTED and f"study --go-on {study.id}" in left.err
    open_store().stop_study(study.id)
    own_worker()
    done = command("study", "--go-on", study.id)
    assert done.code == 0 and "no shortcut" in done.out
    assert {run.state for run in open_store().runs()} == {JobState.FINISHED}


def test_runs_that_were_stopped_are_told(command, own_worker, monkeypatch):
    def stop(store, study):
        store.stop_study(study.id)

    monkeypatch.setattr(study_module, "_follow", stop)
    done = command("study", "--variants", "identity", "--seeds", "1", *SMALL)
    assert done.code == FAILED and "is stopped" in done.err
