"""Training images as a network will see them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.arrays import sample_images
from core.data.batches import resize
from core.data.load import with_channels


def sample_pictures(name: str, count: int, size: int) -> list[NDArray[np.uint8]]:
    """`sample_images` resized to `size` pixels a side: (S, S) gray or (S, S, 3), uint8.

    Raises LabError as `sample_images` does.
    """
    images, _ = sample_images(name, count)
    resized = resize(with_channels(torch.from_numpy(images.copy())), size)
    is_gray = resized.shape[1] == 1
    return [image[0] if is_gray else image.transpose(1, 2, 0) for image in resized.numpy()]
