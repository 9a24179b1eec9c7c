"""Which channels are dead, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.inside.activity_records import Activity, LayerActivity
from core.report.names import counted

_NAMED = 12  # channels of a layer


def dead_sentences(activity: Activity) -> list[str]:
    """How many channels are dead, in which layers, and what else never is positive. Plain text."""
    layers = activity.layers
    total = sum(len(layer.channels) for layer in layers)
    dead = [layer for layer in layers if layer.dead]
    over = f"over {counted(activity.images, 'test image')}"
    if activity.images < activity.test_images:
        over += f" (the first of {activity.test_images:,})"
    if not dead:
        sentences = [f"None of {counted(total, 'channel')} is dead {over}."]
    else:
        count = sum(len(layer.dead) for layer in dead)
        verb = "is" if count == 1 else "are"
        named = "; ".join(f"{layer.path}: {_numbers(layer.dead)}" for layer in dead)
        sentences = [
            f"{count:,} of {counted(total, 'channel')} {verb} dead, never positive {over}: {named}."
            " A dead channel gets no gradient through its ReLU, so training cannot wake it up."
        ]
    return sentences + _only_negative(layers)


def _only_negative(layers: Sequence[LayerActivity]) -> list[str]:
    """Channels that never are positive but are read all the same."""
    found = [layer for layer in layers if layer.only_negative]
    if not found:
        return []
    named = "; ".join(f"{layer.path}: {_numbers(layer.only_negative)}" for layer in found)
    return [
        f"Never positive either, but not dead, as no ReLU stands directly behind: {named}. Their"
        " negative numbers are read."
    ]


def _numbers(channels: Sequence[int]) -> str:
    """3, 17 and 20 more."""
    named = ", ".join(map(str, channels[:_NAMED]))
    more = len(channels) - _NAMED
    return f"{named} and {more} more" if more > 0 else named
