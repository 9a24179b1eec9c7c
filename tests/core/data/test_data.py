"""Data sets: what is shipped, what is read from disk, what is downloaded, and the batches."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

import core.data
from core.data import (
    DATASETS,
    check_channels,
    data_dir,
    download,
    find_dataset,
    is_available,
    make_fashion_mini,
    sample_images,
)
from core.data.arrays import FASHION_MINI_PATH
from core.data.batches import epoch_order, prepare, shuffled_batches
from core.data.catalogue import files_of
from core.data.cifar import CIFAR_FILES
from core.data.idx import IDX_FILES, read_idx
from core.data.load import Dataset, load
from core.specs import LabError

FULL_SETS = os.environ.get("LAB_DATA_DIR")
needs_full_sets = pytest.mark.skipif(
    not FULL_SETS, reason="LAB_DATA_DIR is not set: the full data sets are not on this machine"
)

RANDOM = np.random.RandomState(1)
TINY_IMAGES = RANDOM.randint(0, 256, (20, 28, 28), np.uint8)
TINY_LABELS = np.arange(20, dtype=np.uint8) % 10


@pytest.fixture(scope="module")
def mini() -> Dataset:
    return load("fashion-mini")


@pytest.fixture
def empty_dir(tmp_path, monkeypatch) -> Path:
    """An empty LAB_DATA_DIR."""
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def tiny_mnist(empty_dir, monkeypatch) -> Path:
    """MNIST of 20 + 20 images, whole, in torchvision's layout; the folder of its IDX files."""
    monkeypatch.setitem(
        DATASETS, "mnist", replace(DATASETS["mnist"], train_images=20, test_images=20)
    )
    folder = empty_dir / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for image_file, label_file in IDX_FILES.values():
        (folder / image_file).write_bytes(idx_bytes(TINY_IMAGES))
        (folder / label_file).write_bytes(idx_bytes(TINY_LABELS))
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file written by the book: magic number, big-endian sizes, data."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


# The catalogue


def test_a_misspelt_name_gets_the_near_one():
    with pytest.raises(LabError, match="did you mean fashion-mnist"):
        find_dataset("Fashion-MNST")


def test_a_name_unlike_any_gets_the_whole_list():
    with pytest.raises(LabError, match="there are fashion-mini, mnist, fashion-mnist"):
        find_dataset("imagenet")


@pytest.mark.parametrize("info", DATASETS.values(), ids=lambda info: info.name)
def test_facts_are_complete(info):
    assert find_dataset(info.name) is info
    assert len(set(info.class_names)) == 10
    assert info.disk_bytes > 0 and (info.download_bytes > 0) == (info.torchvision_class is not None)
    assert "licence" in info.source and info.source.endswith(".")


def test_class_names_are_torchvisions():
    from torchvision.datasets import MNIST, FashionMNIST

    assert list(DATASETS["fashion-mnist"].class_names) == FashionMNIST.classes
    assert list(DATASETS["mnist"].class_names) == [name[0] for name in MNIST.classes]


def test_data_dir_is_in_the_users_cache_unless_told(monkeypatch, tmp_path):
    monkeypatch.delenv("LAB_DATA_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data_dir() == tmp_path / "cnn-architecture-lab"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/invalid")
    assert data_dir() == Path.home() / ".cache" / "cnn-architecture-lab"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert data_dir() == Path.home() / "Library" / "Caches" / "cnn-architecture-lab"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert data_dir() == tmp_path / "Local" / "cnn-architecture-lab"
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "chosen"))
    assert data_dir() == tmp_path / "chosen"


def test_only_the_shipped_set_is_available_in_an_empty_folder(empty_dir):
    assert [name for name in DATASETS if is_available(name)] == ["fashion-mini"]


