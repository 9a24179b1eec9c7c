"""A glance as the strip of a page shows it: ready for JSON, numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.analysis.glance import Glance
from core.analysis.records import each_side
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


def notes(seen: Glance, default: Glance) -> dict[str, str]:
    """What each of `totals` is beside that of the network's own default setting."""
    numbers = {"params": "params", "macs": "macs", "memory": "training_bytes", "depth": "depth"}
    told = {
        name: formats.part_of(getattr(seen, field), getattr(default, field), "the default")
        for name, field in numbers.items()
    }
    return {name: told.get(name) or _part_of_side(seen) for name in totals(seen)}


def _part_of_side(seen: Glance) -> str:
    """How much of the image one unit sees, along the side of which it sees more."""
    if seen.receptive_field is None:
        return "of the image"
    sides = seen.image_shape[-2:]
    pairs = zip(each_side(seen.receptive_field) * len(sides), sides, strict=False)
    share = max(pixels / side for pixels, side in pairs)
    return f"{share:.3g} × the side" if share > 1 else f"{formats.whole_percent(share)} of the side"


def strip(seen: Glance, default: Glance | None = None) -> dict[str, Any]:
    """The totals, and the stages from left to right, the image first.

    With `default` also what the totals are beside those of the default setting.
    """
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
    beside = {"notes": notes(seen, default)} if default else {}
    return {"totals": totals(seen), **beside, "stages": [image, *stages]}


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
