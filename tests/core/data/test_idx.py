"""IDX files as they are read: plain, gzipped, broken, another set's."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from core.data import (
    is_available,
)
from core.data.idx import read_idx
from core.data.load import load
from core.specs import LabError
from tests.core.data.tiny_sets import (
    TINY_IMAGES,
    TINY_LABELS,
    idx_bytes,
)

# IDX files


@pytest.mark.parametrize("array", [TINY_IMAGES, TINY_LABELS], ids=["images", "labels"])
@pytest.mark.parametrize("name", ["tiny-idx-ubyte", "tiny-idx-ubyte.gz"])
def test_idx_plain_and_gzipped(tmp_path, array, name):
    content = idx_bytes(array)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    read = read_idx(path, dimensions=array.ndim)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.uint8 and read.flags.writeable


WHOLE = idx_bytes(TINY_IMAGES)
BROKEN = {
    "empty": b"",
    "header cut": WHOLE[:9],
    "data cut": WHOLE[:-1],
    "data too long": WHOLE + b"\0",
    "other type": b"\0\0\x0d\x03" + WHOLE[4:],
    "labels instead": idx_bytes(TINY_LABELS),
    "a web page": b"<!DOCTYPE html><title>404</title>",
    "huge sizes": b"\0\0\x08\x03" + b"\xff" * 12,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gz"])
def test_a_broken_idx_file_is_named(tmp_path, content, zipped):
    path = tmp_path / ("images.gz" if zipped else "images")
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(LabError, match=r"images.* is broken: .* delete it, it is downloaded again"):
        read_idx(path, dimensions=3)


def damage_the_middle(content: bytes) -> bytes:
    return content[:100] + bytes(byte ^ 0xFF for byte in content[100:200]) + content[200:]


@pytest.mark.parametrize(
    "damage",
    [lambda zipped: zipped[:-20], lambda zipped: b"not gzip at all", damage_the_middle],
    ids=["cut", "other format", "damaged"],
)
def test_a_broken_gzip_file_is_named(tmp_path, damage):
    path = tmp_path / "images.gz"
    path.write_bytes(damage(gzip.compress(WHOLE)))
    with pytest.raises(LabError, match=r"images\.gz is broken: it cannot be unpacked"):
        read_idx(path, dimensions=3)


def test_a_file_that_cannot_be_read_is_no_reason_to_delete_it(tmp_path):
    with pytest.raises(LabError, match="cannot be read: Is a directory"):
        read_idx(tmp_path, dimensions=3)


def test_load_reads_plain_and_gzipped_files(tiny_mnist):
    for path in list(tiny_mnist.glob("t10k-*")):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert is_available("mnist")
    dataset = load("mnist")
    for images in (dataset.train_images, dataset.test_images):
        np.testing.assert_array_equal(images.squeeze(1).numpy(), TINY_IMAGES)
    for labels in (dataset.train_labels, dataset.test_labels):
        assert labels.tolist() == TINY_LABELS.tolist()


def test_load_of_an_absent_set_says_what_to_do(empty_dir):
    with pytest.raises(
        LabError, match=r"MNIST is not .* download it first \(11 MiB\).*fashion-mini"
    ):
        load("mnist")


def test_one_missing_file_makes_a_set_unavailable(tiny_mnist):
    (tiny_mnist / "t10k-labels-idx1-ubyte").unlink()
    assert not is_available("mnist")


def test_load_names_the_broken_file(tiny_mnist):
    (tiny_mnist / "t10k-images-idx3-ubyte").write_bytes(WHOLE[:-1])
    with pytest.raises(LabError, match=r"t10k-images-idx3-ubyte is broken.*15,679"):
        load("mnist")


def test_labels_must_belong_to_the_images(tiny_mnist):
    (tiny_mnist / "train-labels-idx1-ubyte").write_bytes(idx_bytes(TINY_LABELS[:-1]))
    with pytest.raises(LabError, match="19 labels for 20 images"):
        load("mnist")


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (TINY_IMAGES[:3], TINY_LABELS[:3]),
        (TINY_IMAGES[:, :14], TINY_LABELS),
        (TINY_IMAGES, TINY_LABELS + 1),
    ],
    ids=["fewer", "other size", "other labels"],
)
def test_whole_files_of_another_set_are_told_apart(tiny_mnist, images, labels):
    (tiny_mnist / "train-images-idx3-ubyte").write_bytes(idx_bytes(images))
    (tiny_mnist / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    with pytest.raises(LabError, match="another data set than MNIST"):
        load("mnist")
