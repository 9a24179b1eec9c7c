"""Downloads through torchvision, without a network."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from filelock import FileLock

from core.data import (
    DATASETS,
    download,
    is_available,
)
from core.data.idx import IDX_FILES
from core.data.load import load
from core.specs import LabError
from tests.core.data.tiny_sets import Response, tiny_mnist_files

# Downloading, without a network

PROJECT = Path(__file__).parents[3]


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


@pytest.fixture
def mirror(tiny_mnist, monkeypatch) -> dict[str, bytes]:
    """A mirror with the tiny MNIST: file name to bytes. None of it is on disk yet."""
    from torchvision.datasets import MNIST

    files = tiny_mnist_files()
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


@pytest.mark.slow
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


# Several processes

DOWNLOADER = """
import gzip, sys, time, types
from dataclasses import replace
from pathlib import Path
from core.data import DATASETS, download
from tests.core.data.tiny_sets import tiny_mnist_files

class MNIST:
    def __init__(self, root, download):
        print("fetches", flush=True)
        folder = root / "MNIST" / "raw"
        folder.mkdir(parents=True)
        for name, content in tiny_mnist_files().items():
            time.sleep(0.2)
            (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))

sys.modules["torchvision"] = types.ModuleType("torchvision")  # the real one is seconds away
sys.modules["torchvision"].datasets = types.SimpleNamespace(MNIST=MNIST)
DATASETS["mnist"] = replace(DATASETS["mnist"], train_images=20, test_images=20)
own, other = map(Path, sys.argv[1:])
own.touch()
while not other.exists():  # both begin at the same time
    time.sleep(0.01)
sentences = []
download("mnist", waiting=sentences.append)
print(*sentences[:1], "whole", flush=True)
"""


@pytest.mark.slow
def test_of_two_processes_one_downloads_and_the_other_waits(empty_dir, tmp_path_factory):
    signs = tmp_path_factory.mktemp("signs")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DOWNLOADER, signs / own, signs / other],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for own, other in (("first", "second"), ("second", "first"))
    ]
    outputs = sorted(process.communicate(timeout=120)[0] for process in processes)
    assert outputs == [
        "Another process downloads MNIST; waiting for it. whole\n",
        "fetches\nwhole\n",
    ]
    assert [path.name for path in empty_dir.iterdir()] == ["MNIST"]


def test_who_waits_for_another_process_can_be_stopped(mirror, tiny_mnist, empty_dir):
    class Stopped(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    with FileLock(empty_dir / ".mnist.lock"):
        with pytest.raises(Stopped):
            download("mnist", stop)
        with pytest.raises(Stopped):
            download("mnist", waiting=stop)
    assert not is_available("mnist")
    download("mnist")
    assert is_available("mnist")


def test_who_waits_for_another_thread_can_be_stopped(mirror):
    sentences: list[str] = []

    def waiting(sentence: str) -> None:
        sentences.append(sentence)
        raise InterruptedError

    with sys.modules["core.data.download"]._one_thread, pytest.raises(InterruptedError):
        download("mnist", waiting=waiting)
    assert sentences == ["Another process downloads MNIST; waiting for it."]


def test_a_whole_set_in_a_folder_that_cannot_be_written_to_needs_no_lock(tiny_mnist, monkeypatch):
    monkeypatch.setattr(sys.modules["core.data.download"], "FileLock", refuse(AssertionError()))
    download("mnist")


def test_a_lock_that_a_killed_process_has_left_is_no_obstacle(mirror, empty_dir):
    (empty_dir / ".mnist.lock").touch()
    download("mnist")
    assert [path.name for path in empty_dir.iterdir()] == ["MNIST"]
