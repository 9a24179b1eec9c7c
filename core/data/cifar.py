"""Reads CIFAR-10's Python version: batches of 32×32 color images, each a pickled dictionary.

Source: "The CIFAR-10 dataset", Krizhevsky, section "Dataset layout": `data`, uint8 (N, 3072), rows
of 1024 red, 1024 green and 1024 blue values; `labels`, a list of N numbers. A pickle may call what
it likes, so that one here may only make arrays.
"""

from __future__ import annotations

import io
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.idx import broken, read_bytes, require

CIFAR_FILES = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
SHAPE = (3, 32, 32)

ALLOWED = {  # what an array and a text are pickled with: name in the file → where numpy has it now
    ("numpy.core.multiarray", "_reconstruct"): ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"): ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"): ("numpy", "ndarray"),
    ("numpy", "dtype"): ("numpy", "dtype"),
    ("_codecs", "encode"): ("_codecs", "encode"),
}


class ArraysOnly(pickle.Unpickler):
    """Refuses whatever is no array, number, text or container."""

    def find_class(self, module: str, name: str) -> Any:
        """One of ALLOWED; raises UnpicklingError for anything else."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        home, known = ALLOWED[module, name]
        return getattr(import_module(home), known)


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
        broken(path, "it holds no dictionary")
    data, labels = content.get("data"), content.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3072,):
        broken(path, "its data are no rows of 3,072 bytes")
    if not isinstance(labels, list) or not all(
        type(one) is int and 0 <= one < 256 for one in labels
    ):
        broken(path, "its labels are no list of small numbers")
    if len(labels) != len(data):
        broken(path, f"it has {len(labels):,} labels for {len(data):,} images")
    return data.reshape(-1, *SHAPE), np.array(labels, np.uint8)


def load(path: Path) -> Any:
    """What the pickle holds; Python 2 wrote it, whose bytes become Latin-1 text."""
    content = read_bytes(path)
    try:
        return ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises nearly anything
        broken(path, f"it cannot be unpickled ({error})", error)
