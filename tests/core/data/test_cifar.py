"""CIFAR-10: pickles that are read as bytes, and nothing else."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import struct
import tarfile
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data import (
    DATASETS,
    download,
    is_available,
    sample_images,
)
from core.data.batches import prepare
from core.data.catalogue import files_of
from core.data.cifar import CIFAR_FILES, BytesOnly, read_batch
from core.data.load import load
from core.specs import LabError
from tests.core.data.tiny_sets import (
    TINY_LABELS,
    Response,
)

# CIFAR-10

COLOR = np.random.RandomState(2).randint(0, 256, (20, 3, 32, 32), np.uint8)


def short_text(text: str) -> bytes:
    """A text of Python 2 in a pickle."""
    return b"U" + bytes([len(text)]) + text.encode("latin1")


def python_2_pickle(rows: np.ndarray, labels: list[int]) -> bytes:
    """A batch as Python 2's cPickle wrote it, opcode by opcode: protocol 2, bytes as text."""
    count, width = rows.shape
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + short_text("b")
    array += b"\x87R(K\x01" + struct.pack("<BHBH", ord("M"), count, ord("M"), width) + b"\x86"
    array += b"cnumpy\ndtype\n" + short_text("u1") + b"K\x00K\x01\x87R(K\x03" + short_text("|")
    array += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    array += b"T" + struct.pack("<I", rows.size) + rows.tobytes() + b"tb"
    numbers = b"](" + b"".join(bytes([ord("K"), label]) for label in labels) + b"e"
    pairs = ((short_text("data"), array), (short_text("labels"), numbers))
    return b"\x80\x02}(" + b"".join(key + value for key, value in pairs) + b"u."


@pytest.fixture
def tiny_cifar(empty_dir, monkeypatch) -> Path:
    """CIFAR-10 of 20 + 4 images, whole, in torchvision's layout; the folder of its batches."""
    info = replace(DATASETS["cifar10"], train_images=20, test_images=4)
    monkeypatch.setitem(DATASETS, "cifar10", info)
    folder = empty_dir / "cifar-10-batches-py"
    folder.mkdir()
    rows, labels = COLOR.reshape(20, -1), (TINY_LABELS % 10).tolist()
    for number in range(5):
        part = slice(4 * number, 4 * number + 4)
        (folder / f"data_batch_{number + 1}").write_bytes(python_2_pickle(rows[part], labels[part]))
    modern = {"data": rows[:4], "labels": labels[:4], "batch_label": "testing batch 1 of 1"}
    (folder / "test_batch").write_bytes(pickle.dumps(modern, protocol=2))
    return folder


@pytest.mark.slow
def test_cifar_s_facts_are_torchvisions():
    from torchvision.datasets import CIFAR10

    files = [name for name, _ in CIFAR10.train_list + CIFAR10.test_list]
    assert [file for pair in CIFAR_FILES.values() for file in pair] == files
    assert DATASETS["cifar10"].folder == CIFAR10.base_folder
    assert CIFAR10.tgz_md5 == "c58f30108f718f92721af3b95e74349a"  # of the archive we tell the size


def test_cifar_is_read_as_color_images(tiny_cifar):
    assert is_available("cifar10")
    data = load("cifar10")
    assert torch.equal(data.train_images, torch.from_numpy(COLOR))
    assert data.train_labels.tolist() == TINY_LABELS.tolist()
    assert torch.equal(data.test_images, torch.from_numpy(COLOR[:4]))
    assert data.test_images.dtype == torch.uint8 and data.test_labels.dtype == torch.int64
    images, labels = sample_images("cifar10", 10)
    assert images.shape == (10, 3, 32, 32) and labels.tolist() == list(range(10))
    values = prepare(data.train_images, (64, 64), 3, data.info.mean, data.info.std)
    assert values.shape == (20, 3, 64, 64)


def test_a_missing_batch_makes_cifar_unavailable(tiny_cifar):
    (tiny_cifar / "data_batch_3").unlink()
    assert not is_available("cifar10")
    with pytest.raises(LabError, match="CIFAR-10 is not on this machine yet: .*163 MiB"):
        load("cifar10")


class Evil:
    """What a pickle must never be allowed to do."""

    def __reduce__(self):
        return (os.system, ("touch lab-was-pickled",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be unpickled"),
        (b"\x80\x02}(U\x04data", "cannot be unpickled"),
        (pickle.dumps([1, 2]), "holds no dictionary"),
        (pickle.dumps({"labels": [1]}, 2), "no rows of 3,072 bytes"),
        (pickle.dumps({"data": np.zeros((2, 9), np.uint8), "labels": [1, 2]}, 2), "no rows of"),
        (pickle.dumps({"data": np.zeros((2, 3072)), "labels": [1, 2]}, 2), "no rows of"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, 2), "1 labels for 2"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [-1]}, 2), "small numbers"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": "0"}, 2), "small numbers"),
        (pickle.dumps(Evil()), r"it asks for posix\.system"),
        (b"cbuiltins\neval\n(U\x011tR.", r"it asks for builtins\.eval"),
    ],
)  # fmt: skip
def test_a_broken_or_evil_batch_is_one_sentence(tiny_cifar, monkeypatch, content, words):
    monkeypatch.chdir(tiny_cifar)
    (tiny_cifar / "data_batch_2").write_bytes(content)
    with pytest.raises(LabError, match=f"data_batch_2 is broken: .*{words}") as caught:
        load("cifar10")
    assert str(caught.value).endswith("delete it, it is downloaded again.")
    assert not (tiny_cifar / "lab-was-pickled").exists()


