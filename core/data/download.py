"""Fetches a data set through torchvision, which knows the mirrors and the checksums."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from filelock import FileLock, Timeout

from core.data.arrays import read_files
from core.data.catalogue import DatasetInfo, files_of, find_dataset, raw_folder
from core.folders import data_folder
from core.language import Message, _, lazy
from core.specs import LabError

Progress = Callable[[int, int], None]  # (bytes so far, bytes in all)
_Waiting = Callable[[str], None]  # gets one sentence

_STAGING_PREFIX = ".download-"
_STAGING_LIFETIME = 24 * 3600  # seconds until a staging folder must be a killed process's
PROGRESS_INTERVAL = 0.2  # seconds
_SILENCE_TIMEOUT = 60.0  # seconds without an answer or a byte until a mirror is given up

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR)

_one_thread = threading.Lock()  # standard error and the socket timeout belong to the process


def download(name: str, progress: Progress | None = None, waiting: _Waiting | None = None) -> None:
    """Put the data set `name` into `data_folder()`; nothing to do if it is there and whole.

    One process downloads and the others wait for it. All the while `progress` is called in the
    caller's thread, where it may raise to stop; `waiting` is called instead, with one sentence,
    while another process or thread downloads. Broken files from earlier are replaced. Raises
    LabError with one sentence, whatever fails.
    """
    info = find_dataset(name)
    if info.torchvision_class is None:
        return
    if not _is_whole(info):
        with _one_downloads(info, progress, waiting):
            if not _is_whole(info):  # else another has downloaded it
                _fetch_watched(info, progress)
    if progress:
        progress(info.download_bytes, info.download_bytes)


@contextlib.contextmanager
def _one_downloads(
    info: DatasetInfo, progress: Progress | None, waiting: _Waiting | None
) -> Iterator[None]:
    """Wait until neither a thread nor a process downloads `info`, and keep all others away."""

    def wait_on() -> None:
        if waiting:
            waiting(_("Another process downloads {title}; waiting for it.", title=info.title))
        elif progress:
            progress(0, info.download_bytes)

    while not _one_thread.acquire(timeout=PROGRESS_INTERVAL):
        wait_on()
    try:
        lock = FileLock(_lock_file(info))
        while not _acquired(lock, info):
            wait_on()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows keeps files that somebody has open
                os.unlink(lock.lock_file)
            lock.release()
    finally:
        _one_thread.release()


def _lock_file(info: DatasetInfo) -> Path:
    """Held by the process that downloads `info`, in the folder that it downloads to."""
    with _failure_in_one_sentence(info):
        data_folder().mkdir(parents=True, exist_ok=True)
    return data_folder() / f".{info.name}.lock"


def _acquired(lock: FileLock, info: DatasetInfo) -> bool:
    """Whether the lock could be had within PROGRESS_INTERVAL."""
    with _failure_in_one_sentence(info):
        try:
            lock.acquire(timeout=PROGRESS_INTERVAL, poll_interval=PROGRESS_INTERVAL / 2)
        except Timeout:
            return False
        return True


def _is_whole(info: DatasetInfo) -> bool:
    """Whether all files are there, read without an error and are those of `info`."""
    try:
        for split in ("train", "test"):
            read_files(info, raw_folder(info, data_folder()), split)
    except LabError:
        return False
    return True


def _fetch_watched(info: DatasetInfo, progress: Progress | None) -> None:
    """Fetch in a second thread, while this one reports how large the archives have become."""
    with _staging_folder(info) as staging, ThreadPoolExecutor(1) as pool:
        task: Future[None] = pool.submit(_fetch, info, staging)
        while wait([task], PROGRESS_INTERVAL).not_done:
            if progress:
                progress(_archive_bytes(info, staging), info.download_bytes)
        task.result()


def _archive_bytes(info: DatasetInfo, staging: Path) -> int:
    """Bytes of the archives so far, at most those of the whole download."""
    sizes = (path.stat().st_size for path in staging.rglob("*.gz"))
    return min(sum(sizes), info.download_bytes)


@contextlib.contextmanager
def _staging_folder(info: DatasetInfo) -> Iterator[Path]:
    """A folder of this download alone, beside its goal and gone afterwards.

    torchvision takes any file with the right name for a whole one, so a download that broke
    off must never be seen under `data_folder()`.
    """
    with _failure_in_one_sentence(info):
        root = data_folder()
        root.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(root)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=root))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _remove_leftovers(root: Path) -> None:
    """Remove what downloads left behind whose process was killed."""
    for folder in root.glob(f"{_STAGING_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another process's, that has just ended
            if time.time() - folder.stat().st_mtime > _STAGING_LIFETIME:
                shutil.rmtree(folder, ignore_errors=True)


def _fetch(info: DatasetInfo, staging: Path) -> None:
    """Download and unpack into `staging`, then move the files to their place."""
    with _failure_in_one_sentence(info), _socket_timeout(_SILENCE_TIMEOUT):
        # torchvision draws a progress bar on standard error.
        with contextlib.redirect_stderr(io.StringIO()):
            # Here, because the import takes seconds and only a download needs it.
            from torchvision import datasets

            getattr(datasets, str(info.torchvision_class))(root=staging, download=True)
        goal = raw_folder(info, data_folder())
        goal.mkdir(parents=True, exist_ok=True)
        for file in files_of(info):
            os.replace(raw_folder(info, staging) / file, goal / file)


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Give up on silent connections; torchvision itself would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _failure_in_one_sentence(info: DatasetInfo) -> Iterator[None]:
    """Turn any exception into a LabError that says what failed and what works without it."""
    try:
        yield
    except Exception as error:  # torchvision lets through what urllib, http, gzip and os raise
        raise LabError(
            "{title} could not be downloaded: {error}; try again later, or take fashion-mini,"
            " which needs no download.",
            title=info.title,
            error=_reason(error),
        ) from error


def _reason(error: Exception) -> str | Message:
    """What failed, in a few words."""
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return lazy("the disk of {folder} is full", folder=str(data_folder()))
    if isinstance(error, OSError) and error.errno in _NOT_WRITABLE:
        return lazy(
            "{folder} cannot be written to ({reason})",
            folder=str(data_folder()),
            reason=error.strerror,
        )
    # After its last mirror torchvision lists them all; the first is the one it prefers.
    first_mirror = re.search(r"Tried (\S+), got:\n(.+)", str(error))
    if first_mirror is None:
        return str(error) or type(error).__name__
    url, answer = first_mirror.groups()
    return lazy("{url} gave {answer}", url=url, answer=answer)
