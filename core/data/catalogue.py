"""The data sets there are, and where they lie on this machine. No torch, no network."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from core.data.cifar import CIFAR_FILES
from core.data.idx import IDX_FILES, locate
from core.folders import data_folder
from core.language import N_, Message, _, either, lazy
from core.specs import SHOWN, LabError, RunSpec, shown

_DIGITS = tuple("0123456789")
_CLOTHES = (
    N_("T-shirt/top"),
    N_("Trouser"),
    N_("Pullover"),
    N_("Dress"),
    N_("Coat"),
    N_("Sandal"),
    N_("Shirt"),
    N_("Sneaker"),
    N_("Bag"),
    N_("Ankle boot"),
)
_THINGS = (
    N_("airplane"),
    N_("automobile"),
    N_("bird"),
    N_("cat"),
    N_("deer"),
    N_("dog"),
    N_("frog"),
    N_("horse"),
    N_("ship"),
    N_("truck"),
)


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before a byte of it is read."""

    name: str  # the key in DATASETS
    title: str  # as people write it
    train_images: int
    test_images: int
    class_names: tuple[str, ...]  # class_names[label]
    mean: float  # of all training pixels and channels, 0..1
    std: float  # of all training pixels and channels, 0..1
    download_bytes: int  # over the network; 0: shipped with the lab
    disk_bytes: int
    source: str  # origin and licence, one sentence
    torchvision_class: str | None = None  # in torchvision.datasets, also its folder; None: shipped
    image_size: int = 28  # pixels a side
    channels: int = 1  # 1 gray, 3 color
    folder: str | None = None  # where torchvision keeps the files; None: in torchvision_class/raw

    @property
    def shown_classes(self) -> tuple[str, ...]:
        """`class_names` in the reader's language."""
        return tuple(map(_, self.class_names))


DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
            name="fashion-mini",
            title="Fashion-MNIST mini",
            train_images=5_000,
            test_images=2_000,
            class_names=_CLOTHES,
            mean=0.2842,
            std=0.3522,
            download_bytes=0,
            disk_bytes=3_085_124,
            source=N_(
                "Part of Fashion-MNIST by Xiao, Rasul and Vollgraf, 2017; "
                "MIT licence, © 2017 Zalando SE."
            ),
        ),
        DatasetInfo(
            name="mnist",
            title="MNIST",
            train_images=60_000,
            test_images=10_000,
            class_names=_DIGITS,
            mean=0.1307,
            std=0.3081,
            download_bytes=11_594_722,
            disk_bytes=54_950_048,
            source=N_(
                "Handwritten digits by LeCun, Cortes and Burges, 1998; licence CC BY-SA 3.0."
            ),
            torchvision_class="MNIST",
        ),
        DatasetInfo(
            name="fashion-mnist",
            title="Fashion-MNIST",
            train_images=60_000,
            test_images=10_000,
            class_names=_CLOTHES,
            mean=0.2860,
            std=0.3530,
            download_bytes=30_878_645,
            disk_bytes=54_950_048,
            source=N_(
                "Pictures of clothes by Xiao, Rasul and Vollgraf, 2017; "
                "MIT licence, © 2017 Zalando SE."
            ),
            torchvision_class="FashionMNIST",
        ),
        DatasetInfo(
            name="cifar10",
            title="CIFAR-10",
            train_images=50_000,
            test_images=10_000,
            class_names=_THINGS,
            mean=0.4734,
            std=0.2516,
            download_bytes=170_498_071,
            disk_bytes=186_213_868,
            source=N_(
                "Color photographs by Krizhevsky, Nair and Hinton, 2009; "
                "its authors name no licence."
            ),
            torchvision_class="CIFAR10",
            image_size=32,
            channels=3,
            folder="cifar-10-batches-py",
        ),
    )
}


def find_dataset(name: str) -> DatasetInfo:
    """The data set called `name`; raises LabError with the nearest names if there is none."""
    if isinstance(name, str) and name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(str(name)[:SHOWN].lower(), DATASETS)
    if near:
        raise LabError(
            "There is no data set {name}; did you mean {near}?", name=shown(name), near=either(near)
        )
    raise LabError(
        "There is no data set {name}; there are {all}.", name=shown(name), all=", ".join(DATASETS)
    )


def train_images_of(spec: RunSpec) -> int:
    """How many training images the run has: a spec leaves the number open where it is all.

    Raises LabError for an unknown data set.
    """
    if spec.train_images is None:
        return find_dataset(spec.dataset).train_images
    return spec.train_images


def raw_folder(info: DatasetInfo, root: Path) -> Path:
    """Where torchvision keeps the files of `info`, a set to download, under `root`."""
    return root / (info.folder or f"{info.torchvision_class}/raw")


def files_of(info: DatasetInfo, split: str | None = None) -> tuple[str, ...]:
    """The names of the files of `info`, a set to download, or of one split of it."""
    files = CIFAR_FILES if info.torchvision_class == "CIFAR10" else IDX_FILES
    splits = files if split is None else (split,)
    return tuple(file for name in splits for file in files[name])


def check_channels(info: DatasetInfo, in_channels: int) -> None:
    """Raise LabError unless a network of `in_channels` takes the images: gray ones fit any."""
    if info.channels not in (1, in_channels):
        raise LabError(channels_error(in_channels, info.channels))


def channels_error(in_channels: int, channels: int) -> Message:
    """One sentence for images that do not fit the network."""
    if in_channels == 1:
        return lazy(
            "The network takes 1 channel and the images have {channels}: give the network"
            " {channels}, or take gray images.",
            channels=channels,
        )
    return lazy(
        "The network takes {in_channels} channels and the images have {channels}: give the network"
        " {channels}, or take gray images.",
        in_channels=in_channels,
        channels=channels,
    )


def is_available(name: str) -> bool:
    """Whether `name` can be loaded now: shipped, or all of its files are there.

    The files are only looked for, not read. Raises LabError for an unknown name.
    """
    info = find_dataset(name)
    if info.torchvision_class is None:
        return True
    folder = raw_folder(info, data_folder())
    return all(locate(folder, file) is not None for file in files_of(info))
