"""Why the first linear layer has as many inputs as it has, in words."""

from __future__ import annotations

from collections.abc import Iterable

from core.analysis.records import LayerCost
from core.explain.flattened import Flattened, flattened
from core.language import _, ngettext
from core.report import formats


def flattened_sentence(layers: Iterable[LayerCost], path: str | None = None) -> str:
    """`512 channels × 7 × 7 = 25,088 inputs; 7 = 224 / 2⁵.`

    Of the layer at `path`, a Flatten or what reads it; default: the first. Empty where there is
    nothing to say, as after global pooling.
    """
    found = flattened(tuple(layers), path)
    if found is None:
        return ""
    channels, height, width = found.map_shape
    values = {
        "channels": ngettext("{number:,} channel", "{number:,} channels", channels),
        "height": height,
        "width": width,
        "inputs": found.inputs,
    }
    if reason := _reason(found):
        return _(
            "{channels} × {height} × {width} = {inputs:,} inputs; {reason}.",
            reason=reason,
            **values,
        )
    return _("{channels} × {height} × {width} = {inputs:,} inputs.", **values)


def _reason(found: Flattened) -> str:
    """Where height and width come from, each once where both are alike."""
    if found.fixed_by:
        return _(
            "{layer} on the way fixes the map's size, whatever the image's", layer=found.fixed_by
        )
    sides = list(dict.fromkeys(found.sides))
    if all(side.halvings is not None for side in sides):
        powers = [_power(side.steps, side.halvings or 0) for side in sides]
        if len(powers) < 2:
            return "".join(powers)
        return _("{height} and {width}", height=powers[0], width=powers[1])
    ways = [" → ".join(map(str, side.steps)) for side in sides]
    if len(ways) == 1:
        return _("{way} pixels a side, not halvings alone", way=ways[0])
    return _("{height} and {width} pixels, not halvings alone", height=ways[0], width=ways[1])


def _power(steps: tuple[int, ...], halvings: int) -> str:
    """`7 = 224 / 2⁵`, with ⌊⌋ where it does not divide evenly."""
    first, last = steps[0], steps[-1]
    if not halvings:
        return _("{side} is the image's own side", side=last)
    quotient = f"{first} / 2{formats.superscript(halvings) if halvings > 1 else ''}"
    return f"{last} = {quotient}" if first % 2**halvings == 0 else f"{last} = ⌊{quotient}⌋"
