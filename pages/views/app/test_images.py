"""The test images of a data set: for views, and one by one for the browser, which asks by HTTP."""

from __future__ import annotations

from urllib.parse import urlencode

import anyio
import numpy as np
import streamlit as st
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.data.arrays import read_arrays
from core.data.catalogue import find_dataset, is_available
from core.report.picture.insets import image_png
from core.specs import LabError

PATH = "lab/test-image"
_KEPT = "private, max-age=86400"  # a data set does not change


@st.cache_resource(max_entries=4, show_spinner=False)  # of 30 MiB at most, and never copied
def test_images(dataset: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The test images (N, S, S) or (N, 3, S, S) and labels (N,) of a data set.

    All visitors share them: nobody changes them. Raises LabError where they are not here.
    """
    return read_arrays(dataset, "test")


def query(dataset: str) -> str:
    """What the browser asks with for images of this data set, less `&index=`."""
    return urlencode({"dataset": dataset})


async def answer(request: Request) -> Response:
    """The test image as a PNG of a pixel a value; JSON with an error for one that is not here."""
    try:
        dataset = request.query_params.get("dataset", "")
        index = _index(request.query_params.get("index", ""), find_dataset(dataset).test_images)
        if not is_available(dataset):
            raise LabError("{data_set} is not on this machine.", data_set=dataset)
        picture = await anyio.to_thread.run_sync(_picture, dataset, index)
    except LabError as error:
        return JSONResponse({"error": str(error)}, 400)
    return Response(picture, media_type="image/png", headers={"Cache-Control": _KEPT})


def _index(text: str, count: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < count):
        raise LabError("index is a test image, 0 to {last}.", last=count - 1)
    return int(text)


def _picture(dataset: str, index: int) -> bytes:
    return image_png(test_images(dataset)[0][index])
