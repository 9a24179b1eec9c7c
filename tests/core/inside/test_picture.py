"""A picture of somebody's own: read as a data set's images are, or refused in one sentence."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from core.inside.picture import MOST_BYTES, read_picture
from core.specs import LabError

GRAY = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
COLORS = np.stack([GRAY, GRAY + 5, 255 - GRAY])  # (3, 4, 6)


def file_of(image: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    """The picture as a file."""
    file = BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def png_of_any_size(width: int, height: int) -> bytes:
    """A PNG whose header tells of these sides, and that holds almost nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"0")), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_gray_and_color_come_as_data_sets_have_them():
    assert np.array_equal(read_picture(file_of(Image.fromarray(GRAY)), 1, aspect=1.5), GRAY)
    color = file_of(Image.fromarray(np.ascontiguousarray(COLORS.transpose(1, 2, 0))))
    assert np.array_equal(read_picture(color, 3, aspect=1.5), COLORS)


def test_color_becomes_gray_by_the_weights_of_itu_r_601_and_gray_three_equal_channels():
    color = file_of(Image.fromarray(np.ascontiguousarray(COLORS.transpose(1, 2, 0))))
    expected = np.tensordot([0.299, 0.587, 0.114], COLORS.astype(float), 1)
    assert np.abs(read_picture(color, 1, aspect=1.5) - expected).max() <= 1
    three = read_picture(file_of(Image.fromarray(GRAY)), 3, aspect=1.5)
    assert all(np.array_equal(channel, GRAY) for channel in three)


def test_inverted_turns_black_on_white_into_white_on_black():
    file = file_of(Image.fromarray(GRAY))
    assert np.array_equal(read_picture(file, 1, True, 1.5), 255 - GRAY)


def test_the_middle_is_kept_and_nothing_is_squeezed():
    assert np.array_equal(read_picture(file_of(Image.fromarray(GRAY)), 1), GRAY[:, 1:5])
    assert np.array_equal(read_picture(file_of(Image.fromarray(GRAY.T)), 1), GRAY.T[1:5])
    assert read_picture(file_of(Image.fromarray(GRAY[:1])), 1).shape == (1, 1)


def test_a_jpeg_is_turned_as_the_camera_was_held():
    image = Image.fromarray(np.repeat(np.repeat(GRAY, 8, 0), 8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right
    turned = read_picture(file_of(image, "JPEG", quality=95, exif=exif), 1, aspect=4 / 6)
    assert turned.shape == (48, 32)
    assert np.abs(turned.astype(int) - np.rot90(np.asarray(image), -1)).max() <= 12


def test_what_is_transparent_stands_on_white():
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, :, 3] = 255, 128  # black that covers, half of it, nothing
    assert read_picture(file_of(Image.fromarray(pixels)), 1).tolist() == [[0, 127], [255, 255]]
    palette = Image.new("P", (2, 2), 0)
    assert (read_picture(file_of(palette, transparency=0), 3) == 255).all()


def test_what_no_network_reads_is_made_smaller():
    assert read_picture(file_of(Image.new("L", (2_048, 2_048), 7)), 1).shape == (1_024, 1_024)


def test_other_modes_of_8_bits_are_read():
    assert read_picture(file_of(Image.new("1", (2, 2), 1)), 1).tolist() == [[255, 255]] * 2
    red = file_of(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)
    assert np.abs(read_picture(red, 3)[:, 4, 4].astype(int) - [255, 0, 0]).max() <= 4


FRAMES = [Image.new("L", (4, 4), shade) for shade in (0, 255)]
REFUSED = {
    "no picture": (b"<svg onload=alert(1)>", "no picture that can be read; take a PNG or JPEG"),
    "nothing": (b"", "no picture"),
    "a GIF": (file_of(FRAMES[0], "GIF"), "no picture that can be read"),
    "a TIFF": (file_of(FRAMES[0], "TIFF"), "no picture that can be read"),
    "cut off": (file_of(Image.fromarray(np.random.default_rng(0).integers(
        0, 256, (64, 64), dtype=np.uint8)))[:1_000], "damaged or cut off"),
    "a JPEG cut off": (file_of(Image.effect_noise((64, 64), 50), "JPEG")[:1_000], "cut off"),
    "hollow": (png_of_any_size(100, 100), "damaged or cut off"),
    "animated": (
        file_of(FRAMES[0], save_all=True, append_images=FRAMES[1:]), "animated; .* stands still"
    ),
    "16 bits": (
        file_of(Image.fromarray(np.full((4, 4), 40_000, np.uint16))), "more than 8 bits a pixel"
    ),
    "a long side": (png_of_any_size(5_000, 10), "5,000 × 10 pixels; .* 4,096 pixels a side"),
    "many pixels": (png_of_any_size(4_097, 4_097), "4,097 × 4,097 pixels"),
    "a small bomb": (png_of_any_size(10_000, 10_000), "pixels"),
    "a bomb": (png_of_any_size(60_000, 60_000), "more pixels than can be decoded safely"),
    "many bytes": (bytes(MOST_BYTES + 1), r"10\.0 MiB; .* of up to 10 MiB"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_one_sentence(name):
    data, words = REFUSED[name]
    with pytest.raises(LabError, match=words):
        read_picture(data, 1)