@pytest.mark.slow
def test_importing_core_data_and_sampling_leave_torch_alone():
    program = (
        "import sys, core.data; core.data.sample_images('fashion-mini', 10);"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# The shipped set


def test_fashion_mini_is_balanced(mini):
    assert mini.train_images.shape == (5_000, 1, 28, 28)
    assert mini.test_images.shape == (2_000, 1, 28, 28)
    assert mini.train_images.dtype == mini.test_images.dtype == torch.uint8
    assert mini.train_labels.dtype == mini.test_labels.dtype == torch.int64
    assert mini.train_labels.bincount().tolist() == [500] * 10
    assert mini.test_labels.bincount().tolist() == [200] * 10


def test_fashion_mini_is_shuffled(mini):
    assert mini.train_labels[:500].bincount(minlength=10).min() > 25  # 50 expected


def test_fashion_mini_facts_match_its_file(mini):
    pixels = mini.train_images.double() / 255
    assert mini.info.mean == pytest.approx(pixels.mean().item(), abs=5e-5)
    assert mini.info.std == pytest.approx(pixels.std().item(), abs=5e-5)
    assert mini.info.disk_bytes == FASHION_MINI_PATH.stat().st_size


def test_the_licence_is_shipped_beside_the_images():
    text = FASHION_MINI_PATH.with_name("FASHION_MNIST_LICENSE.txt").read_text()
    assert "MIT License" in text and "Copyright (c) 2017 Zalando SE" in text


@needs_full_sets
def test_the_script_makes_the_shipped_file(tmp_path, capsys):
    output = tmp_path / "again.npz"
    folder = Path(str(FULL_SETS), "FashionMNIST", "raw")
    make_fashion_mini.main([str(folder), "--output", str(output)])
    assert "mean=0.2842 std=0.3522" in capsys.readouterr().out
    with np.load(output) as made, np.load(FASHION_MINI_PATH) as shipped:
        assert set(made) == set(shipped)
        for name in made:
            assert made[name].dtype == shipped[name].dtype == np.uint8
            np.testing.assert_array_equal(made[name], shipped[name])


@needs_full_sets
@pytest.mark.parametrize("split", ["train", "test"])
def test_fashion_mini_is_part_of_fashion_mnist(mini, split):
    def rows(dataset: Dataset) -> list[bytes]:
        images = getattr(dataset, f"{split}_images").numpy()
        labels = getattr(dataset, f"{split}_labels").tolist()
        return [
            image.tobytes() + bytes([label]) for image, label in zip(images, labels, strict=True)
        ]

    assert set(rows(mini)) <= set(rows(load("fashion-mnist")))


# The full sets


@needs_full_sets
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_full_sets_are_read_as_torchvision_reads_them(name):
    from torchvision import datasets

    dataset = load(name)
    read = getattr(datasets, dataset.info.torchvision_class)
    for train, images, labels in (
        (True, dataset.train_images, dataset.train_labels),
        (False, dataset.test_images, dataset.test_labels),
    ):
        theirs = read(root=FULL_SETS, train=train)
        assert torch.equal(images.squeeze(1), theirs.data)
        assert torch.equal(labels, theirs.targets)


@needs_full_sets
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_full_sets_have_the_facts_of_the_catalogue(name):
    dataset = load(name)
    pixels = dataset.train_images.float() / 255
    assert is_available(name)
    assert dataset.train_labels.bincount().numel() == len(dataset.info.class_names)
    assert pixels.mean().item() == pytest.approx(dataset.info.mean, abs=1e-4)
    assert pixels.std().item() == pytest.approx(dataset.info.std, abs=1e-4)


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


# Parts of a set


def rows(dataset: Dataset) -> set[bytes]:
    return {image.tobytes() for image in dataset.train_images.numpy()}


def test_a_smaller_part_lies_within_a_larger_one(mini):
    parts = [mini.first(count) for count in (1, 10, 1_000, 4_999)]
    for smaller, larger in zip(parts, [*parts[1:], mini], strict=True):
        assert rows(smaller) < rows(larger)
    assert [len(part.train_labels) for part in parts] == [1, 10, 1_000, 4_999]


def test_a_part_keeps_labels_beside_their_images_and_the_test_set_whole(mini):
    label_of = {
        image.tobytes(): label
        for image, label in zip(mini.train_images.numpy(), mini.train_labels.tolist(), strict=True)
    }
    part = mini.first(300)
    assert [label_of[image.tobytes()] for image in part.train_images.numpy()] == (
        part.train_labels.tolist()
    )
    assert part.test_images is mini.test_images and part.test_labels is mini.test_labels


def test_a_part_is_the_same_each_time_and_all_is_the_set_itself(mini):
    assert torch.equal(mini.first(100).train_images, mini.first(100).train_images)
    assert torch.equal(mini.first(5_000).train_images, mini.train_images)
    assert mini.first(None) is mini


@pytest.mark.parametrize("count", [0, -1, 5_001, True])
def test_a_part_cannot_be_larger_than_the_set(mini, count):
    with pytest.raises(LabError, match="mini has 5,000 training images"):
        mini.first(count)


def test_samples_show_the_classes_in_turn(mini):
    images, labels = sample_images("fashion-mini", 25)
    assert images.shape == (25, 28, 28) and images.dtype == np.uint8
    assert labels.tolist() == [*range(10), *range(10), *range(5)]
    assert len({image.tobytes() for image in images}) == 25
    first_bag = mini.train_images[mini.train_labels == 8][0, 0]
    np.testing.assert_array_equal(images[8], first_bag.numpy())


@pytest.mark.parametrize("count", [0, 5_001])
def test_samples_cannot_be_more_than_there_are(count):
    with pytest.raises(LabError, match="count must be a whole number from 1 to 5,000"):
        sample_images("fashion-mini", count)


# Batches


@pytest.mark.parametrize("size", [14, 24, 28, 64, 96])
def test_prepare_resizes_as_torchvision_does_on_pil_images(mini, size):
    from PIL import Image
    from torchvision import transforms

    images = mini.test_images[:20]
    theirs = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])
    expected = torch.stack([theirs(Image.fromarray(image.numpy())) for image in images.squeeze(1)])
    ours = prepare(images, size, in_channels=1)
    assert ours.shape == (20, 1, size, size) and ours.dtype == torch.float32
    # PIL rounds to whole gray levels after each of its two passes.
    assert (ours - expected).abs().max() <= 1.1 / 255


