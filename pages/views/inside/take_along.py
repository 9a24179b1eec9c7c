"""What can be taken along from *Inside*: the network, the maps, the numbers. Made on the click."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.inside.arrays_records import MOST_ARRAY_BYTES
from core.language import _
from core.report import formats
from core.report.names import run_facts
from core.report.picture.all_channels import channels_png
from core.report.tables.layer_values import MOST_ROWS, summary_frame, values_frame
from pages.views.app.downloads import download_csv, download_file
from pages.views.app.prose import caption
from pages.views.app.with_torch import made_inside
from pages.views.inside.chosen import Chosen

_MOST_NETWORK_BYTES = 256 * 2**20  # that pass through the page server's memory
_OF_PARAMETER = 4  # bytes


def take_along_view(chosen: Chosen, path: str) -> None:
    """Files of the network, of the layer `path` and of all layers."""
    network, layer, layers = st.columns(3)
    with network:
        st.markdown(_("**The network**"))
        _network_files(chosen)
    with layer:
        st.markdown(_("**The chosen layer**"))
        _layer_files(chosen, path)
    with layers:
        st.markdown(_("**All layers, this image**"))
        _files_of_all(chosen)


def _network_files(chosen: Chosen) -> None:
    """The network with its parameters, for other programs and as code."""
    size = chosen.analysis.totals.params * _OF_PARAMETER
    if size > _MOST_NETWORK_BYTES:
        caption(
            _(
                "Its parameters take {size}, more than a page hands out: `python -m core inside RUN"
                " --format onnx` or `safetensors` writes them.",
                size=formats.mebibytes(size),
            )
        )
        return
    weights, run = chosen.weights, chosen.subject.run
    facts = run_facts(run, chosen.subject.which) if run else ()
    download_file(
        "ONNX",
        lambda: bytes(made_inside("core.inside.export:onnx_file", weights, facts)),
        f"{chosen.subject.file_name()}.onnx",
        "in_onnx",
    )
    download_file(
        _("safetensors with code"),
        lambda: bytes(made_inside("core.inside.export:safetensors_zip", weights, facts)),
        f"{chosen.subject.file_name()}.zip",
        "in_code",
        "application/zip",
    )
    caption(
        _(
            "ONNX for other runtimes: it takes some seconds, and a network whose forward chooses by"
            " its numbers has none. The zip runs with PyTorch alone: code, parameters as"
            " safetensors, and a README that says how pixels are scaled."
        )
    )


def _values(chosen: Chosen, path: str) -> Callable[[], NDArray[np.floating]]:
    """Asks for one layer's numbers, later."""
    return lambda: made_inside(
        "core.inside.arrays:layer_values", chosen.weights, chosen.pixels, path
    )


def _layer_files(chosen: Chosen, path: str) -> None:
    """Its maps as a picture, its numbers as arrays and as a table."""
    values, name = _values(chosen, path), chosen.subject.file_name(chosen.image_slug, path)
    caption(path)
    download_file(
        _("Maps as PNG"), lambda: channels_png(values()), f"{name}.png", "in_png", "image/png"
    )
    download_file(
        _("This layer as NPZ"),
        lambda: bytes(
            made_inside("core.inside.arrays:arrays_npz", chosen.weights, chosen.pixels, path)
        ),
        f"{name}.npz",
        "in_npz",
    )
    shape = next(layer.output_shape for layer in chosen.analysis.layers if layer.path == path)
    count = prod(shape)
    if count > MOST_ROWS:
        caption(_("Its {numbers:,} numbers are too many for a table.", numbers=count))
        return
    download_csv(
        _("This layer as CSV"), lambda: values_frame(path, values()), f"{name}.csv", "in_layer_csv"
    )


def _files_of_all(chosen: Chosen) -> None:
    """Every array, and a line for each layer."""
    name = chosen.subject.file_name(chosen.image_slug, "all-layers")
    size = chosen.analysis.totals.output_bytes
    caption(_("{size} of numbers", size=formats.mebibytes(size)))
    if size > MOST_ARRAY_BYTES:
        caption(
            _(
                "That is more than the {most} of a file: take one layer, or a smaller Resize.",
                most=formats.mebibytes(MOST_ARRAY_BYTES),
            )
        )
    else:
        download_file(
            _("All layers as NPZ"),
            lambda: bytes(
                made_inside("core.inside.arrays:arrays_npz", chosen.weights, chosen.pixels)
            ),
            f"{name}.npz",
            "in_all_npz",
        )
    download_csv(
        _("All layers as CSV"),
        lambda: summary_frame(
            made_inside("core.inside.arrays:summaries", chosen.weights, chosen.pixels),
            chosen.subject.title,
            str(chosen.image_name),
        ),
        f"{name}.csv",
        "in_summary_csv",
    )
