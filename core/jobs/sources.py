"""The sources of networks of the user's own that jobs keep. Imports no torch.

They lie beside the folders of the runs, each once, and go with the last job that names them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, select

from core.jobs.files import write_whole
from core.jobs.queue import JOBS
from core.specs import RunSpec
from core.zoo.own import (
    digits_of,
    is_own,
    name_with,
    own_files,
    plain_name,
    renamed,
    source_of,
)
from core.zoo.own_source import DIGITS, KeptSource, kept_folder

_NAMED = re.compile(rf"\.py@([0-9a-f]{{{DIGITS}}}):")  # in a request


def keep_source(arch: str) -> str:
    """Keep the file of a network as it is now; the name of the network with that source.

    Raises LabError where the file cannot be read, CannotWrite where nothing can be written.
    """
    if digits_of(arch):
        return arch
    source = source_of(arch)
    digits = source.sha256[:DIGITS]
    for name, text in reversed(source.files):  # the file itself comes last, when all is there
        _keep_file(kept_folder(digits) / name, text)
    return name_with(arch, digits)


def _keep_file(path: Path, text: bytes) -> None:
    """Write it, unless it is there."""

    def write(target: Path) -> None:
        target.write_bytes(text)

    if not (path.is_file() and path.read_bytes() == text):
        write_whole(path, write)


def with_kept_source(spec: RunSpec) -> tuple[RunSpec, KeptSource | None]:
    """The run with its network's source kept, and which that is; None for a network of the lab."""
    arch = spec.model.arch
    if not is_own(arch):
        return spec, None
    spec = renamed(spec, keep_source)
    name = plain_name(arch).rpartition(":")[0]
    path = own_files()[name].absolute() if name in own_files() else Path(name)
    return spec, KeptSource(str(path), source_of(spec.model.arch).sha256)


def sources_named(connection: Connection, job_ids: Iterable[int]) -> set[str]:
    """The kept sources that these jobs need, by their first digits."""
    query = select(JOBS.request).where(JOBS.id.in_(job_ids), JOBS.request.contains(".py@"))
    return {digits for request in connection.scalars(query) for digits in _NAMED.findall(request)}


def forget_unnamed(connection: Connection, sources: Iterable[str]) -> None:
    """Remove those of the sources that no job names any more."""
    for digits in sources:
        named = select(JOBS.id).where(JOBS.request.contains(f".py@{digits}:")).limit(1)
        if connection.scalar(named) is None:
            shutil.rmtree(kept_folder(digits), ignore_errors=True)