@pytest.mark.parametrize("size", [7, 27, 32, 48, 97])
def test_resized_values_stay_within_0_and_1(size):
    checkers = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    checkers[..., ::2, ::2] = 255
    white = torch.full((1, 1, 28, 28), 255, dtype=torch.uint8)
    values = prepare(torch.cat([checkers, white]), size, in_channels=1)
    assert values.min() >= 0 and values.max() <= 1
    torch.testing.assert_close(values[1], torch.ones(1, size, size))


def test_prepare_normalizes_to_zero_mean_and_unit_deviation(mini):
    values = prepare(mini.train_images, 28, 1, mini.info.mean, mini.info.std)
    assert values.mean().item() == pytest.approx(0, abs=1e-3)
    assert values.std().item() == pytest.approx(1, abs=1e-3)


def test_prepare_repeats_gray_over_the_channels(mini):
    images = mini.test_images[:2]
    color = prepare(images, 32, in_channels=3, mean=0.5, std=0.5)
    assert color.shape == (2, 3, 32, 32)
    for channel in color.unbind(1):
        assert torch.equal(channel.unsqueeze(1), prepare(images, 32, 1, mean=0.5, std=0.5))


def test_prepare_leaves_the_images_as_they_are(mini):
    images = mini.test_images[:2].clone()
    prepare(images, 28, in_channels=1, mean=0.5, std=0.5)
    assert torch.equal(images, mini.test_images[:2])


