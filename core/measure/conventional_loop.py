"""The training loop as published: a DataLoader over PIL images, for comparison with core's own.

The loop is the course note's (and, but for its sums, Dive into Deep Learning's): each image passes
through PIL and torchvision's transforms in each epoch, each step waits for its loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from core.data.load import Dataset
from core.specs import RunSpec
from core.training.devices import find_device
from core.training.initialization import initialized

LOADER_WORKERS = (0, 2)  # of a DataLoader; which is faster depends on the machine
PREFETCHED = 4  # batches that two workers have ready before anybody asks


class PilImages(TorchDataset[tuple[Tensor, int]]):
    """The training images as torchvision's MNIST gives them: a PIL image, transformed."""

    def __init__(self, spec: RunSpec, data: Dataset) -> None:
        self.images = data.train_images.permute(0, 2, 3, 1).squeeze(3).numpy()  # as PIL has them
        self.labels = data.train_labels.tolist()
        self.transform = _transform(spec, data)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def _transform(spec: RunSpec, data: Dataset) -> Any:
    """Resize where the network wants another size, ToTensor, Normalize where the recipe does."""
    from torchvision import transforms  # takes seconds, and every worker would wait for it

    steps: list[Any] = []
    if data.info.image_size != spec.model.image_size:
        steps.append(transforms.Resize(spec.model.sides))
    if spec.model.in_channels == 3 and data.info.channels == 1:
        steps.append(transforms.Grayscale(3))
    steps.append(transforms.ToTensor())
    if spec.recipe.normalize:
        steps.append(transforms.Normalize((data.info.mean,), (data.info.std,)))
    return transforms.Compose(steps)


def conventional_network(spec: RunSpec) -> tuple[nn.Module, torch.optim.SGD]:
    """The network and its optimizer as the published code makes them: always SGD."""
    network = initialized(spec).to(find_device(spec.device)).train()
    recipe = spec.recipe
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    return network, optimizer


def conventional_steps(spec: RunSpec, data: Dataset, loader_workers: int) -> Iterator[int]:
    """Train for ever, epoch after epoch; yields the number of images after each step."""
    device = find_device(spec.device)
    network, optimizer = conventional_network(spec)
    loader = DataLoader(
        PilImages(spec, data), spec.recipe.batch_size, shuffle=True, num_workers=loader_workers
    )
    while True:
        running_loss = 0.0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = F.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            yield len(labels)
