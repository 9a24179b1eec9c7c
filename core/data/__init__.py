"""Data sets by name. This much needs no torch; `core.data.load` and `core.data.batches` do."""

from core.data.arrays import sample_images
from core.data.catalogue import (
    DATASETS,
    DatasetInfo,
    check_channels,
    find_dataset,
    is_available,
)
from core.data.download import download
from core.folders import data_folder

data_dir = data_folder  # its name of old

__all__ = [
    "DATASETS",
    "DatasetInfo",
    "check_channels",
    "data_dir",
    "data_folder",
    "download",
    "find_dataset",
    "is_available",
    "sample_images",
]
