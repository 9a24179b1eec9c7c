"""What every place for files does alike: a folder, a file system of fsspec, a bucket."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from core.storage.files_place import files_place
from core.storage.place import Place

NAME = "store-1a/run-1/best-1-1.safetensors"


def filled(text: bytes):
    def fill(path: Path) -> None:
        path.write_bytes(text)

    return fill


def test_what_is_written_can_be_fetched_on_another_machine(place, elsewhere):
    digest = place.write(NAME, filled(b"parameters"))
    assert digest == sha256(b"parameters").hexdigest()
    assert place.may_have(NAME) and place.address(NAME).endswith(NAME)
    elsewhere()
    path = files_place().fetch(NAME, digest)
    assert path.read_bytes() == b"parameters"
    assert files_place().fetch(NAME, digest[:12]) == path  # and from now on it is here


def test_what_is_not_there_is_said_to_be_missing(place):
    with pytest.raises(FileNotFoundError):
        place.fetch(NAME)
    assert place.fetch_all({NAME: ""}) == {}
    assert place.sizes("store-1a/run-1") == {} and place.folders("store-1a") == []
    assert place.fetch_folder("sources/3f") is None


def test_a_writer_that_fails_leaves_nothing(place):
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyError("weight")

    with pytest.raises(KeyError, match="weight"):
        place.write(NAME, fail)
    assert place.sizes("store-1a") == {}


def test_folders_are_listed_and_files_with_their_sizes(place):
    for name in ("store-1a/run-1/a", "store-1a/run-2/b", "store-1a/run-2/deep/c", "store-2b/d"):
        place.write(name, filled(name.encode()))
    assert place.folders("") == ["store-1a", "store-2b"]
    assert place.folders("store-1a") == ["run-1", "run-2"]
    assert place.sizes("store-1a/run-2") == {"b": 16, "deep/c": 21}


def test_files_are_fetched_together(place, elsewhere):
    texts = {f"run-1/{number}": bytes(number) for number in range(1, 20)}
    digests = {name: place.write(name, filled(text)) for name, text in texts.items()}
    elsewhere()
    paths = files_place().fetch_all(digests | {"run-1/missing": ""})
    assert {name: path.read_bytes() for name, path in paths.items()} == texts


def test_only_what_is_named_is_removed(place):
    for name in ("run-1/a", "run-1/b", "run-10/c"):
        place.write(name, filled(b"."))
    place.remove("run-1", ["a", "never there"])
    assert place.sizes("run-1") == {"b": 1}
    place.remove_folder("run-1")
    place.remove_folder("run-1")
    assert place.sizes("run-1") == {} and place.sizes("run-10") == {"c": 1}


def test_a_folder_is_found_in_any_store(place: Place, elsewhere):
    place.write("store-1a/sources/3f/nets.py", filled(b"one"))
    place.write("store-1a/sources/3f/layers/sizes.py", filled(b"two"))
    elsewhere()
    for _again in range(2):
        folder = files_place().fetch_folder("sources/3f")
        assert folder is not None
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
        assert found == {"nets.py", "layers/sizes.py"}


def test_a_place_says_whether_it_can_be_written(place):
    place.check()
    assert place.sizes("") == {}
