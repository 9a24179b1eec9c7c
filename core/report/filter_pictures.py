"""Filters and what excites them as PNG pictures. Imports no torch."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.report.figures.palette import POSITIVE

_ENLARGED = 112  # pixels of an image's side, at least

Box = tuple[float, float, float, float]  # top, left, bottom, right in pixels


def colors_png(kernels: NDArray[np.float32], largest: float, columns: int) -> bytes:
    """Filters (K, 3, H, W) as tiles in colors; gray is zero, `largest` the brightest."""
    count, _, height, width = kernels.shape
    levels = ((kernels / (largest or 1.0) + 1) * 127.5).clip(0, 255).round().astype(np.uint8)
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, 4), np.uint8)
    for index, tile in enumerate(levels):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        sheet[top : top + height, left : left + width, :3] = tile.transpose(1, 2, 0)
        sheet[top : top + height, left : left + width, 3] = 255
    return _png(Image.fromarray(sheet))


def cut_png(image: NDArray[np.uint8], box: Box) -> bytes:
    """What of the image uint8 (H, W) or (3, H, W) lies in the box, whole pixels."""
    top, left = (int(edge) for edge in box[:2])
    bottom, right = (int(-(-edge // 1)) for edge in box[2:])
    return _png(_picture(image[..., top : max(bottom, top + 1), left : max(right, left + 1)]))


def outlined_png(image: NDArray[np.uint8], box: Box) -> bytes:
    """The image uint8 (H, W) or (3, H, W), enlarged, with the box outlined."""
    scale = max(1, -(-_ENLARGED // max(image.shape[-2:])))
    picture = _picture(image.repeat(scale, axis=-1).repeat(scale, axis=-2)).convert("RGB")
    top, left, bottom, right = (scale * edge for edge in box)
    corners = (left, top, max(left, right - 1), max(top, bottom - 1))
    ImageDraw.Draw(picture).rectangle(corners, outline=POSITIVE, width=2)
    return _png(picture)


def _picture(image: NDArray[np.uint8]) -> Image.Image:
    turned = image if image.ndim == 2 else image.transpose(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(turned))


def _png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
