"""A glance as the strip of a page shows it: ready for JSON, numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.analysis.glance import Glance
from core.report import formats


def totals(seen: Glance) -> dict[str, str]:
    """The totals in words, by what they are."""
    field = seen.receptive_field
    return {
        "params": formats.short(seen.params),
        "macs": formats.short(seen.macs),
        "memory": formats.mebibytes(seen.training_bytes),
        "field": formats.joined(formats.sides(field), "px") if field else "all",
        "depth": f"{seen.depth} layers",
    }


def strip(seen: Glance) -> dict[str, Any]:
    """The totals, and the stages from left to right, the image first."""
    image = {
        "name": "image",
        "kind": "other",
        "detail": f"the input {formats.shape(seen.image_shape)}",
        **_box(seen.image_shape),
    }
    stages = [
        {
            "name": stage.name,
            "kind": stage.kind,
            "detail": f"output {formats.shape(stage.output_shape)}; {stage.params:,} parameters;"
            f" {stage.macs:,} MACs; {formats.mebibytes(stage.output_bytes)} of outputs an image",
            **_box(stage.output_shape),
        }
        for stage in seen.stages
    ]
    return {"totals": totals(seen), "stages": [image, *stages]}


def _box(shape: Sequence[int]) -> dict[str, Any]:
    """Pixels of height and channels of a map; of units or tokens only the label."""
    if len(shape) != 4:
        return {"label": "×".join(map(str, shape[1:])), "side": None, "channels": None}
    channels, height, width = _channels_and_sides(shape)
    sides = f"{height}²" if height == width else f"{height}×{width}"
    return {"label": f"{channels}×{sides}", "side": height, "channels": channels}


def _channels_and_sides(shape: Sequence[int]) -> tuple[int, int, int]:
    """Of a map (N, C, H, W), or (N, S, S, C) as transformers over windows have square ones."""
    is_last = shape[1] == shape[2] != shape[3]
    return (shape[3], shape[1], shape[2]) if is_last else (shape[1], shape[2], shape[3])
