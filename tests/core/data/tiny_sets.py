"""Tiny data sets, written by the book, and where the full ones are."""

from __future__ import annotations

import gzip
import io
import os
import struct

import numpy as np
import pytest

FULL_SETS = os.environ.get("LAB_DATA_DIR")
needs_full_sets = pytest.mark.skipif(
    not FULL_SETS, reason="LAB_DATA_DIR is not set: the full data sets are not on this machine"
)

TINY_IMAGES = np.random.RandomState(1).randint(0, 256, (20, 28, 28), np.uint8)
TINY_LABELS = np.arange(20, dtype=np.uint8) % 10


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file: magic number, big-endian sizes, data."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


class Response(io.BytesIO):
    """What urlopen returns, as far as torchvision asks."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.url = None
        self.length = len(content)


def tiny_mnist_files() -> dict[str, bytes]:
    """What a mirror has of the tiny MNIST: file name to bytes."""
    arrays = {"images-idx3": TINY_IMAGES, "labels-idx1": TINY_LABELS}
    return {
        f"{split}-{kind}-ubyte.gz": gzip.compress(idx_bytes(array), mtime=0)
        for split in ("train", "t10k")
        for kind, array in arrays.items()
    }