@pytest.mark.parametrize(("channels", "in_channels"), [(3, 1), (3, 4)])
def test_color_does_not_fit_other_channels(channels, in_channels):
    images = torch.zeros(1, channels, 8, 8, dtype=torch.uint8)
    with pytest.raises(LabError, match=f"takes {in_channels} channels? and the images have 3"):
        prepare(images, 8, in_channels)


def test_an_epoch_sees_each_image_once_in_an_order_of_its_own():
    orders = [epoch_order(100, seed, epoch) for seed in range(4) for epoch in range(4)]
    assert all(sorted(order.tolist()) == list(range(100)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == len(orders)
    assert orders[0].dtype == torch.int64 and orders[0].device.type == "cpu"


def test_the_order_depends_on_nothing_else():
    torch.manual_seed(1)
    np.random.seed(1)
    before = epoch_order(50, seed=3, epoch=2)
    torch.rand(10)
    np.random.rand(10)
    assert torch.equal(epoch_order(50, seed=3, epoch=2), before)
    # Written down once: another machine or another version must draw the same.
    assert epoch_order(10, seed=0, epoch=0).tolist() == [3, 7, 6, 4, 1, 0, 2, 8, 5, 9]


def test_batches_drop_nothing():
    order = epoch_order(103, seed=0, epoch=0)
    batches = list(shuffled_batches(order, batch_size=25))
    assert [len(batch) for batch in batches] == [25, 25, 25, 25, 3]
    assert torch.equal(torch.cat(batches), order)


# Downloading, without a network


def refuse(error: Exception):
    def urlopen(*args, **kwargs):
        raise error

    return urlopen


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (URLError("Name or service not known"), "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "Connection reset"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk of .* is full"),
        (OSError(errno.EROFS, "Read-only file system"), "cannot be written to"),
        (EOFError(), "EOFError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failed_download_is_one_sentence(empty_dir, monkeypatch, capfd, name, error, words):
    monkeypatch.setattr(urllib.request, "urlopen", refuse(error))
    with pytest.raises(LabError, match=words) as caught:
        download(name)
    sentence = str(caught.value)
    assert sentence.startswith(f"{DATASETS[name].title} could not be downloaded: ")
    assert sentence.endswith("or take fashion-mini, which needs no download.")
    assert "\n" not in sentence
    assert list(empty_dir.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(LabError, match=r"file/data cannot be written to .* fashion-mini"):
        download("mnist")


@pytest.mark.parametrize("error", [PermissionError, OSError], ids=["forbidden", "read-only"])
def test_a_read_only_data_folder_is_one_sentence(empty_dir, monkeypatch, error):
    number = errno.EACCES if error is PermissionError else errno.EROFS

    def mkdtemp(*args, **kwargs):
        raise error(number, os.strerror(number))

    monkeypatch.setattr("tempfile.mkdtemp", mkdtemp)
    with pytest.raises(LabError, match=r"cannot be written to .* fashion-mini"):
        download("mnist")


class Response(io.BytesIO):
    """What urlopen returns, as far as torchvision asks."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.url = None
        self.length = len(content)


@pytest.fixture
def mirror(tiny_mnist, monkeypatch) -> dict[str, bytes]:
    """A mirror with the tiny MNIST: file name to bytes. None of it is on disk yet."""
    from torchvision.datasets import MNIST

    files = {
        f"{path.name}.gz": gzip.compress(path.read_bytes(), mtime=0)
        for path in tiny_mnist.iterdir()
    }
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]
    monkeypatch.setattr(MNIST, "resources", sums)
    monkeypatch.setattr(MNIST, "mirrors", ["https://mirror.invalid/"])
    total = sum(map(len, files.values()))
    monkeypatch.setitem(DATASETS, "mnist", replace(DATASETS["mnist"], download_bytes=total))

    def urlopen(request, *args, **kwargs):
        return Response(files[request.full_url.rpartition("/")[2]])

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    for path in tiny_mnist.iterdir():
        path.unlink()
    return files


def test_a_download_lands_in_torchvisions_layout(mirror, tiny_mnist, empty_dir, capfd):
    from torchvision.datasets import MNIST

    download("mnist")
    assert is_available("mnist") and len(load("mnist").train_labels) == 20
    assert torch.equal(MNIST(root=empty_dir).data, load("mnist").train_images.squeeze(1))
    assert sorted(path.name for path in tiny_mnist.iterdir()) == sorted(
        file for pair in IDX_FILES.values() for file in pair
    )
    assert [path.name for path in empty_dir.iterdir()] == ["MNIST"]
    assert capfd.readouterr().err == ""


def test_progress_grows_to_the_total_in_the_callers_thread(mirror, monkeypatch):
    total = DATASETS["mnist"].download_bytes
    opened = urllib.request.urlopen

    def slow(*args, **kwargs):
        time.sleep(0.03)
        return opened(*args, **kwargs)

    monkeypatch.setattr(urllib.request, "urlopen", slow)
    # The package's function `download` hides the module of the same name from dotted paths.
    monkeypatch.setattr(sys.modules["core.data.download"], "PROGRESS_INTERVAL", 0.01)
    reports: list[tuple[int, int]] = []
    threads: set[threading.Thread] = set()

    def report(done: int, all_bytes: int) -> None:
        reports.append((done, all_bytes))
        threads.add(threading.current_thread())

    download("mnist", report)
    assert threads == {threading.current_thread()}
    done = [count for count, _ in reports]
    assert done == sorted(done) and done[-1] == total
    assert any(0 < count < total for count in done)
    assert {all_bytes for _, all_bytes in reports} == {total}


def test_a_whole_set_is_not_fetched_again(tiny_mnist, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", refuse(AssertionError("asked the network")))
    download("mnist")
    download("fashion-mini")


@pytest.mark.parametrize("file", [file for pair in IDX_FILES.values() for file in pair])
def test_a_truncated_file_is_replaced(mirror, tiny_mnist, file):
    download("mnist")
    path = tiny_mnist / file
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(LabError, match=f"{file} is broken"):
        load("mnist")
    download("mnist")
    assert path.read_bytes() == whole


def test_a_damaged_download_does_not_stand_in_the_way_of_the_next(mirror, tiny_mnist):
    name = "t10k-images-idx3-ubyte.gz"
    whole, mirror[name] = mirror[name], mirror[name][:-5]
    with pytest.raises(LabError, match=r"corrupted.*fashion-mini"):
        download("mnist")
    assert not is_available("mnist")
    mirror[name] = whole
    download("mnist")
    assert is_available("mnist")


def test_what_a_killed_download_left_is_removed_the_next_day(mirror, empty_dir):
    old, new = empty_dir / ".download-old", empty_dir / ".download-new"
    for folder in (old, new):
        (folder / "MNIST" / "raw").mkdir(parents=True)
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    download("mnist")
    assert not old.exists() and new.exists()


# CIFAR-10

COLOR = RANDOM.randint(0, 256, (20, 3, 32, 32), np.uint8)


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
    values = prepare(data.train_images, 64, 3, data.info.mean, data.info.std)
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


def test_another_set_in_cifar_s_folder_is_told(tiny_cifar, monkeypatch):
    info = replace(DATASETS["cifar10"], train_images=21)
    monkeypatch.setitem(DATASETS, "cifar10", info)
    with pytest.raises(LabError, match=r"\(20, 3, 32, 32\) instead of \(21, 3, 32, 32\)"):
        load("cifar10")


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


def test_gray_networks_are_told_of_color_before_a_run():
    with pytest.raises(
        LabError, match=r"takes 1 channel and the images have 3: give the network 3"
    ):
        check_channels(DATASETS["cifar10"], 1)
    check_channels(DATASETS["cifar10"], 3)
    for channels in (1, 3):
        check_channels(DATASETS["mnist"], channels)


def test_the_public_names_are_there():
    assert all(hasattr(core.data, name) for name in core.data.__all__)
