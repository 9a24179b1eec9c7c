"""Parts of a data set, and the batches that a network reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.data import (
    sample_images,
)
from core.data.batches import batch_of, epoch_order, prepare
from core.data.load import Dataset
from core.specs import LabError

# Parts of a set


def rows(dataset: Dataset) -> set[bytes]:
    return {image.tobytes() for image in dataset.train_images.numpy()}


def test_a_smaller_part_lies_within_a_larger_one(mini):
    parts = [mini.first(count) for count in (1, 10, 1_000, 4_999)]
    for smaller, larger in zip(parts, [*parts[1:], mini], strict=True):
        assert rows(smaller) < rows(larger)
    assert [len(part.train_labels) for part in parts] == [1, 10, 1_000, 4_999]


def test_a_part_keeps_labels_beside_their_images_and_the_test_set_whole(mini):
    label_of = {
        image.tobytes(): label
        for image, label in zip(mini.train_images.numpy(), mini.train_labels.tolist(), strict=True)
    }
    part = mini.first(300)
    assert [label_of[image.tobytes()] for image in part.train_images.numpy()] == (
        part.train_labels.tolist()
    )
    assert part.test_images is mini.test_images and part.test_labels is mini.test_labels


def test_a_part_is_the_same_each_time_and_all_is_the_set_itself(mini):
    assert torch.equal(mini.first(100).train_images, mini.first(100).train_images)
    assert torch.equal(mini.first(5_000).train_images, mini.train_images)
    assert mini.first(None) is mini


@pytest.mark.parametrize("count", [0, -1, 5_001, True])
def test_a_part_cannot_be_larger_than_the_set(mini, count):
    with pytest.raises(LabError, match="mini has 5,000 training images"):
        mini.first(count)


def test_samples_show_the_classes_in_turn(mini):
    images, labels = sample_images("fashion-mini", 25)
    assert images.shape == (25, 28, 28) and images.dtype == np.uint8
    assert labels.tolist() == [*range(10), *range(10), *range(5)]
    assert len({image.tobytes() for image in images}) == 25
    first_bag = mini.train_images[mini.train_labels == 8][0, 0]
    np.testing.assert_array_equal(images[8], first_bag.numpy())


@pytest.mark.parametrize("count", [0, 5_001])
def test_samples_cannot_be_more_than_there_are(count):
    with pytest.raises(LabError, match="count must be a whole number from 1 to 5,000"):
        sample_images("fashion-mini", count)


# Batches


@pytest.mark.slow
@pytest.mark.parametrize("size", [14, 24, 28, 64, 96])
def test_prepare_resizes_as_torchvision_does_on_pil_images(mini, size):
    from PIL import Image
    from torchvision import transforms

    images = mini.test_images[:20]
    theirs = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])
    expected = torch.stack([theirs(Image.fromarray(image.numpy())) for image in images.squeeze(1)])
    ours = prepare(images, (size, size), in_channels=1)
    assert ours.shape == (20, 1, size, size) and ours.dtype == torch.float32
    # PIL rounds to whole gray levels after each of its two passes.
    assert (ours - expected).abs().max() <= 1.1 / 255


@pytest.mark.parametrize("size", [7, 27, 32, 48, 97])
def test_resized_values_stay_within_0_and_1(size):
    checkers = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    checkers[..., ::2, ::2] = 255
    white = torch.full((1, 1, 28, 28), 255, dtype=torch.uint8)
    values = prepare(torch.cat([checkers, white]), (size, size), in_channels=1)
    assert values.min() >= 0 and values.max() <= 1
    torch.testing.assert_close(values[1], torch.ones(1, size, size))


def test_prepare_normalizes_to_zero_mean_and_unit_deviation(mini):
    values = prepare(mini.train_images, (28, 28), 1, mini.info.mean, mini.info.std)
    assert values.mean().item() == pytest.approx(0, abs=1e-3)
    assert values.std().item() == pytest.approx(1, abs=1e-3)


def test_prepare_repeats_gray_over_the_channels(mini):
    images = mini.test_images[:2]
    color = prepare(images, (32, 32), in_channels=3, mean=0.5, std=0.5)
    assert color.shape == (2, 3, 32, 32)
    for channel in color.unbind(1):
        assert torch.equal(channel.unsqueeze(1), prepare(images, (32, 32), 1, mean=0.5, std=0.5))


def test_prepare_leaves_the_images_as_they_are(mini):
    images = mini.test_images[:2].clone()
    prepare(images, (28, 28), in_channels=1, mean=0.5, std=0.5)
    assert torch.equal(images, mini.test_images[:2])


@pytest.mark.parametrize(("channels", "in_channels"), [(3, 1), (3, 4)])
def test_color_does_not_fit_other_channels(channels, in_channels):
    images = torch.zeros(1, channels, 8, 8, dtype=torch.uint8)
    with pytest.raises(LabError, match=f"takes {in_channels} channels? and the images have 3"):
        prepare(images, (8, 8), in_channels)


def test_an_epoch_sees_each_image_once_in_an_order_of_its_own():
    orders = [epoch_order(100, seed, epoch) for seed in range(4) for epoch in range(4)]
    assert all(sorted(order.tolist()) == list(range(100)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == len(orders)
    assert orders[0].dtype == torch.int64 and orders[0].device.type == "cpu"


def test_the_order_depends_on_nothing_else():
    torch.manual_seed(1)
    np.random.seed(1)
    before = epoch_order(50, seed=3, epoch=2)
    torch.rand(10)
    np.random.rand(10)
    assert torch.equal(epoch_order(50, seed=3, epoch=2), before)
    # Written down once: another machine or another version must draw the same.
    assert epoch_order(10, seed=0, epoch=0).tolist() == [3, 7, 6, 4, 1, 0, 2, 8, 5, 9]


def test_batches_drop_nothing():
    order = epoch_order(103, seed=0, epoch=0)
    batches = [batch_of(order, step, batch_size=25) for step in range(5)]
    assert [len(batch) for batch in batches] == [25, 25, 25, 25, 3]
    assert torch.equal(torch.cat(batches), order)
