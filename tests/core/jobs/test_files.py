"""The files of a run: written whole, refused with a reason, never taken from a successor."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from core.jobs.files import (
    remove_others,
    save_checkpoint,
)
from core.storage.folder import Folder
from core.storage.place import CannotWrite
from tests.core.jobs.example_runs import claimed
from tests.run_files import folder_of


def test_files_that_cannot_be_written_are_one_sentence(store):
    run = claimed(store)
    folder_of(run).parent.mkdir()
    folder_of(run).write_text("a file stands where the folder should be")
    with pytest.raises(CannotWrite, match=r"could not be written .*LAB_RUNS_DIR"):
        save_checkpoint(run, {"epoch": 1, "step": 0})


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "the disk is full; free some space"),
        (errno.EACCES, "the folder is read-only"),
        (errno.EROFS, "the folder is read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_each_refusal_of_the_system_is_told_as_what_it_is(tmp_path, number, words):
    def refuse(path: Path) -> None:
        try:
            raise OSError(number, os.strerror(number))
        except OSError as error:  # as torch and safetensors wrap it
            raise RuntimeError("unexpected pos 64 vs 0") from error

    with pytest.raises(CannotWrite, match=words) as caught:
        Folder(tmp_path).write("best.safetensors", refuse)
    assert ("disk is full" in str(caught.value)) == (number in (errno.ENOSPC, errno.EDQUOT))
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_not_the_disks_is_not_told_as_one(tmp_path):
    def fail(path: Path) -> None:
        raise KeyError("weight")

    with pytest.raises(KeyError, match="weight"):
        Folder(tmp_path).write("best.safetensors", fail)


def test_a_worker_that_wakes_removes_nothing_of_its_successor(store):
    """It slept while it cleaned up; meanwhile another has taken the run over and written."""
    asleep = claimed(store)
    for name in ("checkpoint-1-0-3.pt", "best-1-1.safetensors", ".checkpoint-1-0-9.pt.77"):
        (folder_of(asleep) / name).parent.mkdir(parents=True, exist_ok=True)
        (folder_of(asleep) / name).touch()
    for name in ("checkpoint-2-1-0.pt", "best-2-1.safetensors", ".checkpoint-2-1-5.pt.78"):
        (folder_of(asleep) / name).touch()
    remove_others(asleep)
    left = {path.name for path in folder_of(asleep).iterdir()}
    assert left == {"checkpoint-2-1-0.pt", "best-2-1.safetensors", ".checkpoint-2-1-5.pt.78"}