NUMPY = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
HUGE, MINUS_1 = b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff"
OBJECTS = b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNN" + 2 * MINUS_1 + b"K\x00tb"
RUINED = {  # the first ends a process in which numpy unpickles it
    "bytes as objects": NUMPY + b"(K\x01K\x02\x85" + OBJECTS + b"\x89U\x10" + b"A" * 16 + b"tb.",
    "a dtype of strange numbers": DTYPE + b"(K\x03U\x01|N(U\x01a}t" + HUGE + HUGE + b"K?tb.",
    "a dtype of a dtype": DTYPE + b"(K\x04U\x01|](U\x01at" + DTYPE + b"N}K\x01K\x01K\x00tb.",
    "a huge shape": NUMPY + b"(K\x01J\xff\xff\xff\x7f\x85" + DTYPE + b"\x89U\x01atb.",
    "a huge memo": b"}r\xff\xff\xff\x7f.",
    "a shape of texts": NUMPY + b"(K\x01U\x01a\x85" + DTYPE + b"\x89U\x01atb.",
    "an array of objects": NUMPY + b"(K\x01K\x01\x85]\x89](Natb.",
    "a changed function": b"cnumpy\ndtype\n}U\x04makeNsb.",
    "a changed class": b"cnumpy\nndarray\n}U\x04nameNsb.",
    "an encoder of another kind": b"c_codecs\nencode\nU\x01aU\x05utf-7\x86R.",
}


@pytest.mark.parametrize("content", RUINED.values(), ids=RUINED)
def test_no_damaged_pickle_reaches_numpy(tiny_cifar, content):
    (tiny_cifar / "data_batch_2").write_bytes(content)
    with pytest.raises(LabError, match="data_batch_2 is broken: ") as caught:
        load("cifar10")
    assert str(caught.value).endswith("delete it, it is downloaded again.")
    assert BytesOnly(io.BytesIO(DTYPE + b"."), encoding="latin1").load().name == "u1"


def test_every_single_damaged_byte_is_read_or_told(tiny_cifar):
    """The bytes in front of the pixels and behind them, each in turn: an array or a sentence."""
    path = tiny_cifar / "data_batch_1"
    whole = path.read_bytes()
    chance = np.random.RandomState(3)
    for place in (*range(200), *range(len(whole) - 60, len(whole))):
        for byte in chance.randint(0, 256, 2):
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            with suppress(LabError):
                images, labels = read_batch(path)
                assert images.dtype == labels.dtype == np.uint8


def test_another_set_in_cifar_s_folder_is_told(tiny_cifar, monkeypatch):
    info = replace(DATASETS["cifar10"], train_images=21)
    monkeypatch.setitem(DATASETS, "cifar10", info)
    with pytest.raises(LabError, match=r"\(20, 3, 32, 32\) instead of \(21, 3, 32, 32\)"):
        load("cifar10")


@pytest.mark.slow
def test_cifar_is_downloaded_through_torchvision(tiny_cifar, empty_dir, monkeypatch, capfd):
    from torchvision.datasets import CIFAR10

    def md5(content: bytes) -> str:
        return hashlib.md5(content).hexdigest()

    meta = pickle.dumps({"label_names": list(DATASETS["cifar10"].class_names)}, 2)
    (tiny_cifar / "batches.meta").write_bytes(meta)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(tiny_cifar, "cifar-10-batches-py")
    sums = {path.name: md5(path.read_bytes()) for path in tiny_cifar.iterdir()}
    monkeypatch.setattr(CIFAR10, "url", "https://mirror.invalid/cifar-10-python.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(packed.getvalue()))
    monkeypatch.setitem(CIFAR10.meta, "md5", sums["batches.meta"])
    for name in ("train_list", "test_list"):
        listed = [[file, sums[file]] for file, _ in getattr(CIFAR10, name)]
        monkeypatch.setattr(CIFAR10, name, listed)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: Response(packed.getvalue()))
    shutil.rmtree(tiny_cifar)
    download("cifar10")
    assert torch.equal(load("cifar10").train_images, torch.from_numpy(COLOR))
    assert [path.name for path in empty_dir.iterdir()] == ["cifar-10-batches-py"]
    assert sorted(path.name for path in tiny_cifar.iterdir()) == sorted(
        files_of(DATASETS["cifar10"])
    )
    assert capfd.readouterr().err == ""
    (tiny_cifar / "batches.meta").write_bytes(meta)
    theirs = CIFAR10(root=empty_dir, train=True)  # which checks the files that we have left there
    assert np.array_equal(theirs.data.transpose(0, 3, 1, 2), COLOR)
