"""`python -m core`: every command in process, what it writes against what core computes."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

import core.data
import core.jobs.worker
from core.__main__ import main
from core.analysis import analyze
from core.cli import progress_bar, reproduce, runs
from core.cli.reproduce import course_runs, small_vgg_runs
from core.jobs.store import RunState, open_store
from core.specs import LabError, ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import EpochMetrics, Progress
from core.zoo.catalogue import CATALOGUE, complete

PROJECT = Path(__file__).parents[3]
SMALL = ["--train-images", "320", "--epochs", "1", "--batch-size", "64"]


@pytest.fixture
def command(capsys):
    """Runs one command: its exit code, standard output and standard error."""

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def in_a_process(*argv: str, code: str = "") -> subprocess.CompletedProcess[str]:
    call = ["-c", code] if code else ["-m", "core", *argv]
    return subprocess.run(
        [sys.executable, *call], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )


# list -----------------------------------------------------------------------------------------


def test_list_as_a_process_shows_every_network():
    done = in_a_process("list")
    assert done.returncode == 0
    assert done.stderr == ""
    names = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert names == list(CATALOGUE)


def test_list_as_csv_and_json(command):
    code, text, err = command("list", "--format", "csv")
    assert (code, err) == (0, "")
    rows = rows_of(text)
    assert [row["name"] for row in rows] == list(CATALOGUE)
    records = json.loads(command("list", "--format", "json")[1])
    assert [record["name"] for record in records] == list(CATALOGUE)
    for row, record, architecture in zip(rows, records, CATALOGUE.values(), strict=True):
        assert row["title"] == record["title"] == architecture.title
        assert int(row["year"]) == record["year"] == architecture.year
        assert row["source"] == record["source"] == architecture.source
        assert int(row["image_size"]) == record["image_size"] == architecture.default.image_size
        assert int(row["num_classes"]) == record["num_classes"]
        assert [option["name"] for option in record["options"]] == [
            option.name for option in architecture.options
        ]


def test_list_shows_the_values_of_options(command):
    row = next(row for row in rows_of(command("list", "--format", "csv")[1]) if row["options"])
    assert row["name"] == "custom-vgg"
    assert "last_activation=none (none, sigmoid)" in row["options"]
    records = json.loads(command("list", "--format", "json")[1])
    residual = next(record for record in records if record["name"] == "course-residual")
    shortcut, as_published, *_ = residual["options"]
    assert shortcut["default"] in shortcut["values"]
    assert "constant-scaling" in shortcut["values"]
    assert as_published["values"] == ["false", "true"]


def test_what_needs_no_network_imports_no_torch():
    code = """
import contextlib, sys
from core.__main__ import main
for argv in (["--help"], ["train", "--help"], ["runs"]):
    with contextlib.suppress(SystemExit):
        main(argv)
    assert "torch" not in sys.modules, argv
