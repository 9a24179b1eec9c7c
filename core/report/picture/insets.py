"""The maps of one image as pictures in the boxes of a network's graph. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.inside.maps_records import LayerMaps
from core.language import _
from core.report import formats
from core.report.maps import range_of, tiles_png
from core.report.picture.fold import INPUT, OUTPUT, Graph, Node
from core.report.picture.labels import Text, block_name, operation, shape_text
from core.report.picture.svg import Inset

COLUMNS, ROWS = 4, 2  # of maps in a box
_SIDE = 40  # pixels of a map on the page
_CELL = 11  # pixels of one number of a vector
_FINE = 24  # pixels of a map in its picture at least, so that gaps between maps stay thin


@dataclass(frozen=True, eq=False)
class Shown:
    """What a pass has given, for the boxes of a graph."""

    image: NDArray[np.uint8]  # (H, W) or (3, H, W) as the network reads it, before scaling
    maps: Mapping[str, LayerMaps]  # by the path of the layer


def insets(graph: Graph, shown: Shown) -> dict[str, Inset]:
    """A picture for every box whose result is known; the others keep their words."""
    found = {INPUT: _image_inset(shown.image)}
    for node in graph.nodes:
        maps = shown.maps.get(node.last.path) if node.layers else None
        if maps is not None and maps.maps.size:
            found[node.path] = _maps_inset(node, maps)
    return {path: inset for path, inset in found.items() if path != OUTPUT}


def image_png(image: NDArray[np.uint8]) -> bytes:
    """uint8 (H, W) or (3, H, W) as a PNG of a pixel a value."""
    file = BytesIO()
    picture = Image.fromarray(image if image.ndim == 2 else image.transpose(1, 2, 0))
    picture.save(file, "PNG", compress_level=1)  # made while somebody waits
    return file.getvalue()


def sheet_png(maps: LayerMaps, scale: tuple[float, float], columns: int) -> bytes:
    """The maps side by side, with thin gaps; all numbers of a vector in rows."""
    fine = 1 if maps.is_vector else max(1, _FINE // max(maps.maps.shape[1:]))
    return tiles_png(maps.maps.repeat(fine, axis=1).repeat(fine, axis=2), *scale, columns)


def range_text(maps: LayerMaps) -> str:
    """`−1.21 … 3.4`: the smallest and the largest number of a layer."""
    text = f"{formats.signed_number(maps.low)} … {formats.signed_number(maps.high)}"
    if not maps.not_finite:
        return text
    return _("{range}, {count:,} not finite", range=text, count=maps.not_finite)


def scale_of(maps: LayerMaps) -> tuple[float, float]:
    """Where the scale of the whole layer begins and ends."""
    return range_of(np.array([maps.low, maps.high]))


def _image_inset(image: NDArray[np.uint8]) -> Inset:
    height, width = image.shape[-2:]
    side = 2.5 * _SIDE
    shrink = side / max(height, width)
    lines: tuple[Text, ...] = ([(_("image"), True), (f" {height}×{width}", False)],)
    about = _(
        "The image as the network reads it, {height}×{width} pixels", height=height, width=width
    )
    return Inset(image_png(image), width * shrink, height * shrink, lines, about)


def _maps_inset(node: Node, maps: LayerMaps) -> Inset:
    """Name, operation or number of channels, range; the pictures of some channels."""
    count, height, width = maps.maps.shape
    columns = min(COLUMNS, count)
    if maps.is_vector:
        columns, size = 1, (_CELL * width, _CELL * height)
    else:
        rows = -(-count // columns)
        shrink = _SIDE / max(height, width)
        size = (int(columns * width * shrink), int(rows * height * shrink))
    png = sheet_png(maps, scale_of(maps), columns)
    name = block_name(node.path, node.name, node.count)
    head: Text = [(f"▸ {name}" if node.is_block else name, True)]
    shape = shape_text((1, *maps.shape))
    what = _("{operation}: {shape}", operation=operation(node.last), shape=shape)
    lines: tuple[Text, ...] = (
        head,
        [(shape if node.is_block else what, False)],
        [(range_text(maps), False)],
    )
    total = maps.shape[0]
    drawn = (
        _("all its numbers")
        if maps.is_vector
        else _("{count} of its {total} channels", count=count, total=total)
    )
    about = _(
        "{layer}: {operation}, {shape}, from {range}; {drawn}",
        layer=node.last.path,
        operation=operation(node.last),
        shape=shape,
        range=range_text(maps),
        drawn=drawn,
    )
    return Inset(png, *size, lines, about)
