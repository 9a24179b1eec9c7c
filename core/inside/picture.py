"""A picture of somebody's own, from the bytes of a file. Imports no torch.

It is data of a stranger: bounded before it is decoded, and only by decoders for PNG and JPEG.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.language import Message, lazy
from core.specs import MAX_IMAGE_SIZE, LabError

MOST_BYTES = 10 * 2**20  # of a file
MOST_SIDE, MOST_PIXELS = 4_096, 16 * 2**20
_FORMATS = ("PNG", "JPEG")
_WIDE_MODES = ("I", "F")  # more than 8 bits a pixel, which Pillow would cut off at white
_WHITE = (255, 255, 255, 255)


def read_picture(
    data: bytes, channels: int, inverted: bool = False, aspect: float = 1.0
) -> NDArray[np.uint8]:
    """The picture as a data set's images are: uint8 (H, W) for 1 channel, (3, H, W) for 3.

    Turned as the camera was held, what is transparent on white, cut to the middle part whose width
    is `aspect` times its height, and made smaller where a side is over 1,024 pixels, which no
    network reads. `inverted`: black becomes white, as MNIST's digits are white on black.

    Raises LabError for anything but a whole, still PNG or JPEG with 8 bits a channel, at most
    10 MiB, 4,096 pixels a side and 16 M pixels.
    """
    if len(data) > MOST_BYTES:
        raise LabError(
            "The picture has {size:.1f} MiB; take a PNG or JPEG of up to {most} MiB.",
            size=len(data) / 2**20,
            most=MOST_BYTES // 2**20,
        )
    image = _opened(data)
    _check(image)
    try:
        image = ImageOps.exif_transpose(image)
        image = _on_white(image) if image.has_transparency_data else image
        image = image.convert("L" if channels == 1 else "RGB")
    except Exception as error:  # whatever a decoder makes of damaged data
        raise LabError(
            "The picture is damaged or cut off; take a PNG or JPEG that is whole."
        ) from error
    image = _middle(image, aspect)
    image.thumbnail((MAX_IMAGE_SIZE, MAX_IMAGE_SIZE), Image.Resampling.BOX)
    pixels = np.array(image, np.uint8)
    pixels = 255 - pixels if inverted else pixels
    return pixels if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _opened(data: bytes) -> Image.Image:
    """The picture with its header read, not yet its pixels. Raises LabError."""
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(lazy("more pixels than can be decoded safely")) from error
    except Exception as error:  # whatever a decoder makes of data that is no picture
        raise LabError("The file is no picture that can be read; take a PNG or JPEG.") from error


def _check(image: Image.Image) -> None:
    """Raise LabError for what must not, or cannot well, be decoded."""
    width, height = image.size
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        raise _too_large(lazy("{width:,} × {height:,} pixels", width=width, height=height))
    if image.format == "PNG" and getattr(image, "is_animated", False):
        raise LabError("The picture is animated; take a PNG or JPEG that stands still.")
    if image.mode.startswith(_WIDE_MODES):
        raise LabError(
            "The picture has more than 8 bits a pixel; take a PNG or JPEG with 8 bits a channel."
        )


def _too_large(what: Message) -> LabError:
    return LabError(
        "The picture has {what}; take a PNG or JPEG of up to {side:,} pixels a side and {pixels} M"
        " pixels.",
        what=what,
        side=MOST_SIDE,
        pixels=MOST_PIXELS // 2**20,
    )


def _on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)


def _middle(image: Image.Image, aspect: float) -> Image.Image:
    """The largest part in the middle whose width is `aspect` times its height."""
    width = max(1, min(image.width, round(image.height * aspect)))
    height = max(1, min(image.height, round(image.width / aspect)))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))
