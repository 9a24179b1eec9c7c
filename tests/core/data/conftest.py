"""What the tests of data share: the shipped set, an empty folder, an MNIST of 20 images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.data import (
    DATASETS,
)
from core.data.idx import IDX_FILES
from core.data.load import Dataset, load
from tests.core.data.tiny_sets import (
    TINY_IMAGES,
    TINY_LABELS,
    idx_bytes,
)


@pytest.fixture(scope="session")
def mini() -> Dataset:
    return load("fashion-mini")


@pytest.fixture
def empty_dir(tmp_path, monkeypatch) -> Path:
    """An empty LAB_DATA_DIR."""
    monkeypatch.setenv("LAB_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def tiny_mnist(empty_dir, monkeypatch) -> Path:
    """MNIST of 20 + 20 images, whole, in torchvision's layout; the folder of its IDX files."""
    monkeypatch.setitem(
        DATASETS, "mnist", replace(DATASETS["mnist"], train_images=20, test_images=20)
    )
    folder = empty_dir / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for image_file, label_file in IDX_FILES.values():
        (folder / image_file).write_bytes(idx_bytes(TINY_IMAGES))
        (folder / label_file).write_bytes(idx_bytes(TINY_LABELS))
    return folder
