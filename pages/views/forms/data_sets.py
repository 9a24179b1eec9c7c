"""What pages say about data sets."""

from __future__ import annotations

from core.data import DATASETS, is_available
from core.language import _
from core.report import formats


def dataset_line(name: str) -> str:
    """Number of images, and whether the set is on this machine or must be downloaded."""
    info = DATASETS[name]
    if is_available(name):
        where = _("here, {size} on disk", size=formats.mebibytes(info.disk_bytes))
    else:
        where = _(
            "the first run downloads {size}",
            size=formats.mebibytes(info.download_bytes),
        )
    return _(
        "{train_images:,} training and {test_images:,} test images; {where}",
        train_images=info.train_images,
        test_images=info.test_images,
        where=where,
    )