"""
    done = in_a_process(code=code)
    assert done.returncode == 0, done.stderr
    assert "python -m core" in done.stdout


# analyze --------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ["lenet", "googlenet", "densenet", "custom-vgg"])
def test_analyze_takes_what_is_not_given_from_the_default(arch, command):
    code, text, _ = command("analyze", arch, "--format", "json")
    found = json.loads(text)
    expected = analyze(CATALOGUE[arch].default)
    assert code == 0
    assert ModelSpec.from_dict(found["spec"]) == complete(CATALOGUE[arch].default)
    assert found["totals"]["params"] == expected.totals.params
    assert found["totals"]["training_bytes"] == expected.training_bytes(1)


@pytest.mark.parametrize("level", ["block", "weight-layer", "module"])
def test_analyze_in_every_format_equals_core(level, command):
    flags = ["--ratio", "4", "--size", "96", "--in-channels", "3", "--classes", "7"]
    flags += ["--batch-size", "5", "--level", level]
    expected = analyze(ModelSpec("vgg11", 4, 96, 3, 7))
    layers = expected.rows(level.replace("-", " "))
    code, text, err = command("analyze", "vgg11", *flags, "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(text)
    assert found["spec"] == expected.spec.to_dict()
    assert found["totals"] == asdict(expected.totals) | {
        "batch_size": 5,
        "training_bytes": expected.training_bytes(5),
        "inference_bytes": expected.inference_bytes(5),
    }
    assert found["warnings"] == list(expected.warnings)
    assert len(found["layers"]) == len(layers)
    for row, layer in zip(found["layers"], layers, strict=True):
        plain = json.loads(json.dumps(asdict(layer)))  # tuples as lists
        assert row == plain | {
            "input_shape": [5 * layer.input_shape[0], *layer.input_shape[1:]],
            "output_shape": [5 * layer.output_shape[0], *layer.output_shape[1:]],
            "flops": 2 * layer.macs,
        }

    rows = rows_of(command("analyze", "vgg11", *flags, "--format", "csv")[1])
    assert [row["layer"] for row in rows] == [layer.path for layer in layers]
    assert {row["ratio"] for row in rows} == {"4"}
    assert sum(int(row["params"]) for row in rows) == expected.totals.params
    assert sum(int(row["macs"]) for row in rows) == expected.totals.macs
    assert rows[0]["input_shape"] == "5×3×96×96"

    table = command("analyze", "vgg11", *flags)[1].splitlines()
    assert [line.split()[0] for line in table[1 : len(layers) + 1]] == [
        row["layer"] for row in rows
    ]
    totals = dict(line.split() for line in table[len(layers) + 2 :])
    assert totals["macs"] == f"{expected.totals.macs:,}"
    assert totals["training_bytes"] == f"{expected.training_bytes(5):,}"


def test_analyze_takes_options_and_warns(command):
    chosen = ["course-residual", "--option", "shortcut=conv", "--option", "as_published=true"]
    options = {"shortcut": "conv", "as_published": True}
    expected = analyze(ModelSpec("course-residual", image_size=28, options=options))
    found = json.loads(command("analyze", *chosen, "--format", "json")[1])
    assert found["spec"] == complete(expected.spec).to_dict()
    assert found["spec"]["options"].items() >= options.items()
    assert found["totals"]["params"] == expected.totals.params
    assert found["warnings"] == list(expected.warnings) != []
    for shown in ("table", "csv"):
        code, out, err = command("analyze", *chosen, "--format", shown)
        assert code == 0
        assert err == "".join(f"Warning: {warning}\n" for warning in expected.warnings)
        assert "Warning" not in out


def test_a_ratio_that_leaves_no_channel_keeps_one(command):
    code, text, _ = command("analyze", "lenet", "--ratio", "1024", "--format", "json")
    assert code == 0
    assert json.loads(text)["layers"][0]["output_shape"][1] == 1


# train, runs ----------------------------------------------------------------------------------


def test_train_keeps_the_run_and_writes_complete_rows(command, tmp_path):
    file = tmp_path / "epochs.csv"
    flags = ["--lr", "0.05", "--seed", "3", "--ratio", "2", "--option", "shortcut=none"]
    code, table, err = command(
        "train", "course-residual", *SMALL[:2], "--epochs", "2", "--batch-size", "64", *flags,
        "--device", "cpu", "--csv", str(file),
    )  # fmt: skip
    assert code == 0, err
    [run] = open_store().runs()
    assert run.state is RunState.FINISHED
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


def test_ctrl_c_stops_the_run_and_keeps_what_was_learned(command, tmp_path, monkeypatch):
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
    assert run.state is RunState.STOPPED
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
    assert (code, run.state) == (130, RunState.STOPPED)
    assert "python -m core resume 1" in err and "Traceback" not in err


def test_ctrl_c_while_the_run_ends_leaves_what_it_ended_as(command, monkeypatch):
    def finish_and_interrupt(store, run, listen, abandon):
        store.finish(run, RunState.FINISHED)
        raise KeyboardInterrupt

    monkeypatch.setattr(core.jobs.worker, "execute", finish_and_interrupt)
    code, _, err = command("train", "lenet", *SMALL)
    assert (code, err.count("Traceback")) == (0, 0)
    assert open_store().get(1).state is RunState.FINISHED


def test_a_run_that_fails_is_one_sentence_and_exit_code_1(command):
    code, out, err = command(
        "train", "course-residual", *SMALL, "--lr", "100", "--recipe", "published-vgg"
    )
    [run] = open_store().runs()
    assert run.state is RunState.FAILED
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == run.message
    assert "Traceback" not in err


def test_an_unforeseen_failure_shows_no_traceback(command, monkeypatch):
    def crash(*_arguments):
        raise RuntimeError("something new")

    monkeypatch.setattr(core.jobs.worker, "train", crash)
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
    assert run.state is RunState.FAILED


def test_a_set_to_download_is_checked_before_it_is_downloaded(command, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "empty"))
    code, _, err = command("train", "lenet", "--dataset", "mnist", "--train-images", "60001")
    assert code == 2
    assert "60,000" in err
    assert open_store().runs() == []


def test_time_measures_every_layer_and_writes_every_format(command):
    spec = CATALOGUE["course-residual"].default
    paths = [layer.path for layer in analyze(spec).layers]
    flags = ("time", "course-residual", "--batch-size", "4", "--passes", "2", "--device", "cpu")
    code, table, err = command(*flags)
    assert code == 0 and "pass 2 of 2" in err
    assert [line.split()[0] for line in table.splitlines()[1:]] == paths
    rows = rows_of(command(*flags, "--format", "csv")[1])
    assert [row["layer"] for row in rows] == paths
    assert {row["network"] for row in rows} == {"course-residual"}
    assert all(float(row["forward_seconds"]) > 0 for row in rows)
    learned = [row for row in rows if row["kind"] in ("convolution", "linear")]
    assert all(float(row["backward_seconds"]) > 0 for row in learned)
    found = json.loads(command(*flags, "--format", "json")[1])
    assert found["passes"] == 2 and found["batch_size"] == 4
    assert sum(one["forward_seconds"] for one in found["layers"]) > 0


def test_time_refuses_what_cannot_be_measured(command):
    assert command("time", "lenet", "--device", "abacus")[0] == 2
    assert command("time", "lenet", "--passes", "0")[0] == 2
    code, _, err = command("time", "vgg19", "--batch-size", "65536", "--device", "cpu")
    assert code == 2 and "choose a smaller batch" in err


def test_runs_in_every_format(command):
    assert command("runs")[:2] == (0, "")
    assert json.loads(command("runs", "--format", "json")[1]) == []
    store = open_store()
    spec = runs.run_spec(Arguments())
    first, second = store.enqueue_all([spec, replace(spec, seed=9)])
    table = command("runs")[1].splitlines()
    assert [line.split()[:3] for line in table[1:]] == [
        [str(second), "queued", "lenet"],
        [str(first), "queued", "lenet"],
    ]
    rows = rows_of(command("runs", "--format", "csv")[1])
    assert [(row["run"], row["seed"]) for row in rows] == [(str(second), "9"), (str(first), "0")]
    records = json.loads(command("runs", "--format", "json")[1])
    assert [record["id"] for record in records] == [second, first]
    assert records[1]["spec"] == spec.to_dict()
    assert records[1]["state"] == "queued"


class Arguments:
    """The flags of `train lenet` without any other flag."""

    arch, dataset, recipe, device, seed = "lenet", "fashion-mini", "fast", "cpu", 0
    ratio = size = in_channels = classes = train_images = epochs = batch_size = lr = None
    option: tuple[str, ...] = ()


def test_worker_drains_the_queue(command):
    store = open_store()
    spec = runs.run_spec(Arguments())
    small = replace(spec, train_images=320, recipe=replace(spec.recipe, epochs=1, batch_size=64))
    store.enqueue_all([small, small])
    assert command("worker", "--drain")[0] == 0
    assert {run.state for run in store.runs()} == {RunState.FINISHED}


# Bad input ------------------------------------------------------------------------------------

BAD = {
    "network": (["analyze", "vgg12"], "vgg13"),
    "size": (["analyze", "vgg11", "--size", "16"], "32×32"),
    "ratio": (["analyze", "vgg11", "--ratio", "0"], "from 1 to"),
    "channels": (["analyze", "vgg11", "--in-channels", "-1"], "from 1 to"),
    "classes": (["analyze", "vgg11", "--classes", "0"], "from 1 to"),
    "batch": (["analyze", "vgg11", "--batch-size", "0"], "from 1 to"),
    "color": (["train", "lenet", "--dataset", "cifar10"], "takes 1 channel"),
    "option form": (["analyze", "lenet", "--option", "shortcut"], "NAME=VALUE"),
    "option name": (["analyze", "lenet", "--option", "shortcut=conv"], "no options"),
    "option value": (["analyze", "course-residual", "--option", "shortcut=x"], "identity"),
    "option twice": (
        ["analyze", "course-residual", *["--option", "shortcut=conv"] * 2],
        "once",
    ),
    "option text": (["analyze", "custom-vgg", "--option", "conv_arch=1y64"], "1x64"),
    "train network": (["train", "resnet19"], "resnet18"),
    "train size": (["train", "vgg11", "--size", "8"], "32×32"),
    "dataset": (["train", "lenet", "--dataset", "fashion"], "fashion-mini"),
    "recipe": (["train", "lenet", "--recipe", "slow"], "published-vgg"),
    "device": (["train", "lenet", "--device", "tpu"], "cpu"),
    "seed": (["train", "lenet", "--seed", "-1"], "from 0 to"),
    "rate": (["train", "lenet", "--lr", "nan"], "learning_rate"),
    "epochs": (["train", "lenet", "--epochs", "0"], "from 1 to"),
    "images": (["train", "lenet", "--train-images", "5001"], "5,000"),
    "no images": (["train", "lenet", "--train-images", "0"], "train_images"),
    "too few images": (
        ["train", "lenet", "--train-images", "10", "--batch-size", "64"],
        "smaller batch",
    ),
    "too few classes": (["train", "lenet", "--classes", "9"], "at least 10"),
    "memory": (
        ["train", "vgg19", "--size", "1024", "--batch-size", "4096"],
        "GiB",
    ),
    "csv": (["train", "lenet", *SMALL, "--csv", "/no/such/folder/x.csv"], "/no/such/folder"),
}


@pytest.mark.parametrize(("argv", "advice"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence_and_nothing_is_kept(argv, advice, command, isolated_runs):
    code, out, err = command(*argv)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.endswith((".\n", "?\n"))
    assert advice in err
    assert not isolated_runs.exists() or open_store().runs() == []


@pytest.mark.parametrize("argv", [["runs"], ["train", "lenet", *SMALL], ["worker", "--drain"]])
def test_a_store_that_cannot_be_opened_is_one_sentence(argv, command, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAB_RUNS_DIR", str(tmp_path / "file" / "runs"))
    code, out, err = command(*argv)
    assert (code, out) == (2, "")
    assert "LAB_RUNS_DIR" in err
    monkeypatch.setenv("LAB_DATABASE_URL", "nonsense")
    code, out, err = command(*argv)
    assert (code, out) == (2, "")
    assert "LAB_DATABASE_URL" in err
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_and_a_closed_pipe_end_quietly():
    code = (
        "from core import __main__ as m; from core.cli import runs;"
        " runs.list_runs = lambda a: print('x' * 99_999) or 0"
    )
    call = [sys.executable, "-c", f"{code}; raise SystemExit(m.main(['runs']))"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(call, cwd=PROJECT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr
    reader = subprocess.Popen(call, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert reader.stdout is not None
    assert reader.stderr is not None
    with reader.stderr, reader:
        reader.stdout.close()
        assert reader.stderr.read() == b""
    assert reader.returncode == 141


# The progress bar -----------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A standard error that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_the_time_left(monkeypatch):
    clock = iter([100.0, 110.0, 110.0])
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: next(clock))
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal()
    bar = progress_bar.ProgressBar(terminal)
    bar.show(Progress("training", 1, 2, 0, 10))
    bar.show(Progress("training", 1, 2, 5, 10, 1234.5))
    line = terminal.getvalue().split("\r")[-1].rstrip()
    assert line.startswith("epoch 1/2 [####")
    assert "25 %" in line
    assert "1,234 images/s" in line
    assert line.endswith("30\u2009s left")  # a quarter took 10 s


def test_a_closed_terminal_does_not_end_the_run():
    class Closed(Terminal):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    bar = progress_bar.ProgressBar(Closed())
    bar.show(Progress("training", 1, 1, 1, 2))
    bar.show(EpochMetrics(1, 1.0, 0.5, 1.0, 0.5, 1.0, 1.0, 10.0, 0.1))
    bar.clear()


# submit, stop, resume, export -----------------------------------------------------------------


def test_a_submitted_run_is_executed_by_a_worker_and_exported(command, tmp_path):
    code, out, err = command("submit", "lenet", *SMALL, "--seed", "4")
    assert code == 0 and out == "1\n" and "Run 1 is queued" in err
    assert open_store().get(1).state is RunState.QUEUED
    assert command("worker", "--drain")[0] == 0

    file = tmp_path / "epochs.csv"
    code, out, err = command("export", "1", "--csv", str(file))
    assert (code, out) == (0, "") and "1 epochs of run 1" in err
    assert command("export", "1")[1].splitlines() == file.read_text("utf-8").splitlines()
    [row] = rows_of(file.read_text("utf-8"))
    assert (row["network"], row["seed"], row["epoch"]) == ("lenet", "4", "1")
    for name in ("forward_seconds", "backward_seconds", "optimiser_seconds"):
        assert float(row[name]) > 0


def test_submit_takes_the_flags_of_train_and_checks_them(command, isolated_runs):
    code, _, err = command("submit", "vgg11", "--size", "16")
    assert code == 2 and "smallest that works is" in err
    assert not isolated_runs.exists()


def test_stop_and_resume_move_a_run_and_say_so(command):
    command("submit", "lenet", *SMALL)
    assert command("stop", "1")[0] == 0
    assert open_store().get(1).state is RunState.STOPPED
    code, _, err = command("stop", "1")
    assert code == 2 and "Run 1 is stopped; there is nothing to stop." in err
    assert command("resume", "1")[0] == 0
    assert open_store().get(1).state is RunState.QUEUED
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


# reproduce ------------------------------------------------------------------------------------


def tiny_run(seed: int) -> RunSpec:
    short = recipe("fast", 64, epochs=1, batch_size=32)
    return RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", short, 64, seed=seed)


def test_reproduce_trains_what_is_missing_and_writes_every_epoch(command, tmp_path, monkeypatch):
    def tiny_runs(seeds: int):
        for seed in range(seeds):
            for spec in course_runs(1):
                yield replace(
                    spec,
                    dataset="fashion-mini",
                    train_images=64,
                    seed=seed,
                    recipe=replace(spec.recipe, epochs=1, batch_size=32),
                )

    monkeypatch.setitem(reproduce.RUNS, "course", tiny_runs)
    file = tmp_path / "reproduction.csv"
    code, _, err = command("reproduce", "--seeds", "1", "--csv", str(file))
    assert code == 0 and "0 of 6 runs are in the store" in err
    rows = rows_of(file.read_text("utf-8"))
    assert [(row["arch"], row["shortcut"], row["as_published"]) for row in rows] == [
        ("course-inception", "", "False"),
        ("course-residual", "identity", "False"),
        ("course-residual", "constant-scaling", "True"),
        ("course-residual", "conv", "True"),
        ("course-residual", "constant-scaling", "False"),
        ("course-residual", "conv", "False"),
    ]
    assert {row["torch"].partition("+")[0] for row in rows} == {torch.__version__.partition("+")[0]}
    assert "6 of 6 runs are in the store" in command(
        "reproduce", "--seeds", "1", "--csv", str(file)
    )[2]  # fmt: skip
    assert rows_of(file.read_text("utf-8")) == rows


def test_an_interrupted_reproduction_goes_on_and_queues_nothing_twice(
    command, tmp_path, monkeypatch
):
    monkeypatch.setitem(reproduce.RUNS, "course", lambda seeds: [tiny_run(s) for s in range(seeds)])

    def interrupted(store, drain):
        run = store.claim()
        store.finish(run, RunState.STOPPED)
        raise KeyboardInterrupt

    arguments = ("reproduce", "--seeds", "2", "--csv", str(tmp_path / "rows.csv"))
    with monkeypatch.context() as patch:
        patch.setattr("core.jobs.worker.work", interrupted)
        code, _, err = command(*arguments)
    assert code == 130 and "the same command goes on with it" in err
    assert command(*arguments)[0] == 0
    assert [run.state for run in open_store().runs()] == [RunState.FINISHED] * 2


@pytest.mark.parametrize("name", ["stop", "resume", "export", "predict"])
@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "one"])
def test_what_is_no_run_number_is_told_by_the_parser(capsys, name, number):
    with pytest.raises(SystemExit) as left:
        main([name, number])
    assert left.value.code == 2 and "Traceback" not in capsys.readouterr().err


def test_the_small_vgg_is_trained_as_published_but_for_its_size():
    specs = list(small_vgg_runs(2))
    assert [spec.seed for spec in specs] == [0, 1]
    assert {(s.model.arch, s.model.ratio, s.model.image_size) for s in specs} == {("vgg11", 4, 64)}
    assert {(s.recipe.name, s.recipe.epochs, s.dataset) for s in specs} == {
        ("published-vgg", 5, "fashion-mnist")
    }


def test_the_course_notes_rows_are_trained_as_published():
    specs = list(course_runs(3))
    assert len(specs) == 18 and {spec.seed for spec in specs} == {0, 1, 2}
    assert {(s.dataset, s.recipe.name, s.recipe.epochs, s.recipe.batch_size) for s in specs} == {
        ("mnist", "published-course", 10, 64)
    }
