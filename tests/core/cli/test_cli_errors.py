"""Whatever goes wrong in `python -m core`: one sentence, one exit code, nothing kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.jobs.store import open_store

PROJECT = Path(__file__).parents[3]
SMALL = ["--train-images", "320", "--epochs", "1", "--batch-size", "64"]

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


# What the parser finds: (arguments, what the sentence names)
MISUSED = {
    "no command": ([], "Missing command; see `python -m core --help`"),
    "command": (["nonsense"], "No such command 'nonsense'"),
    "no network": (["analyze"], "Missing argument 'ARCH'; see `python -m core analyze --help`"),
    "flag": (["analyze", "lenet", "--bogus"], "No such option '--bogus'"),
    "no value": (["analyze", "lenet", "--size"], "'--size' requires an argument"),
    "one too many": (["analyze", "lenet", "extra"], "extra argument (extra)"),
    "whole number": (
        ["analyze", "lenet", "--size", "1.5"],
        "A size is pixels a side, 224, or height and width, 480x640, not '1.5'",
    ),
    "number": (["train", "lenet", "--lr", "x"], "'x' is not a valid float"),
    "format": (["list", "--format", "xml"], "'table', 'csv', 'json'"),
    "level": (["analyze", "lenet", "--level", "row"], "'block', 'weight-layer', 'module'"),
    "several": (["bench", "--batch-sizes", "32", "x"], "'x' is not a valid integer"),
    "none of several": (["bench", "--batch-sizes"], "'--batch-sizes' requires an argument"),
    "a flag for several": (["reproduce", "--rows", "--csv", "x"], "'course', 'vgg-64', 'dense'"),
    "runs": (["gradients", "--runs", "1", "0"], "there is no run 0"),
    "no file": (["reproduce"], "Missing option '--csv'"),
    "only": (["worker", "--only", "mine"], "'any', 'single', 'studies'"),
}


@pytest.mark.parametrize(("argv", "advice"), MISUSED.values(), ids=MISUSED)
def test_what_the_parser_finds_is_one_sentence_too(argv, advice, command, isolated_runs):
    code, out, err = command(*argv)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert advice in err and err.endswith("--help`.\n")
    assert not isolated_runs.exists()


@pytest.mark.parametrize("name", ["stop", "resume", "export", "predict"])
@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "one"])
def test_what_is_no_run_number_is_told_by_the_parser(command, name, number):
    code, out, err = command(name, number)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
