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
