"""Which channels are dead, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.inside.activity_records import Activity, LayerActivity
from core.language import _, comma, ngettext, semicolon

_NAMED = 12  # channels of a layer


def dead_sentences(activity: Activity) -> list[str]:
    """How many channels are dead, in which layers, and what else never is positive. Plain text."""
    layers = activity.layers
    total = sum(len(layer.channels) for layer in layers)
    dead = [layer for layer in layers if layer.dead]
    channels = ngettext("{number:,} channel", "{number:,} channels", total)
    images = ngettext("{number:,} test image", "{number:,} test images", activity.images)
    if activity.images < activity.test_images:
        images = _("{images} (the first of {all:,})", images=images, all=activity.test_images)
    if not dead:
        sentence = _("None of {channels} is dead over {images}.", channels=channels, images=images)
    else:
        sentence = ngettext(
            "{number:,} of {channels} is dead, never positive over {images}: {named}. A dead"
            " channel gets no gradient through its ReLU, so training cannot wake it up.",
            "{number:,} of {channels} are dead, never positive over {images}: {named}. A dead"
            " channel gets no gradient through its ReLU, so training cannot wake it up.",
            sum(len(layer.dead) for layer in dead),
            channels=channels,
            images=images,
            named=_named({layer.path: layer.dead for layer in dead}),
        )
    return [sentence, *_only_negative(layers)]


def _only_negative(layers: Sequence[LayerActivity]) -> list[str]:
    """Channels that never are positive but are read all the same."""
    found = [layer for layer in layers if layer.only_negative]
    if not found:
        return []
    return [
        _(
            "Never positive either, but not dead, as no ReLU stands directly behind: {named}. Their"
            " negative numbers are read.",
            named=_named({layer.path: layer.only_negative for layer in found}),
        )
    ]


def _named(channels: Mapping[str, Sequence[int]]) -> str:
    """`conv1: 7; conv2: 3, 17`, of path → channels."""
    return semicolon().join(
        _("{path}: {channels}", path=path, channels=_numbers(found))
        for path, found in channels.items()
    )


def _numbers(channels: Sequence[int]) -> str:
    """3, 17 and 20 more."""
    named = comma().join(map(str, channels[:_NAMED]))
    more = len(channels) - _NAMED
    return _("{named} and {more} more", named=named, more=more) if more > 0 else named
