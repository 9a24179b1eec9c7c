"""Networks of the user's own, from files that whoever starts the lab has named: `my_nets.py:Net`.

LAB_NETWORKS holds the files. A browser names a network of theirs, never a file. They are imported
only where that may fail: in a process of their own, by a command, by a worker. Imports no torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.specs import SHOWN, LabError, ModelSpec, shown
from core.torch_process import call_for_own_networks
from core.zoo.architecture import Architecture, Option

if TYPE_CHECKING:
    from torch import nn

VARIABLE = "LAB_NETWORKS"
FAMILY = "Yours"
_LONGEST_SOURCE = 2**20  # bytes of a file


@dataclass(frozen=True)
class OwnNetwork:
    """A class or function of a file that gives a network, as its signature tells."""

    name: str
    about: str  # the first line of its docstring
    options: tuple[Option, ...]  # arguments that a page has no control for by itself
    sizes: tuple[tuple[str, int | None], ...]  # those it has, with their defaults: image_size, …

    @property
    def takes(self) -> frozenset[str]:
        """Fields of a spec that its constructor takes."""
        return frozenset(name for name, _ in self.sizes)


@dataclass(frozen=True)
class Contents:
    """What a file has, or why it cannot be read."""

    networks: tuple[OwnNetwork, ...] = ()
    problem: str = ""  # one sentence, then the traceback


def own_files() -> dict[str, Path]:
    """The files by the name that stands before the colon."""
    paths = [Path(text) for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text]
    names = [path.name for path in paths]
    return {
        path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}": path
        for path in paths
    }


def name_files(paths: list[Path]) -> None:
    """Add files to those that are named. Raises LabError for one that is not there."""
    known = [str(path) for path in own_files().values()]
    for path in paths:
        if path.suffix != ".py" or not path.is_file():
            raise LabError(f"{path} is no Python file; networks are read from such as nets.py.")
        if str(path.resolve()) not in known:
            known.append(str(path.resolve()))
    os.environ[VARIABLE] = os.pathsep.join(known)


def is_own(arch: str) -> bool:
    """Whether the name is that of a network in a file."""
    return ".py:" in arch


def file_of(arch: str) -> Path:
    """The file that `arch` is in. Raises LabError where nobody has named it."""
    name = arch.rpartition(":")[0]
    path = own_files().get(name)
    if path is None:
        raise LabError(
            f"The file of {shown(arch)} is not open here; start the lab with it:"
            " `streamlit run dashboard.py -- my_nets.py`."
        )
    return path


def source_of(arch: str) -> bytes:
    """What the file holds now. Raises LabError where it cannot be read."""
    path = file_of(arch)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise LabError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if len(source) > _LONGEST_SOURCE:
        raise LabError(f"{path.name} is larger than a file of networks may be, 1 MiB.")
    return source


def version_of(arch: str) -> str:
    """The SHA-256 of the file as it is now; "" for a network of the lab."""
    return sha256(source_of(arch)).hexdigest() if is_own(arch) else ""


def contents_of(arch_or_file: str) -> Contents:
    """The networks of a file as it is now; those that it had where it cannot be read any more."""
    name = arch_or_file.rpartition(":")[0] or arch_or_file
    arch = f"{name}:"
    try:
        contents = _contents(str(file_of(arch)), version_of(arch))
    except LabError as error:
        contents = Contents(problem=str(error))
    if contents.problem:
        return Contents(_last_good.get(name, Contents()).networks, contents.problem)
    _last_good[name] = contents
    return contents


_last_good: dict[str, Contents] = {}


@lru_cache(64)
def _contents(path: str, _version: str) -> Contents:
    contents: Contents = call_for_own_networks("core.zoo.own_modules:describe", path)
    return contents


def own_networks() -> dict[str, OwnNetwork]:
    """Every network of every file, by what stands in a spec."""
    return {
        f"{name}:{network.name}": network
        for name in own_files()
        for network in contents_of(name).networks
    }


def problems() -> dict[str, str]:
    """Why files cannot be read: a sentence, and a traceback below it, for each."""
    found = {name: contents_of(name).problem for name in own_files()}
    return {name: problem for name, problem in found.items() if problem}


def architecture(arch: str) -> Architecture:
    """The row for `my_nets.py:Net`.

    Raises LabError for a file that nobody has named, that cannot be read, or has no such network.
    """
    file_of(arch)
    contents = contents_of(arch)
    file, _, name = arch.rpartition(":")
    known = {network.name: network for network in contents.networks}
    if name not in known:
        if contents.problem:
            raise LabError(contents.problem)
        near = get_close_matches(name[:SHOWN], known, n=3, cutoff=0.4) or list(known)[:3]
        has = (
            f"it has {', '.join(near)}"
            if near
            else (
                "it has no class or function that gives an nn.Module and can be called without"
                " arguments"
            )
        )
        raise LabError(f"{file} has no network {shown(name)}; {has}.")
    network = known[name]
    given: dict[str, Any] = {name: size for name, size in network.sizes if size is not None}
    default = ModelSpec(arch, **({"in_channels": 3} | given))
    about = network.about or f"a network of {file}"
    return Architecture(
        arch, name, FAMILY, None, about, _build, default, network.options, takes=network.takes
    )


def _build(spec: ModelSpec) -> nn.Module:
    """The network itself, where its file may be imported."""
    from core.zoo.own_modules import build

    return build(spec)
