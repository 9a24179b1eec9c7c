"""Training images as a network will see them."""

from __future__ import annotations

from io import BytesIO

import torch
from PIL import Image

from core.data.arrays import sample_images
from core.data.batches import resize
from core.data.load import with_channels


def sample_pictures(name: str, count: int, sides: tuple[int, int]) -> list[tuple[bytes, int]]:
    """`sample_images` resized to these sides, pixels, as PNG files, each with its label.

    Raises LabError as `sample_images` does.
    """
    images, labels = sample_images(name, count)
    resized = resize(with_channels(torch.from_numpy(images.copy())), sides).numpy()
    pictures = []
    for image, label in zip(resized, labels, strict=True):
        file = BytesIO()
        is_gray = image.shape[0] == 1
        Image.fromarray(image[0] if is_gray else image.transpose(1, 2, 0)).save(file, "PNG")
        pictures.append((file.getvalue(), int(label)))
    return pictures
