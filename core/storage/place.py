"""What a place for files can do, and how it refuses.

Names are relative, with `/` between folders: `store-3fa91c20b7de/run-12/best-1-7.safetensors`. A
file is written whole, under a name that never gets another content; what a reader knows of its
SHA-256 comes from elsewhere, the store.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from core.specs import LabError

OF_STORES = "store-"  # how the names of folders begin that belong to one store


class Unavailable(LabError):
    """What is needed cannot be had now, and may be again soon."""


class CannotWrite(Unavailable):
    """Files cannot be written now; once the place has room, or is back, they can."""


class Place(Protocol):
    """Where files lie."""

    def check(self) -> None:
        """Raises CannotWrite where nothing can be written."""

    def write(self, name: str, fill: Callable[[Path], None]) -> str:
        """Let `fill` write a temporary file, and give that its name in one step; its SHA-256.

        Raises CannotWrite, one sentence, where the place refuses, and what `fill` raises.
        """

    def may_have(self, name: str) -> bool:
        """Whether the file is there, as far as can be told without asking another machine."""

    def address(self, name: str) -> str:
        """Where the file lies, to be shown."""

    def fetch(self, name: str, sha256: str = "") -> Path:
        """The file on this machine, brought here if need be.

        It is brought again where it is not the one with this SHA-256 (or its first digits), and
        still need not be that. Raises FileNotFoundError, and Unavailable.
        """

    def fetch_all(self, names: Mapping[str, str]) -> dict[str, Path]:
        """Those of the files that are there, by name; `names` also says the SHA-256 of each."""

    def fetch_folder(self, name: str) -> Path | None:
        """A folder of this name, at the top or in that of any store; None where there is none."""

    def sizes(self, folder: str) -> dict[str, int]:
        """The files in the folder, also deep in it, and the bytes of each. Raises Unavailable."""

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in it. Raises Unavailable."""

    def remove(self, folder: str, names: Iterable[str]) -> None:
        """Remove files where that can be done now."""

    def remove_folder(self, folder: str) -> None:
        """Remove a folder with all that is in it, where that can be done now."""


def sha256_of(path: Path) -> str:
    """Of the file's content. Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Make a file, or a new name in a folder, survive a power cut, where the system can."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
