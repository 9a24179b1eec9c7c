"""The files that a data set is published as, by their MD5: MNIST's and Fashion-MNIST's have the
same names and sizes, so that only their content tells which is which.

CIFAR-10's sums are torchvision's; those of the IDX files are of the unpacked ones.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.data.catalogue import DATASETS, DatasetInfo
from core.data.idx import locate, read_bytes
from core.specs import LabError

MD5 = {
    "mnist": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
    "cifar10": {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
}
_IMAGES = {name: (DATASETS[name].train_images, DATASETS[name].test_images) for name in MD5}


def check_published(info: DatasetInfo, folder: Path, files: tuple[str, ...]) -> None:
    """Raise LabError where one of `files` is there with another content than its authors publish.

    A data set of another size than the published one, such as a test's, has no known content.
    """
    if _IMAGES.get(info.name) != (info.train_images, info.test_images):
        return
    for file in files:
        path = locate(folder, file)
        if path is None:
            continue  # whoever reads it tells that it is missing
        md5 = hashlib.md5(read_bytes(path), usedforsecurity=False).hexdigest()
        if md5 == MD5[info.name][file]:
            continue
        for other, sums in MD5.items():
            if md5 in sums.values():
                raise LabError(
                    "{folder} holds {other}, not {title} ({name} is its file); delete the"
                    " folder, it is downloaded again.",
                    folder=str(folder),
                    other=DATASETS[other].title,
                    title=info.title,
                    name=path.name,
                )
        raise LabError(
            "{path} is broken: it is not the file of {title} that its authors publish; delete it,"
            " it is downloaded again.",
            path=str(path),
            title=info.title,
        )
