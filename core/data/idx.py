"""Reads IDX, the file format of MNIST and its relatives, plain or gzipped.

Source: "The MNIST database of handwritten digits", LeCun, Cortes and Burges, section "File
formats": a magic number 0, 0, type, dimensions; one big-endian 32-bit size a dimension; the data.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from core.language import Message, lazy
from core.specs import LabError

IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

_UNSIGNED_BYTE = 8  # the type code of the one type that images and labels use


def locate(folder: Path, file: str) -> Path | None:
    """`folder/file` or else `folder/file.gz`, None where there is neither."""
    for path in (folder / file, folder / f"{file}.gz"):
        # Unlike Path.is_file, this does not raise where the folder may not be read.
        if os.path.isfile(path):
            return path
    return None


def read_split(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, H, W) and labels (N,), both uint8, of the `split` "train" or "test".

    Raises LabError if a file is missing or broken, or the two do not belong together.
    """
    image_path, label_path = (require(folder, file) for file in IDX_FILES[split])
    images = read_idx(image_path, dimensions=3)
    labels = read_idx(label_path, dimensions=1)
    if len(images) != len(labels):
        broken(
            label_path,
            lazy(
                "it has {labels:,} labels for {images:,} images",
                labels=len(labels),
                images=len(images),
            ),
        )
    return images, labels


def require(folder: Path, file: str) -> Path:
    """As `locate`, but raises LabError where there is no such file."""
    path = locate(folder, file)
    if path is None:
        raise LabError(
            "{folder} has no {file}; download the data set first.", folder=str(folder), file=file
        )
    return path


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The writable uint8 array in the IDX file `path`, plain or, by its name, gzipped.

    Raises LabError if the file cannot be read, or holds anything but whole data of so many
    `dimensions`.
    """
    content = read_bytes(path)
    data_start = 4 + 4 * dimensions
    if content[:4] != bytes((0, 0, _UNSIGNED_BYTE, dimensions)) or len(content) < data_start:
        broken(
            path,
            lazy(
                "it does not begin like an IDX file of {dimensions} dimensions",
                dimensions=dimensions,
            ),
        )
    shape = tuple(int(size) for size in np.frombuffer(content[4:data_start], ">u4"))
    present, announced = len(content) - data_start, math.prod(shape)
    if present != announced:
        broken(
            path,
            lazy(
                "it announces {announced:,} bytes of data and holds {present:,}",
                announced=announced,
                present=present,
            ),
        )
    return np.frombuffer(content, np.uint8, offset=data_start).reshape(shape).copy()


def read_bytes(path: Path) -> bytes:
    """The content of `path`, unpacked if it ends in .gz; raises LabError if that fails."""
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        broken(path, lazy("it cannot be unpacked ({error})", error=str(error)), error)
    except OSError as error:
        raise LabError(
            "{path} cannot be read: {reason}.", path=str(path), reason=error.strerror or str(error)
        ) from error


def broken(path: Path, what: Message, cause: Exception | None = None) -> NoReturn:
    """Raise the LabError for a file that only a new download can mend."""
    raise LabError(
        "{path} is broken: {what}; delete it, it is downloaded again.", path=str(path), what=what
    ) from cause
