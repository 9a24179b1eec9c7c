"""A glance as the strip of a page shows it: ready for JSON, numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

from core.analysis.glance import Glance
from core.language import _
from core.report import formats
from core.report.receptive_field import beside_image

BATCH_SIZE = 128  # images in the batch whose training memory is shown


def totals(seen: Glance) -> dict[str, str]:
    """The totals in words, by what they are."""
    field = seen.receptive_field
    return {
        "params": formats.short(seen.params),
        "macs": formats.short(seen.macs),
        "memory": formats.mebibytes(seen.training_bytes),
        "field": formats.joined(formats.sides(field), "px") if field else _("all"),
        "depth": _("{number} layers", number=seen.depth),
    }


def notes(seen: Glance, default: Glance) -> dict[str, str]:
    """What each of `totals` is beside that of the network's own default setting."""
    numbers = {"params": "params", "macs": "macs", "memory": "training_bytes", "depth": "depth"}
    told = {
        name: formats.part_of(getattr(seen, field), getattr(default, field), _("the default"))
        for name, field in numbers.items()
    }
    told["field"] = beside_image(seen.receptive_field, seen.image_shape[-2:])
    return {name: told[name] for name in totals(seen)}


def strip(seen: Glance, default: Glance | None = None) -> dict[str, Any]:
    """The totals, and the stages from left to right, the image first.

    With `default` also what the totals are beside those of the default setting.
    """
    image = {
        "name": "image",
        "kind": "other",
        "detail": _("the input {shape}", shape=formats.shape(seen.image_shape)),
        **_box(seen.image_shape),
    }
    stages = [
        {
            "name": stage.name,
            "kind": stage.kind,
            "detail": _(
                "output {shape}; {params:,} parameters; {macs:,} MACs; {bytes} of outputs an image",
                shape=formats.shape(stage.output_shape),
                params=stage.params,
                macs=stage.macs,
                bytes=formats.mebibytes(stage.output_bytes),
            ),
            **_box(stage.output_shape),
        }
        for stage in seen.stages
    ]
    beside = {"notes": notes(seen, default)} if default else {}
    return {"totals": totals(seen), **beside, "stages": [image, *stages]}


def _box(shape: Sequence[int]) -> dict[str, Any]:
    """What is drawn of a result: its label, and its sides, channels and units as numbers.

    A map has height, width and channels; a row of tokens is as high as the square that they are of,
    and has no width; a vector has units alone.
    """
    if len(shape) == 4:
        channels, height, width = _channels_and_sides(shape)
        sides = f"{height}²" if height == width else f"{height}×{width}"
        label = f"{channels}×{sides}"
        return {"label": label, "side": height, "width": width, "channels": channels}
    label = "×".join(map(str, shape[1:]))
    if len(shape) == 3:
        return {"label": label, "side": sqrt(shape[1]), "width": 0, "channels": shape[2]}
    return {"label": label, "side": None, "width": None, "channels": None, "units": prod(shape[1:])}


def _channels_and_sides(shape: Sequence[int]) -> tuple[int, int, int]:
    """Of a map (N, C, H, W), or (N, S, S, C) as transformers over windows have square ones."""
    is_last = shape[1] == shape[2] != shape[3]
    return (shape[3], shape[1], shape[2]) if is_last else (shape[1], shape[2], shape[3])
