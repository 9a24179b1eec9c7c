"""What images of another size change in a network."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from core.analysis.records import Analysis, LayerCost, Shape, Sides, each_side


@dataclass(frozen=True)
class AtSize:
    """The network at one size of its images."""

    map_sides: Shape  # of the last map; empty: the network has none
    seen: float | None  # what a last unit sees, by the image's side; None after attention
    layer_params: int  # of the layer whose parameters change most
    macs: int  # an image

    @property
    def cells(self) -> int:
        """Of the last map."""
        return prod(self.map_sides)


@dataclass(frozen=True)
class SizeChange:
    """The same network with images of two sizes."""

    before: AtSize
    after: AtSize
    map_of: str  # path of the layer that makes the last map; empty: none
    params_of: str  # path of the layer whose parameters change most; empty: none changes


def size_change(before: Analysis, after: Analysis) -> SizeChange:
    """From `before` to `after`, which differ in the size of the images only."""
    pairs = [
        (one, other)
        for one, other in zip(before.layers, after.layers, strict=False)
        if one.path == other.path
    ]
    maps = [pair for pair in pairs if _is_map(pair[0]) and len(pair[1].output_shape) == 4]
    changed = [pair for pair in pairs if pair[0].params != pair[1].params]
    widest = max(changed, key=lambda pair: abs(pair[1].params - pair[0].params), default=None)
    last_maps = maps[-1] if maps else (None, None)
    return SizeChange(
        before=_at_size(before, last_maps[0], widest[0] if widest else None),
        after=_at_size(after, last_maps[1], widest[1] if widest else None),
        map_of=maps[-1][0].path if maps else "",
        params_of=widest[0].path if widest else "",
    )


def _is_map(layer: LayerCost) -> bool:
    """Of a convolution or a pooling that slides, and more than one cell."""
    slides = layer.kind == "convolution" or (layer.kind == "pooling" and layer.window is not None)
    return slides and len(layer.output_shape) == 4 and max(layer.output_shape[2:]) > 1


def _at_size(analysis: Analysis, last_map: LayerCost | None, layer: LayerCost | None) -> AtSize:
    image = analysis.input_shape[1:]
    return AtSize(
        map_sides=last_map.output_shape[2:] if last_map else (),
        seen=_seen(analysis.totals.receptive_field, image),
        layer_params=layer.params if layer else 0,
        macs=analysis.totals.macs,
    )


def _seen(field: Sides | None, image: Shape) -> float | None:
    """The smaller of the shares of height and width."""
    if field is None or len(image) != 2:
        return None
    pixels = each_side(field) * 2 if isinstance(field, int) else field
    return min(seen / side for seen, side in zip(pixels, image, strict=True))
