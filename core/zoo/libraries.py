"""Libraries whose classification models stand beside the catalogue, as `torchvision/NAME`.

They are no part of it: they have no ratio. What their models are is read from tables that come
with the lab, so that pages need not import a library; each is imported where a model is built.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.language import Message, _, lazy
from core.specs import SHOWN, TOLD, LabError, ModelSpec, first_line, shown
from core.torch_process import call_where_torch_is
from core.zoo.architecture import Architecture

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class LibraryModel:
    """What is known of a model before it is built."""

    image_size: int  # pixels a side: its default, at which its figures were counted
    params: int | None = None  # published; None where no exact figure is
    giga_macs: float | None = None  # published: thousand millions of multiply-adds, three decimals


@dataclass(frozen=True)
class Library:
    """One row of LIBRARIES. How its models are built stands in `core/zoo/from_NAME.py`."""

    name: str  # what is installed, and what stands before the slash
    first: str  # the model that a picker begins with
    version_numbers: int  # how many numbers of its version decide what its models are
    channels: int | None = None  # that every model reads; None: any number

    @property
    def prefix(self) -> str:
        """What stands before the name of a model: `timm/`."""
        return f"{self.name}/"

    @property
    def table(self) -> Path:
        """Its models, a row each; made by tools/make_shipped_analyses.py."""
        return Path(__file__).parent / f"{self.name}_models.csv"

    @property
    def version(self) -> str | None:
        """Of what is installed, as far as its models depend on it: 0.29; None: not installed."""
        whole = _installed(self.name)
        return whole and ".".join(whole.split(".")[: self.version_numbers])

    @property
    def models(self) -> dict[str, LibraryModel]:
        """Its models by name. Raises LabError where the library is not installed."""
        if self.version is None:
            raise LabError(self._how_to_install)
        return _models(self)

    @property
    def how_to_install(self) -> str:
        """A sentence for who asks for a model where the library is missing."""
        return str(self._how_to_install)

    @property
    def _how_to_install(self) -> Message:
        return lazy(
            "{name} is not installed here; `pip install {name}` adds its models.", name=self.name
        )

    def model_name(self, arch: str) -> str:
        """resnet50 of timm/resnet50."""
        return arch.removeprefix(self.prefix)

    def keywords(self, spec: ModelSpec) -> dict[str, Any]:
        """What the library's own function is called with for `spec`, besides the name."""
        keywords: dict[str, Any] = import_module(self._module).keywords(spec)
        return keywords

    def build(self, spec: ModelSpec) -> nn.Module:
        """The model of `spec` without weights.

        Raises LabError for what the library cannot build.
        """
        if spec.ratio != 1:
            raise LabError("{arch} has no ratio: leave it at 1.", arch=spec.arch)
        if self.channels and spec.in_channels != self.channels:
            raise LabError(
                "{arch} reads images of {channels} channels, not {in_channels}.",
                arch=spec.arch,
                channels=self.channels,
                in_channels=spec.in_channels,
            )
        try:
            network: nn.Module = import_module(self._module).build(spec)
        except Exception as error:  # whatever a library raises of itself
            about = {"arch": spec.arch, "pixels": spec.pixels, "error": first_line(error)[:TOLD]}
            if self.channels:
                raise LabError(
                    "{arch} cannot be built for {pixels} pixels: {error}.", **about
                ) from error
            raise LabError(
                "{arch} cannot be built for {pixels} pixels of {channels} channels: {error}.",
                channels=spec.in_channels,
                **about,
            ) from error
        return network

    @property
    def _module(self) -> str:
        return f"core.zoo.from_{self.name}"


LIBRARIES = {
    library.name: library
    for library in (
        Library("torchvision", "resnet50", version_numbers=2, channels=3),
        Library("timm", "resnet50", version_numbers=3),
    )
}


def library_of(arch: str) -> Library | None:
    """The library that `arch` names before its slash; None for a network of the catalogue."""
    name, slash, _ = arch.partition("/")
    return LIBRARIES.get(name) if slash else None


def installed_libraries() -> list[Library]:
    """Those whose models can be built here."""
    return [library for library in LIBRARIES.values() if library.version]


def architecture(arch: str, library: Library) -> Architecture:
    """The row for `NAME/MODEL` of this library.

    Raises LabError with the nearest names for another, or where the library is not installed.
    """
    name, known = library.model_name(arch), library.models
    if name not in known:
        near = get_close_matches(name[:SHOWN].lower(), known, n=3, cutoff=0.4) or list(known)[:3]
        raise LabError(
            "{library} has no classification model {name}; try {near}.",
            library=library.name,
            name=shown(name),
            near=", ".join(library.prefix + model for model in near),
        )
    side, channels = known[name].image_size, library.channels or 3
    default = ModelSpec(arch, image_size=side, in_channels=channels, num_classes=1000)
    source = _("{library}'s {name}", library=library.name, name=name)
    return Architecture(arch, name, library.name, None, source, library.build, default)


# What its models are


@cache
def _installed(name: str) -> str | None:
    """Its version; looking it up takes a millisecond, and lists of runs ask for every row."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def _models(library: Library) -> dict[str, LibraryModel]:
    """From the table that comes with the lab, where it is of the version that is installed."""
    made_for, *rows = library.table.read_text(encoding="utf-8").splitlines()
    if made_for == f"# {library.name} {library.version}":
        return {row.pop("name"): _from_row(row) for row in csv.DictReader(rows)}
    models: dict[str, LibraryModel] = call_where_torch_is(
        "core.zoo.libraries:models_of_installed", library.name
    )
    return models


def models_of_installed(name: str) -> dict[str, LibraryModel]:
    """The same from the library itself, whose import takes seconds."""
    models: dict[str, LibraryModel] = import_module(f"core.zoo.from_{name}").models()
    return models


_COLUMNS: dict[str, Callable[[str], Any]] = {"image_size": int, "params": int, "giga_macs": float}


def _from_row(row: dict[str, str]) -> LibraryModel:
    """A row of the table; a figure that is not published has no column."""
    return LibraryModel(**{column: _COLUMNS[column](text) for column, text in row.items()})
