"""What a Ray cluster has free, and how much waits for it, in words. Imports no torch."""

from __future__ import annotations

from core.jobs.capacity import Capacity
from core.language import _, comma, ngettext
from core.report import formats


def cluster_sentence(capacity: Capacity) -> str:
    """`Ray cluster: 2 nodes, 3 of 8 cores free, 1 of 2 GPUs free.`"""
    parts = [
        ngettext("{number} node", "{number} nodes", capacity.nodes),
        _("{free} of {all} cores free", free=capacity.free_cores, all=capacity.cores),
    ]
    if capacity.cards:
        parts.append(_("{free} of {all} GPUs free", free=capacity.free_cards, all=capacity.cards))
    return _("Ray cluster: {parts}.", parts=comma().join(parts))


def queue_sentence(queued: int, seconds_left: float | None) -> str:
    """How many runs wait, and when all are done; nothing where none waits."""
    if not queued:
        return ""
    if seconds_left is None:
        return ngettext("{number} run waits.", "{number} runs wait.", queued)
    return ngettext(
        "{number} run waits, about {time} until all are done.",
        "{number} runs wait, about {time} until all are done.",
        queued,
        time=formats.duration(seconds_left),
    )
