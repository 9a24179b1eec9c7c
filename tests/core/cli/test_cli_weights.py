"""`python -m core analyze --weights FILE`, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def file(tmp_path) -> Path:
    """Two layers, one with a bias."""
    tensors = {
        "stage1.conv.weight": np.zeros((8, 3, 3, 3), np.float32),
        "stage1.bn.bias": np.zeros(8, np.float32),
        "head.weight": np.zeros((10, 8), np.float16),
    }
    save_file(tensors, path := tmp_path / "weights.safetensors")
    return path


def test_the_table_has_a_row_for_each_tensor_and_the_totals(file, command):
    code, out, err = command("analyze", "--weights", str(file))
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["tensor", "shape", "dtype", "numbers", "bytes"]
    assert lines[1] == ["head.weight", "10×8", "F16", "80", "160"]
    assert ["numbers", "304"] in lines and ["bytes", "1,056"] in lines


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("module", ["head.weight", "stage1.bn.bias", "stage1.conv.weight"]),
        ("weight-layer", ["head", "stage1.bn", "stage1.conv"]),
        ("block", ["head", "stage1"]),
    ],
)
def test_csv_has_the_rows_of_the_level(file, level, names, command):
    rows = command("analyze", "--weights", str(file), "--level", level, "--format", "csv").rows
    column = "tensor" if level == "module" else "module"
    assert [row[column] for row in rows] == names
    assert sum(int(row["numbers"]) for row in rows) == 216 + 8 + 80
    assert sum(int(row["bytes"]) for row in rows) == 4 * (216 + 8) + 2 * 80


def test_json_has_every_level(file, command):
    written = command("analyze", "--weights", str(file), "--format", "json").json
    assert written["totals"] == {"tensors": 3, "numbers": 304, "bytes": 1056}
    assert written["tensors"][2] == {
        "name": "stage1.conv.weight",
        "shape": [8, 3, 3, 3],
        "dtype": "F32",
        "numbers": 216,
        "bytes": 864,
    }
    assert [module["name"] for module in written["modules"]] == ["head", "stage1.bn", "stage1.conv"]
    assert [block["numbers"] for block in written["blocks"]] == [80, 224]


def test_a_network_beside_it_a_pickle_and_a_missing_file_are_one_sentence_each(
    file, tmp_path, command
):
    (pickled := tmp_path / "model.pt").write_bytes(b"")
    for arguments, words in (
        (["lenet", "--weights", str(file)], "leave out ARCH and its flags"),
        (["--size", "32", "--weights", str(file)], "leave out ARCH and its flags"),
        (["--weights", str(pickled)], "may hold a pickle"),
        (["--weights", str(tmp_path / "none.safetensors")], "cannot be read"),
    ):
        code, out, err = command("analyze", *arguments)
        assert (code, out) == (2, "") and words in err and err.count("\n") == 1
