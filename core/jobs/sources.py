"""The sources of networks of the user's own that jobs keep. Imports no torch.

They lie beside the folders of the runs, each once in a store, and go with the last job that names
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Select, select

from core.jobs.queue import JOBS
from core.jobs.schema import STORE_ID_OF_LAB
from core.specs import RunSpec
from core.storage.files_place import files_place
from core.storage.place import Place
from core.zoo.own import (
    digits_of,
    is_own,
    name_with,
    own_files,
    plain_name,
    renamed,
    source_of,
)
from core.zoo.own_source import DIGITS, KeptSource, kept_name

_NAMED = re.compile(rf"\.py@([0-9a-f]{{{DIGITS}}}):")  # in a request


def keep_source(connection: Connection, arch: str) -> str:
    """Keep the file of a network as it is now; the name of the network with that source.

    One that another store keeps is kept by this one too. Raises LabError where the file cannot be
    read, CannotWrite where nothing can be written.
    """
    source = source_of(arch)
    digits = source.sha256[:DIGITS]
    folder, place = _folder(connection, digits), files_place()
    there = place.sizes(folder)
    for name, text in reversed(source.files):  # the file itself comes last, when all is there
        if not (name in there and _is(place, f"{folder}/{name}", text)):
            place.write(f"{folder}/{name}", partial(_fill, text))
    return arch if digits_of(arch) else name_with(arch, digits)


def _is(place: Place, name: str, text: bytes) -> bool:
    """Whether the file holds this text."""
    try:
        return place.fetch(name, sha256(text).hexdigest()).read_bytes() == text
    except OSError:
        return False


def _fill(text: bytes, path: Path) -> None:
    path.write_bytes(text)


def _folder(connection: Connection, digits: str) -> str:
    """Where this store keeps a source."""
    return f"{connection.scalar(select(STORE_ID_OF_LAB))}/{kept_name(digits)}"


def with_kept_source(
    spec: RunSpec, keep: Callable[[str], str]
) -> tuple[RunSpec, KeptSource | None]:
    """The run with its network's source kept, and which that is; None for a network of the lab."""
    arch = spec.model.arch
    if not is_own(arch):
        return spec, None
    spec = renamed(spec, keep)
    name = plain_name(arch).rpartition(":")[0]
    path = own_files()[name].absolute() if name in own_files() else Path(name)
    return spec, KeptSource(str(path), source_of(spec.model.arch).sha256)


def sources_named(connection: Connection, job_ids: Iterable[int] | Select[tuple[int]]) -> set[str]:
    """The kept sources that these jobs need, by their first digits."""
    query = select(JOBS.request).where(JOBS.id.in_(job_ids), JOBS.request.contains(".py@"))
    return {digits for request in connection.scalars(query) for digits in _NAMED.findall(request)}


def forget_unnamed(connection: Connection, sources: Iterable[str]) -> None:
    """Remove those of the sources that no job names any more."""
    for digits in sources:
        named = select(JOBS.id).where(JOBS.request.contains(f".py@{digits}:")).limit(1)
        if connection.scalar(named) is None:
            files_place().remove_folder(_folder(connection, digits))
