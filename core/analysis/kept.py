"""Analyses kept on disk, so that what was traced once is shown without torch.

They are kept by spec and by the code that made them: those of the catalogue's defaults come with
the lab (shipped.zip), others are written where the system keeps what can be made again. All of it
may be deleted at any time. Imports no torch.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, fields
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from core.analysis import analyze
from core.analysis.records import Analysis, LayerCost, Window
from core.folders import analyses_folder
from core.language import read_message
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, complete

SHIPPED = Path(__file__).parent / "shipped.zip"
CODE = "code"  # the entry of SHIPPED that says which code made it
_MOST_FILES = 1_000  # of some 10 KiB; with one more the older half goes
_FIELDS = [field.name for field in fields(LayerCost)]


def kept_analysis(spec: ModelSpec) -> Analysis | None:
    """The analysis of `spec` where one is kept; None where it has to be traced."""
    if spec.arch not in CATALOGUE:
        return None
    name = name_of(complete(spec))
    try:
        text = _shipped().get(name) or kept(name)
        return _from_json(text) if text else None
    except (ValueError, TypeError, KeyError):  # a damaged one
        return None


def analyze_once(spec: ModelSpec) -> Analysis:
    """`core.analysis.analyze`, from disk where it is kept, else kept from now on.

    Raises LabError when the network cannot be built.
    """
    analysis = kept_analysis(spec)
    if analysis is None:
        analysis = analyze(spec)
        if spec.arch in CATALOGUE:
            keep(name_of(analysis.spec), to_json(analysis))
    return analysis


def to_json(analysis: Analysis) -> bytes:
    """The analysis as it is kept; its spec has every option filled in."""
    values = {
        "spec": analysis.spec.to_json(),
        "layers": [_values(layer) for layer in analysis.layers],
        "buffer_bytes": analysis.buffer_bytes,
        "noted": [message.kept() for message in analysis.noted],
        "input_shape": analysis.input_shape,
    }
    return json.dumps(values, separators=(",", ":")).encode()


def _values(layer: LayerCost) -> list[Any]:
    """Of its fields, in order; dataclasses.astuple copies every number, which takes longer."""
    values = [getattr(layer, name) for name in _FIELDS]
    window = layer.window
    return [astuple(window) if value is window and window else value for value in values]


def _from_json(text: bytes) -> Analysis:
    """The inverse of `to_json`."""
    values = json.loads(text)
    layers = tuple(_layer(dict(zip(_FIELDS, row, strict=True))) for row in values["layers"])
    spec = ModelSpec.from_json(values["spec"])
    return Analysis(
        spec,
        layers,
        values["buffer_bytes"],
        tuple(map(read_message, values["noted"])),
        tuple(values["input_shape"]),
    )


def _layer(values: Mapping[str, Any]) -> LayerCost:
    """A row; JSON has lists where the record has tuples."""
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    if plain["window"] is not None:
        *pairs, groups = plain["window"]
        kernel, stride, padding, dilation = (tuple(pair) for pair in pairs)
        plain["window"] = Window(kernel, stride, padding, dilation, groups)
    return LayerCost(**plain)


def name_of(spec: ModelSpec) -> str:
    """Of the file; `spec` has every option filled in."""
    return f"{sha256(spec.to_json().encode()).hexdigest()[:32]}.json.gz"


@cache
def _shipped() -> dict[str, bytes]:
    """What comes with the lab, by name; nothing where the code has changed since."""
    try:
        with ZipFile(SHIPPED) as archive:
            if archive.read(CODE).decode() != code_hash():
                return {}
            return {name: archive.read(name) for name in archive.namelist() if name != CODE}
    except (OSError, KeyError, BadZipFile):
        return {}


@cache
def code_hash() -> str:
    """A hash of the code that an analysis depends on: that of `core.analysis` and `core.zoo`."""
    core = Path(__file__).parents[1]
    digest = sha256()
    for path in sorted([*core.glob("analysis/**/*.py"), *core.glob("zoo/**/*.py")]):
        digest.update(path.relative_to(core).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _folder() -> Path:
    """Where this code with this PyTorch keeps its analyses."""
    try:
        made_by = f"{code_hash()} {version('torch')}"
    except PackageNotFoundError:
        made_by = code_hash()
    return analyses_folder() / sha256(made_by.encode()).hexdigest()[:16]


def kept(name: str) -> bytes | None:
    """What is kept under this name by the code of today."""
    try:
        return gzip.decompress((_folder() / name).read_bytes())
    except (OSError, EOFError, ValueError):  # none, or a damaged one
        return None


def keep(name: str, text: bytes) -> None:
    """Write it whole; what older code has kept goes, and of too many the older half."""
    with suppress(OSError):  # a full or a foreign disk: it is made again next time
        folder = _folder()
        if not folder.exists():
            for other in folder.parent.glob("*"):
                shutil.rmtree(other, ignore_errors=True)
            folder.mkdir(parents=True)
        files = list(folder.glob("*.gz"))
        if len(files) >= _MOST_FILES:
            files.sort(key=lambda file: file.stat().st_mtime)
            for file in files[: len(files) // 2]:
                file.unlink(missing_ok=True)
        unfinished = folder / f"{name}.{os.getpid()}"
        unfinished.write_bytes(gzip.compress(text, 1))
        unfinished.replace(folder / name)
