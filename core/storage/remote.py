"""Files at an address that fsspec reads, `s3://bucket/prefix` above all, with copies here.

An object store takes a file whole or not at all. Other servers may keep half of one when a line
breaks; nobody reads that, for the store names a file only once all of it has arrived.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256 as sha256_hash
from pathlib import Path
from threading import get_ident
from typing import Any, TypeVar
from urllib.parse import urlsplit

from core.folders import shared_files_cache
from core.specs import LabError, first_line
from core.storage.folder import Folder
from core.storage.place import OF_STORES, CannotWrite, Unavailable, sha256_of

_PAUSES = (0.2, 1.0)  # seconds before another try
_AT_ONCE = 8  # files on their way
_KEPT_BYTES = 4 * 2**30  # of copies on this machine; the longest unused go first
_IN_USE_SECONDS = 600.0  # after which a copy may go
_S3 = {  # a server that says nothing is given up after some seconds; the lab tries again itself
    "config_kwargs": {
        "connect_timeout": 5,
        "read_timeout": 15,
        "retries": {"max_attempts": 1},
    }
}

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Remote:
    """Files of an fsspec file system below a path, and the copies of them here."""

    files: Any  # an fsspec.AbstractFileSystem
    root: str
    shown: str  # the address, without a password
    copies: Folder

    @classmethod
    def at(cls, url: str) -> Remote:
        """At an address. Raises LabError where it cannot be one."""
        files, root = _file_system(url, os.getpid())
        name = sha256_hash(url.encode()).hexdigest()[:12]
        copies = Folder(shared_files_cache() / name, "LAB_CACHE_DIR")
        return cls(files, root.rstrip("/"), _without_password(url).rstrip("/"), copies)

    def check(self) -> None:
        """Write a file and remove it. Raises CannotWrite where that is refused."""
        name = f".check-{os.getpid()}"
        self.write(name, Path.touch)
        self.remove("", [name])

    def write(self, name: str, fill: Callable[[Path], None]) -> str:
        """See `Place`."""
        digest = self.copies.write(name, fill)
        copy = self.copies.root / name
        try:
            self._persistently(lambda: self._send(copy, name))
        except Exception as error:
            copy.unlink(missing_ok=True)
            raise _unwritable(self.shown, error) from error
        self._forget_old_copies()
        return digest

    def _send(self, copy: Path, name: str) -> None:
        there = self._path(name)
        try:
            self.files.put_file(str(copy), there)
        except FileNotFoundError:  # object stores have no folders: there it is the bucket
            if self.files.async_impl:
                raise
            self.files.makedirs(there.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(copy), there)
        arrived, sent = self.files.info(there)["size"], copy.stat().st_size
        if arrived != sent:
            raise OSError(errno.EIO, f"{arrived} of {sent} bytes have arrived")

    def may_have(self, name: str) -> bool:
        """True: who fetches it finds out."""
        return True

    def address(self, name: str) -> str:
        """See `Place`."""
        return f"{self.shown}/{name}"

    def fetch(self, name: str, sha256: str = "") -> Path:
        """See `Place`."""
        copy = self.copies.root / name
        if _is(copy, sha256):
            _used(copy)
            return copy
        for pause in (*_PAUSES, None):
            self._read(lambda: self._receive(name, copy))
            if pause is None or _is(copy, sha256):
                break
            time.sleep(pause)
        self._forget_old_copies()
        return copy

    def _receive(self, name: str, copy: Path, size: int | None = None) -> None:
        temporary = copy.with_name(f".{copy.name}.{os.getpid()}.{get_ident()}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.files.get_file(self._path(name), str(temporary))
            if size not in (None, arrived := temporary.stat().st_size):
                raise OSError(errno.EIO, f"{arrived} of {size} bytes have arrived")
            temporary.replace(copy)
        finally:
            temporary.unlink(missing_ok=True)

    def fetch_all(self, names: Mapping[str, str]) -> dict[str, Path]:
        """See `Place`."""

        def one(name: str) -> Path | None:
            with suppress(FileNotFoundError):
                return self.fetch(name, names[name])
            return None

        with ThreadPoolExecutor(_AT_ONCE) as several:
            paths = zip(names, several.map(one, names), strict=True)
            return {name: path for name, path in paths if path}

    def fetch_folder(self, name: str) -> Path | None:
        """See `Place`."""
        if copy := self.copies.fetch_folder(name):
            return copy
        stores = (store for store in self.folders("") if store.startswith(OF_STORES))
        for folder in (name, *(f"{store}/{name}" for store in stores)):
            if files := self.sizes(folder):
                return self._fetch_folder(folder, files)
        return None

    def _fetch_folder(self, folder: str, files: Mapping[str, int]) -> Path:
        """All of it, or nothing."""
        copy = self.copies.root / folder
        arriving = copy.with_name(f".{copy.name}.{os.getpid()}.{get_ident()}")
        try:
            for name, size in files.items():
                self._read(partial(self._receive, f"{folder}/{name}", arriving / name, size))
            with suppress(OSError):  # somebody else was quicker
                arriving.rename(copy)
        finally:
            shutil.rmtree(arriving, ignore_errors=True)
        return copy

    def sizes(self, folder: str) -> dict[str, int]:
        """See `Place`."""
        top = self._path(folder)
        try:
            found = self._read(lambda: self.files.find(top, detail=True))
        except FileNotFoundError:
            return {}
        start = len(top) + 1
        return {path[start:]: about["size"] or 0 for path, about in found.items()}

    def folders(self, folder: str) -> list[str]:
        """See `Place`."""
        try:
            found = self._read(lambda: self.files.ls(self._path(folder), detail=True))
        except FileNotFoundError:
            return []
        paths = (about["name"] for about in found if about["type"] == "directory")
        return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def remove(self, folder: str, names: Iterable[str]) -> None:
        """See `Place`."""
        names = list(names)
        self.copies.remove(folder, names)

        def remove() -> None:
            for name in names:
                with suppress(FileNotFoundError):
                    self.files.rm_file(self._path(f"{folder}/{name}"))

        self._quietly(remove)

    def remove_folder(self, folder: str) -> None:
        """See `Place`."""
        self.copies.remove_folder(folder)
        self._quietly(lambda: self.files.rm(self._path(folder), recursive=True))

    def _path(self, name: str) -> str:
        return "/".join([self.root, *filter(None, name.split("/"))])

    def _quietly(self, do: Callable[[], Any]) -> None:
        """What is left behind is removed later, see `core.jobs.files.remove_orphans`."""
        with suppress(Exception):
            self._persistently(do)

    def _read(self, do: Callable[[], _Result]) -> _Result:
        """Raises FileNotFoundError, or Unavailable for whatever else goes wrong."""
        try:
            return self._persistently(do)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise _unreadable(self.shown, error) from error

    def _persistently(self, do: Callable[[], _Result]) -> _Result:
        """With some more tries: one broken answer stops nobody."""
        for pause in _PAUSES:
            try:
                return do()
            except (FileNotFoundError, PermissionError):
                raise
            except Exception:  # each file system of fsspec has errors of its own
                time.sleep(pause)
        return do()

    def _forget_old_copies(self) -> None:
        """Keep the folder of copies below its bound."""
        sizes = self.copies.sizes("")
        excess = sum(sizes.values()) - _KEPT_BYTES
        if excess <= 0:
            return
        used = []
        for name in sizes:
            with suppress(OSError):
                used.append(((self.copies.root / name).stat().st_atime, name))
        for moment, name in sorted(used):
            if excess <= 0 or time.time() - moment < _IN_USE_SECONDS:
                return
            self.copies.remove("", [name])
            excess -= sizes[name]


def _unwritable(url: str, error: Exception) -> CannotWrite:
    return CannotWrite(
        "The run's files could not be written to {place} ({reason}); mend that, or change"
        " LAB_FILES_URL.",
        **_about(url, error),
    )


def _unreadable(url: str, error: Exception) -> Unavailable:
    return Unavailable(
        "The run's files could not be read from {place} ({reason}); mend that, or try again later.",
        **_about(url, error),
    )


def _about(url: str, error: Exception) -> dict[str, str]:
    """Where it went wrong, and why in the words of whoever noticed."""
    return {"place": _without_password(url), "reason": _reason(error)}


def _reason(error: Exception) -> str:
    system = error.strerror if isinstance(error, OSError) else None
    return _without_password(system or first_line(error)).rstrip(".")


@lru_cache(8)
def _file_system(url: str, _process: int) -> tuple[Any, str]:
    """One for each process: connections are not shared with a forked child."""
    import fsspec

    options = _S3 if urlsplit(url).scheme in ("s3", "s3a") else {}
    try:
        files, root = fsspec.url_to_fs(
            url, use_listings_cache=False, skip_instance_cache=True, **options
        )
    except ImportError as error:
        raise LabError(
            "LAB_FILES_URL needs a Python package that is not installed ({reason}).",
            reason=str(error).rstrip("."),
        ) from error
    except Exception as error:  # each file system of fsspec has errors of its own
        if isinstance(error, OSError):  # it asks its server at once
            raise _unreadable(url, error) from error
        raise LabError(
            "LAB_FILES_URL is not an address that can be opened ({reason}); an example is"
            " s3://bucket/lab.",
            reason=_reason(error),
        ) from error
    if options:
        files.retries = 1  # of s3fs; the lab tries again itself
    return files, root


def _without_password(text: str) -> str:
    """An address, or a sentence with one, without what stands before its @."""
    start, mark, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return f"{start}{mark}{host.rpartition('@')[2]}{slash}{path}"


def _is(path: Path, sha256: str) -> bool:
    """Whether the file is here, with this SHA-256."""
    try:
        about = path.stat()
        return not sha256 or _sha256(path, about.st_mtime_ns, about.st_size).startswith(sha256)
    except OSError:
        return False


@lru_cache(256)
def _sha256(path: Path, _changed_at: int, _size: int) -> str:
    """Of half a gigabyte that a page asks for at each move of a slider, once."""
    return sha256_of(path)


def _used(path: Path) -> None:
    """Just now, whatever the file system notes by itself."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
