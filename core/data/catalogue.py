"""The data sets there are, and where they lie on this machine. No torch, no network."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from core.data.idx import IDX_FILES, locate
from core.specs import LabError

DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before a byte of it is read."""

    name: str  # the key in DATASETS
    title: str  # as people write it
    train_images: int
    test_images: int
    class_names: tuple[str, ...]  # class_names[label]
    mean: float  # of all training pixels, 0..1
    std: float  # of all training pixels, 0..1
    download_bytes: int  # over the network; 0: shipped with the lab
    disk_bytes: int
    source: str  # origin and licence, one sentence
    torchvision_class: str | None = None  # in torchvision.datasets, also its folder; None: shipped
    image_size: int = 28  # pixels a side
    channels: int = 1  # 1 grey


DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            name="fashion-mini",
            title="Fashion-MNIST mini",
            train_images=5_000,
            test_images=2_000,
            class_names=CLOTHES,
            mean=0.2842,
            std=0.3522,
            download_bytes=0,
            disk_bytes=3_085_124,
            source=(
                "Part of Fashion-MNIST by Xiao, Rasul and Vollgraf, 2017; "
                "MIT licence, © 2017 Zalando SE."
            ),
        ),
        DatasetInfo(
            name="mnist",
            title="MNIST",
            train_images=60_000,
            test_images=10_000,
            class_names=DIGITS,
            mean=0.1307,
            std=0.3081,
            download_bytes=11_594_722,
            disk_bytes=54_950_048,
            source="Handwritten digits by LeCun, Cortes and Burges, 1998; licence CC BY-SA 3.0.",
            torchvision_class="MNIST",
        ),
        DatasetInfo(
            name="fashion-mnist",
            title="Fashion-MNIST",
            train_images=60_000,
            test_images=10_000,
            class_names=CLOTHES,
            mean=0.2860,
            std=0.3530,
            download_bytes=30_878_645,
            disk_bytes=54_950_048,
            source=(
                "Pictures of clothes by Xiao, Rasul and Vollgraf, 2017; "
                "MIT licence, © 2017 Zalando SE."
            ),
            torchvision_class="FashionMNIST",
        ),
    )
}


def find_dataset(name: str) -> DatasetInfo:
    """The data set called `name`; raises LabError with the nearest names if there is none."""
    if isinstance(name, str) and name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(str(name).lower(), DATASETS)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(DATASETS)}."
    raise LabError(f"There is no data set {name!r}; {hint}")


def data_dir() -> Path:
    """The folder of the downloaded sets: LAB_DATA_DIR, else one in the user's cache folder."""
    if chosen := os.environ.get("LAB_DATA_DIR"):
        return Path(chosen).expanduser()
    return cache_folder() / "cnn-architecture-lab"


def cache_folder() -> Path:
    """Where this system keeps what a user can fetch again."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    # The XDG base directory specification: a relative path is invalid and to be ignored.
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return chosen if chosen.is_absolute() else Path.home() / ".cache"


def raw_folder(info: DatasetInfo, root: Path) -> Path:
    """Where torchvision keeps the IDX files of `info`, a set to download, under `root`."""
    return root / str(info.torchvision_class) / "raw"


def is_available(name: str) -> bool:
    """Whether `name` can be loaded now: shipped, or its four IDX files are there.

    The files are only looked for, not read. Raises LabError for an unknown name.
    """
    info = find_dataset(name)
    if info.torchvision_class is None:
        return True
    folder = raw_folder(info, data_dir())
    return all(locate(folder, file) is not None for pair in IDX_FILES.values() for file in pair)
