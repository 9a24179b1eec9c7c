"""Which data sets there are: facts, names, the shipped set, the full ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import core.data
from core.data import (
    DATASETS,
    check_channels,
    find_dataset,
    is_available,
)
from core.data.arrays import FASHION_MINI_PATH
from core.data.catalogue import files_of
from core.data.checksums import MD5
from core.data.load import Dataset, load
from core.specs import LabError
from tests.core.data.tiny_sets import (
    FULL_SETS,
    idx_bytes,
    needs_full_sets,
)
from tools import make_fashion_mini

# The catalogue


def test_a_misspelt_name_gets_the_near_one():
    with pytest.raises(LabError, match="did you mean fashion-mnist"):
        find_dataset("Fashion-MNST")


def test_a_name_unlike_any_gets_the_whole_list():
    with pytest.raises(LabError, match="there are fashion-mini, mnist, fashion-mnist"):
        find_dataset("imagenet")


@pytest.mark.parametrize("info", DATASETS.values(), ids=lambda info: info.name)
def test_facts_are_complete(info):
    assert find_dataset(info.name) is info
    assert len(set(info.class_names)) == 10
    assert info.disk_bytes > 0 and (info.download_bytes > 0) == (info.torchvision_class is not None)
    assert "licence" in info.source and info.source.endswith(".")


@pytest.mark.slow
def test_class_names_are_torchvisions():
    from torchvision.datasets import MNIST, FashionMNIST

    assert list(DATASETS["fashion-mnist"].class_names) == FashionMNIST.classes
    assert list(DATASETS["mnist"].class_names) == [name[0] for name in MNIST.classes]


def test_only_the_shipped_set_is_available_in_an_empty_folder(empty_dir):
    assert [name for name in DATASETS if is_available(name)] == ["fashion-mini"]


def test_importing_core_data_and_sampling_leave_torch_alone():
    program = (
        "import sys, core.data; core.data.sample_images('fashion-mini', 10);"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_gray_networks_are_told_of_color_before_a_run():
    with pytest.raises(
        LabError, match=r"takes 1 channel and the images have 3: give the network 3"
    ):
        check_channels(DATASETS["cifar10"], 1)
    check_channels(DATASETS["cifar10"], 3)
    for channels in (1, 3):
        check_channels(DATASETS["mnist"], channels)


def test_the_public_names_are_there():
    assert all(hasattr(core.data, name) for name in core.data.__all__)


# The shipped set


def test_fashion_mini_is_balanced(mini):
    assert mini.train_images.shape == (5_000, 1, 28, 28)
    assert mini.test_images.shape == (2_000, 1, 28, 28)
    assert mini.train_images.dtype == mini.test_images.dtype == torch.uint8
    assert mini.train_labels.dtype == mini.test_labels.dtype == torch.int64
    assert mini.train_labels.bincount().tolist() == [500] * 10
    assert mini.test_labels.bincount().tolist() == [200] * 10


def test_fashion_mini_is_shuffled(mini):
    assert mini.train_labels[:500].bincount(minlength=10).min() > 25  # 50 expected


def test_fashion_mini_facts_match_its_file(mini):
    pixels = mini.train_images.double() / 255
    assert mini.info.mean == pytest.approx(pixels.mean().item(), abs=5e-5)
    assert mini.info.std == pytest.approx(pixels.std().item(), abs=5e-5)
    assert mini.info.disk_bytes == FASHION_MINI_PATH.stat().st_size


def test_the_licence_is_shipped_beside_the_images():
    text = FASHION_MINI_PATH.with_name("FASHION_MNIST_LICENSE.txt").read_text()
    assert "MIT License" in text and "Copyright (c) 2017 Zalando SE" in text


@needs_full_sets
def test_the_script_makes_the_shipped_file(tmp_path, capsys):
    output = tmp_path / "again.npz"
    folder = Path(str(FULL_SETS), "FashionMNIST", "raw")
    make_fashion_mini.main([str(folder), "--output", str(output)])
    assert "mean=0.2842 std=0.3522" in capsys.readouterr().out
    with np.load(output) as made, np.load(FASHION_MINI_PATH) as shipped:
        assert set(made) == set(shipped)
        for name in made:
            assert made[name].dtype == shipped[name].dtype == np.uint8
            np.testing.assert_array_equal(made[name], shipped[name])


@needs_full_sets
@pytest.mark.parametrize("split", ["train", "test"])
def test_fashion_mini_is_part_of_fashion_mnist(mini, split):
    def rows(dataset: Dataset) -> list[bytes]:
        images = getattr(dataset, f"{split}_images").numpy()
        labels = getattr(dataset, f"{split}_labels").tolist()
        return [
            image.tobytes() + bytes([label]) for image, label in zip(images, labels, strict=True)
        ]

    assert set(rows(mini)) <= set(rows(load("fashion-mnist")))


# The full sets


@pytest.mark.slow
@needs_full_sets
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_full_sets_are_read_as_torchvision_reads_them(name):
    from torchvision import datasets

    dataset = load(name)
    read = getattr(datasets, dataset.info.torchvision_class)
    for train, images, labels in (
        (True, dataset.train_images, dataset.train_labels),
        (False, dataset.test_images, dataset.test_labels),
    ):
        theirs = read(root=FULL_SETS, train=train)
        assert torch.equal(images.squeeze(1), theirs.data)
        assert torch.equal(labels, theirs.targets)


@needs_full_sets
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_full_sets_have_the_facts_of_the_catalogue(name):
    dataset = load(name)
    pixels = dataset.train_images.float() / 255
    assert is_available(name)
    assert dataset.train_labels.bincount().numel() == len(dataset.info.class_names)
    assert pixels.mean().item() == pytest.approx(dataset.info.mean, abs=1e-4)
    assert pixels.std().item() == pytest.approx(dataset.info.std, abs=1e-4)


# What a data set is


@pytest.mark.slow
def test_the_known_sums_are_torchvisions():
    from torchvision.datasets import CIFAR10

    assert MD5["cifar10"] == dict(CIFAR10.train_list + CIFAR10.test_list)
    for name, sums in MD5.items():
        assert tuple(sums) == files_of(DATASETS[name])
    assert len({md5 for sums in MD5.values() for md5 in sums.values()}) == 14


@needs_full_sets
@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "FashionMNIST"), ("fashion-mnist", "MNIST")]
)
def test_a_set_in_the_folder_of_another_is_told(empty_dir, name, folder):
    other = next(info for info in DATASETS.values() if info.torchvision_class == folder)
    own = empty_dir / str(DATASETS[name].torchvision_class)
    own.mkdir()
    (own / "raw").symlink_to(Path(str(FULL_SETS), folder, "raw"))
    assert is_available(name)  # the file names are the same
    with pytest.raises(
        LabError, match=f"holds {other.title}, not {DATASETS[name].title} "
    ) as caught:
        load(name)
    assert str(caught.value).endswith("delete the folder, it is downloaded again.")


def test_files_that_nobody_has_published_are_told(empty_dir):
    folder = empty_dir / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for file, count in (("train-images-idx3-ubyte", 60_000), ("t10k-images-idx3-ubyte", 10_000)):
        (folder / file).write_bytes(idx_bytes(np.zeros((count, 28, 28), np.uint8)))
        labels = file.replace("images-idx3", "labels-idx1")
        (folder / labels).write_bytes(idx_bytes(np.zeros(count, np.uint8)))
    with pytest.raises(LabError, match="is not the file of MNIST that its authors publish; delete"):
        load("mnist")
