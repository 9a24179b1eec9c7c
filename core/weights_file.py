"""What a safetensors file holds, read from its header: no tensor is loaded, and no code runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.specs import LabError

_MAY_HOLD_CODE = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".tar"}
_PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x04", b"\x80\x05")  # how torch.save's files begin


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of the file."""

    name: str  # layer1.0.conv1.weight
    shape: tuple[int, ...]
    dtype: str  # as the file has it: F32, BF16, I64

    @property
    def numbers(self) -> int:
        """How many it holds; one where it has no shape."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """What they take in the file."""
        return math.ceil(self.numbers * _bits(self.dtype) / 8)


@dataclass(frozen=True)
class StoredModule:
    """All tensors whose names begin with that of a module."""

    name: str  # layer1.0; empty for tensors of the network itself
    tensors: int
    dtypes: tuple[str, ...]  # in the order of their first use
    numbers: int
    bytes: int


def _bits(dtype: str) -> int:
    """Of one number: 16 of BF16, 8 of F8_E5M2, and a whole byte of BOOL."""
    width = re.search(r"\d+", dtype)
    return int(width[0]) if width else 8


def read_tensors(path: Path) -> list[StoredTensor]:
    """Every tensor of the file, in the order of their names as people read them.

    The library reads no more than the header, of up to 100 MB, and checks it against the size of
    the file. Raises LabError for a file that cannot be read, that is damaged, or that may hold a
    pickle, which could run code of whoever wrote it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        _refuse_pickle(path)
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            tensors = [
                StoredTensor(name, tuple(part.get_shape()), part.get_dtype())
                for name, part in slices.items()
            ]
    except SafetensorError as error:
        what = str(error).removeprefix("Error while deserializing header: ")[:200].rstrip(".")
        raise LabError(
            "{path} is damaged, or no safetensors file ({what}); take a whole copy of one.",
            path=str(path),
            what=what,
        ) from error
    except OSError as error:
        raise LabError(
            "{path} cannot be read ({reason}); name a safetensors file.",
            path=str(path),
            reason=error.strerror or str(error),
        ) from error
    return sorted(tensors, key=lambda tensor: _as_people_count(tensor.name))


def _refuse_pickle(path: Path) -> None:
    """Raise LabError for what torch.save writes; OSError where there is no file."""
    with path.open("rb") as file:
        begins = file.read(4)
    is_named_so = path.suffix.lower() in _MAY_HOLD_CODE
    if is_named_so or (path.suffix != ".safetensors" and begins.startswith(_PICKLED)):
        raise LabError(
            "{path} may hold a pickle, which can run code when it is read; if you trust it,"
            ' convert it with `safetensors.torch.save_file(torch.load("FILE", weights_only=True),'
            ' "FILE.safetensors")`.',
            path=str(path),
        )


def _as_people_count(name: str) -> list[tuple[int, str]]:
    """Orders layers.2 before layers.10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in name.split(".")]


def by_module(tensors: Iterable[StoredTensor]) -> list[StoredModule]:
    """Each module that holds tensors of its own: layer1.0.conv1."""
    return _sums((tensor.name.rpartition(".")[0], tensor) for tensor in tensors)


def by_block(tensors: Iterable[StoredTensor]) -> list[StoredModule]:
    """Each of the network's own children: layer1."""
    return _sums(
        (tensor.name.partition(".")[0] if "." in tensor.name else "", tensor) for tensor in tensors
    )


def whole(tensors: Iterable[StoredTensor]) -> StoredModule:
    """The totals of the file."""
    [total] = _sums(("", tensor) for tensor in tensors) or [StoredModule("", 0, (), 0, 0)]
    return total


def _sums(named: Iterable[tuple[str, StoredTensor]]) -> list[StoredModule]:
    """The tensors of each name together, in the order in which the names come."""
    groups: dict[str, list[StoredTensor]] = {}
    for name, tensor in named:
        groups.setdefault(name, []).append(tensor)
    return [
        StoredModule(
            name,
            len(group),
            tuple(dict.fromkeys(tensor.dtype for tensor in group)),
            sum(tensor.numbers for tensor in group),
            sum(tensor.bytes for tensor in group),
        )
        for name, group in groups.items()
    ]
