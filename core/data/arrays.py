"""From the name of a data set to numpy arrays, without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.catalogue import DatasetInfo, files_of, find_dataset, is_available, raw_folder
from core.data.checksums import check_published
from core.data.cifar import read_batches
from core.data.idx import read_split
from core.folders import data_folder
from core.specs import LabError, check_whole

FASHION_MINI_PATH = Path(__file__).with_name("fashion_mini.npz")


def read_arrays(name: str, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels (N,), both uint8, of the `split` "train" or "test".

    Gray images are (N, H, W), color ones (N, 3, H, W). Raises LabError if there is no such
    data set, it is not on this machine yet, or it is broken.
    """
    info = find_dataset(name)
    if info.torchvision_class is None:
        with np.load(FASHION_MINI_PATH) as file:
            return file[f"{split}_images"], file[f"{split}_labels"]
    if not is_available(name):
        raise LabError(
            "{title} is not on this machine yet: download it first ({size:.0f} MiB), or take"
            " fashion-mini, which is shipped.",
            title=info.title,
            size=info.download_bytes / 2**20,
        )
    folder = raw_folder(info, data_folder())
    images, labels = read_files(info, folder, split)
    _check_against(info, split, folder, images, labels)
    return images, labels


def read_files(
    info: DatasetInfo, folder: Path, split: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """As `read_arrays`, from files in `folder`.

    Raises LabError if one is missing, broken or another data set's.
    """
    check_published(info, folder, files_of(info, split))
    return (read_batches if info.torchvision_class == "CIFAR10" else read_split)(folder, split)


def _check_against(
    info: DatasetInfo,
    split: str,
    folder: Path,
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
) -> None:
    """Raise LabError if whole files hold something other than the data set that `info` tells of."""
    count = info.train_images if split == "train" else info.test_images
    color = () if info.channels == 1 else (info.channels,)
    expected = (count, *color, info.image_size, info.image_size)
    if images.shape != expected or labels.max() >= len(info.class_names):
        raise LabError(
            "{folder} holds another data set than {title}: its {split} images have the shape"
            " {shape} instead of {expected} or labels above {highest}; delete the folder, it is"
            " downloaded again.",
            folder=str(folder),
            title=info.title,
            split=split,
            shape=str(images.shape),
            expected=str(expected),
            highest=len(info.class_names) - 1,
        )


def sample_images(name: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first training images with classes in turn, and their labels, as `read_arrays` has them.

    Raises LabError as `read_arrays` does, and unless `count` is from 1 to the number of images.
    """
    check_whole("count", count, 1, find_dataset(name).train_images)
    images, labels = read_arrays(name, "train")
    turn = np.zeros(len(labels), np.int64)  # how many of its class come before each image
    for label in np.unique(labels):
        same = labels == label
        turn[same] = np.arange(same.sum())
    indices = np.lexsort((labels, turn))[:count]
    return images[indices], labels[indices]
