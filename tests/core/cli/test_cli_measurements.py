"""`python -m core time`, and how values of measurements are read."""

from __future__ import annotations

from core.analysis import analyze
from core.zoo.catalogue import CATALOGUE


def test_time_measures_every_layer_and_writes_every_format(command):
    spec = CATALOGUE["course-residual"].default
    paths = [layer.path for layer in analyze(spec).layers]
    flags = ("time", "course-residual", "--batch-size", "4", "--passes", "2", "--device", "cpu")
    code, table, err = command(*flags)
    assert code == 0 and "pass 2 of 2" in err
    assert [line.split()[0] for line in table.splitlines()[1:]] == paths
    rows = command(*flags, "--format", "csv").rows
    assert [row["layer"] for row in rows] == paths
    assert {row["network"] for row in rows} == {"course-residual"}
    assert all(float(row["forward_seconds"]) > 0 for row in rows)
    learned = [row for row in rows if row["kind"] in ("convolution", "linear")]
    assert all(float(row["backward_seconds"]) > 0 for row in learned)
    times = command(*flags, "--format", "json").json
    assert times["passes"] == 2 and times["batch_size"] == 4
    assert sum(layer["forward_seconds"] for layer in times["layers"]) > 0


def test_time_refuses_what_cannot_be_measured(command):
    assert command("time", "lenet", "--device", "abacus")[0] == 2
    assert command("time", "lenet", "--passes", "0")[0] == 2
    code, _, err = command("time", "vgg19", "--batch-size", "65536", "--device", "cpu")
    assert code == 2 and "choose a smaller batch" in err


def test_a_rate_is_found_and_every_step_is_written(command):
    flags = ("find-rate", "course-residual", "--ratio", "4", "--size", "16", "--device", "cpu")
    flags += ("--train-images", "320", "--batch-size", "32", "--steps", "60", "--sweeps", "2")
    code, table, err = command(*flags)
    assert code == 0 and "100 % measured" in err and "The recipe's 0.0" in err
    heading, *sweeps = table.splitlines()
    assert heading.split() == ["seed", "steps", "steepest", "rise", "lowest_loss"]
    assert [line.split()[0] for line in sweeps] == ["0", "1"]
    rows = command(*flags, "--format", "csv").rows
    assert {row["seed"] for row in rows} == {"0", "1"}
    assert float(rows[0]["learning_rate"]) == 1e-4 and float(rows[0]["loss"]) > 2
    found = command(*flags, "--format", "json").json
    assert sum(len(sweep["losses"]) for sweep in found["sweeps"]) == len(rows)


def test_find_rate_refuses_what_cannot_be_measured(command):
    assert command("find-rate", "--steps", "7")[0] == 2
    code, _, err = command("find-rate", "--batch-size", "60000")
    assert code == 2 and "choose a smaller batch" in err
