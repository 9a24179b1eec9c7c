"""Makes fashion_mini.npz, the shipped data set, from the IDX files of Fashion-MNIST.

Run as `python -m tools.make_fashion_mini IDX_FOLDER`; every run makes the same arrays.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.arrays import FASHION_MINI_PATH
from core.data.idx import IDX_FILES, read_split

IMAGES_A_CLASS = {"train": 500, "test": 200}
SEED = 2017


def make_arrays(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """train_images (5000, 28, 28), train_labels (5000,) and the same for test, all uint8.

    Raises LabError if an IDX file in `folder` is missing or broken.
    """
    # RandomState's stream is frozen (numpy's NEP 19), those of newer generators are not.
    random = np.random.RandomState(SEED)
    arrays = {}
    for split in IDX_FILES:
        images, labels = read_split(folder, split)
        index = draw(labels, IMAGES_A_CLASS[split], random)
        arrays[f"{split}_images"] = images[index]
        arrays[f"{split}_labels"] = labels[index]
    return arrays


def draw(
    labels: NDArray[np.uint8], images_a_class: int, random: np.random.RandomState
) -> NDArray[np.intp]:
    """Indices of `images_a_class` images of each class, none twice, in random order."""
    of_classes = [
        random.permutation(np.flatnonzero(labels == label))[:images_a_class]
        for label in np.unique(labels)
    ]
    return random.permutation(np.concatenate(of_classes))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file, and print what the catalogue has to say about it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the four IDX files")
    parser.add_argument("--output", type=Path, default=FASHION_MINI_PATH)
    options = parser.parse_args(arguments)
    arrays = make_arrays(options.folder)
    np.savez_compressed(options.output, allow_pickle=False, **arrays)
    pixels = arrays["train_images"] / 255
    print(f"mean={pixels.mean():.4f} std={pixels.std():.4f} bytes={options.output.stat().st_size}")


if __name__ == "__main__":
    main()
