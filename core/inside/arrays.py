"""The numbers that a network makes of one image, to take along."""

from __future__ import annotations

import difflib
import io
import re
import zipfile
from math import nan

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.inside.arrays_records import MOST_ARRAY_BYTES, LayerSummary
from core.inside.one_image import Seen, Step, see
from core.inside.weights import Weights
from core.language import either
from core.specs import SHOWN, LabError, shown

_UNSAFE = re.compile(r"[^\w.#()-]+")  # in the name of a file inside a zip


def layer_values(
    weights: Weights, pixels: NDArray[np.uint8], path: str
) -> NDArray[np.float32 | np.float64]:
    """What one layer gives for one image, without the batch: (C, H, W), of a linear layer (C,).

    Raises LabError for an unknown layer, with the nearest names, and as `see`.
    """
    return _numbers(_step(see(weights, pixels), path).of_image)


def arrays_npz(weights: Weights, pixels: NDArray[np.uint8], path: str = "") -> bytes:
    """What one layer gives, or with "" every layer, as NPZ: an array for each, by its path.

    `input` is the image as the network reads it. Raises LabError for more than 256 MiB, and as
    `layer_values`.
    """
    seen = see(weights, pixels)
    outputs = {"input": seen.image[0]} | (
        {path: _step(seen, path).of_image}
        if path
        else {name: step.of_image for name, step in seen.steps.items()}
    )
    size = sum(output.nbytes for output in outputs.values())
    if size > MOST_ARRAY_BYTES:
        raise LabError(
            "All layers together take {size:,.0f} MiB here, and a file holds up to {most} MiB:"
            " take one layer, or a smaller Resize.",
            size=size / 2**20,
            most=MOST_ARRAY_BYTES // 2**20,
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, output in outputs.items():
            with archive.open(f"{_UNSAFE.sub('_', name)}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, _numbers(output), allow_pickle=False)
    return file.getvalue()


def summaries(weights: Weights, pixels: NDArray[np.uint8]) -> list[LayerSummary]:
    """Every layer that ran, in short, in the order of execution. Raises LabError as `see`."""
    return [_summary(path, step.of_image) for path, step in see(weights, pixels).steps.items()]


def _summary(path: str, given: Tensor) -> LayerSummary:
    values = given.double()
    finite = values[values.isfinite()]
    low, high = (float(edge) for edge in finite.aminmax()) if len(finite) else (nan, nan)
    mean = float(finite.mean()) if len(finite) else nan
    zeros = float((values == 0).double().mean()) if values.numel() else nan
    lost = values.numel() - len(finite)
    return LayerSummary(path, tuple(values.shape), low, high, mean, zeros, lost)


def _step(seen: Seen, path: str) -> Step:
    """The row of this path. Raises LabError with near names."""
    if path in seen.steps:
        return seen.steps[path]
    near = difflib.get_close_matches(path[:SHOWN], seen.steps, cutoff=0.4)
    if near:
        raise LabError(
            "There is no layer {path}; did you mean {near}?", path=shown(path), near=either(near)
        )
    raise LabError(
        "There is no layer {path}; there are {all}.", path=shown(path), all=", ".join(seen.steps)
    )


def _numbers(given: Tensor) -> NDArray[np.float32 | np.float64]:
    found: NDArray[np.float32 | np.float64] = given.numpy()
    return found
