"""A bucket whose server is overloaded, breaks off, lies, is slow or gone."""

from __future__ import annotations

import time

import pytest

from core.specs import LabError
from core.storage import remote
from core.storage.files_place import files_place
from core.storage.place import CannotWrite, Unavailable
from tests import s3

NAME = "store-1a/run-1/checkpoint-1-1-0.pt"
TEXT = bytes(range(256)) * 400


def write(text: bytes = TEXT) -> str:
    return files_place().write(NAME, lambda path: [path.write_bytes(text), None][1])


@pytest.mark.parametrize("spoil", [s3.overloaded, s3.broken, s3.half, s3.slow])
def test_one_bad_answer_stops_nobody(bucket, elsewhere, spoil):
    with bucket.mood(spoil, "PUT", answers=1):
        digest = write()
    elsewhere()
    with bucket.mood(spoil, "GET", answers=1):
        assert files_place().fetch(NAME, digest).read_bytes() == TEXT


def test_an_answer_with_another_content_is_asked_for_again(bucket, elsewhere):
    digest = write()
    elsewhere()
    with bucket.mood(s3.changed, "GET", answers=1):
        assert files_place().fetch(NAME, digest).read_bytes() == TEXT


def test_a_damaged_copy_on_this_machine_is_fetched_again(bucket, elsewhere):
    digest = write()
    elsewhere()
    files_place().fetch(NAME, digest).write_bytes(TEXT[:-1])
    assert files_place().fetch(NAME, digest).read_bytes() == TEXT


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(s3.overloaded, "Slow Down|503|Unavailable"), (s3.forbidden, "Access Denied")],
)
def test_a_server_that_refuses_is_one_sentence(bucket, elsewhere, monkeypatch, spoil, words):
    monkeypatch.setattr(remote, "_PAUSES", (0.01,))
    digest = write()
    elsewhere()
    with bucket.mood(spoil, "PUT", "GET", "HEAD"):
        with pytest.raises(CannotWrite, match=rf"could not be written to s3://lab/.*({words})"):
            write()
        with pytest.raises(Unavailable, match=rf"could not be read from s3://lab/.*({words})"):
            files_place().fetch(NAME, digest)
    assert files_place().fetch(NAME, digest).read_bytes() == TEXT


def test_what_a_server_refused_is_not_taken_for_written(bucket, monkeypatch):
    monkeypatch.setattr(remote, "_PAUSES", (0.01,))
    with bucket.mood(s3.forbidden, "PUT"), pytest.raises(CannotWrite):
        write()
    with pytest.raises(FileNotFoundError):
        files_place().fetch(NAME)


def test_a_bucket_that_is_not_there_is_told(bucket, monkeypatch):
    monkeypatch.setenv("LAB_FILES_URL", "s3://no-such-bucket/lab")
    with pytest.raises(CannotWrite, match=r"written to s3://no-such-bucket/lab .*bucket does not"):
        files_place().check()


def test_a_server_that_is_gone_is_given_up_soon(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens
    monkeypatch.setenv("LAB_FILES_URL", "s3://gone/lab")
    began = time.monotonic()
    with pytest.raises(CannotWrite, match="Could not connect"):
        files_place().check()
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense://here", "not an address that can be opened"),
        ("gs://bucket", "needs a Python package that is not installed"),
    ],
)
def test_an_address_that_is_none_is_one_sentence(monkeypatch, url, words):
    monkeypatch.setenv("LAB_FILES_URL", url)
    with pytest.raises(LabError, match=words):
        files_place()


def test_a_password_in_an_address_is_never_shown(monkeypatch):
    monkeypatch.setenv("LAB_FILES_URL", "ftp://me:secret@127.0.0.1:9/lab")
    with pytest.raises(LabError, match=r"127\.0\.0\.1") as caught:
        files_place().check()
    assert "secret" not in str(caught.value)


def test_copies_on_this_machine_are_bounded(bucket, monkeypatch):
    monkeypatch.setattr(remote, "_KEPT_BYTES", 2_500)
    monkeypatch.setattr(remote, "_IN_USE_SECONDS", 0.0)
    place = files_place()
    for number in range(5):
        place.write(f"run-1/{number}", lambda path: [path.write_bytes(bytes(1_000)), None][1])
        time.sleep(0.01)
    assert sorted(place.copies.sizes("run-1")) == ["3", "4"]
    assert place.fetch("run-1/0").read_bytes() == bytes(1_000)
