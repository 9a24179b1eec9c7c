"""The test image under the pointer: the right one as a PNG, anything else refused in words."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Route

from core.data.arrays import read_arrays
from pages.views.app import test_images
from tests.pages.app.asgi import get

APP = Starlette(routes=[Route(f"/{test_images.PATH}", test_images.answer)])


def ask(index: str, dataset: str = "fashion-mini"):
    return get(APP, f"/{test_images.PATH}?{test_images.query(dataset)}&index={index}")


def test_an_image_comes_pixel_by_pixel():
    reply = ask("17")
    assert reply.status == 200 and reply.headers["content-type"] == "image/png"
    pixels = np.asarray(Image.open(BytesIO(reply.body)))
    assert np.array_equal(pixels, read_arrays("fashion-mini", "test")[0][17])


def test_what_is_no_image_is_refused_in_a_sentence():
    for index in ("-1", "2.5", "99999999999", "1000000", "", "²", "../1"):
        reply = ask(index)
        assert reply.status == 400 and "index is a test image" in json.loads(reply.body)["error"]
    assert ask("0", "../etc/passwd").status == 400
