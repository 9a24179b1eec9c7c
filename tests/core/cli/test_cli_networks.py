"""`python -m core list | analyze`: what they write against what core computes."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from core.analysis import analyze
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, complete


def test_list_as_csv_and_json(command):
    written = command("list", "--format", "csv")
    assert (written.code, written.err) == (0, "")
    rows = written.rows
    assert [row["name"] for row in rows] == list(CATALOGUE)
    records = command("list", "--format", "json").json
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
    row = next(row for row in command("list", "--format", "csv").rows if row["options"])
    assert row["name"] == "custom-vgg"
    assert "last_activation=none (none, sigmoid)" in row["options"]
    records = command("list", "--format", "json").json
    residual = next(record for record in records if record["name"] == "course-residual")
    shortcut, as_published, *_ = residual["options"]
    assert shortcut["default"] in shortcut["values"]
    assert "constant-scaling" in shortcut["values"]
    assert as_published["values"] == ["false", "true"]


def test_list_shows_the_range_of_numbers(command):
    rows = {row["name"]: row["options"] for row in command("list", "--format", "csv").rows}
    assert "depth=32 (8 to 218)" in rows["resnet-cifar"]
    assert "factor=0.5 (0 to 2)" in rows["resnet20"]
    assert "gate_bias=-6.0 (-20 to 20)" in rows["resnet20"]
    assert "like 0.5" not in "".join(rows.values())


@pytest.mark.parametrize("arch", ["lenet", "googlenet", "densenet", "custom-vgg"])
def test_analyze_takes_what_is_not_given_from_the_default(arch, command):
    written = command("analyze", arch, "--format", "json")
    expected = analyze(CATALOGUE[arch].default)
    assert written.code == 0
    assert ModelSpec.from_dict(written.json["spec"]) == complete(CATALOGUE[arch].default)
    assert written.json["totals"]["params"] == expected.totals.params
    assert written.json["totals"]["training_bytes"] == expected.training_bytes(1)


@pytest.mark.parametrize("level", ["block", "weight-layer", "module"])
def test_analyze_in_every_format_equals_core(level, command):
    flags = ["--ratio", "4", "--size", "96", "--in-channels", "3", "--classes", "7"]
    flags += ["--batch-size", "5", "--level", level]
    expected = analyze(ModelSpec("vgg11", 4, 96, 3, 7))
    layers = expected.rows(level.replace("-", " "))
    written = command("analyze", "vgg11", *flags, "--format", "json")
    assert (written.code, written.err) == (0, "")
    result = written.json
    assert result["spec"] == expected.spec.to_dict()
    assert result["totals"] == asdict(expected.totals) | {
        "batch_size": 5,
        "training_bytes": expected.training_bytes(5),
        "inference_bytes": expected.inference_bytes(5),
    }
    assert result["warnings"] == list(expected.warnings)
    assert len(result["layers"]) == len(layers)
    for row, layer in zip(result["layers"], layers, strict=True):
        plain = json.loads(json.dumps(asdict(layer)))  # tuples as lists
        assert row == plain | {
            "input_shape": [5 * layer.input_shape[0], *layer.input_shape[1:]],
            "output_shape": [5 * layer.output_shape[0], *layer.output_shape[1:]],
            "flops": 2 * layer.macs,
        }

    rows = command("analyze", "vgg11", *flags, "--format", "csv").rows
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
    settings = ["course-residual", "--option", "shortcut=conv", "--option", "as_published=true"]
    options = {"shortcut": "conv", "as_published": True}
    expected = analyze(ModelSpec("course-residual", image_size=28, options=options))
    result = command("analyze", *settings, "--format", "json").json
    assert result["spec"] == complete(expected.spec).to_dict()
    assert result["spec"]["options"].items() >= options.items()
    assert result["totals"]["params"] == expected.totals.params
    assert result["warnings"] == list(expected.warnings) != []
    for shown in ("table", "csv"):
        code, out, err = command("analyze", *settings, "--format", shown)
        assert code == 0
        assert err == "".join(f"Warning: {warning}\n" for warning in expected.warnings)
        assert "Warning" not in out


def test_a_ratio_that_leaves_no_channel_keeps_one(command):
    written = command("analyze", "lenet", "--ratio", "1024", "--format", "json")
    assert written.code == 0
    assert written.json["layers"][0]["output_shape"][1] == 1
