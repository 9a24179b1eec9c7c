"""What pages say about data sets."""

from __future__ import annotations

from core.data import DATASETS, is_available
from core.report import formats


def dataset_line(name: str) -> str:
    """Number of images, and whether the set is on this machine or must be downloaded."""
    info = DATASETS[name]
    if is_available(name):
        where = f"here, {formats.mebibytes(info.disk_bytes)} on disk"
    else:
        where = f"the first run downloads {formats.mebibytes(info.download_bytes)}"
    return f"{info.train_images:,} training and {info.test_images:,} test images; {where}"
