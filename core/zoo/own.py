"""Networks of the user's own, from files that whoever starts the lab has named: `my_nets.py:Net`.

LAB_NETWORKS holds the files. A browser names a network of theirs, never a file. They are imported
only where that may fail: in a process of their own, by a command, by a worker. A run's network is
named with its kept source, `my_nets.py@3fa91c20b7de:Net`, whatever the file is now. No torch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.language import N_, Message, _
from core.specs import SHOWN, LabError, ModelSpec, Spec, shown
from core.torch_process import call_for_own_networks
from core.zoo.architecture import Architecture, Option
from core.zoo.own_source import DIGITS, Source, kept_folder, read_kept, read_source

if TYPE_CHECKING:
    from torch import nn

VARIABLE = "LAB_NETWORKS"
FAMILY = N_("Yours")
_OWN = re.compile(rf"\.py(?:@([0-9a-f]{{{DIGITS}}}))?:")  # between the file and the network
_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class OwnNetwork:
    """A class or function of a file that gives a network, as its signature tells."""

    name: str
    about: str  # the first line of its docstring
    options: tuple[Option, ...]  # arguments that a page has no control for by itself
    sizes: tuple[tuple[str, Any], ...]  # those it has, with their defaults: image_size, …

    @property
    def takes(self) -> frozenset[str]:
        """Fields of a spec that its constructor takes."""
        return frozenset(name for name, _ in self.sizes)


@dataclass(frozen=True)
class Contents:
    """What a file has, or why it cannot be read."""

    networks: tuple[OwnNetwork, ...] = ()
    problem: Message | None = None  # one sentence, then the traceback


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
            raise LabError(
                "{path} is no Python file; networks are read from such as nets.py.", path=str(path)
            )
        if str(path.resolve()) not in known:
            known.append(str(path.resolve()))
    os.environ[VARIABLE] = os.pathsep.join(known)


def is_own(arch: str) -> bool:
    """Whether the name is that of a network in a file."""
    return _OWN.search(arch) is not None


def digits_of(arch: str) -> str:
    """Which kept source the name is of; "" for the file as it is, and for networks of the lab."""
    found = _OWN.search(arch)
    return (found[1] or "") if found else ""


def plain_name(arch: str) -> str:
    """`nets.py:Net` for `nets.py@3fa91c20b7de:Net`: the same network in the file as it is."""
    return _OWN.sub(".py:", arch, count=1)


def name_with(arch: str, digits: str) -> str:
    """`nets.py@3fa91c20b7de:Net` for `nets.py:Net`: the network as a kept source has it."""
    return _OWN.sub(f".py@{digits}:", arch, count=1)


def name_as_now(arch: str) -> str:
    """The name with the source that the file has now; one that says its source stays.

    Raises LabError where the file cannot be read.
    """
    if not is_own(arch) or digits_of(arch):
        return arch
    return name_with(arch, version_of(arch)[:DIGITS])


def is_as_now(arch: str) -> bool:
    """Whether the file still has the source that the name says."""
    with suppress(LabError):  # it is gone, or not open here
        return digits_of(arch) != "" and name_as_now(plain_name(arch)) == arch
    return False


def renamed(spec: _Thing, name: Callable[[str], str] = name_as_now) -> _Thing:
    """A spec, or what holds specs, with another name for each network of a file."""
    if isinstance(spec, tuple):
        return tuple(renamed(one, name) for one in spec)  # type: ignore[return-value]
    if isinstance(spec, ModelSpec):
        return replace(spec, arch=name(spec.arch)) if is_own(spec.arch) else spec
    if not isinstance(spec, Spec):
        return spec
    values = {field.name: getattr(spec, field.name) for field in fields(spec)}
    changed = {key: new for key, old in values.items() if (new := renamed(old, name)) != old}
    return replace(spec, **changed) if changed else spec


def file_of(arch: str) -> Path:
    """The file that `arch` is in. Raises LabError where nobody has named it."""
    name, _, _ = plain_name(arch).rpartition(":")
    if digits := digits_of(arch):
        return kept_folder(digits) / Path(name).name
    path = own_files().get(name)
    if path is None:
        raise LabError(
            "The file of {arch} is not open here; start the lab with it: `streamlit run"
            " dashboard.py -- my_nets.py`.",
            arch=shown(arch),
        )
    return path


def source_of(arch: str) -> Source:
    """What the file holds now, or what was kept of it. Raises LabError where it cannot be read."""
    if digits := digits_of(arch):
        return read_kept(plain_name(arch).rpartition(":")[0], digits)
    return read_source(file_of(arch))


def version_of(arch: str) -> str:
    """The SHA-256 of the file as it is now; "" for a network of the lab."""
    return source_of(arch).sha256 if is_own(arch) else ""


def contents_of(arch_or_file: str) -> Contents:
    """The networks of a file as it is now; those that it had where it cannot be read any more."""
    name = arch_or_file.rpartition(":")[0] or arch_or_file
    arch = f"{name}:"
    try:
        contents = _contents(str(file_of(arch)), version_of(arch))
    except LabError as error:
        contents = Contents(problem=error.message)
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
    return {name: str(problem) for name, problem in found.items() if problem}


def architecture(arch: str) -> Architecture:
    """The row for `my_nets.py:Net`.

    Raises LabError for a file that nobody has named, that cannot be read, or has no such network.
    """
    file_of(arch)
    contents = contents_of(arch)
    file, name = arch.rsplit(":", 1)
    known = {network.name: network for network in contents.networks}
    if name not in known:
        if contents.problem:
            raise LabError(contents.problem)
        near = get_close_matches(name[:SHOWN], known, n=3, cutoff=0.4) or list(known)[:3]
        if near:
            raise LabError(
                "{file} has no network {name}; it has {near}.",
                file=file,
                name=shown(name),
                near=", ".join(near),
            )
        raise LabError(
            "{file} has no network {name}; it has no class or function that gives an nn.Module and"
            " can be called without arguments.",
            file=file,
            name=shown(name),
        )
    network = known[name]
    given: dict[str, Any] = {name: size for name, size in network.sizes if size is not None}
    default = ModelSpec(arch, **({"in_channels": 3} | given))
    about = network.about or _("a network of {file}", file=file)
    title = f"{name}@{digits}" if (digits := digits_of(arch)) else name
    return Architecture(
        arch, title, FAMILY, None, about, _build, default, network.options, takes=network.takes
    )


def _build(spec: ModelSpec) -> nn.Module:
    """The network itself, where its file may be imported."""
    from core.zoo.own_modules import build

    return build(spec)
