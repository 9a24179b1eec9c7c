"""Reads CIFAR-10's Python version: batches of 32×32 color images, each a pickled dictionary.

Source: "The CIFAR-10 dataset", Krizhevsky, section "Dataset layout": `data`, uint8 (N, 3072), rows
of 1024 red, 1024 green and 1024 blue values; `labels`, a list of N numbers. A pickle may call what
it likes, and numpy's own way to be unpickled ends the process on damaged numbers: so that a pickle
here may hold numbers, texts, bytes, lists and dictionaries only, and an array in it is taken as
the bytes that it was written as.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.idx import broken, read_bytes, require
from core.language import lazy

CIFAR_FILES = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
_SHAPE = (3, 32, 32)


class WrittenType:
    """A dtype in a pickle, made by `numpy.dtype("u1", False, True)` and given its byte order."""

    __slots__ = ("name",)

    def __init__(self, name: Any, align: Any = False, copy: Any = False) -> None:
        self.name = name

    def __setstate__(self, state: Any) -> None:
        """(version, byte order, ...): none of it matters to single bytes."""


class WrittenArray:
    """An array in a pickle, made empty by `_reconstruct` and given its shape and its bytes."""

    __slots__ = ("content", "dtype", "shape")

    def __init__(self, kind: Any, shape: Any, name: Any) -> None:
        self.shape, self.dtype, self.content = (), "", b""

    def __setstate__(self, state: Any) -> None:
        """(version, shape, dtype, whether in Fortran's order, bytes); raises UnpicklingError."""
        match state:
            case (int(), tuple(shape), WrittenType(), False, str() | bytes() as content):
                if all(type(side) is int and side >= 0 for side in shape):
                    self.shape, self.dtype = shape, state[2].name
                    self.content = _to_bytes(content, "latin1")
                    return
        raise pickle.UnpicklingError("an array in it is damaged")

    def rows(self, width: int) -> NDArray[np.uint8] | None:
        """uint8 (N, width), None where it is anything else."""
        if self.dtype != "u1" or len(self.shape) != 2 or self.shape[1] != width:
            return None
        if len(self.content) != math.prod(self.shape):
            return None
        return np.frombuffer(self.content, np.uint8).reshape(-1, width)


def _to_bytes(text: Any, encoding: Any) -> bytes:
    """What Python 2 wrote as text: `_codecs.encode(text, "latin1")`. Raises UnpicklingError."""
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("a text in it is damaged")
    return text.encode("latin1")


@dataclass(frozen=True, slots=True)
class Maker:
    """A function that a pickle may call, and cannot change."""

    make: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        """What the function makes."""
        return self.make(*arguments)

    def __setstate__(self, state: Any) -> None:
        """Refused."""
        raise pickle.UnpicklingError("it changes a function")


_ALLOWED: dict[tuple[str, str], Any] = {  # what an array and a text are pickled with
    ("numpy.core.multiarray", "_reconstruct"): Maker(WrittenArray),
    ("numpy._core.multiarray", "_reconstruct"): Maker(WrittenArray),
    ("numpy", "ndarray"): "ndarray",  # only handed to _reconstruct
    ("numpy", "dtype"): Maker(WrittenType),
    ("_codecs", "encode"): Maker(_to_bytes),
}


class BytesOnly(pickle._Unpickler):
    """Python's own unpickler, with makers of its own for arrays, and nothing else to call.

    The one in C takes memory for numbers that a damaged file makes up.
    """

    def find_class(self, module: str, name: str) -> Any:
        """One of ALLOWED; raises UnpicklingError for anything else."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]


def read_batches(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, 3, 32, 32) and labels (N,), both uint8, of the `split` "train" or "test".

    Raises LabError if a file is missing or broken.
    """
    batches = [read_batch(require(folder, file)) for file in CIFAR_FILES[split]]
    images, labels = zip(*batches, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def read_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, 3, 32, 32) and labels (N,) of one file; raises LabError if it is broken."""
    content = load(path)
    if not isinstance(content, dict):
        broken(path, lazy("it holds no dictionary"))
    data, labels = content.get("data"), content.get("labels")
    rows = data.rows(math.prod(_SHAPE)) if isinstance(data, WrittenArray) else None
    if rows is None:
        broken(path, lazy("its data are no rows of 3,072 bytes"))
    if not isinstance(labels, list) or not all(
        type(label) is int and 0 <= label < 256 for label in labels
    ):
        broken(path, lazy("its labels are no list of small numbers"))
    if len(labels) != len(rows):
        broken(
            path,
            lazy(
                "it has {labels:,} labels for {images:,} images",
                labels=len(labels),
                images=len(rows),
            ),
        )
    return rows.reshape(-1, *_SHAPE), np.array(labels, np.uint8)


def load(path: Path) -> Any:
    """What the pickle holds; Python 2 wrote it, whose bytes become Latin-1 text."""
    content = read_bytes(path)
    try:
        return BytesOnly(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises nearly anything
        broken(path, lazy("it cannot be unpickled ({error})", error=str(error)), error)
