"""The source of networks of the user's own: a file with what it imports from beside it.

A run keeps it, once for each content: `sources/3fa91c20b7de/nets.py` in the folder of its store,
after the first digits of its SHA-256. `nets.py@3fa91c20b7de:Net` then names the network as the file
had it. Imports no torch, and runs nothing of the file.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from core.folders import runs_folder
from core.specs import LabError
from core.storage.files_place import files_place

DIGITS = 12  # of a SHA-256, that stand in a name: more than anybody's versions need
_LONGEST = 2**20  # bytes of a file
_LAB = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """The text of a file, and of the files beside it that it imports."""

    files: tuple[tuple[str, bytes], ...]  # names within the folder; the file itself comes first

    @property
    def text(self) -> bytes:
        """The file itself, without what it imports from beside it."""
        return self.files[0][1]

    @property
    def sha256(self) -> str:
        """Of the file; where it imports others, of the list that `sha256sum` writes of them all."""
        hashes = [(name, sha256(text).hexdigest()) for name, text in self.files]
        if len(hashes) == 1:
            return hashes[0][1]
        return sha256("".join(f"{one}  {name}\n" for name, one in hashes).encode()).hexdigest()


@dataclass(frozen=True)
class KeptSource:
    """Which source a run was started with."""

    path: str  # of the file; its name alone where nobody knew more
    sha256: str  # see `Source`


class Since(StrEnum):
    """What has become of a file since its source was kept."""

    SAME = "the same"
    CHANGED = "changed"
    GONE = "gone"


def read_source(path: Path) -> Source:
    """What the file, and what it imports from beside it, hold now.

    Raises LabError where one cannot be read, or is too large.
    """
    files = {path.name: _text_of(path)}
    unread = [path.name]
    while unread:
        name = unread.pop()
        for module in _imports(files[name], name):
            for beside in _files_of(path.parent, module):
                if beside not in files:
                    files[beside] = _text_of(path.parent / beside)
                    unread.append(beside)
    [first, *others] = files.items()
    return Source((first, *sorted(others)))


def _text_of(path: Path) -> bytes:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise LabError(
            "{name} cannot be read: {reason}.", name=path.name, reason=error.strerror or str(error)
        ) from error
    if len(text) > _LONGEST:
        raise LabError("{name} is larger than a file of networks may be, 1 MiB.", name=path.name)
    return text


@lru_cache(256)
def _imports(text: bytes, name: str) -> tuple[str, ...]:
    """The modules that a file imports, anywhere in it, with all their dots; none if it is broken.

    `name` is that of the file within its folder: `from . import x` is looked up from there.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of its author, who is told on importing
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.split("/")[: -node.level] if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            found |= dict.fromkeys([module, *(f"{module}.{alias.name}" for alias in node.names)])
    return tuple(found)


def _files_of(folder: Path, module: str) -> Iterator[str]:
    """The files in the folder that importing `module` reads: packages on the way too."""
    parts = module.split(".")
    if folder == _LAB and parts[0] == "core":  # the lab itself beside a file in its own folder
        return
    for end in range(1, len(parts) + 1):
        stem = "/".join(parts[:end])
        for name in (f"{stem}/__init__.py", f"{stem}.py"):
            if (folder / name).is_file():
                yield name
                break


def kept_name(digits: str) -> str:
    """The folder of the source with these first digits, within that of a store."""
    return f"sources/{digits}"


def kept_folder(digits: str) -> Path:
    """Where the source with these first digits is kept; it need not be there.

    It is brought to this machine if need be. Raises Unavailable.
    """
    name = kept_name(digits)
    return files_place().fetch_folder(name) or runs_folder() / name


def kept_source(kept: KeptSource) -> Source:
    """The source that a run was started with. Raises LabError where it is no longer here."""
    return read_kept(Path(kept.path).name, kept.sha256[:DIGITS])


def read_kept(file: str, digits: str) -> Source:
    """The kept source of a file. Raises LabError where it is not here, or is not what was kept."""
    path = kept_folder(digits) / Path(file).name
    if not path.is_file():
        raise LabError(
            "The source {file}@{digits} is not kept here; train the network of the file again.",
            file=file,
            digits=digits,
        )
    source = read_source(path)
    if not source.sha256.startswith(digits):
        raise LabError(
            "The source {file}@{digits} is not what was kept: {parent} was changed; train the"
            " network of the file again.",
            file=file,
            digits=digits,
            parent=path.parent,
        )
    return source


def since(kept: KeptSource) -> Since:
    """What has become of the file since."""
    path = Path(kept.path)
    try:
        return Since.SAME if read_source(path).sha256 == kept.sha256 else Since.CHANGED
    except LabError:
        return Since.CHANGED if path.is_file() else Since.GONE
