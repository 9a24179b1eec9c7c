"""What a file of weights holds: against the tensors that were written, and for files of no use."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.specs import LabError
from core.weights_file import StoredTensor, by_block, by_module, read_tensors, whole

TENSORS = {
    "layers.10.weight": np.zeros((4, 3, 2, 2), np.float32),
    "layers.2.weight": np.zeros((5, 4), np.float16),
    "layers.2.bias": np.zeros(5, np.float16),
    "head.weight": np.zeros((7, 5), np.float32),
    "cls_token": np.zeros((1, 1, 5), np.float32),
    "head.steps": np.array(3, np.int64),
}


@pytest.fixture
def file(tmp_path) -> Path:
    """A file with these tensors."""
    save_file(TENSORS, path := tmp_path / "weights.safetensors")
    return path


def with_header(path: Path, header: bytes, data: bytes = b"") -> Path:
    """A file with this header, as the format has it: its length, itself, the numbers."""
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def test_every_tensor_has_its_shape_dtype_and_size_and_names_stand_as_people_count(file):
    tensors = read_tensors(file)
    assert [tensor.name for tensor in tensors] == [
        *("cls_token", "head.steps", "head.weight"),
        *("layers.2.bias", "layers.2.weight", "layers.10.weight"),
    ]
    for tensor in tensors:
        written = TENSORS[tensor.name]
        assert tensor.shape == written.shape
        assert (tensor.numbers, tensor.bytes) == (written.size, written.nbytes)
    assert {tensor.dtype for tensor in tensors} == {"F16", "F32", "I64"}


def test_modules_blocks_and_the_whole_add_up(file):
    tensors = read_tensors(file)
    modules = {module.name: module for module in by_module(tensors)}
    assert list(modules) == ["", "head", "layers.2", "layers.10"]
    assert modules["layers.2"].numbers == 5 * 4 + 5
    assert modules["layers.2"].bytes == 2 * (5 * 4 + 5)
    assert modules["head"].dtypes == ("I64", "F32") and modules["head"].tensors == 2
    assert [block.name for block in by_block(tensors)] == ["", "head", "layers"]
    for parts in (by_module(tensors), by_block(tensors)):
        assert sum(part.numbers for part in parts) == whole(tensors).numbers
        assert sum(part.bytes for part in parts) == whole(tensors).bytes
    assert whole(tensors).numbers == sum(written.size for written in TENSORS.values())


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [
        ("F32", (3, 4), 48),
        ("BF16", (3,), 6),
        ("F8_E4M3", (5,), 5),
        ("F4", (6,), 3),
        ("F6_E2M3", (4,), 3),
        ("C64", (2,), 16),
        ("BOOL", (9,), 9),
        ("I64", (), 8),
        ("F32", (0, 4), 0),
    ],
)
def test_bytes_follow_from_the_dtype(dtype, shape, size):
    assert StoredTensor("a", shape, dtype).bytes == size


def test_a_file_without_tensors_holds_nothing(tmp_path):
    tensors = read_tensors(with_header(tmp_path / "none.safetensors", b"{}"))
    assert tensors == [] and whole(tensors).numbers == 0


ONE = {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (json.dumps(ONE).encode(), b"too short"),
        (json.dumps({"a": ONE["a"] | {"shape": [5]}}).encode(), bytes(16)),
        (json.dumps({"a": ONE["a"] | {"dtype": "F33"}}).encode(), bytes(16)),
        (b'{"a":', b""),
        (b"[" * 100_000, b""),
        (b'{"\xff": 1}', b""),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, header, data):
    with pytest.raises(LabError, match="is damaged, or no safetensors file") as caught:
        read_tensors(with_header(tmp_path / "bad.safetensors", header, data))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400 + len(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"abc", struct.pack("<Q", 2**60) + b"{}", bytes(64)])
def test_no_header_or_one_that_is_far_too_long_is_one_sentence(tmp_path, content):
    (path := tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(LabError, match="is damaged"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.pt", b""),
        ("model.PTH", b"x"),
        ("pytorch_model.bin", b"PK\x03\x04"),
        ("model", b"PK\x03\x04 a zip, as torch.save writes it"),
        ("model.weights", b"\x80\x02 a pickle"),
    ],
)
def test_what_may_hold_a_pickle_is_refused_with_the_way_to_convert_it(tmp_path, name, content):
    (path := tmp_path / name).write_bytes(content)
    with pytest.raises(LabError, match="may hold a pickle, which can run .* weights_only=True"):
        read_tensors(path)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    for name in ("none.safetensors", "none.pt", "."):
        with pytest.raises(LabError, match="cannot be read .*; name a safetensors file"):
            read_tensors(tmp_path / name)
